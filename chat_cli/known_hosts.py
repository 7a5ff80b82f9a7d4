"""The certificates that a person trusted, by their fingerprints: a file of lines.

    chat.example:50051 sha256 56:CF:46:D5:1E:…:E0:D2

It is for people too: a line that is deleted makes its server unknown again, and lines that begin
with # are theirs. Each process reads it when it connects, and adds at the end of what is there.
"""

import os
import re
import time
from pathlib import Path

from platformdirs import user_config_dir

from chat_cli.errors import ChatError
from chat_cli.filelock import FileLock
from chat_cli.storage import APP, chosen_directory

_NAME = "known_hosts"
_ALGORITHM = "sha256"
_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}")
# Seconds for which another process may hold the lock, and between two looks at it.
_LOOK_FOR = 2.0
_LOOK_EVERY = 0.01


class KnownHostsError(ChatError):
    """The file cannot be read or written."""


class KnownHosts:
    """The file. `path` is for tests; else it is in the person's configuration."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _default()

    def find(self, host: str) -> str | None:
        """Give the fingerprint of a server, called as `chat.example:50051`; None: unknown.

        The first line of it counts. Raises KnownHostsError, also where that makes no sense:
        whoever wrote it meant to bind the server to something.
        """
        for number, line in enumerate(self._read().splitlines(), 1):
            words = line.split()
            if not words or words[0] != host:
                continue
            fingerprint = words[-1].upper()
            if words[1:-1] != [_ALGORITHM] or not _FINGERPRINT.fullmatch(fingerprint):
                raise KnownHostsError(f"{self.path}, line {number}, makes no sense: delete it")
            return fingerprint
        return None

    def add(self, host: str, fingerprint: str) -> None:
        """Keep a server's fingerprint. Raises KnownHostsError."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._locked()
        except OSError as error:
            raise self._failed(error) from None
        try:
            text = self._read()
            if text and not text.endswith("\n"):
                text += "\n"
            self._write(f"{text}{host} {_ALGORITHM} {fingerprint}\n")
        except OSError as error:
            raise self._failed(error) from None
        finally:
            lock.release()

    def _locked(self) -> FileLock:
        deadline = time.monotonic() + _LOOK_FOR
        while True:
            lock = FileLock.take(self.path.with_name(f"{_NAME}.lock"))
            if lock:
                return lock
            if time.monotonic() > deadline:
                raise KnownHostsError(f"{self.path}: another process is writing it")
            time.sleep(_LOOK_EVERY)

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise self._failed(error) from None

    def _write(self, text: str) -> None:
        """Let the file be replaced as a whole."""
        fresh = self.path.with_name(f"{_NAME}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)

    def _failed(self, error: OSError) -> KnownHostsError:
        return KnownHostsError(f"{self.path}: {(error.strerror or 'error').lower()}")


def _default() -> Path:
    directory = chosen_directory() or Path(user_config_dir(APP, appauthor=False))
    return directory / _NAME
