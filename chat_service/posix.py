"""What only POSIX systems have. No other module of the server imports such things.

The server runs on Linux and macOS: nothing here may need more than both have.
"""

import errno
import fcntl
import os
import signal
from pathlib import Path

from chat_service.config import StartError


def lock_directory(directory: Path) -> int:
    """Make the directory if need be, readable by its owner alone, and lock it.

    Returns the descriptor that holds the lock: it lasts until the descriptor is closed or
    the process is gone, however it ended. Raises StartError where the directory cannot be
    used or another process holds it.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"data directory {directory} cannot be used: {_reason(error)}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise StartError(f"data directory {directory} is in use by another process") from None
        raise StartError(
            f"data directory {directory} cannot be locked: {_reason(error)}"
        ) from error
    return descriptor


def disk_space(directory: Path) -> tuple[int, int]:
    """Return how many bytes the directory's file system has free for this process, and in all.

    Raises OSError where the directory is gone.
    """
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def sync(descriptor: int) -> None:
    """Return when the disk has all of a file, and not only its cache (macOS).

    Blocks. Raises OSError where it could not be written.
    """
    whole = getattr(fcntl, "F_FULLFSYNC", None)
    if whole is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, whole)


def die_within(seconds: float) -> None:
    """Have the system end this process after so many seconds, whatever it hangs in by then.

    A further call does not put it off.
    """
    if signal.getitimer(signal.ITIMER_REAL)[0] > 0:
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
