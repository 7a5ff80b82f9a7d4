"""`chat_service.admin.console.lines`: styled lines, measured in columns."""

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from chat_service.admin.console.lines import Line, aligned, cut, pad, width_of

TEXTS = st.text("ab 漢é\u0301-", max_size=60)


def folded(line: Line, width: int) -> list[str]:
    """Give the rows of a line without styles."""
    return ["".join(text for _, text in row) for row in line.rows(width)]


def test_a_line_is_folded_at_blanks() -> None:
    """Later rows are indented, and the blank at the break is gone."""
    line = Line("stop all of them now", indent=2)
    assert folded(line, 11) == ["stop all of", "  them now"]
    assert folded(line, 20) == ["stop all of them now"]


def test_a_word_wider_than_the_row_is_broken() -> None:
    """Nothing of it is lost."""
    assert folded(Line("abcdefgh", indent=1), 4) == ["abcd", " efg", " h"]


def test_an_indent_gives_way_where_it_is_narrow() -> None:
    """A third of the width is the most that it takes."""
    assert folded(Line("ab cd", indent=2), 3) == ["ab", "cd"]


def test_a_fold_keeps_the_styles() -> None:
    """Each piece keeps its own on both sides of a break."""
    line = Line(("class:a", "one two"), ("class:b", " three"), indent=0)
    assert line.rows(5) == [
        [("class:a", "one")],
        [("class:a", "two")],
        [("class:b", "three")],
    ]


@given(TEXTS, st.integers(2, 30), st.integers(0, 10))
def test_no_row_is_too_wide_and_no_word_is_lost(text: str, width: int, indent: int) -> None:
    """Whatever the text, wide characters included."""
    rows = folded(Line(text, indent=indent), width)
    assert all(get_cwidth(row) <= width for row in rows)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")


@given(TEXTS, st.integers(0, 30))
def test_what_is_cut_fits_and_says_so(text: str, width: int) -> None:
    """It ends with … exactly if something is left out."""
    shown = cut([("class:a", text[:7]), ("", text[7:])], width)
    assert width_of(shown) <= width
    said = "".join(piece for _, piece in shown)
    assert said == text if get_cwidth(text) <= width else said.endswith("…" if width else "")


@given(TEXTS, st.integers(1, 30), st.booleans())
def test_what_is_filled_is_exactly_as_wide(text: str, width: int, right: bool) -> None:
    """To the left and to the right."""
    assert get_cwidth(pad(text, width, right)) == width


def test_lists_stand_in_columns() -> None:
    """Each as wide as its widest cell; figures to the right."""
    lines = aligned(("NAME", "N", "TOPIC"), [("anna", "1", "x"), ("漢字", "12", "")], right=(1,))
    assert [line.text for line in lines] == [
        "NAME   N  TOPIC",
        "anna   1  x",
        "漢字  12",
    ]
