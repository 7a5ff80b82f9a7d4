"""Calls in pairs: whether one of each pair takes longer than the other.

Each pair is made in an order that is left to chance. If both take equally long, each is the
longer one in half of the pairs, however the times are spread and whatever else the machine
does: what is counted is a coin. So a verdict needs no idea of how long anything takes.
"""

import math
import random
import time
from collections.abc import Callable
from typing import NamedTuple

# How far the count may be from the half, in standard deviations of a coin: more than five is
# once in two million.
FAR = 5.0


class Paired(NamedTuple):
    """What was counted and measured of the pairs of two calls."""

    pairs: int
    # Pairs in which the second took longer.
    second_longer: int
    # Medians, in seconds.
    first_s: float
    second_s: float

    @property
    def deviation(self) -> float:
        """How far the count is from the half, in standard deviations."""
        return (self.second_longer - self.pairs / 2) / (math.sqrt(self.pairs or 1) / 2)

    @property
    def is_told(self) -> bool:
        """Whether the time tells one from the other."""
        return abs(self.deviation) > FAR


def compare(
    first: Callable[[], object],
    second: Callable[[], object],
    pairs: int,
    chance: random.Random,
) -> Paired:
    """Make both calls so many times, in turn by chance."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(pairs):
        for which in chance.sample((0, 1), 2):
            began = time.perf_counter()
            (first, second)[which]()
            times[which].append(time.perf_counter() - began)
    both = list(zip(*times, strict=True))
    # What took equally long says nothing.
    counted = sum(a != b for a, b in both)
    first_s, second_s = (sorted(one)[pairs // 2] for one in times)
    return Paired(counted, sum(b > a for a, b in both), first_s, second_s)
