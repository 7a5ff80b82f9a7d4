"""`chat_service.admin.console.output`: answers that scroll."""

from chat_service.admin.console.lines import Line
from chat_service.admin.console.output import MAX_LINES, Output


def lines(name: str, number: int) -> list[Line]:
    """Make lines that are numbered from 1."""
    return [Line(f"{name}{n}") for n in range(1, number + 1)]


def seen(output: Output, height: int = 4, width: int = 20) -> list[str]:
    """Give the rows in view."""
    return ["".join(text for _, text in row) for row in output.view(width, height).rows]


def test_an_answer_that_fits_stands_below_older_ones() -> None:
    """All rows are used."""
    output = Output()
    output.answer(lines("a", 3))
    output.answer(lines("b", 2))
    assert seen(output) == ["a2", "a3", "b1", "b2"]


def test_a_long_answer_is_shown_from_its_beginning() -> None:
    """And is paged through from there, to its end and back."""
    output = Output()
    output.answer(lines("a", 3))
    output.answer(lines("b", 10))
    assert seen(output) == ["b1", "b2", "b3", "b4"]
    assert (output.view(20, 4).above, output.view(20, 4).below) == (3, 6)
    output.page(1)
    assert seen(output) == ["b4", "b5", "b6", "b7"]
    output.page(1)
    assert seen(output) == ["b7", "b8", "b9", "b10"]
    output.page(1)
    assert seen(output) == ["b7", "b8", "b9", "b10"]
    for _ in range(9):
        output.page(-1)
        first = seen(output)[0]
    assert first == "a1"


def test_a_page_key_that_is_held_moves_on_before_the_next_drawing() -> None:
    """And does not go beyond the ends."""
    output = Output()
    output.answer(lines("a", 20))
    seen(output)
    output.page(1)
    output.page(1)
    assert seen(output) == ["a7", "a8", "a9", "a10"]
    for _ in range(99):
        output.page(1)
    output.page(-1)
    assert seen(output) == ["a14", "a15", "a16", "a17"]


def test_what_is_added_is_followed_at_the_end_only() -> None:
    """Somebody who reads further up is not disturbed."""
    output = Output()
    output.answer(lines("a", 10))
    output.to_end()
    output.append(lines("b", 1))
    assert seen(output) == ["a8", "a9", "a10", "b1"]
    output.page(-1)
    assert seen(output) == ["a5", "a6", "a7", "a8"]
    output.append(lines("c", 5))
    assert seen(output) == ["a5", "a6", "a7", "a8"]
    for _ in range(4):
        output.page(1)
        seen(output)
    output.append(lines("d", 1))
    assert seen(output)[-1] == "d1"


def test_what_follows_an_answer_fills_the_rows_below() -> None:
    """The answer goes to the top and stays there."""
    output = Output()
    output.append(lines("log", 5))
    output.answer(lines("a", 2))
    assert seen(output) == ["log4", "log5", "a1", "a2"]
    output.append(lines("more", 9))
    assert seen(output) == ["a1", "a2", "more1", "more2"]
    output.page(-1)
    assert seen(output) == ["log3", "log4", "log5", "a1"]


def test_the_view_stays_with_its_line_when_it_is_folded() -> None:
    """A resize shows what was shown before, from the same line on."""
    output = Output()
    output.append([Line("one two three four")] * 3)
    output.answer([Line(f"b{n} and some more") for n in range(9)])
    assert seen(output, width=40)[0] == "b0 and some more"
    assert seen(output, width=8)[:3] == ["b0 and", "  some", "  more"]
    assert seen(output, width=40)[0] == "b0 and some more"


def test_the_oldest_lines_go() -> None:
    """Memory is bounded, and a view of what has gone shows the oldest that is there."""
    output = Output()
    output.append(lines("a", 10))
    output.answer(lines("b", MAX_LINES))
    assert seen(output)[0] == "b1"
    output.append(lines("c", 100))
    pane = output.view(20, 4)
    assert (pane.above, pane.below) == (0, MAX_LINES - 4)
    assert seen(output)[0] == "b101"


def test_nothing_and_no_room_are_no_obstacle() -> None:
    """Neither an empty pane nor one of no rows fails."""
    output = Output()
    assert seen(output) == []
    output.page(-1)
    output.page(1)
    output.answer(lines("a", 3))
    assert seen(output, height=0) == []
    output.page(1)
    assert seen(output, height=1) == ["a2"]


def test_a_line_takes_the_place_of_another() -> None:
    """Where the last one that says so stands, however many rows each takes; or nowhere."""
    output = Output()
    output.answer([*lines("a", 2), Line("x" * 25), Line("a3")])
    assert seen(output, 5) == ["a1", "a2", "x" * 20, "  xxxxx", "a3"]
    assert output.replace("x" * 25, Line("short"))
    assert seen(output, 5) == ["a1", "a2", "short", "a3"]
    assert not output.replace("x" * 25, Line("again"))
    assert seen(output, 5) == ["a1", "a2", "short", "a3"]
