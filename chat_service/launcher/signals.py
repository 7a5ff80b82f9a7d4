"""Signals as bytes on a socket, so that the loop acts and handlers do nothing."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def received() -> Iterator[socket.socket]:
    """Give a socket on which each SIGINT, SIGTERM and SIGHUP is one byte: its number."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        previous_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        # A handler has to be there for the byte to be written; the loop does the work.
        previous = [signal.signal(number, lambda *_: None) for number in NUMBERS]
        try:
            yield reader
        finally:
            for number, handler in zip(NUMBERS, previous, strict=True):
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous_fd)
