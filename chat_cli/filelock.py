"""Locks on files that end with their process. The one module with imports of one platform.

A lock is taken without waiting. It is released when the file is closed, also by a crash, so
a free lock proves that its owner is gone.
"""

import os
import sys
from pathlib import Path
from typing import Self

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """A lock that this process holds on `path`, an empty file made for the purpose."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Take the lock at once; None if another process, or another owner here, has it.

        Raises OSError if the file cannot be opened or made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(descriptor)
        except OSError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def release(self) -> None:
        """Let go of the lock; the file stays."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Delete the file and let go of the lock.

        Windows deletes no open file, so there the lock goes first. A stranger who takes it in
        between finds no credentials beside it.
        """
        if sys.platform == "win32":
            os.close(self._descriptor)
            self._path.unlink(missing_ok=True)
        else:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
