"""`chat_text.sanitize`: what a terminal would obey, or nobody would see, is made visible."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_text.sanitize import sanitize, sanitize_lines

ATTACKS = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]52;c;cm0gLXJm\x1b\\",
    "\x1bPq\x1b\\",
    "\x1b[6n",
    "\x1b[?1000h",
    "\x9b31m",
    "\x01\x1b]0;x\x07\x02",
    "\x08\x08\x08root",
    "\x0e\x0f\x7f",
    "evil\u202etxt.exe",
    "pay\u200bpal",
    "a\u2066b\u2069",
    "\U000e0041\U000e0042",
]


def symbol(code: int) -> str:
    """Give what stands for a code point that has no picture of its own."""
    return f"\u2039U+{code:04X}\u203a"


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_become_visible(attack: str) -> None:
    """No character that a terminal obeys is left, and every symbol that stands for one shows."""
    shown = sanitize(attack)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in shown)
    assert shown != attack
    assert len(shown) >= len(attack)


def test_every_dangerous_code_point_alone_is_replaced() -> None:
    """All of Cc, Cf, Cs, Zl and Zp of Python's own Unicode tables become something else."""
    dangerous = ("Cc", "Cf", "Cs", "Zl", "Zp")
    left = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in dangerous
        and sanitize(f"a{chr(code)}b") not in (f"a{symbol(code)}b", f"a{chr(0x2400 + code)}b")
        and code != 0x7F
    ]
    assert left == []


@pytest.mark.parametrize("code", [0x034F, 0x115F, 0x1160, 0x17B4, 0x3164, 0xFFA0, 0xFE0F, 0xE0100])
def test_invisible_letters_and_marks_are_replaced(code: int) -> None:
    """Ignorable characters that are no format characters, such as Hangul fillers, show too."""
    assert sanitize(f"a{chr(code)}b") == f"a{symbol(code)}b"


@given(st.text())
def test_output_is_harmless_and_stable(text: str) -> None:
    """Whatever comes in, the result is one harmless line that stays as it is."""
    shown = sanitize(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert {char for char in shown if unicodedata.category(char) == "Cf"} <= {"\u200c", "\u200d"}
    assert sanitize(shown) == shown
    shown.encode("utf-8")


@given(
    st.text(
        alphabet="a1#✈❤👩💻🏽نم\u0915\u094d\u070f\ufe0e\ufe0f\u200c\u200d\u0301\u202e\x1b",
        max_size=20,
    )
)
def test_kept_joiners_do_not_depend_on_what_was_replaced(text: str) -> None:
    """Among emoji, joiners and marks in any order sanitizing is still idempotent."""
    assert sanitize(sanitize(text)) == sanitize(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30))
def test_ordinary_text_is_untouched(text: str) -> None:
    """Letters, digits, punctuation, symbols and spaces stay as they are."""
    if not set(text) & set("\u115f\u1160\u3164\uffa0"):
        assert sanitize(text) == text


@pytest.mark.parametrize(
    "text",
    ["👩\u200d💻", "❤\ufe0f", "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3", "\u0646\u0645\u06cc\u200c\u062e"],
)
def test_emoji_and_joining_scripts_keep_their_shape(text: str) -> None:
    """A joiner between two pictures or two letters that need it is not a disguise."""
    assert sanitize(text) == text


def test_stacked_accents_are_bounded() -> None:
    """The seventh mark on one letter and those after it are written out."""
    assert sanitize("z" + "\u0301" * 8) == "z" + "\u0301" * 6 + symbol(0x301) * 2


def test_lines_break_at_newlines_alone() -> None:
    r"""`\n` and `\r\n` break; other things that some programs take for a line break show."""
    assert sanitize_lines("a\r\nb\nc\rd\u2028e\x0bf") == ["a", "b", f"c␍d{symbol(0x2028)}e␋f"]


def test_tabs_become_spaces_and_trailing_breaks_go() -> None:
    """A pasted piece of code keeps its indentation and no empty tail."""
    assert sanitize_lines("if x:\n\tgo()\n\n") == ["if x:", "    go()"]
    assert sanitize_lines("") == [""]
