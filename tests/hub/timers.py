"""A clock and timers that a test moves by hand; see `chat_service.hub.feed.Timers`."""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count


class FakeTimer:
    """A callback that is due."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeTimers:
    """Time that stands still until `advance`; nothing runs but in `step` and `advance`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._soon: deque[Callable[[], None]] = deque()
        self._due: list[tuple[float, int, FakeTimer]] = []
        # Callbacks that are due at the same time run in the order in which they were made.
        self._order = count()

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], None], /) -> object:
        self._soon.append(callback)
        return callback

    def call_at(self, when: float, callback: Callable[[], None], /) -> FakeTimer:
        timer = FakeTimer(callback)
        heappush(self._due, (when, next(self._order), timer))
        return timer

    def step(self) -> None:
        """Run what was to run soon, and what that adds."""
        while self._soon:
            self._soon.popleft()()

    def advance(self, seconds: float) -> None:
        """Let time pass: run what falls due, each at its own time."""
        until = self.now + seconds
        self.step()
        while self._due and self._due[0][0] <= until:
            when, _, timer = heappop(self._due)
            self.now = max(self.now, when)
            if timer.callback is not None:
                timer.callback()
                self.step()
        self.now = until

    @property
    def next_due(self) -> float | None:
        """When the next timer that was not cancelled runs; None if there is none."""
        while self._due and self._due[0][2].callback is None:
            heappop(self._due)
        return self._due[0][0] if self._due else None
