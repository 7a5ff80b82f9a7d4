"""The time of the log, by a wall clock that a test sets wrong."""

from dataclasses import dataclass

import pytest

from chat_service.log.clock import LogClock

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


@dataclass
class Clocks:
    """A wall clock, and a clock that only goes on; both as a test says."""

    wall: int = NOW_MS
    elapsed: float = 100.0

    def wall_ms(self) -> int:
        """Return the milliseconds since 1970, as far as the machine knows."""
        return self.wall

    def elapsed_s(self) -> float:
        """Return seconds since some moment."""
        return self.elapsed

    def pass_ms(self, milliseconds: int) -> None:
        """Let time pass."""
        self.wall += milliseconds
        self.elapsed += milliseconds / 1000


@pytest.fixture
def clocks() -> Clocks:
    """Give clocks that are right."""
    return Clocks()


def test_wall_clock_is_the_time(clocks: Clocks) -> None:
    """While nothing is odd, the time is that of the machine, also after it was put forward."""
    clock = LogClock(clocks.wall_ms, clocks.elapsed_s)
    clock.go_on_from(NOW_MS - HOUR_MS)
    for _ in range(10):
        assert clock.ms() == clocks.wall
        clocks.pass_ms(HOUR_MS)
    clocks.wall += HOUR_MS
    assert clock.ms() == clocks.wall


@pytest.mark.parametrize("restarted", [False, True])
def test_time_goes_on_after_the_wall_clock_was_ahead(clocks: Clocks, *, restarted: bool) -> None:
    """Put back by an hour, or found behind what is stored, it is caught up in two, never back."""
    clock = LogClock(clocks.wall_ms, clocks.elapsed_s)
    ahead_ms = clock.ms()
    clocks.wall -= HOUR_MS
    if restarted:
        clock = LogClock(clocks.wall_ms, clocks.elapsed_s)
        clock.go_on_from(ahead_ms)
    seen = [clock.ms()]
    assert seen == [ahead_ms]
    for _ in range(4):
        clocks.pass_ms(HOUR_MS // 2)
        seen.append(clock.ms())
    quarter = HOUR_MS // 4
    assert seen == [ahead_ms + quarter * n for n in range(5)]
    assert seen[-1] == clocks.wall
    clocks.pass_ms(HOUR_MS)
    assert clock.ms() == clocks.wall
