"""One-time codes that a person types."""

import hashlib
import re

import pytest

from chat_service.codes import ALPHABET, code_hash, new_code


def test_code_is_long_and_plain() -> None:
    """Four groups of four, of letters that are not taken for each other, never the same."""
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(re.fullmatch(f"([{ALPHABET}]{{4}}-){{3}}[{ALPHABET}]{{4}}", one) for one in codes)
    assert len(set(ALPHABET)) ** 16 >= 2**64
    assert not set("0O1Il") & set(ALPHABET)
    assert {letter for code in codes for letter in code} == {*ALPHABET, "-"}


@pytest.mark.parametrize(
    "typed",
    ["K7QM-3XZD-P9RT-WB2H", "k7qm-3xzd-p9rt-wb2h", " K7QM3XZDP9RTWB2H ", "K7QM 3XZD p9rt wb2h"],
)
def test_code_is_known_however_it_is_typed(typed: str) -> None:
    """Case, hyphens and blanks make no difference."""
    assert code_hash(typed) == hashlib.sha256(b"K7QM3XZDP9RTWB2H").digest()


@pytest.mark.parametrize("typed", ["", "K7QM-3XZD-P9RT-WB2J", "\ud800"])
def test_other_texts_are_other_codes(typed: str) -> None:
    """Whatever is typed has a hash, and another one."""
    assert code_hash(typed) != code_hash("K7QM-3XZD-P9RT-WB2H")
