"""How the program is asked to end, and how it lets go of a terminal or a pipe."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

# SIGHUP: the terminal window was closed. SIGBREAK: the same on Windows.
_NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")


def closes_window(numbers: Iterable[int]) -> bool:
    """Tell whether the first of these signals says that the terminal is gone."""
    return next(iter(numbers), 0) == getattr(signal, "SIGHUP", -1)


@contextmanager
def stop_signals(
    callback: Callable[[int], None], *, interrupt: bool, loop: asyncio.AbstractEventLoop
) -> Iterator[None]:
    """Call `callback` on the loop with the number of a signal that asks to end.

    `interrupt` includes Ctrl-C, which a screen in raw mode takes as a key instead.
    """
    names = (*_NAMES, "SIGINT") if interrupt else _NAMES
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    taken: list[int] = []
    for number in numbers:
        try:
            loop.add_signal_handler(number, callback, number)
        except NotImplementedError:
            # Windows: its event loop takes no signal handlers, but Python does.
            signal.signal(number, lambda n, _: loop.call_soon_threadsafe(callback, n))
        else:
            taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


def mute(stream: TextIO) -> None:
    """Let go of a stream whose other end is gone.

    The interpreter flushes its streams once more at its end; that must not fail.
    """
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
