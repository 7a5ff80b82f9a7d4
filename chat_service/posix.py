"""What only POSIX systems have. No other module of the server imports such things.

The server runs on Linux and macOS: nothing here may need more than both have.
"""

import errno
import fcntl
import os
import resource
import signal
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from chat_service.config import StartError

# Whatever name the terminal has where it was opened, it is this one to its processes.
OWN_TERMINAL = "/dev/tty"

# Open files of an instance. The usual 1,024 are soon taken by connections that say nothing;
# with a connection for each of these, at about 40 KiB, memory would be the next to run out.
MAX_FILES = 16_384


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


def allow_many_files() -> None:
    """Let this process have as many connections as it may, up to a bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS has a bound of its own, and says so.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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


def has_terminal() -> bool:
    """Tell whether this process belongs to a terminal that is there."""
    try:
        os.close(os.open(OWN_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def can_show_console(environment: Mapping[str, str]) -> bool:
    """Tell whether this process may take the terminal for a console, and the terminal can.

    Its standard input and output have to be that terminal, and it has to be in front: one
    that was started in the background would be stopped by the first key that it reads.
    """
    if environment.get("TERM", "") in ("", "dumb", "unknown"):
        return False
    try:
        return os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp() and has_terminal()
    except OSError:
        return False


class Terminal:
    """The terminal of this process as it was, to be put back after a program had it."""

    # Out of the alternate screen, cursor on, mouse and bracketed paste off, plain colours.
    _SANE = b"\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[0m"

    # A console that draws turns it off for as long as it does so.
    _WRAP = b"\x1b[?7h"

    def __init__(self, path: str, attributes: list[int | list[bytes | int]]) -> None:
        self._path = path
        self._attributes = attributes

    @classmethod
    def at(cls, path: str = OWN_TERMINAL) -> Self:
        """Note how the terminal of this path is now. Raises OSError where it is none."""
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return cls(path, termios.tcgetattr(descriptor))
        except termios.error as error:
            raise OSError(*error.args) from error
        finally:
            os.close(descriptor)

    def restore(self, *, screen: bool) -> None:
        """Put back how keys are read and that long lines wrap; with `screen` also how it shows.

        Nothing happens where the terminal is gone, and nothing waits for it.
        """
        # Whoever does this from the background would be stopped.
        previous = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            with suppress(OSError, termios.error):
                # Opened anew, so that nothing else shares the flag.
                own = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    termios.tcsetattr(own, termios.TCSANOW, self._attributes)
                    os.write(own, self._SANE + self._WRAP if screen else self._WRAP)
                finally:
                    os.close(own)
        finally:
            signal.signal(signal.SIGTTOU, previous)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
