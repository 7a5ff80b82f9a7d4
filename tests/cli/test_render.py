"""`chat_cli.render`: entries as lines, safe whatever they hold."""

import unicodedata
from datetime import UTC, date, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_cli.entries import (
    Announcement,
    Deed,
    Entry,
    History,
    Listing,
    Movement,
    Names,
    Note,
    NotSent,
    Spoken,
    Struck,
    TopicLine,
    warning,
)
from chat_cli.render import Renderer, moment
from chat_cli.styles import name_class
from tests.cli.person import EIGHT

DAY = 86_400_000


def renderer() -> Renderer:
    """Make a renderer on the day of all tests."""
    return Renderer(UTC, date(2025, 11, 20), lambda name: f"class:{name}")


def lines(entry: Entry, using: Renderer | None = None) -> list[str]:
    """Give the texts of the lines."""
    return [line.text for line in (using or renderer()).lines(entry, EIGHT)]


def test_messages() -> None:
    """Time, room if it is another one, name and text; the mark stands at the end of own ones."""
    assert lines(Spoken("", EIGHT, "bob", "hi")) == ["08:00 bob: hi"]
    assert lines(Spoken("#dev", EIGHT, "bob", "hi")) == ["08:00 #dev bob: hi"]
    assert lines(Spoken("", EIGHT, "bob", "waves", action=True)) == ["08:00 * bob waves"]
    assert lines(Spoken("", EIGHT, "bob", "hi", own=True)) == ["08:00 bob: hi\u00a0✓"]


def test_a_text_of_several_lines_is_indented() -> None:
    """Nobody can fake a line of somebody else; the mark is on the last line."""
    entry = Spoken("", EIGHT, "bob", "look\n08:00 carol: I agree", own=True)
    assert lines(entry) == ["08:00 bob: look", "      08:00 carol: I agree\u00a0✓"]


def test_times_are_local() -> None:
    """The zone decides hour and day."""
    east = Renderer(timezone(timedelta(hours=20)), date(2025, 11, 20), lambda _: "")
    assert lines(Spoken("", EIGHT, "bob", "hi"), east) == [
        "── Friday 21 November 2025 ──",
        "04:00 bob: hi",
    ]


def test_a_line_marks_a_new_day() -> None:
    """Once, when it changes."""
    using = renderer()
    assert lines(Spoken("", EIGHT, "bob", "a"), using) == ["08:00 bob: a"]
    assert lines(Spoken("", EIGHT + DAY, "bob", "b"), using) == [
        "── Friday 21 November 2025 ──",
        "08:00 bob: b",
    ]
    assert lines(TopicLine("", EIGHT + DAY, "bob", "tea"), using) == [
        "08:00 · bob set the topic: tea"
    ]


def test_history_has_its_own_days() -> None:
    """It ends with a line, and the day of what follows is not disturbed."""
    using = renderer()
    history = History("the last 1 of #dev", [Spoken("", EIGHT - DAY, "bob", "old")])
    assert lines(history, using) == [
        "08:00 · the last 1 of #dev",
        "── Wednesday 19 November 2025 ──",
        "08:00 bob: old",
        "08:00 · end of history",
    ]
    assert lines(Spoken("", EIGHT, "bob", "new"), using) == ["08:00 bob: new"]


def test_movements_are_gathered() -> None:
    """Many names are counted."""
    assert lines(Movement("", ("bob",), ("carol", "dave"))) == [
        "08:00 · bob joined, carol, dave left"
    ]
    crowd = tuple(f"n{number}" for number in range(9))
    assert lines(Movement("#dev", crowd, ())) == [
        "08:00 #dev · n0, n1, n2, n3, n4 and 4 more joined"
    ]


def test_lists_are_tidy() -> None:
    """Cells are aligned, names flow."""
    rows = [("* #lobby", "12 here", "tea"), ("  #development", "1 here", "")]
    assert [line.rstrip() for line in lines(Listing("rooms", rows))] == [
        "08:00 · rooms",
        "      * #lobby        12 here  tea",
        "        #development  1 here",
    ]
    assert lines(Listing("codes; /code revoke ID ends one", [])) == ["08:00 · codes: none"]
    assert lines(Names("2 here", ["anna", "bob"])) == ["08:00 · 2 here: anna, bob"]
    assert lines(Names("here", [])) == ["08:00 · here: nobody"]


def test_a_very_wide_cell_moves_its_own_row_only() -> None:
    """The other rows still fit into a usual window."""
    rows = [("/kick NAME", "remove"), ("/code " + "x" * 30, "make"), ("/ban", "forbid")]
    assert lines(Listing("commands", rows))[1:] == [
        "      /kick NAME  remove",
        f"      /code {'x' * 30}  make",
        "      /ban        forbid",
    ]


def test_a_refused_message_shows_its_reason() -> None:
    """All of its lines, then why."""
    assert lines(NotSent("#dev", "a\nb", "too fast")) == [
        "08:00 #dev ✗ not sent: a",
        "      b",
        "        too fast",
    ]


@pytest.mark.parametrize(
    ("entry", "indents"),
    [
        (Note("one\ntwo"), [6, 8]),
        (NotSent("", "a\nb", "too fast"), [6, 6, 8]),
        (Announcement("one\ntwo"), [6, 9]),
    ],
)
def test_further_lines_are_folded_to_where_they_begin(entry: Entry, indents: list[int]) -> None:
    """What does not fit into the window goes on below the words before it."""
    drawn = renderer().lines(entry, EIGHT)
    assert [line.indent for line in drawn[-len(indents) :]] == indents


def test_a_time_outside_of_the_calendar_is_no_accident() -> None:
    """A figure that only a bug can send does not end the client."""
    assert moment(10**18).year == 1970
    assert lines(Spoken("", -(10**17), "bob", "hi"))[-1].endswith("bob: hi")


@pytest.mark.parametrize("text", ["i <3 u", "a & b", '<style bg="ansired">SERVER:', "%s {0} $x"])
def test_markup_is_literal(text: str) -> None:
    """What looks like markup is text, and no style but ours."""
    (line,) = renderer().lines(Spoken("", EIGHT, "bob", text), EIGHT)
    assert line.text == f"08:00 bob: {text}"
    assert {style for style, _ in line.fragments} <= {"class:time", "class:bob", ""}


EVIL = st.text(alphabet="\x1b\x07\x9b\x08\x7f\r\n\t\u202e\u200b\u2028a[]0;2J<&", max_size=30)


@given(EVIL, EVIL, EVIL)
def test_no_entry_lets_a_control_character_through(one: str, two: str, three: str) -> None:
    """Texts, names, topics, rooms, reasons and titles all go through the same gate."""
    entries: list[Entry] = [
        Spoken(one, EIGHT, two, three, action=True, own=True, mention=True),
        Spoken(one, EIGHT, two, three),
        TopicLine(one, EIGHT, two, three),
        Movement(one, (two,), (three,)),
        Note(one),
        warning(two),
        NotSent(one, two, three),
        Note(one, until_ms=EIGHT, reason=two),
        Struck(one, EIGHT, two, bot=True),
        Deed(one, EIGHT, two, three, EIGHT + 1, one),
        Listing(one, [(two, three)]),
        Names(one, [two, three]),
        History(one, [Spoken("", EIGHT, two, three)]),
    ]
    using = Renderer(UTC, date(2025, 11, 20), name_class)
    for entry in entries:
        for line in using.lines(entry, EIGHT):
            categories = {unicodedata.category(char) for char in line.text}
            assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
            assert all(style == "" or style.startswith("class:") for style, _ in line.fragments)
            assert not any("[" in style for style, _ in line.fragments)
