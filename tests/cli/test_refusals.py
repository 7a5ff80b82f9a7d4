"""`chat_cli.refusals`: clear words for every reason of the contract."""

import re

import pytest

from chat_cli.refusals import REFUSALS, duration, explain
from chat_service.core.errors import Reason


def test_every_reason_of_the_contract_has_words() -> None:
    """No refusal is left without a row, and no row is for a reason that nobody gives."""
    assert set(REFUSALS) == {reason.value for reason in Reason}


@pytest.mark.parametrize("row", REFUSALS.values())
def test_row_fits_into_a_sentence(row: str) -> None:
    """Rows begin small and end without a stop, as they stand behind colons and in brackets."""
    text = row.removeprefix("{message}")
    assert not re.match(r"[A-Z]", text)
    assert not row.endswith((".", " ", ":"))
    assert set(re.findall(r"\{.*?\}", row)) <= {"{message}", "{wait}"}


def test_words_replace_or_follow_those_of_the_server() -> None:
    """What only the server knows is kept, and what to do stands behind it."""
    assert explain("PASSWORD_WRONG", "no") == "the name or the password is wrong"
    taken = explain("NAME_TAKEN", "this name is taken")
    assert taken.startswith("this name is taken: choose another name")
    assert explain("OF_TOMORROW", "come {wait} back") == "come {wait} back"


def test_waiting_is_told_in_units_of_people() -> None:
    """Seconds, minutes, hours or days, never 0."""
    assert explain("LOGIN_DELAYED", "", 32).endswith("in 32 s")
    told = [duration(seconds) for seconds in (0.2, 119, 120, 900, 7_200, 1_209_600)]
    assert told == ["1 s", "119 s", "2 min", "15 min", "2 h", "14 d"]


def test_braces_of_the_server_are_text() -> None:
    """A sentence of the server is never taken for a row."""
    assert explain("TOPIC_INVALID", "{wait} {0} {x}") == "{wait} {0} {x}"
