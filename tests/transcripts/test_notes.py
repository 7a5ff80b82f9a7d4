"""What commits mean for transcripts."""

import pytest

from chat_service.core import events as ev
from chat_service.core.evolve import evolve
from chat_service.core.model import Role, RoomKind, Style
from chat_service.core.state import State
from chat_service.transcripts import notes
from chat_service.transcripts.notes import Coming, Notes
from tests.log.database import BEGINNING, T

TEA = ev.RoomOpened(T, 4, RoomKind.PUBLIC, "tea", 2, ())


def begun(*events: ev.Event) -> Notes:
    """Begin with a public room `Lobby` (1), of which bob (2) is a member, and some more events."""
    state = State()
    for event in (*BEGINNING, *events):
        evolve(state, event)
    state.merge()
    return Notes(state)


def message(room_id: int, seq: int) -> ev.MessagePosted:
    """Post something."""
    return ev.MessagePosted(T, room_id, seq, 2, "bob", Style.TEXT, "hi", f"m{seq}", b"h")


@pytest.fixture
def lobby() -> Notes:
    """Begin, with nothing left to take."""
    begun_notes = begun()
    begun_notes.take()
    begun_notes.woken.clear()
    return begun_notes


def test_begins_with_all_public_rooms() -> None:
    """There may be something to write in each; direct messages are none of its business."""
    noted = begun(TEA)
    assert noted.woken.is_set()
    assert noted.take().heads == {1: 1, 4: 0}
    assert (noted.room_name(1), noted.room_name(4), noted.epoch) == ("Lobby", "tea", "e1")
    with pytest.raises(KeyError):
        noted.room_name(2)
    assert noted.take().heads == {}


def test_epoch_of_new_data_comes_with_its_first_commit() -> None:
    """Before it the data has none."""
    noted = Notes(State())
    assert noted.epoch == ""
    noted.note(BEGINNING[:1])
    assert noted.epoch == "e1"


def test_messages_and_topics_advance_their_room(lobby: Notes) -> None:
    """Only the newest seq is handed over; what is said in a direct message is not."""
    lobby.note([message(2, 2)])
    assert not lobby.woken.is_set()
    lobby.note([message(1, 2), ev.TopicChanged(T, 1, 3, 2, "bob", "tea")])
    assert lobby.woken.is_set()
    assert lobby.take().heads == {1: 3}


def test_joins_and_leaves_know_what_was_said_before_them(lobby: Notes) -> None:
    """Each has the seq of the newest event at that moment, within a commit too."""
    lobby.note(
        [
            ev.UserCreated(T, 4, "dave"),
            ev.MemberJoined(T, 1, 4),
            message(1, 2),
            ev.MemberLeft(T + 1, 1, 4),
            ev.UserEnded(T + 2, 4),
        ]
    )
    taken = lobby.take()
    assert taken.heads == {1: 2}
    assert list(taken.comings) == [
        Coming(1, 1, T, "dave", True),
        Coming(1, 2, T + 1, "dave", False),
    ]


def test_who_is_gone_for_ever_leaves_all_public_rooms(lobby: Notes) -> None:
    """Of those that were joined before the start too, and of no direct message."""
    lobby.note([TEA, ev.MemberJoined(T, 4, 2)])
    lobby.take()
    lobby.note([ev.UserEnded(T, 2)])
    assert list(lobby.take().comings) == [
        Coming(1, 1, T, "bob", False),
        Coming(4, 0, T, "bob", False),
    ]


def test_oldest_joins_are_dropped_and_counted(
    lobby: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound holds for what is noted, and for what is given back before it."""
    monkeypatch.setattr(notes, "MAX_COMINGS", 3)
    lobby.note([TEA])
    for number in range(5, 9):
        lobby.note([ev.UserCreated(T, number, f"u{number}"), ev.MemberJoined(T, 1, number)])
    taken = lobby.take()
    assert [coming.name for coming in taken.comings] == ["u6", "u7", "u8"]
    assert taken.dropped == {1: 1}
    lobby.note([ev.MemberJoined(T, 4, 8)])
    lobby.give_back(taken.comings, taken.dropped)
    again = lobby.take()
    assert [(coming.room_id, coming.name) for coming in again.comings] == [
        (1, "u7"),
        (1, "u8"),
        (4, "u8"),
    ]
    assert again.dropped == {1: 2}


DEN = ev.RoomOpened(T, 9, RoomKind.PRIVATE, "den", 2, ())


def test_private_rooms_are_no_matter_of_transcripts(lobby: Notes) -> None:
    """Whatever happens in one leaves nothing to write, and no name."""
    lobby.note(
        [
            DEN,
            ev.MemberJoined(T, 9, 2, Role.OWNER),
            message(9, 1),
            ev.RoomChanged(T, 9, 2, 2, "bob", name="attic"),
            ev.RoleChanged(T, 9, 3, 0, "", 2, "bob", Role.OWNER),
            ev.MemberRemoved(T, 9, 4, 0, "", 2, "bob", "out"),
            ev.MemberJoined(T, 9, 2),
            ev.MemberLeft(T, 9, 2),
            ev.RoomForgotten(T, 9, 4),
        ]
    )
    assert not lobby.woken.is_set()
    assert (lobby.take().heads, list(lobby.take().comings)) == ({}, [])
    with pytest.raises(KeyError):
        lobby.room_name(9)


def test_what_happens_to_a_public_room_is_noted(lobby: Notes) -> None:
    """Roles, removals and changes advance it; who was removed does not leave again."""
    lobby.note(
        [
            ev.UserCreated(T, 4, "dave"),
            ev.MemberJoined(T, 1, 4),
            ev.MemberRemoved(T, 1, 2, 2, "bob", 4, "dave", "spam"),
            ev.RoomChanged(T, 1, 3, 2, "bob", name="Hall"),
            ev.UserEnded(T, 4),
        ]
    )
    taken = lobby.take()
    assert taken.heads == {1: 3}
    assert [coming.joined for coming in taken.comings] == [True]
    assert lobby.room_name(1) == "Hall"
