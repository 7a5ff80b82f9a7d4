"""Ids: what is not one of ours names nothing."""

import pytest

from chat_service.edge import ids


@pytest.mark.parametrize("number", [1, 9, 10, 123456789, 10**18 - 1])
def test_room_number_comes_back(number: int) -> None:
    """An id that was given out leads to its room."""
    assert ids.room_number(ids.room_text(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "r", "r0", "r01", "1", "u1", "s1", "R1", "r-1", "r1 ", " r1", "r1\n", "r1x", "r1.0"),
        # Digits of other scripts.
        *("r\uff11", "r\u0661"),
        *("lobby", "\x00", "r" + "9" * 99),
    ],
)
def test_no_other_text_is_a_room(text: str) -> None:
    """Whatever is not an id of a room is the number that no room has."""
    assert ids.room_number(text) == 0


def test_ids_of_different_things_are_different_texts() -> None:
    """The same number names a room, a user and a session by different texts."""
    assert len({ids.room_text(7), ids.user_text(7), ids.session_text(7)}) == 3
