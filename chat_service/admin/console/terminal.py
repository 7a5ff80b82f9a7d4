"""A terminal that is written to by a thread, so that one that stands still holds up nobody.

A window whose network is gone takes nothing for hours; a write to it blocks. Here only the
thread waits. Who draws asks `idle` first, so that at most one drawing and what keys have
caused is on its way.
"""

import io
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TextIO, cast

from prompt_toolkit.output import Output, create_output


class Writer(io.TextIOBase):
    """Takes what is written and returns at once. `terminal` is a file with a descriptor."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._encoding = terminal.encoding or "utf-8"
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        # How many texts were taken and how many are done with: each has one thread that counts.
        self._taken = 0
        self._done = 0
        self._gone = False
        self._thread = threading.Thread(target=self._work, name="terminal", daemon=True)
        # Called by the thread when everything is written.
        self.drained: Callable[[], object] = lambda: None

    @property
    def idle(self) -> bool:
        """Whether everything is written."""
        return self._taken == self._done

    def write(self, text: str) -> int:
        """Have a text written; what the terminal's encoding lacks becomes `?`."""
        if not self._thread.ident:
            self._thread.start()
        self._taken += 1
        self._queue.put(text.encode(self._encoding, "replace"))
        return len(text)

    def finish(self, timeout_s: float) -> None:
        """Wait until everything is written, at most so long; nothing is taken afterwards."""
        self._queue.put(None)
        if self._thread.ident:
            self._thread.join(timeout_s)

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._terminal.fileno()

    def isatty(self) -> bool:
        """Tell whether it is one."""
        return self._terminal.isatty()

    def _work(self) -> None:
        while (octets := self._queue.get()) is not None:
            if not self._gone:
                try:
                    self._put(octets)
                except OSError:
                    # Whoever reads its keys notices that too.
                    self._gone = True
            self._done += 1
            if self.idle:
                # The loop may have ended meanwhile.
                with suppress(RuntimeError):
                    self.drained()

    def _put(self, octets: bytes) -> None:
        descriptor = self.fileno()
        while octets:
            try:
                octets = octets[os.write(descriptor, octets) :]
            except BlockingIOError:
                # Another process that has this terminal wants it so.
                select.select([], [descriptor], [])


def patient_output(terminal: TextIO) -> Output:
    """Return an output to draw on a terminal without ever waiting for it."""
    # It asks for no more of a text file than Writer has.
    return create_output(cast(TextIO, Writer(terminal)))
