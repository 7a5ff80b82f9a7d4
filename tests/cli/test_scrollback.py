"""`chat_cli.scrollback`: what was printed and can still be changed."""

from chat_cli.entries import Spoken
from chat_cli.render import Line
from chat_cli.scrollback import Change, Redrawing, Scrollback, amended
from tests.cli.person import EIGHT

ONE = Spoken("", EIGHT, "bob", "one\nmore", where=("r1", 1))
TWO = Spoken("", EIGHT, "bob", "two", where=("r1", 2))
MARK = Line([("", "gone")])


def line(text: str, of: Spoken | None = None) -> Line:
    """Make a line."""
    return Line([("", text)], of=of)


def texts(lines: list[Line]) -> list[str]:
    """Give the texts of lines."""
    return [each.text for each in lines]


SHOWN = [line("a note"), line("one", ONE), line("more", ONE), line("two", TWO), line("one", ONE)]


def test_all_lines_of_a_message_become_one_mark() -> None:
    """Also where it was shown a second time."""
    after = amended(SHOWN, lambda entry: [MARK] if entry.where[1] == 1 else None)
    assert after
    assert texts(after) == ["a note", "gone", "two", "gone"]


def test_a_message_may_vanish() -> None:
    """Nothing stands for it."""
    after = amended(SHOWN, lambda _: [])
    assert after
    assert texts(after) == ["a note"]


def strike(seq: int) -> Change:
    """Make the change that strikes a message."""
    return lambda entry: [MARK] if entry.where[1] == seq else None


def drawn(redrawing: Redrawing | None) -> tuple[int, list[str]]:
    """Give how far up to go, and the texts of the rows."""
    assert redrawing
    return redrawing.up, ["".join(text for _, text in row) for row in redrawing.rows]


def test_what_is_not_there_changes_nothing() -> None:
    """Then nothing is drawn anew."""
    assert amended(SHOWN, strike(7)) is None
    scrollback = Scrollback()
    scrollback.add(SHOWN, 20)
    assert scrollback.amend(strike(7), 20, 10) is None


def test_in_a_window_that_is_not_full_only_our_rows_are_drawn_anew() -> None:
    """What stood above them, from before the client, stays."""
    scrollback = Scrollback()
    assert len(scrollback.add([*SHOWN, line("x" * 15 + " " + "y" * 15)], 20)) == 7
    assert drawn(scrollback.amend(strike(2), 20, 10)) == (
        7, ["a note", "one", "more", "gone", "one", "x" * 15 + " ", "y" * 15]
    )  # fmt: skip


def test_in_a_full_window_its_rows_are_drawn_anew_and_no_others() -> None:
    """What left it is changed in memory alone, and what becomes shorter leaves rows free."""
    scrollback = Scrollback()
    scrollback.add([*SHOWN[:4], *[line(str(number)) for number in range(4)]], 20)
    assert scrollback.amend(strike(1), 20, 5) is None
    scrollback = Scrollback()
    scrollback.add([line("top"), *SHOWN[:4], line("end")], 20)
    assert drawn(scrollback.amend(strike(1), 20, 4)) == (4, ["gone", "two", "end"])
    assert drawn(scrollback.amend(strike(2), 20, 4)) == (4, ["gone", "gone", "end"])
    assert scrollback.add([line("new"), line("er")], 20)
    scrollback.add([line("last", TWO)], 20)
    assert drawn(scrollback.amend(strike(2), 20, 4)) == (4, ["end", "new", "er", "gone"])


def test_a_row_at_the_top_may_be_the_end_of_a_line() -> None:
    """Its beginning is not drawn a second time."""
    scrollback = Scrollback()
    scrollback.add([line("x" * 15 + " " + "y" * 15), line("two", TWO)], 20)
    assert drawn(scrollback.amend(strike(2), 20, 2)) == (2, ["y" * 15, "gone"])


def test_only_the_latest_lines_are_remembered() -> None:
    """Memory does not grow with what is said."""
    scrollback = Scrollback()
    scrollback.add([line("evil", TWO)], 20)
    scrollback.add([line("z")] * 10_000, 20)
    assert scrollback.amend(strike(2), 20, 100_000) is None
