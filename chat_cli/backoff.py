"""How long to wait before the next attempt to connect. Pure: the random numbers are passed in."""

from collections.abc import Callable
from dataclasses import dataclass

# Source of the three figures: the service's guarantees (reconnect of our client).
_FIRST = 0.5
_FACTOR = 2.0
_LONGEST = 30.0
# A server that asks for more than this is not believed.
_LONGEST_HINT = 300.0
# A stream that lasted this long, in seconds, was a success: the next failure is a first one.
_GOOD = 5.0


@dataclass(slots=True)
class Backoff:
    """Delays of 0.5 s doubling to 30 s, with full jitter. `random` gives 0 ≤ x < 1."""

    random: Callable[[], float]
    _failures: int = 0

    def begin_anew(self) -> None:
        """Forget the failures so far: the server answers."""
        self._failures = 0

    def delay(self, lasted: float = 0.0, hint: float = 0.0) -> float:
        """Give the seconds until the next attempt.

        `lasted` is how long the connection worked before it broke. `hint` is what the server
        asked for, 0 if it did not ask: never less than that, and the jitter comes on top, so
        that all whom it told the same do not return at once.
        """
        if lasted >= _GOOD:
            self._failures = 0
        # 0.5 doubled 6 times is above the longest: a larger exponent says nothing new.
        most = min(_LONGEST, _FIRST * _FACTOR ** min(self._failures, 6))
        self._failures += 1
        if hint > 0:
            return min(hint, _LONGEST_HINT) + self.random() * most
        return self.random() * most
