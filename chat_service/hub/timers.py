"""The part of an event loop that the hub needs, so that tests can be its clock."""

from collections.abc import Callable
from typing import Protocol


class Timers(Protocol):
    """The part of an event loop that a feed needs."""

    def time(self) -> float:
        """Return a monotonic time in seconds."""
        ...

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Run the callback in the next step of the loop."""
        ...

    def call_at(self, when: float, callback: Callable[[], None], /) -> "Timer":
        """Run the callback at that time."""
        ...


class Timer(Protocol):
    """A callback that is due."""

    def cancel(self) -> None:
        """Do not run it."""
        ...
