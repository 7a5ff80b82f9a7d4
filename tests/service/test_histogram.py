"""How values are spread over bounds."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.histogram import Distribution, Histogram


def test_values_are_counted_by_the_first_bound_that_holds_them() -> None:
    """A value that is equal to a bound is still within it; what is above all has a place too."""
    histogram = Histogram((1, 2.5, 10))
    for value in (0, 1, 1.5, 2.5, 10, 10.5, 1e9):
        histogram.add(value)
    assert histogram.distribution().counts == (2, 2, 1, 2)


@given(st.lists(st.integers(-5, 25)), st.lists(st.integers(0, 20), unique=True).map(sorted))
def test_nothing_is_lost(values: list[int], bounds: list[int]) -> None:
    """Every value is in one bucket, and the sum is that of the values."""
    histogram = Histogram(bounds)
    for value in values:
        histogram.add(value)
    found = histogram.distribution()
    assert (found.count, found.total) == (len(values), sum(values))
    assert found.bounds == tuple(bounds)
    for place, count in enumerate(found.counts):
        assert count == sum(bisect_left(bounds, value) == place for value in values)


def test_distribution_stays_as_it_was() -> None:
    """What was returned does not change with what is counted later."""
    histogram = Histogram((1,))
    before = histogram.distribution()
    histogram.add(0.5)
    assert before == Distribution((1,), (0, 0), 0.0)
    assert histogram.distribution() == Distribution((1,), (1, 0), 0.5)


@pytest.mark.parametrize("bounds", [(1, 1), (2, 1)])
def test_bounds_rise(bounds: tuple[int, ...]) -> None:
    """Bounds out of order would count in the wrong place."""
    with pytest.raises(ValueError, match="do not rise"):
        Histogram(bounds)
