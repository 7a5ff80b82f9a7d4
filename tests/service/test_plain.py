"""Dataclasses as values of JSON, and back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.plain import plain, read


@dataclass(frozen=True, slots=True)
class Inner:
    """A part."""

    count: int
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Outer:
    """One field of each kind."""

    name: str
    on: bool
    where: Path
    inner: Inner
    perhaps: Inner | None
    words: tuple[str, ...]
    pairs: tuple[tuple[str, Inner], ...]


OUTER = Outer("n", True, Path("/p"), Inner(1), None, ("a",), (("b", Inner(2, 0.25)),))

inners = st.builds(Inner, st.integers(), st.floats(allow_nan=False, allow_infinity=False, width=32))


@given(
    st.builds(
        Outer,
        st.text(),
        st.booleans(),
        st.text("abc/é", min_size=1).map(Path),
        inners,
        st.none() | inners,
        st.lists(st.text()).map(tuple),
        st.lists(st.tuples(st.text(), inners)).map(tuple),
    )
)
def test_what_is_told_is_what_was_meant(outer: Outer) -> None:
    """Whatever the values are, they arrive as they were sent."""
    assert read(Outer, json.loads(json.dumps(plain(outer)))) == outer


def test_whole_number_is_a_fraction() -> None:
    """A fraction that happens to be whole arrives as a fraction."""
    found = read(Inner, {"count": 1, "share": 2})
    assert found == Inner(1, 2.0)
    assert type(found.share) is float


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": 1}, "name is no str"),
        ({"on": 1}, "on is no bool"),
        ({"where": None}, "where is no Path"),
        ({"inner": []}, "inner is no object"),
        ({"inner": {"count": True, "share": 1.0}}, "inner.count is no int"),
        ({"inner": {"count": 1, "share": "1"}}, "inner.share is no float"),
        ({"inner": {"count": 1}}, "inner lacks, or does not know: share"),
        ({"perhaps": {"count": 1, "share": 1.0, "x": 1}}, "perhaps lacks, or does not know: x"),
        ({"words": "a"}, "words is no list"),
        ({"words": ["a", 1]}, r"words\[1\] is no str"),
        ({"pairs": [["b"]]}, r"pairs\[0\] has not 2 items"),
        ({"more": 1}, "it lacks, or does not know: more"),
    ],
)
def test_anything_else_is_refused(changes: dict[str, Any], where: str) -> None:
    """A value of another kind, one too many, or one too few is named."""
    told = json.loads(json.dumps(plain(OUTER)))
    assert read(Outer, told) == OUTER
    with pytest.raises(ValueError, match=where):
        read(Outer, told | changes)


@pytest.mark.parametrize("value", [None, [], 7, "text"])
def test_what_is_no_object_is_refused(value: Any) -> None:
    """Something else altogether is refused too."""
    with pytest.raises(ValueError, match="it is no object"):
        read(Outer, value)
