"""What is measured: each figure, its value in every round, and what it should be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that a workload takes in each round."""

    name: str
    unit: str
    # What the median should be at most or at least; None where there is no target.
    at_most: float | None = None
    at_least: float | None = None
    # What is still acceptable, below `at_least`.
    floor: float | None = None

    @property
    def target(self) -> str:
        """The target for people; empty if there is none."""
        if self.at_most is not None:
            return f"≤ {number(self.at_most)}"
        if self.at_least is not None:
            floor = "" if self.floor is None else f" (floor {number(self.floor)})"
            return f"≥ {number(self.at_least)}{floor}"
        return ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure with its values, one for each round."""

    measure: Measure
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    @property
    def verdict(self) -> str:
        """Whether the target is met by the median; empty if there is none."""
        measure = self.measure
        if measure.at_most is not None:
            return "met" if self.median <= measure.at_most else "missed"
        if measure.at_least is not None:
            if self.median >= measure.at_least:
                return "met"
            return "missed" if measure.floor is None or self.median < measure.floor else "floor met"
        return ""


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of the values do not exceed.

    Raises ValueError where there are no values.
    """
    if not values:
        raise ValueError("no values were measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def number(value: float) -> str:
    """Return a figure in three digits or more, as a person would write it."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
