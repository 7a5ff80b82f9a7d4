"""The calls that open, cut, grow and rename the files of transcripts."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# What opening something raises that is no file which we made.
_STRANGE = {errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EACCES, errno.EPERM}


class ChangedError(Exception):
    """A file is not what was written to it. The text says what is wrong: `is gone`."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How text reaches the disk; the system's, unless a test has calls that fail or wait."""

    write: Callable[[int, bytes], int] = os.write
    # Returns when the disk has all of a file, or the names of a directory.
    sync: Callable[[int], None] = os.fsync


class Files:
    """The files in one directory. Methods block, and raise OSError as the disk does."""

    def __init__(self, directory: Path, calls: Calls) -> None:
        self.directory = directory
        self._calls = calls

    def is_taken(self, name: str) -> bool:
        """Whether there is something of this name, be it a link that leads nowhere."""
        return os.path.lexists(self.directory / name)

    @contextmanager
    def grown(self, name: str, size: int, *, is_known: bool) -> Iterator[int]:
        """Open a file of which the first `size` bytes count, to append to it.

        What is behind them was not committed and is cut off; where `is_known`, nothing can
        be there that we wrote. A size of 0 makes the file. Raises ChangedError.
        """
        descriptor = self._open(name, must_be=size > 0)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ChangedError("is no file")
            if found.st_size < size or (is_known and found.st_size != size):
                raise ChangedError("was changed")
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                raise ChangedError("was changed")
            if found.st_size > size:
                os.ftruncate(descriptor, size)
            os.lseek(descriptor, size, os.SEEK_SET)
            yield descriptor
        finally:
            os.close(descriptor)

    def append(self, descriptor: int, data: bytes) -> None:
        """Write all of it."""
        while data:
            data = data[self._calls.write(descriptor, data) :]

    def sync(self, descriptor: int) -> None:
        """Return when the disk has the file."""
        self._calls.sync(descriptor)

    def sync_names(self) -> None:
        """Return when the disk has the names of new and renamed files."""
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._calls.sync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, names: dict[str, str]) -> None:
        """Give files their new names, each unless that was done before."""
        for name, new in names.items():
            if not self.is_taken(new):
                with suppress(FileNotFoundError):
                    os.rename(self.directory / name, self.directory / new)
        self.sync_names()

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(self.directory / name)

    def _open(self, name: str, *, must_be: bool) -> int:
        # NONBLOCK: a pipe that somebody put there must not hold the thread.
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            return os.open(self.directory / name, flags | (0 if must_be else os.O_CREAT), 0o600)
        except FileNotFoundError:
            if must_be and self.directory.is_dir():
                raise ChangedError("is gone") from None
            raise
        except OSError as error:
            # If it is not even there, it is the directory that cannot be used.
            if error.errno in _STRANGE and self.is_taken(name):
                raise ChangedError("cannot be opened") from error
            raise
