"""What a value may be, as text, in TOML, and back; sizes and times are elsewhere."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.settings.kinds import (
    MAX_HOSTS,
    MAX_NAMES,
    Address,
    BadValueError,
    Choice,
    Count,
    Directory,
    File,
    Hosts,
    Kind,
    Names,
    Number,
    Switch,
    Value,
    quoted,
)

names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True)


def toml(text: str) -> Any:
    """Return the value that TOML reads."""
    return tomllib.loads(f"value = {text}")["value"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Count(-5, 10**15), st.integers(-5, 10**15)),
        (Number(0.001, 1e6), st.floats(0.001, 1e6)),
        (Choice(("text", "json")), st.sampled_from(("text", "json"))),
        (Switch(), st.booleans()),
        (Directory(), st.text(min_size=1).filter(lambda text: "\0" not in text).map(Path)),
        (Address(), st.ip_addresses().map(str)),
        (File(), st.text(min_size=1).filter(lambda text: "\0" not in text).map(Path)),
        (Hosts(), st.lists(st.ip_addresses().map(str), unique=True, max_size=50).map(tuple)),
        (Names(32), st.lists(names.map(str.lower), unique=True).map(tuple)),
    ],
)
@given(data=st.data())
def test_what_is_written_is_read(kind: Kind, values: st.SearchStrategy[Value], data: Any) -> None:
    """Each value is written as TOML that gives the same value, of the same type."""
    value = data.draw(values)
    found = kind.take(toml(kind.write(value)))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Count(1, 9), "7", 7),
        (Count(-9, 9), "-7", -7),
        (Number(0, 9), "2.5", 2.5),
        (Number(0, 9), "2", 2.0),
        (Choice(("text", "json")), "JSON", "json"),
        (Switch(), "True", True),
        (Switch(), "false", False),
        (Directory(), "here", Path("here")),
        (Address(), "LocalHost", "127.0.0.1"),
        (Address(), "127.8.9.10", "127.8.9.10"),
        (Address(), "[::1]", "::1"),
        (Address(), "2001:DB8::1", "2001:db8::1"),
        (File(), "here", Path("here")),
        (Hosts(), "Chat.Example, ::1,*.example", ("chat.example", "::1", "*.example")),
        (Hosts(), "", ()),
        (Names(32), "Bob, ann,bob", ("bob", "ann")),
        (Names(32), "", ()),
    ],
)
def test_text_is_read(kind: Kind, text: str, value: Value) -> None:
    """What stands behind a flag or in the environment is understood."""
    found = kind.parse(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Count(1, 9), "0"),
        (Count(1, 9), "10"),
        (Count(1, 9), "1.5"),
        (Count(1, 9), "\u0663"),
        (Count(1, 9), " 7"),
        (Number(1, 9), "0.5"),
        (Number(1, 9), "nan"),
        (Number(1, 9), "1e0"),
        (Choice(("text", "json")), "xml"),
        (Switch(), "yes"),
        (Directory(), ""),
        (Directory(), "a\0b"),
        (Directory(), "caf\udce9"),
        (Address(), ""),
        (Address(), "unix"),
        (Address(), "example.org"),
        (Address(), "fe80::1%eth0"),
        (File(), ""),
        (Hosts(), "a b"),
        (Hosts(), "-a.example"),
        (Hosts(), "a..example"),
        (Hosts(), "fe80::1%eth0"),
        (Hosts(), "a" * 64),
        (Hosts(), "b\u00fccher.example"),
        (Names(3), "anna"),
        (Names(32), "two words"),
        (Names(32), "a,,b"),
        (Names(32), '["ann", "bob"]'),
    ],
)
def test_what_is_no_value(kind: Kind, text: str) -> None:
    """Anything else is refused with words that say what would be right."""
    with pytest.raises(BadValueError, match=r"^not ") as caught:
        kind.parse(text)
    assert kind.words in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Count(0, 9), True),
        (Count(0, 9), "5"),
        (Count(0, 9), 5.0),
        (Number(0, 9), True),
        (Number(0, 9), "5"),
        (Number(0, 9), float("nan")),
        (Choice(("text",)), 1),
        (Switch(), 1),
        (Switch(), "true"),
        (Directory(), 1),
        (Address(), 1),
        (File(), 1),
        (Hosts(), "chat.example"),
        (Hosts(), [1]),
        (Hosts(), ["a"] * (MAX_HOSTS + 1)),
        (Names(32), "bob"),
        (Names(32), [1]),
        (Names(32), ["a"] * (MAX_NAMES + 1)),
    ],
)
def test_value_of_another_type(kind: Kind, value: object) -> None:
    """A value of TOML is not turned into another."""
    with pytest.raises(BadValueError, match=r"^not "):
        kind.take(value)


@given(st.text())
def test_text_is_quoted(text: str) -> None:
    """Whatever a text holds, TOML reads the same text."""
    assert toml(quoted(text)) == text


def test_list_in_the_form_of_another_source_is_told() -> None:
    """A file has TOML's lists, the environment names with commas between."""
    kind = Names(32)
    with pytest.raises(BadValueError, match=r'names: in a file as \["ann", "bob"\]$'):
        kind.take("ann,bob")
    with pytest.raises(BadValueError, match=r"names: here with commas alone, as ann,bob$"):
        kind.parse('["ann", "bob"]')
