"""Sizes and times, as text, in TOML, and back."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.settings.kinds import BadValueError, Kind, Value
from chat_service.settings.measures import Size, Span

SIZE = Size(0, 1 << 40)
SECONDS = Span(0, 10**9, 1000)
WHOLE = Span(60_000, 10**12, 1000, whole=True)
BARE = Span(1000, 300_000, 1000, bare=True)
AGE = Span(1000, 10**14)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (SIZE, st.integers(0, 1 << 40) | st.integers(0, 1 << 10).map(lambda n: n << 30)),
        (SECONDS, st.integers(0, 10**9).map(lambda ms: ms / 1000)),
        (WHOLE, st.integers(60, 10**9)),
        (BARE, st.integers(1000, 300_000).map(lambda ms: ms / 1000)),
        (AGE, st.integers(1000, 10**14 // 864) | st.integers(1, 1000).map(lambda d: d * 86400000)),
    ],
)
@given(data=st.data())
def test_what_is_written_is_read(kind: Kind, values: st.SearchStrategy[Value], data: Any) -> None:
    """Each value is written as TOML that gives the same value, of the same type."""
    value = data.draw(values)
    written = tomllib.loads(f"value = {kind.write(value)}")["value"]
    found = kind.take(written)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (390, "390"), (4096, '"4K"'), (3 << 20, '"3M"'), (1 << 40, '"1T"')],
)
def test_size_is_written_short(size: int, text: str) -> None:
    """A size has the largest unit that fits."""
    assert SIZE.write(size) == text


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [(86_400_000, "1d"), (90_000, "90s"), (1500, "1500ms"), (3_600_000, "1h"), (300_000, "5m")],
)
def test_time_is_written_short(span_ms: int, text: str) -> None:
    """A time has the largest unit that fits, whatever the unit of its value is."""
    assert AGE.write(span_ms) == SECONDS.write(span_ms / 1000) == f'"{text}"'


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (SIZE, "0", 0),
        (SIZE, "4096", 4096),
        (SIZE, "7k", 7 << 10),
        (SIZE, " 64M ", 64 << 20),
        (SIZE, "2G", 2 << 30),
        (SIZE, "1t", 1 << 40),
        (SECONDS, "1500ms", 1.5),
        (SECONDS, "1.5s", 1.5),
        (SECONDS, "0s", 0.0),
        (SECONDS, "2m", 120.0),
        (WHOLE, "1d", 86_400),
        (BARE, "5", 5.0),
        (BARE, "2.5", 2.5),
        (BARE, "2.5s", 2.5),
        (AGE, "30d", 30 * 86_400_000),
        (AGE, "12h", 12 * 3_600_000),
    ],
)
def test_text_is_read(kind: Kind, text: str, value: Value) -> None:
    """What stands behind a flag or in the environment is understood."""
    found = kind.parse(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (SIZE, ""),
        (SIZE, "M"),
        (SIZE, "-1"),
        (SIZE, "1.5G"),
        (SIZE, "64MB"),
        (SIZE, "1 M"),
        (SIZE, "\u0663"),
        (SIZE, "9" * 19),
        (Size(5, 9), "4"),
        (SECONDS, "30"),
        (SECONDS, "1.0001s"),
        (SECONDS, "1.5ms"),
        (SECONDS, "-1s"),
        (SECONDS, "1d "),
        (SECONDS, "\u0663d"),
        (WHOLE, "60500ms"),
        (BARE, "nan"),
        (BARE, "0.5"),
        (BARE, "301"),
        (AGE, "0d"),
        (AGE, "999999999d"),
    ],
)
def test_what_is_no_value(kind: Kind, text: str) -> None:
    """Anything else is refused with words that say what would be right, and an example."""
    with pytest.raises(BadValueError, match=r"^not .* such as ") as caught:
        kind.parse(text)
    assert kind.words in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SIZE, True),
        (SIZE, 1.5),
        (SIZE, -1),
        (SECONDS, 30),
        (AGE, True),
        (BARE, True),
        (BARE, float("inf")),
        (BARE, float("nan")),
        pytest.param(SIZE, 1 << 20_000, id="size of thousands of digits"),
        pytest.param(BARE, 1 << 20_000, id="time of thousands of digits"),
    ],
)
def test_value_of_another_type(kind: Kind, value: object) -> None:
    """A value of TOML is not turned into another."""
    with pytest.raises(BadValueError, match=r"^not "):
        kind.take(value)
