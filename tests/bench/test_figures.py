"""Medians, percentiles, targets, and how figures are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Figure, Measure, number, percentile


def test_percentile_is_a_measured_value() -> None:
    """p50 and p99 are values that so many percent do not exceed."""
    values = list(range(1, 201))
    assert percentile(values, 50) == 100
    assert percentile(values, 99) == 198
    assert percentile(values, 100) == 200
    assert percentile([3], 1) == 3


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1),
    st.floats(min_value=0, max_value=100),
)
def test_percentile_bounds_its_part(values: list[float], percent: float) -> None:
    """At least so many percent of the values are not greater."""
    bound = percentile(values, percent)
    assert bound in values
    assert sum(value <= bound for value in values) >= len(values) * percent / 100 - 1e-9


def test_no_values_have_no_percentile() -> None:
    """Nothing measured is an error, not a zero."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("measure", "values", "verdict", "target"),
    [
        (Measure("a", "s", at_most=1.0), (0.5, 1.0, 9.0), "met", "≤ 1.00"),
        (Measure("a", "s", at_most=1.0), (0.5, 1.1, 1.2), "missed", "≤ 1.00"),
        (Measure("a", "1/s", at_least=20_000), (19_000, 20_000, 21_000), "met", "≥ 20,000"),
        (Measure("a", "1/s", at_least=20_000), (19_000,), "missed", "≥ 20,000"),
        (Measure("a", "", at_least=1.0, floor=0.8), (0.8,), "floor met", "≥ 1.00 (floor 0.800)"),
        (Measure("a", "", at_least=1.0, floor=0.8), (0.79,), "missed", "≥ 1.00 (floor 0.800)"),
        (Measure("a", "s"), (1.0,), "", ""),
    ],
)
def test_median_decides_on_the_target(
    measure: Measure, values: tuple[float, ...], verdict: str, target: str
) -> None:
    """A target is met by the median, the bound itself included."""
    assert Figure(measure, values).verdict == verdict
    assert measure.target == target


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123456, "0.0123"), (1.5, "1.50"), (42.06, "42.1"), (1234567.8, "1,234,568")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    """A figure shows three digits, and all of them before the point."""
    assert number(value) == text
