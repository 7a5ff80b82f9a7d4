"""Whom a person ignores on one server, kept for the next start: a name on each line.

It belongs to the person and not to the name under which it signed in: all of one server share
the file. What another window wrote meanwhile is overwritten.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from chat_cli.storage import directory_for, make_private

# Bytes of a file that is read; more was not written by us.
_LARGEST = 1024 * 1024
# What servers take for names, so that nothing else gets from the file to the screen.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class IgnoredFile:
    """The names of one server."""

    def __init__(self, target: str, root: Path | None = None) -> None:
        self._path = directory_for("ignored", target, "", root) / "names"

    def read(self) -> list[str]:
        """Give the names as they were written; none where nothing can be read."""
        try:
            if self._path.stat().st_size > _LARGEST:
                return []
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        return [line for line in lines if _NAME.fullmatch(line)]

    def write(self, names: Iterable[str]) -> None:
        """Replace the names. Raises OSError."""
        make_private(self._path.parent)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in names)
        os.replace(fresh, self._path)
