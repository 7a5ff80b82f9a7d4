"""The time of the log. Pure: both clocks come in."""

from collections.abc import Callable


class LogClock:
    """The wall clock, made to go on where it was once ahead. Used from any thread.

    Times of events never go back, so a wall clock that was wrong for a moment, by a
    year, would stop them for a year, and with them every deadline: no guest would
    expire, no name be free again. While the wall clock is behind, time goes on by what
    has elapsed, at half speed: deadlines last twice as long, and a lead of an hour is
    made good in two.
    """

    def __init__(self, wall_ms: Callable[[], int], elapsed_s: Callable[[], float]) -> None:
        """Begin with the wall clock.

        `wall_ms` gives milliseconds since 1970, `elapsed_s` seconds that never go back.
        """
        self._wall_ms = wall_ms
        self._elapsed_s = elapsed_s
        # A time, and when it was so. One object, so that threads see both or neither.
        self._known = (0, elapsed_s())

    def go_on_from(self, time_ms: int) -> None:
        """Be not earlier than this, the time of the newest event that is stored."""
        self._known = (time_ms, self._elapsed_s())

    def ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        known_ms, since_s = self._known
        elapsed_s = self._elapsed_s()
        time_ms = known_ms + int((elapsed_s - since_s) * 500)
        wall_ms = self._wall_ms()
        if wall_ms < time_ms:
            return time_ms
        self._known = (wall_ms, elapsed_s)
        return wall_ms
