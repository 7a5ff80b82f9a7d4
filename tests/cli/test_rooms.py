"""`chat_cli.rooms`: positions, names and people of one room."""

import pytest

from chat_cli.model import ById, ByName, Direct, RoomInfo, RoomKind, Target
from chat_cli.rooms import RECENT, Place, Room
from tests.cli.person import ANNA, BOB, CAROL, LOBBY, WITH_BOB


def test_events_are_next_seen_or_ahead() -> None:
    """Only the successor of the last event continues the room."""
    room = Room.opened(LOBBY, 4)
    assert [room.place_of(seq) for seq in (4, 5, 6)] == [Place.SEEN, Place.NEXT, Place.AHEAD]


def test_a_void_position_takes_any_event() -> None:
    """After a reset the first event that comes is the next one."""
    room = Room.opened(LOBBY, 4)
    room.last_seq = None
    assert room.place_of(900) is Place.NEXT


def test_a_long_past_is_skipped_on_first_entry() -> None:
    """A direct message that is sent from its beginning shows its newest events only."""
    info = RoomInfo("r3", RoomKind.DIRECT, head_seq=1000, members=(ANNA, BOB))
    assert Room.opened(info, 0).skip_to == 1000 - RECENT
    assert Room.opened(info, 990).skip_to == 0


def test_labels_name_rooms_and_partners() -> None:
    """A public room has a hash, a direct message the names of the others."""
    assert Room.opened(LOBBY, 0).label("u1") == "#lobby"
    assert Room.opened(WITH_BOB, 0).label("u1") == "@bob"
    three = RoomInfo("r4", RoomKind.DIRECT, members=(CAROL, ANNA, BOB))
    assert Room.opened(three, 0).label("u1") == "@bob,carol"


@pytest.mark.parametrize(
    ("info", "target", "answers"),
    [
        (LOBBY, ById("r1"), True),
        (LOBBY, ById("r2"), False),
        (LOBBY, ByName("LOBBY"), True),
        (LOBBY, ByName("dev"), False),
        (LOBBY, Direct(("lobby",)), False),
        (WITH_BOB, Direct(("BOB",)), True),
        (WITH_BOB, Direct(("bob", "anna")), True),
        (WITH_BOB, Direct(("bob", "carol")), False),
        (WITH_BOB, ByName(""), False),
    ],
)
def test_targets_find_their_room(info: RoomInfo, target: Target, answers: bool) -> None:
    """A room answers to its id, its name in any case, or its set of people with or without me."""
    assert Room.opened(info, 0).answers_to(target, "u1") is answers


def test_people_come_and_go() -> None:
    """Changes follow a picture."""
    room = Room.opened(LOBBY, 0)
    room.count_anew([ANNA, BOB], 2)
    room.move([CAROL], [BOB], 2)
    assert [user.name for user in room.present.values()] == ["anna", "carol"]
    assert room.total == 2
