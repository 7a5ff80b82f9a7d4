"""What a name, a topic, a text and a client's id may be."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat_service.core import names

CONTROL = ["\x00", "\x07", "\x1b", "\n", "\r", "\t", "\x7f", "\x9b"]
BLANK = [
    " ",
    "\t",
    "\n",
    "\u00a0",  # no-break space
    "\u00ad",  # soft hyphen
    "\u034f",  # combining grapheme joiner
    "\u115f",  # a filler of Hangul
    "\u180e",  # Mongolian vowel separator
    "\u200b",  # zero width space
    "\u200d",  # zero width joiner
    "\u2028",  # line separator
    "\u202e",  # right-to-left override
    "\u2060",  # word joiner
    "\u2800",  # Braille without dots
    "\u3000",  # ideographic space
    "\u3164",  # another filler of Hangul
    "\ufe0f",  # variation selector
    "\ufeff",  # byte order mark
    "\uffa0",  # and a narrow filler
    "\ue000",  # private use
    "\ud800",  # half of a pair
    "\U000e0041",  # a tag character
]
VISIBLE = [
    "a",
    "é",
    "字",
    "👋",
    "\u0301",  # an accent alone
    "\U0001fae9",  # an emoji younger than the Unicode table of Python 3.11
    "\U0001f6d8",  # and one younger still
]


@settings(deadline=None)
@given(st.text())
@example("\u212aitchen")
@example("İ")
@example("ΑΣ")
@example("ẞ")
def test_key_of_a_key_is_itself(name: str) -> None:
    """Folding a name a second time changes nothing, whatever the name is."""
    assert names.name_key(names.name_key(name)) == names.name_key(name)


@settings(deadline=None)
@given(st.text(string.ascii_letters + string.digits + "_.-", min_size=1))
def test_case_never_tells_two_names_apart(name: str) -> None:
    """All cases of a valid name have one key."""
    assert names.name_key(name.upper()) == names.name_key(name.lower()) == names.name_key(name)


@settings(deadline=None)
@given(st.characters(min_codepoint=128))
@example("\u212a")
@example("\uff41")
@example("\u0430")
def test_no_other_letter_has_the_key_of_an_ascii_one(char: str) -> None:
    """A look-alike is never taken for the name that it imitates."""
    assert not names.name_key(char).isascii()


@pytest.mark.parametrize("name", ["a", "Z", "0", "_", "_.-", "a.b-c_d", "007", "a" * 32])
def test_valid_name(name: str) -> None:
    """Letters, digits and `_` begin a name; `.` and `-` may follow."""
    assert names.is_name(name, 32)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".a",
        "-a",
        " ",
        " a",
        "a ",
        "a b",
        "a" * 33,
        "é",
        "\u0430dmin",
        "\uff41\uff44\uff4d\uff49\uff4e",
        "\u212aen",
        "\u0430",
        "a\u200b",
        "a\u0301",
        "bob,carol",
        "#a",
        "@a",
        "a/b",
        *[f"a{char}" for char in CONTROL],
        *[f"{char}a" for char in CONTROL],
        *BLANK,
    ],
)
def test_name_that_is_refused(name: str) -> None:
    """Empty, too long, outside ASCII, or with anything that a screen would hide."""
    assert not names.is_name(name, 32)


@settings(deadline=None)
@given(st.text(max_size=40), st.integers(0, 40))
def test_name_is_what_the_contract_says(name: str, longest: int) -> None:
    """The rule agrees with its plain statement for any text and any bound."""
    allowed = set(string.ascii_letters + string.digits + "_.-")
    plain = 1 <= len(name) <= longest and set(name) <= allowed and name[0] not in ".-"
    assert names.is_name(name, longest) == plain


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("x", True),
        ("!~", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        (" ", False),
        ("a b", False),
        ("a\n", False),
        ("é", False),
        *[(f"a{char}", False) for char in CONTROL],
    ],
)
def test_client_id(value: str, valid: bool) -> None:
    """A client's id is 1 to 64 printable ASCII characters, none of them a space."""
    assert names.is_client_id(value, 64) is valid


@pytest.mark.parametrize("char", [*CONTROL, "\u0085", "\u2028", "\u2029", "\ud800"])
def test_topic_has_no_control_character(char: str) -> None:
    """Control characters, line separators and halves of pairs are found wherever they stand."""
    assert not names.is_one_line(char)
    assert not names.is_one_line(f"{char}about cats")
    assert not names.is_one_line(f"about {char} cats")
    assert not names.is_one_line(f"about cats{char}")


@pytest.mark.parametrize("text", ["", " ", "about cats", "über 猫 👋🏽", "a\u200db", "\u202eright"])
def test_topic_on_one_line(text: str) -> None:
    """Any other text is a line: cleaning for the screen is the client's part."""
    assert names.is_one_line(text)


@pytest.mark.parametrize("char", BLANK, ids=lambda char: f"U+{ord(char):04X}")
def test_blank_text_is_not_visible(char: str) -> None:
    """No number of characters that leave no mark makes a text visible."""
    assert not names.has_visible(char)
    assert not names.has_visible(char * 3)
    assert not names.has_visible("".join(BLANK))
    assert names.has_visible(f"{char}x{char}")


@pytest.mark.parametrize("char", VISIBLE, ids=lambda char: f"U+{ord(char):04X}")
def test_one_mark_is_visible(char: str) -> None:
    """One character that a screen shows is enough, also one that this Python does not know."""
    assert names.has_visible(char)
    assert names.has_visible("".join(BLANK) + char)


def test_nothing_is_not_visible() -> None:
    """An empty text has no visible character."""
    assert not names.has_visible("")


@pytest.mark.parametrize(
    ("text", "lines"), [("", 1), ("a", 1), ("a\nb", 2), ("\n", 2), ("a\n" * 99, 100), ("a\rb", 1)]
)
def test_lines_are_counted_by_line_feeds(text: str, lines: int) -> None:
    """A text has one line more than it has line feeds."""
    assert names.count_lines(text) == lines
