"""Writers take turns, so that those who send are heard while many are told.

A step of the event loop reads at most one request of each stream, but would write
to every reader that is ready: 1,000 writes are 25 ms in which nobody is heard. So a
step gives a few turns, each for one write, and the others wait in line. A turn is not
returned: a writer that blocks holds up nobody.
"""

from collections import deque
from typing import Protocol

from chat_service.hub.timers import Timers

# Writes of one step of the loop: at 25 µs each, 0.4 ms between two reads of a stream.
TURNS_A_STEP = 16


class Writer(Protocol):
    """Who waits in line."""

    def turn(self) -> None:
        """Write once, now."""
        ...


class Turns:
    """The line of writers of one event loop."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._line: deque[Writer] = deque()
        self._given = 0
        self._stepping = False

    def ask(self, writer: Writer) -> bool:
        """Return whether the writer may write now; if not, its `turn` is called later."""
        if not self._stepping:
            self._stepping = True
            self._timers.call_soon(self._step)
        if self._given < TURNS_A_STEP:
            self._given += 1
            return True
        self._line.append(writer)
        return False

    def _step(self) -> None:
        line = self._line
        given = min(TURNS_A_STEP, len(line))
        for _ in range(given):
            line.popleft().turn()
        self._stepping = given > 0 or self._given > 0
        self._given = given
        if self._stepping:
            self._timers.call_soon(self._step)
