"""Outboxes on disk: one file for each process, which holds the lock beside it.

    <state>/outbox/<server and name>/<kind>-<random>.jsonl   mode 0600, see `records`
                                     <kind>-<random>.lock    held by the process that writes

A free lock says that the process died. Whoever takes it has the file for itself: two
windows of one name never touch each other's, and what a dead one left goes to one finder.
The kind keeps windows and scripts apart.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from chat_cli import records
from chat_cli.filelock import FileLock
from chat_cli.storage import make_private

# Bytes. An outbox holds some hundred messages of 4 KiB; what is larger was not written here.
_LARGEST = 64 * 1024 * 1024
# On Windows a file has ends of lines unless it is told that it has none.
_BINARY = getattr(os, "O_BINARY", 0)


class Journal:
    """The file of this process. Its methods raise OSError."""

    def __init__(self, path: Path, lock: FileLock, descriptor: int) -> None:
        self._path = path
        self._lock = lock
        self._descriptor = descriptor
        self.size = 0

    @classmethod
    def create(cls, directory: Path, kind: str) -> Self:
        """Make an empty file that no other process takes for a dead one's."""
        make_private(directory)
        path = directory / f"{kind}-{secrets.token_hex(8)}.jsonl"
        # The file comes after its lock: others look for files, so none finds it ownerless.
        lock = FileLock.take(path.with_suffix(".lock"))
        if lock is None:
            raise FileExistsError(path)
        try:
            journal = cls(path, lock, _create(path))
        except OSError:
            lock.remove()
            raise
        journal.append(records.head())
        _sync_directory(directory)
        return journal

    def append(self, data: bytes) -> None:
        """Write behind the rest. It survives the end of the process from now on."""
        written = os.write(self._descriptor, data)
        self.size += written
        if written < len(data):
            raise OSError("the disk took only a part")

    def sync(self) -> None:
        """Return when what was written survives the loss of power too. For any thread."""
        os.fsync(self._descriptor)

    def replace(self, data: bytes) -> None:
        """Let the file have this content and no other, synced; it never has neither."""
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = _create(fresh)
        try:
            if os.write(descriptor, data) < len(data):
                raise OSError("the disk took only a part")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # Windows replaces no open file.
        os.close(self._descriptor)
        try:
            os.replace(fresh, self._path)
            self.size = len(data)
        finally:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | _BINARY)
        _sync_directory(self._path.parent)

    def leave(self) -> None:
        """Keep the file for the next process."""
        os.close(self._descriptor)
        self._lock.release()

    def remove(self) -> None:
        """Delete the file: nothing waits any more."""
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)
        self._path.with_suffix(".new").unlink(missing_ok=True)
        self._lock.remove()


@dataclass(frozen=True, slots=True)
class Orphan:
    """What a dead process left, and the lock that makes it the finder's."""

    path: Path
    lock: FileLock
    contents: records.Contents

    def remove(self) -> None:
        """Delete it: its messages are kept elsewhere or were seen. One that has damage stays."""
        if self.contents.damaged:
            os.replace(self.path, self.aside)
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".new").unlink(missing_ok=True)
        self.lock.remove()

    def leave(self) -> None:
        """Leave it to the next finder."""
        self.lock.release()

    @property
    def aside(self) -> Path:
        """Where the file goes if it has damage."""
        return self.path.with_suffix(".damaged")


def find_orphans(directory: Path, kind: str) -> list[Orphan]:
    """Take all that dead processes left; what cannot be taken now is left to others."""
    found = []
    for path in sorted(directory.glob(f"{kind}-*.jsonl")):
        with contextlib.suppress(OSError):
            lock = FileLock.take(path.with_suffix(".lock"))
            if lock and path.exists():
                found.append(Orphan(path, lock, _read(path)))
            elif lock:
                # Somebody was quicker.
                lock.remove()
    return found


def _read(path: Path) -> records.Contents:
    try:
        if path.stat().st_size > _LARGEST:
            return records.Contents(damaged=1)
        return records.read(path.read_bytes())
    except OSError:
        return records.Contents(damaged=1)


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _BINARY, 0o600)


def _sync_directory(directory: Path) -> None:
    """Let new names survive the loss of power; Windows does so by itself."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
