"""Ctrl+C and SIGTERM, put off where they would leave a process that nobody knows."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_held = 0
_pending = False


def install() -> None:
    """Raise KeyboardInterrupt in the main thread on SIGINT and SIGTERM."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)


@contextmanager
def held() -> Iterator[None]:
    """Put an interrupt off to the end of the block.

    For the start of a process: an interrupt between the fork and the assignment would leave
    it running. Masking the signals would be inherited by the child.
    """
    global _held, _pending
    _held += 1
    try:
        yield
    finally:
        _held -= 1
    if _pending and not _held:
        _pending = False
        raise KeyboardInterrupt


def _interrupt(_: int, __: FrameType | None) -> None:
    global _pending
    if _held:
        _pending = True
    else:
        raise KeyboardInterrupt
