"""`chat_cli.wrap`: lines folded to a width."""

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from chat_cli.render import Fragments, Line
from chat_cli.wrap import fold


def folded(text: str, width: int, indent: int = 6) -> list[str]:
    """Fold a text without styles."""
    return [plain(part) for part in fold(Line([("", text)], indent), width)]


def plain(part: Fragments) -> str:
    """Give the text of a part."""
    return "".join(text for _, text in part)


def test_a_line_that_fits_is_untouched() -> None:
    """Up to the last column."""
    assert folded("12345", 5) == ["12345"]


def test_words_are_kept_and_later_parts_indented() -> None:
    """The blank at the break is left out."""
    assert folded("08:00 bob: the quick brown fox", 20) == [
        "08:00 bob: the quick",
        "      brown fox",
    ]


def test_wide_characters_are_counted_as_drawn() -> None:
    """They take two columns each and may be broken between."""
    assert folded("bob: 日本語日本語", 12, indent=2) == ["bob: 日本語", "  日本語"]


def test_an_address_stays_whole() -> None:
    """It is not indented, so that it can be copied in one piece."""
    address = "https://example.org/" + "x" * 30
    assert folded(f"bob: see {address} there", 20) == ["bob: see ", address, "      there"]


def test_a_very_narrow_terminal_gets_no_indent() -> None:
    """More than half the width would be blank."""
    assert folded("aaa bbb ccc", 8, indent=6) == ["aaa bbb ", "ccc"]


def test_a_narrow_terminal_gets_a_narrow_indent() -> None:
    """The last column of a wide table goes on further left, and is no row of its own."""
    row = "      /kick NAME  remove somebody"
    assert folded(row, 26, indent=18) == ["      /kick NAME  remove ", "        somebody"]
    assert folded(row, 15, indent=18)[-1] == "somebody"


def test_styles_survive() -> None:
    """A word of two styles is not torn apart."""
    line = Line([("a", "one tw"), ("b", "o three")], 0)
    assert fold(line, 8) == [[("a", "one tw"), ("b", "o ")], [("b", "three")]]


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.text(alphabet="xy z日本e\u0301", max_size=12))),
    st.integers(4, 30),
    st.integers(0, 8),
)
def test_nothing_is_lost(pieces: Fragments, width: int, indent: int) -> None:
    """All but the blanks at breaks is there, and no part is too wide unless it is one word."""
    line = Line(pieces, indent)
    parts = fold(line, width)
    joined = "".join(plain(part) for part in parts)
    assert joined.replace(" ", "") == line.text.replace(" ", "")
    for part in parts:
        text = plain(part)
        if get_cwidth(text) > width:
            assert " " not in text.strip(" ")
