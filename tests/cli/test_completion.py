"""`chat_cli.completion`: what Tab offers."""

import pytest

from chat_cli.completion import Choices, choices, common_prefix

NAMES = ["bob", "Bert", "carol"]
ROOMS = ["lobby", "dev"]


@pytest.mark.parametrize(
    ("before", "length", "words"),
    [
        ("/jo", 3, ("/join",)),
        ("/h", 2, ("/help", "/history")),
        ("/JOIN d", 1, ("dev",)),
        ("/join #d", 2, ("#dev",)),
        ("/join ", 0, ("lobby", "dev")),
        ("/join dev x", 0, ()),
        ("/leave l", 1, ("lobby",)),
        ("/help top", 3, ("topic",)),
        ("/dm b", 1, ("bob", "Bert")),
        ("/msg bob,c", 1, ("carol",)),
        ("/msg bob,b", 1, ("Bert",)),
        ("/msg @c", 2, ("@carol",)),
        ("/msg bob hi ca", 2, ("carol",)),
        ("/me greets b", 1, ("bob", "Bert")),
        ("/quit ", 0, ()),
        ("/nonsense b", 0, ()),
        ("be", 2, ("Bert",)),
        ("ask be", 2, ("Bert",)),
        ("ask @be", 3, ("@Bert",)),
        ("see #l", 2, ("#lobby",)),
        ("", 0, ()),
        ("done ", 0, ()),
        ("//b", 3, ()),
    ],
)
def test_candidates(before: str, length: int, words: tuple[str, ...]) -> None:
    """Commands after a slash, then what the command takes; names and rooms in a text."""
    found = choices(before, NAMES, ROOMS)
    assert found.words == words
    if words:
        assert found.length == length


def test_a_name_that_begins_a_text_is_an_address() -> None:
    """It gets a colon, elsewhere a space."""
    assert choices("car", NAMES, ROOMS) == Choices(3, ("carol",), ": ")
    assert choices("hi car", NAMES, ROOMS).suffix == " "


def test_the_common_beginning_is_found_in_any_case() -> None:
    """It is written as in the first candidate."""
    assert common_prefix(["/help", "/history"]) == "/h"
    assert common_prefix(["Bert", "beRta"]) == "Bert"
    assert common_prefix(["bob", "carol"]) == ""
