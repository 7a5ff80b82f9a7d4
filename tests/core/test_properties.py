"""What rooms are like: making them, changing them, and what that means for who speaks there."""

from typing import Any

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from chat_service.core.model import FOREVER_MS, HistoryPolicy, Role, RoomKind, Scope
from tests.core.scene import START_MS, Scene, post, to

# Any: fields of an order, by name.
Fields = dict[str, Any]


class Hall(Scene):
    """A public room with an owner, a moderator and a member."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.olga, self.mo, self.mel = (self.guest(name) for name in ("olga", "mo", "mel"))
        for session_id, role in (
            (self.olga, Role.OWNER),
            (self.mo, Role.MODERATOR),
            (self.mel, Role.MEMBER),
        ):
            self.becomes(session_id, "hall", role)
        self.hall = self.room_named("hall")

    def update(self, session_id: int, **fields: Any) -> cmd.UpdateRoom:
        """Make the order to change the room."""
        return cmd.UpdateRoom(session_id, to(self.hall), **fields)

    def mute(self, session_id: int, until_ms: int = FOREVER_MS) -> None:
        """Let somebody be muted."""
        user_id = self.user_of(session_id)
        self.happens(ev.MemberMuted(self.now_ms, self.hall, user_id, until_ms, "", 1, "olga"))


# ---------------------------------------------------------------------- making


def test_room_is_made_as_it_is_wished() -> None:
    """Its maker is owner and first member; a private one shows newcomers what comes."""
    scene = Scene()
    alice = scene.guest("alice")
    order = cmd.CreateRoom(alice, "Den", RoomKind.PRIVATE, "cats", "a\nb", None, "hash")
    assert scene.happened(order) == (
        ev.RoomOpened(
            START_MS,
            2,
            RoomKind.PRIVATE,
            "Den",
            1,
            (),
            "cats",
            "a\nb",
            HistoryPolicy.FROM_JOIN,
            "hash",
        ),
        ev.MemberJoined(START_MS, 2, 1, Role.OWNER, 1),
    )
    hall = scene.ok(cmd.CreateRoom(alice, "hall", RoomKind.PUBLIC)).room_id
    assert scene.state.rooms[hall].history is HistoryPolicy.ALL
    assert scene.room_named("hall") == hall


def test_names_of_private_rooms_need_not_be_unique() -> None:
    """Two of them, and a public one beside."""
    scene = Scene()
    alice = scene.guest("alice")
    for kind in (RoomKind.PRIVATE, RoomKind.PRIVATE, RoomKind.PUBLIC):
        scene.ok(cmd.CreateRoom(alice, "den", kind))
    refusal = scene.refused(cmd.CreateRoom(alice, "DEN", RoomKind.PUBLIC))
    assert (refusal.reason, refusal.field) == (Reason.ROOM_EXISTS, "name")


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"name": "two words"}, Reason.ROOM_NAME_INVALID, "name"),
        ({"name": ""}, Reason.ROOM_NAME_INVALID, "name"),
        ({"name": "x" * 65}, Reason.ROOM_NAME_INVALID, "name"),
        ({"topic": "a\nb"}, Reason.TOPIC_INVALID, "topic"),
        ({"topic": "x" * 391}, Reason.TOPIC_INVALID, "topic"),
        ({"description": "x" * 2001}, Reason.FIELD_INVALID, "description"),
        ({"description": "bell\x07"}, Reason.FIELD_INVALID, "description"),
        ({"description": "half\ud800"}, Reason.FIELD_INVALID, "description"),
        ({"kind": RoomKind.DIRECT}, Reason.FIELD_INVALID, "kind"),
        ({"kind": RoomKind.PUBLIC, "password_hash": "h"}, Reason.FIELD_INVALID, "password"),
        (
            {"kind": RoomKind.PUBLIC, "history": HistoryPolicy.FROM_JOIN},
            Reason.FIELD_INVALID,
            "history",
        ),
    ],
)
def test_room_that_there_cannot_be(fields: Fields, reason: Reason, field: str) -> None:
    """What is wrong is named, before any rate."""
    scene = Scene()
    wish: Fields = {"name": "den", "kind": RoomKind.PRIVATE, "wait_ms": 9} | fields
    refusal = scene.refused(cmd.CreateRoom(scene.guest("alice"), **wish))
    assert (refusal.reason, refusal.field) == (reason, field)


def test_rooms_made_are_paced_and_bounded() -> None:
    """By the user's rate, by that of its address, and by the rooms that it is in."""
    scene = Scene(Limits(rooms_per_user=1))
    alice = scene.guest("alice")
    for kind in (RoomKind.PUBLIC, RoomKind.PRIVATE):
        for order in (
            cmd.CreateRoom(alice, "den", kind, wait_ms=70),
            cmd.CreateRoom(alice, "den", kind, room_wait_ms=70),
        ):
            refusal = scene.refused(order)
            assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 70)
    scene.ok(cmd.CreateRoom(alice, "den", RoomKind.PRIVATE))
    assert scene.why_not(cmd.CreateRoom(alice, "x", RoomKind.PUBLIC)) is Reason.TOO_MANY_ROOMS
    assert scene.why_not(cmd.JoinRoom(alice, to("lobby"))) is Reason.TOO_MANY_ROOMS


# -------------------------------------------------------------------- changing


def test_owner_changes_everything() -> None:
    """One event tells members all that differs, one entry the audit log."""
    hall = Hall()
    head = hall.state.heads[hall.hall]
    changed, told = hall.happened(
        hall.update(
            hall.olga,
            name="Aula",
            description="for all",
            archived=False,
            slow_mode_ms=5000,
            topic_locked=True,
        )
    )
    assert changed == ev.RoomChanged(
        hall.now_ms,
        hall.hall,
        head + 1,
        1,
        "olga",
        name="Aula",
        description="for all",
        slow_mode_ms=5000,
        topic_locked=True,
    )
    assert isinstance(told, ev.Audited)
    assert (told.action, told.room_name) == ("room", "hall")
    assert told.details == "name=Aula description slow_mode_ms=5000 topic_locked=True"
    assert hall.room_named("aula") == hall.hall
    assert "hall" not in hall.state.room_ids
    assert hall.happened(hall.update(hall.olga, name="Aula", slow_mode_ms=5000)) == ()


def test_password_is_told_to_nobody() -> None:
    """Its change has no place in the room, and the audit log has no hash."""
    scene = Scene()
    alice = scene.guest("alice")
    den = scene.opens_private(alice)
    for password_hash in ("hash", ""):
        events = scene.happened(cmd.UpdateRoom(alice, to(den), password_hash=password_hash))
        changed, told = events
        assert changed == ev.RoomPasswordSet(scene.now_ms, den, password_hash)
        assert "hash" not in repr(told)
    assert scene.state.heads[den] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x"},
        {"description": "x"},
        {"archived": True},
        {"topic_locked": True},
        {"history": HistoryPolicy.ALL},
        {"password_hash": "x"},
        {"slow_mode_ms": 9, "archived": True},
    ],
)
def test_moderator_changes_nothing_but_slow_mode(fields: Fields) -> None:
    """And a member not even that."""
    hall = Hall()
    assert hall.why_not(hall.update(hall.mo, **fields)) is Reason.ROLE_NEEDED
    hall.ok(hall.update(hall.mo, slow_mode_ms=9))
    assert hall.why_not(hall.update(hall.mel, slow_mode_ms=0)) is Reason.ROLE_NEEDED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "room"),
        ({"slow_mode_ms": -1}, "slow_mode_ms"),
        ({"slow_mode_ms": 6 * 3_600_000 + 1}, "slow_mode_ms"),
        ({"name": "two words"}, "name"),
        ({"description": "x" * 2001}, "description"),
        ({"password_hash": "x"}, "password"),
        ({"password_hash": ""}, "password"),
        ({"history": HistoryPolicy.FROM_JOIN}, "history"),
    ],
)
def test_change_that_there_cannot_be(fields: Fields, field: str) -> None:
    """Nothing to change, out of bounds, or not of a public room."""
    hall = Hall()
    refusal = hall.refused(hall.update(hall.olga, **fields))
    assert refusal.field == field
    assert refusal.reason in (Reason.FIELD_INVALID, Reason.ROOM_NAME_INVALID)


def test_name_of_another_public_room_is_not_taken() -> None:
    """In any case; but one's own may be written otherwise, and a private room is free."""
    hall = Hall()
    assert hall.why_not(hall.update(hall.olga, name="LOBBY")) is Reason.ROOM_EXISTS
    hall.ok(hall.update(hall.olga, name="HALL"))
    assert hall.room_named("hall") == hall.hall
    den = hall.opens_private(hall.olga)
    hall.ok(cmd.UpdateRoom(hall.olga, to(den), name="lobby"))


def test_direct_message_has_no_properties() -> None:
    """It is no room that anybody owns."""
    hall = Hall()
    room_id = hall.say(hall.olga, ("mo",)).room_id
    order = cmd.UpdateRoom(hall.olga, to(room_id), archived=True)
    assert hall.why_not(order) is Reason.ROOM_IS_DIRECT


def test_outsider_changes_no_private_room() -> None:
    """It is told the same as of no room, whatever it wants to change."""
    hall = Hall()
    den = hall.opens_private(hall.olga)
    wishes: tuple[Fields, ...] = ({"slow_mode_ms": 0}, {"password_hash": "x"}, {"archived": True})
    for fields in wishes:
        hidden = hall.refused(cmd.UpdateRoom(hall.mel, to(den), **fields))
        assert hidden == hall.refused(cmd.UpdateRoom(hall.mel, to(99), **fields))


# -------------------------------------------------------------------- speaking


def test_nothing_is_said_in_an_archived_room() -> None:
    """Neither messages nor topics, by nobody; it is read and entered, and can be opened again."""
    hall = Hall()
    hall.ok(hall.update(hall.olga, archived=True))
    for session_id in (hall.olga, hall.mo, hall.mel):
        for order in (post(session_id, "hall"), cmd.SetTopic(session_id, to("hall"), "cats")):
            assert hall.why_not(order) is Reason.ROOM_ARCHIVED
    hall.join(hall.guest("new"), "hall")
    hall.ok(hall.update(hall.olga, archived=False))
    hall.say(hall.mel, "hall")


def test_muted_user_says_nothing() -> None:
    """Neither messages nor topics, in this room, as member or not, until the time is over."""
    hall = Hall()
    otto = hall.guest("otto")
    for session_id in (hall.mel, otto):
        hall.mute(session_id, hall.now_ms + 50)
        refusal = hall.refused(post(session_id, "hall"))
        assert refusal.reason is Reason.MUTED
        assert dict(refusal.metadata) == {
            "room_id": f"r{hall.hall}",
            "until_ms": str(hall.now_ms + 50),
        }
        hall.say(session_id, "lobby")
    assert hall.why_not(cmd.SetTopic(hall.mel, to("hall"), "cats")) is Reason.MUTED
    hall.ok(cmd.LeaveRoom(hall.mel, to("hall")))
    hall.join(hall.mel, "hall")
    assert hall.why_not(post(hall.mel, "hall")) is Reason.MUTED
    hall.pass_time(50)
    hall.say(hall.mel, "hall")


def test_slow_mode_is_for_those_without_a_role() -> None:
    """Members and outsiders wait, with the delay told; leaving and coming back does not help."""
    hall = Hall()
    otto = hall.guest("otto")
    hall.ok(hall.update(hall.mo, slow_mode_ms=1000))
    for session_id in (hall.mel, otto):
        hall.say(session_id, "hall")
        hall.pass_time(300)
        refusal = hall.refused(post(session_id, "hall", message_id="soon"))
        assert (refusal.reason, refusal.retry_after_ms) == (Reason.SLOW_MODE, 700)
    hall.ok(cmd.LeaveRoom(hall.mel, to("hall")))
    hall.join(hall.mel, "hall")
    assert hall.why_not(post(hall.mel, "hall", message_id="soon")) is Reason.SLOW_MODE
    for session_id in (hall.mo, hall.olga):
        hall.say(session_id, "hall")
        hall.say(session_id, "hall")
    hall.say(hall.mel, "lobby")
    hall.pass_time(1000)
    hall.say(hall.mel, "hall")


def test_slow_mode_ends_at_once() -> None:
    """Nobody waits any more, and who spoke when is forgotten, as with a guest that ends."""
    hall = Hall()
    hall.ok(hall.update(hall.mo, slow_mode_ms=1000))
    otto = hall.guest("otto")
    hall.say(hall.mel, "hall")
    hall.say(otto, "hall")
    hall.ok(cmd.EndSession(otto))
    assert [key[1] for key, _ in hall.state.spoke.items()] == [hall.user_of(hall.mel)]
    hall.ok(hall.update(hall.mo, slow_mode_ms=0))
    assert hall.state.spoke.snapshot() == {}
    hall.say(hall.mel, "hall")


def test_retry_is_answered_whatever_is_held_against_its_author() -> None:
    """What was stored was stored: muted, slowed and archived alike."""
    hall = Hall()
    said = hall.ok(post(hall.mel, "hall", message_id="m1"))
    hall.mute(hall.mel)
    hall.ok(hall.update(hall.olga, archived=True, slow_mode_ms=1000))
    again = hall.ok(post(hall.mel, "hall", message_id="m1"))
    assert (again.seq, again.duplicate) == (said.seq, True)


def test_locked_topic_is_for_moderators() -> None:
    """Members see it and do not change it."""
    hall = Hall()
    hall.ok(hall.update(hall.olga, topic_locked=True))
    assert hall.why_not(cmd.SetTopic(hall.mel, to("hall"), "cats")) is Reason.ROLE_NEEDED
    for session_id in (hall.mo, hall.olga):
        hall.ok(cmd.SetTopic(session_id, to("hall"), "dogs"))


def test_speaking_needs_the_scope_of_posts_alone() -> None:
    """A token for posts says something and names no topic; one for rooms does the reverse."""
    scene = Scene()
    zoe = scene.account("zoe")
    scene.join(zoe, "lobby")
    speaker, keeper = scene.api_token(zoe, Scope.POST), scene.api_token(zoe, Scope.ROOMS)
    scene.say(speaker, "lobby")
    assert scene.why_not(cmd.SetTopic(speaker, to("lobby"), "cats")) is Reason.SCOPE_MISSING
    assert scene.why_not(post(keeper, "lobby")) is Reason.SCOPE_MISSING
    scene.ok(cmd.SetTopic(keeper, to("lobby"), "cats"))
    for session_id in (speaker, keeper):
        assert scene.why_not(cmd.AttachSession(session_id, 9)) is Reason.SCOPE_MISSING
