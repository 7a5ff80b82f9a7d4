"""A private room does not exist for outsiders: the same answers, by the same looks."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decide import decide, fact_key
from chat_service.core.errors import Rejection
from chat_service.core.model import FOREVER_MS, HistoryPolicy, Role, RoomKind, Style
from chat_service.core.rooms import find_room
from tests.core.looks import Looks
from tests.core.scene import Scene, to

UNKNOWN = 99


class Town(Scene):
    """Two private rooms of olga, one of them closed by a password, with all that rooms can have.

    Outside are people of every kind.
    """

    def __init__(self) -> None:
        super().__init__()
        olga, mel = self.guest("olga"), self.guest("mel")
        self.outside = {
            "stranger": self.guest("stranger"),
            "admin": self.account("ruth", admin=True),
            "former": self.guest("former"),
            "banned": self.guest("banned"),
            "muted": self.guest("muted"),
        }
        self.rooms = [self.opens_private(olga, mel, self.outside["former"]) for _ in range(2)]
        for room_id in self.rooms:
            self.ok(cmd.LeaveRoom(self.outside["former"], to(room_id)))
            self.ok(cmd.CreateInvite(olga, to(room_id), b"code %d" % room_id, 5, 0))
            self.ok(cmd.InviteUser(olga, to(room_id), cmd.UserByName("muted")))
            self.ok(cmd.RevokeInvitation(olga, to(room_id), cmd.UserByName("muted")))
            for name, event in (("banned", ev.MemberBanned), ("muted", ev.MemberMuted)):
                user_id = self.user_of(self.outside[name])
                self.happens(event(self.now_ms, room_id, user_id, FOREVER_MS, "", 1, "olga"))
            self.say(olga, room_id, "hello")
        self.ok(
            cmd.UpdateRoom(
                olga, to(self.rooms[1]), archived=True, slow_mode_ms=5000, password_hash="hash"
            )
        )
        self.looks = Looks(self.state)

    def asked(self, command: cmd.Command) -> tuple[object, object, list[tuple[str, str]]]:
        """Decide an order; return what it reads of the log, what it comes to, and its looks."""
        self.looks.taken()
        key = fact_key(self.state, command)
        decision = decide(self.state, command, None, self.now_ms)
        return key, decision, self.looks.taken()


# What orders are given beside session and target.
GIVEN: dict[str, object] = {
    "user": cmd.UserByName("mel"),
    "topic": "cats",
    "role": Role.OWNER,
    "code_hash": b"new",
    "uses": 1,
    "lifetime_ms": 0,
    "invite_id": 1,
    "reason": "",
    "duration_ms": 0,
    "seq": 1,
    "style": Style.TEXT,
    "text": "hello",
    "client_msg_id": "m1",
    "request_hash": b"h",
    "archived": True,
    "name": "x",
    "kind": RoomKind.PRIVATE,
    "history": HistoryPolicy.ALL,
    "password_hash": "another",
}


def _fields(kind: type[Any]) -> list[str]:
    return list(getattr(kind, "_fields", ())) or [field.name for field in fields(kind)]


NAMING = [kind for kind in get_args(cmd.Command) if {"target", "session_id"} <= {*_fields(kind)}]
"""The orders that name a room."""


def order(kind: Callable[..., Any], session_id: int, room_id: int) -> cmd.Command:
    """Make an order about a room."""
    names = _fields(kind) if isinstance(kind, type) else []
    given = {name: GIVEN[name] for name in names if name in GIVEN}
    made: cmd.Command = kind(session_id=session_id, target=to(room_id), **given)
    return made


def replace_target(command: Any, name: str) -> cmd.Command:
    """Return the order on a room by its name. Any: the order has a target."""
    if hasattr(command, "_replace"):
        changed: cmd.Command = command._replace(target=to(name))
    else:
        changed = replace(command, target=to(name))
    return changed


@pytest.fixture(scope="module")
def town() -> Town:
    """Give the town; nothing is changed in it."""
    return Town()


def test_orders_that_name_a_room_are_many() -> None:
    """The orders are found by their fields, so that a new one is tried too."""
    assert {cmd.JoinRoom, cmd.PostMessage, cmd.DeleteMessage, cmd.KickMember} <= {*NAMING}
    assert len(NAMING) >= 15


@pytest.mark.parametrize("who", ["stranger", "admin", "former", "banned", "muted"])
@pytest.mark.parametrize("kind", NAMING)
def test_every_order_on_a_private_room_is_one_on_no_room(
    town: Town, kind: type[Any], who: str
) -> None:
    """The same refusal to the letter, after the same looks, and nothing read of the log."""
    session_id = town.outside[who]
    unknown = town.asked(order(kind, session_id, UNKNOWN))
    assert isinstance(unknown[1], Rejection)
    for room_id in town.rooms:
        assert town.asked(order(kind, session_id, room_id)) == unknown


@pytest.mark.parametrize("who", ["stranger", "admin", "former", "banned", "muted"])
def test_finding_a_private_room_is_looking_for_no_room(town: Town, who: str) -> None:
    """Reads are authorised by `find_room`, which looks the same whatever there is."""
    user_id = town.user_of(town.outside[who])
    found = []
    for room_id in (UNKNOWN, *town.rooms):
        town.looks.taken()
        found.append((find_room(town.state, user_id, to(room_id), town.now_ms), town.looks.taken()))
    assert isinstance(found[0][0], Rejection)
    assert found[1:] == found[:1] * 2


@pytest.mark.parametrize("who", ["stranger", "admin", "former", "banned", "muted"])
def test_declining_an_invitation_tells_of_no_room(town: Town, who: str) -> None:
    """It names a room by its id alone."""
    session_id = town.outside[who]
    unknown = town.asked(cmd.DeclineInvitation(session_id, UNKNOWN))
    for room_id in town.rooms:
        assert town.asked(cmd.DeclineInvitation(session_id, room_id)) == unknown


def test_name_of_a_private_room_is_looked_for_as_any(town: Town) -> None:
    """By name there is no private room: what is looked up is the same for a name of nothing."""
    session_id = town.outside["stranger"]
    for kind in (cmd.LeaveRoom, cmd.SetTopic, cmd.PostMessage):
        asked = [
            town.asked(replace_target(order(kind, session_id, UNKNOWN), name))
            for name in ("den", "nothing")
        ]
        assert asked[0] == asked[1]
