"""The time that readers are given: the loop's, without what passed while nothing ran.

A process that was stopped, a machine that slept, or a loop that was blocked has served
nobody meanwhile: that no reader has read is not the readers' fault.
"""

from collections.abc import Callable

# The sweep asks for the time every second; who is asked later than this stood still.
MAX_STEP_S = 2.0


class Patience:
    """A clock that does not go on while its process stands still."""

    __slots__ = ("_clock", "_last", "_stood_still")

    def __init__(self, clock: Callable[[], float]) -> None:
        """Go by a clock of seconds that never goes back."""
        self._clock = clock
        self._last = clock()
        self._stood_still = 0.0

    def time(self) -> float:
        """Return the time in seconds. To be asked at least every MAX_STEP_S."""
        now = self._clock()
        if now - self._last > MAX_STEP_S:
            self._stood_still += now - self._last
        self._last = now
        return now - self._stood_still
