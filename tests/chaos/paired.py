"""Calls in pairs: whether one of each pair takes longer than the other.

Each pair is made in an order that is left to chance. If both take equally long, each is the
longer one in half of the pairs, however the times are spread and whatever else the machine
does: what is counted is a coin. So a verdict needs no idea of how long anything takes.
"""

import math
import random
import time
from collections.abc import Callable
from statistics import median
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
    *,
    until_told: bool = False,
) -> Paired:
    """Make both calls so many times, in turn by chance; or only until the time tells them apart."""
    times: tuple[list[float], list[float]] = ([], [])
    found = Paired(0, 0, 0.0, 0.0)
    for _ in range(pairs):
        for which in chance.sample((0, 1), 2):
            began = time.perf_counter()
            (first, second)[which]()
            times[which].append(time.perf_counter() - began)
        a, b = times[0][-1], times[1][-1]
        # What took equally long says nothing.
        found = Paired(found.pairs + (a != b), found.second_longer + (b > a), 0.0, 0.0)
        if until_told and found.is_told:
            break
    return found._replace(first_s=median(times[0]), second_s=median(times[1]))
