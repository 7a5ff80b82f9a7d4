"""`chat_service.admin.console.units`: figures as a person reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.admin.console.units import count, duration, percent, rate, size

DAY = 86_400_000


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, "0s"),
        (59_999, "59s"),
        (60_000, "1m00s"),
        (725_000, "12m05s"),
        (7_500_000, "2h05m"),
        (DAY * 3 + 14_400_000, "3d04h"),
        (DAY * 120, "120d"),
    ],
)
def test_durations(ms: int, text: str) -> None:
    """The two largest units tell enough."""
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.04, "<0.1"),
        (0.25, "0.2"),
        (3.0, "3"),
        (9.96, "10"),
        (48.4, "48"),
        (9_999.4, "9999"),
        (9_999.6, "10.0k"),
        (99_960, "100k"),
        (1_234_567, "1.2M"),
        (1e15, "many"),
    ],
)
def test_rates(value: float, text: str) -> None:
    """Small ones are exact enough to tell that something happens, large ones short."""
    assert rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0%"), (0.004, "0.4%"), (0.0996, "10%"), (0.5, "50%"), (3.2, "320%")]
)
def test_shares(value: float, text: str) -> None:
    """1.0 is a whole core."""
    assert percent(value) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 KiB"),
        (50 << 20, "50 MiB"),
        (1_300_000_000, "1.2 GiB"),
        (5 << 50, "5120 TiB"),
    ],
)
def test_sizes(octets: int, text: str) -> None:
    """In the unit that leaves few digits."""
    assert size(octets) == text


@given(st.floats(0, 1e12), st.integers(0, 10**13), st.integers(0, 1 << 49))
def test_all_fit_their_columns(per_second: float, ms: int, octets: int) -> None:
    """The table has five columns for a rate, six for a time and seven for a size."""
    assert len(rate(per_second)) <= 5
    assert len(duration(ms)) <= 7
    assert len(size(octets)) <= 7


def test_counts_have_their_plural() -> None:
    """One is one; a plural may be irregular."""
    assert count(1, "user") == "1 user"
    assert count(1_200, "user") == "1,200 users"
    assert count(2, "person", "people") == "2 people"
