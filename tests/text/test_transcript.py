"""`chat_text.transcript`: entries that no text can forge."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_text import transcript
from chat_text.transcript import INDENT, NO_TIME

NOON = 1_795_182_648_000
"""2026-11-20, 13:50:48 UTC, in ms since 1970."""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")
names = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}\Z")
times = st.integers(0, 1 << 42)
# Any text, and texts made of what an entry is made of.
breaks = ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"]
marks = ["2026-11-20T13:50:48Z ", "<bob> ", "-> bob joined", "-- ", INDENT, NO_TIME]
others = ["hi", " ", "\t", "\x1b[1A", "\ud800"]
texts = st.text() | st.lists(st.sampled_from(breaks + marks + others)).map("".join)


def read(lines: list[str]) -> list[list[str]]:
    """Read a transcript as a person does: an entry begins at the margin."""
    entries: list[list[str]] = []
    for line in "".join(f"{line}\n" for line in lines).splitlines():
        if line.startswith(INDENT):
            entries[-1].append(line.removeprefix(INDENT))
        else:
            assert TIME.match(line) or line.startswith(NO_TIME)
            entries.append([line])
    return entries


def test_each_kind_of_entry() -> None:
    """Times are UTC, to the second; an action reads as a sentence; a topic may be removed."""
    assert transcript.said(NOON + 999, "alice", "hello\nyou") == [
        "2026-11-20T13:50:48Z <alice> hello",
        "                     you",
    ]
    assert transcript.said(NOON, "alice", "waves", action=True) == [
        "2026-11-20T13:50:48Z * alice waves"
    ]
    assert transcript.topic(NOON, "alice", "a b") == [
        "2026-11-20T13:50:48Z -- alice set the topic: a b"
    ]
    assert transcript.topic(NOON, "alice", "") == [
        "2026-11-20T13:50:48Z -- alice removed the topic"
    ]
    assert transcript.joined(NOON, "bob") == ["2026-11-20T13:50:48Z -> bob joined"]
    assert transcript.left(NOON, "bob") == ["2026-11-20T13:50:48Z <- bob left"]


def test_entries_without_a_time() -> None:
    """What is missing is told at the margin, in the singular and in the plural."""
    assert transcript.missing(7, 9) == ["-------------------- events 7 to 9 are no longer kept"]
    assert transcript.missing(7, 7) == ["-------------------- event 7 is no longer kept"]
    assert transcript.unwritten(1) == ["-------------------- one join or leave is missing"]
    assert transcript.unwritten(2) == ["-------------------- 2 joins and leaves are missing"]


@given(times, names, texts, st.booleans())
def test_no_text_forges_an_entry(time_ms: int, name: str, text: str, action: bool) -> None:
    """Whatever somebody says is one entry, with the name of who said it, in UTF-8."""
    lines = transcript.said(time_ms, name, text, action)
    "".join(lines).encode("utf-8")
    ((head, *_),) = read(lines)
    who = f"* {name} " if action else f"<{name}> "
    assert TIME.sub("", head, count=1).startswith(who)


@given(times, names, texts)
def test_no_topic_forges_an_entry(time_ms: int, name: str, text: str) -> None:
    """Whatever the topic is, its change is one line."""
    lines = transcript.topic(time_ms, name, text)
    assert read(lines) == [lines]
    assert len(lines) == 1


@given(texts, times)
def test_no_name_forges_an_entry(name: str, time_ms: int) -> None:
    """Even a name that no server gives stays on its line."""
    for lines in (
        transcript.said(time_ms, name, "hi"),
        transcript.joined(time_ms, name),
        transcript.left(time_ms, name),
    ):
        assert len(read(lines)) == len(lines) == 1


@pytest.mark.parametrize("time_ms", [1 << 62, -(1 << 62)])
def test_time_outside_of_the_calendar_is_no_error(time_ms: int) -> None:
    """A time that cannot be shown is shown as 1970."""
    assert transcript.joined(time_ms, "bob") == ["1970-01-01T00:00:00Z -> bob joined"]
