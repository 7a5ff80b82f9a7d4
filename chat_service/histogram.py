"""How values are spread: counts of those that are at most each bound. Pure.

Bounds are chosen once, so adding a value costs a search among a dozen figures and keeps
nothing of the value itself.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a histogram held at one moment.

    `counts` has one more entry than `bounds`: values that were in each bucket alone, the
    last one for those above all bounds. `total` is the sum of all values.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)


class Histogram:
    """Counts values by size. For one thread."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Iterable[float]) -> None:
        """Begin with no value; `bounds` rise. Raises ValueError if they do not."""
        self._bounds = tuple(bounds)
        if any(low >= high for low, high in zip(self._bounds, self._bounds[1:], strict=False)):
            raise ValueError(f"bounds do not rise: {self._bounds}")
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count a value; one that is equal to a bound is in the bucket that ends with it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def distribution(self) -> Distribution:
        """Return what was counted so far."""
        return Distribution(self._bounds, tuple(self._counts), self._total)
