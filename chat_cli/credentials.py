"""Tokens of sessions, kept so that two windows and a script of one name are one user.

    <state>/sessions/<server and name>/<random>.json    the token, mode 0600
                                       <random>.lock    held by the process that owns it
                                       join.lock        held while somebody signs in

A free lock beside a token means that its owner died without signing out: whoever finds it
takes the session over. A held one belongs to another window, whose token opens a further
session of the same user.
"""

import contextlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chat_cli.errors import ChatError
from chat_cli.filelock import FileLock
from chat_cli.storage import directory_for, make_private

# Tokens have 43 characters. Whatever is larger was not written here.
_LARGEST = 4096


class CredentialError(ChatError):
    """Tokens cannot be kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """A token of an earlier or another client. `orphan` is the lock of an owner that died."""

    token: str
    path: Path
    orphan: FileLock | None

    def forget(self) -> None:
        """Delete a token whose owner died."""
        self.path.unlink(missing_ok=True)
        if self.orphan:
            self.orphan.remove()

    def leave(self) -> None:
        """Keep a token of a dead owner for the next client."""
        if self.orphan:
            self.orphan.release()


class Kept:
    """The token of this process, in a file that it holds."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self._path = path
        self._lock = lock

    def forget(self) -> None:
        """Delete the token: its session has ended."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._lock.remove()

    def leave(self) -> None:
        """Keep the token for the next client: its session could not be ended."""
        self._lock.release()


class CredentialStore:
    """The tokens for one name on one server."""

    def __init__(self, target: str, name: str, root: Path | None = None) -> None:
        self._directory = directory_for("sessions", target, name, root)

    def join_lock(self) -> FileLock | None:
        """Take the lock that one client holds while it signs in; None if another has it.

        Raises CredentialError.
        """
        with self._writable():
            return FileLock.take(self._directory / "join.lock")

    def find(self) -> list[Found]:
        """Give the tokens that are kept: first those whose owner died, then the others."""
        orphans, owned = [], []
        # Whoever crashed while it wrote left a lock or a half-written file alone.
        paths = {path.with_suffix(".json") for path in self._directory.glob("*.*")}
        for path in sorted(paths - {self._directory / "join.json"}):
            token = _read(path)
            lock = _try_lock(path.with_suffix(".lock"))
            if lock and not token:
                path.with_suffix(".new").unlink(missing_ok=True)
                Found("", path, lock).forget()
            elif lock:
                orphans.append(Found(token, path, lock))
            elif token:
                owned.append(Found(token, path, None))
        return orphans + owned

    def keep(self, token: str, expires_ms: int = 0) -> Kept:
        """Write the token of this process and hold its lock.

        It is not found any more from `expires_ms` on, in milliseconds since 1970-01-01 UTC; 0 is
        never.

        Raises CredentialError.
        """
        with self._writable():
            path = self._directory / f"{secrets.token_hex(8)}.json"
            lock = FileLock.take(path.with_suffix(".lock"))
            if lock is None:
                raise CredentialError("another process holds a lock that was just made")
            # The lock is taken first, and the file appears whole: nobody finds it ownerless.
            fresh = path.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"token": token, "expires_ms": expires_ms}, file)
                # An empty file would be no sign-in after the loss of power.
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
            return Kept(path, lock)

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            make_private(self._directory)
            yield
        except OSError as error:
            reason = error.strerror or "error"
            raise CredentialError(f"{self._directory}: {reason.lower()}") from error


def _read(path: Path) -> str:
    """Give the token in a file; empty if it holds none that is still good."""
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        kept = json.loads(path.read_bytes())
        token, expires_ms = kept["token"], int(kept.get("expires_ms", 0))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ""
    if 0 < expires_ms <= time.time_ns() // 1_000_000:
        return ""
    # Anything else would be refused by the transport before the server sees it.
    return token if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]+", token) else ""


def _try_lock(path: Path) -> FileLock | None:
    try:
        return FileLock.take(path)
    except OSError:
        return None
