"""`chat_cli.room_commands`: what is typed about rooms becomes calls, and what comes is shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from google.protobuf.message import Message

from chat_cli.model import ById
from chat_cli.pending import JoinRoom
from chat_protos.chat.v1 import accounts_pb2, chat_pb2
from chat_protos.chat.v1 import rooms_pb2 as pb
from tests.cli.desk import run
from tests.cli.ends import Code, EndError
from tests.cli.person import EIGHT, PLAN, WITH_BOB, live, opened
from tests.cli.recorded_calls import RecordedCalls, recording
from tests.cli.test_client import Seat

ROOMS = pb.DESCRIPTOR.services_by_name["RoomService"]
WHERE = chat_pb2.RoomTarget(room_id="r5")
NAMED_BOB = accounts_pb2.UserTarget(name="bob")
FOREVER = 2**53 - 1
CODE = "dGhpcyBpcyBhIGNvZGUgeA"


@asynccontextmanager
async def in_plan() -> AsyncIterator[tuple[Seat, RecordedCalls]]:
    """Seat anna in a private room of hers."""
    async with recording(ROOMS) as (calls, channel):
        anna = Seat()
        anna.connection.channel = channel
        anna.told(opened(PLAN), live(0, PLAN))
        anna.state.move_to("r5")
        yield anna, calls


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("/describe about plans", pb.UpdateRoomRequest(room=WHERE, description="about plans")),
        ("/describe -", pb.UpdateRoomRequest(room=WHERE, description="")),
        ("/rename #den", pb.UpdateRoomRequest(room=WHERE, name="den")),
        ("/unarchive", pb.UpdateRoomRequest(room=WHERE, archived=False)),
        ("/slow 30s", pb.UpdateRoomRequest(room=WHERE, slow_mode_ms=30_000)),
        ("/slow off", pb.UpdateRoomRequest(room=WHERE, slow_mode_ms=0)),
        ("/lock-topic", pb.UpdateRoomRequest(room=WHERE, topic_locked=True)),
        ("/unlock-topic", pb.UpdateRoomRequest(room=WHERE, topic_locked=False)),
        (
            "/newcomers all",
            pb.UpdateRoomRequest(room=WHERE, history=chat_pb2.HISTORY_POLICY_ALL),
        ),
        (
            "/newcomers from-join",
            pb.UpdateRoomRequest(room=WHERE, history=chat_pb2.HISTORY_POLICY_FROM_JOIN),
        ),
        (
            "/role @bob moderator",
            pb.SetRoleRequest(room=WHERE, user=NAMED_BOB, role=chat_pb2.ROLE_MODERATOR),
        ),
        (
            "/role bob OWNER",
            pb.SetRoleRequest(room=WHERE, user=NAMED_BOB, role=chat_pb2.ROLE_OWNER),
        ),
    ],
)
def test_what_all_members_are_told_is_not_told_twice(line: str, request_: Message) -> None:
    """One call about the current room, and no line: the event brings one."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            assert await anna.types(line) == []
            assert calls.request() == request_

    run(story())


@pytest.mark.parametrize(
    "line",
    ["/slow 30", "/slow forever", "/newcomers some", "/role bob", "/role bob king", "/role",
     "/create den public", "/code 3 4 5", "/code x", "/invite ,", "/join r5 sesame"],
)  # fmt: skip
def test_a_mistake_is_told_and_changes_nothing(line: str) -> None:
    """With how the command is typed."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            (told,) = await anna.types(line)
            assert f"{line.split()[0]} " in told
            assert calls.came == []
            assert anna.orders() == []

    run(story())


@pytest.mark.parametrize("line", ["/archive", "/room", "/members", "/invite bob", "/code"])
def test_commands_about_rooms_need_one(line: str) -> None:
    """Neither a direct message nor a room that is not open yet: the one before it is spared."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            anna.told(opened(WITH_BOB), live(0, WITH_BOB))
            anna.state.move_to("r3")
            assert "That is for rooms" in (await anna.types(line))[0]
            anna.state.move_to("r5")
            assert "That is for rooms" in (await anna.types("/join elsewhere", line))[0]
            assert calls.came == []

    run(story())


def test_a_command_is_about_the_room_in_which_it_was_typed() -> None:
    """Also when the next line leads elsewhere before anything was asked."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            await anna.types("/unarchive", "/join lobby")
            assert calls.request() == pb.UpdateRoomRequest(room=WHERE, archived=False)

    run(story())


def test_a_room_is_archived_after_a_question() -> None:
    """It names the room, and stays with it when the next line leads elsewhere."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            anna.screen.answers.put_nowait("n")
            assert await anna.types("/archive") == ["08:00 · Nothing is archived."]
            assert calls.came == []
            anna.screen.answers.put_nowait("y")
            assert await anna.types("/archive", "/join lobby") == ["08:00 · now in #lobby"]
            assert calls.request() == pb.UpdateRoomRequest(room=WHERE, archived=True)
            question = "Archive plan (private) for all its members? (y/n) "
            assert anna.screen.asked == [(question, None)] * 2

    run(story())


def test_a_room_is_made_and_entered() -> None:
    """Of a private one it is told how others come in; the id is what its password needs."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            room = chat_pb2.Room(room_id="r9", kind=chat_pb2.ROOM_KIND_PRIVATE, name="den")
            calls.answers("CreateRoom", pb.CreateRoomResponse(room=room))
            (line,) = await anna.types("/create den --private")
            assert "den (private) is made, id r9." in line
            assert calls.request() == pb.CreateRoomRequest(
                name="den", kind=chat_pb2.ROOM_KIND_PRIVATE
            )
            assert anna.orders() == [JoinRoom(ById("r9"), 50)]
            assert await anna.types("/create hall") == []
            assert calls.request() == pb.CreateRoomRequest(
                name="hall", kind=chat_pb2.ROOM_KIND_PUBLIC
            )

    run(story())


def test_a_room_is_described() -> None:
    """What it is, what one is in it, what holds there; nothing that does not."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            room = chat_pb2.Room(
                room_id="r5", kind=chat_pb2.ROOM_KIND_PRIVATE, name="plan", topic="tea",
                description="two\nlines\x1b[2J", slow_mode_ms=30_000, topic_locked=True,
                history=chat_pb2.HISTORY_POLICY_FROM_JOIN, role=chat_pb2.ROLE_MODERATOR,
                archived=True, muted_until_ms=FOREVER,
            )  # fmt: skip
            calls.answers("GetRoom", pb.GetRoomResponse(room=room))
            title, *rows = await anna.types("/room")
            assert title == "08:00 · plan (private)"
            assert [row.split(maxsplit=1)[0] for row in rows] == [
                "id", "topic", "about", "you", "muted", "slow", "archived", "topic", "newcomers",
                "password",
            ]  # fmt: skip
            assert "two ⏎ lines␛[2J" in rows[2]
            assert rows[3].endswith("a moderator")
            assert rows[4].endswith("for ever")
            plain = chat_pb2.Room(room_id="r1", kind=chat_pb2.ROOM_KIND_PUBLIC, name="lobby")
            calls.answers("GetRoom", pb.GetRoomResponse(room=plain))
            assert len(await anna.types("/room")) == 3

    run(story())


def test_members_are_listed_with_what_they_are() -> None:
    """The highest first; a mute that is over is none."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            members = [
                pb.Member(user=chat_pb2.User(name="bob", bot=True), role=chat_pb2.ROLE_MEMBER,
                          muted_until_ms=FOREVER),
                pb.Member(user=chat_pb2.User(name="eve"), role=chat_pb2.ROLE_MEMBER,
                          muted_until_ms=EIGHT - 1),
                pb.Member(user=chat_pb2.User(name="ann"), role=chat_pb2.ROLE_OWNER),
            ]  # fmt: skip
            calls.answers("ListMembers", pb.ListMembersResponse(members=members))
            title, *rows = await anna.types("/members")
            assert title == "08:00 · 3 members of plan (private)"
            assert [row.split() for row in rows] == [
                ["ann", "owner"], ["bob", "(bot)", "muted", "for", "ever"], ["eve"],
            ]  # fmt: skip

    run(story())


def test_people_are_invited_and_not_any_more() -> None:
    """One or several, one call each."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            (line,) = await anna.types("/invite bob, carol")
            assert line == "08:00 · Invited to plan (private): bob, carol."
            assert [name for name, _, _ in calls.came] == ["InviteUser"] * 2
            (line,) = await anna.types("/uninvite bob")
            assert line == "08:00 · Not invited to plan (private) any more: bob."
            assert calls.request() == pb.RevokeInvitationRequest(room=WHERE, user=NAMED_BOB)

    run(story())


def test_who_cannot_be_invited_keeps_out_nobody_else() -> None:
    """Whom it was is said where there were several."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            nobody = EndError(Code.NOT_FOUND, "there is nobody of that name", "USER_NOT_FOUND")
            done = pb.InviteUserResponse()
            calls.answers("InviteUser", done, nobody, done, nobody)
            assert await anna.types("/invite bob,dora,carol") == [
                "08:00 · Invited to plan (private): bob, carol.",
                "08:00 · dora: there is nobody of that name",
            ]
            assert await anna.types("/invite dora") == ["08:00 · there is nobody of that name"]
            broken = EndError(Code.UNAVAILABLE, "gone")
            calls.answers("InviteUser", done, broken)
            (line,) = await anna.types("/invite bob,carol")
            assert line.startswith("08:00 · /invite got no answer: it may be done, or not.")

    run(story())


def test_a_code_is_shown_once_and_can_be_ended() -> None:
    """As it is typed by who gets it."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            invite = accounts_pb2.Invite(invite_id="i1", uses_left=3, expires_ms=FOREVER)
            made = pb.CreateRoomInviteResponse(code=CODE, invite=invite)
            calls.answers("CreateRoomInvite", made, made)
            assert await anna.types("/code 3 2h") == [
                "08:00 · By this 3 people may enter plan (private) for ever; it is shown only now:",
                f"08:00 · /join code:{CODE}",
            ]
            assert calls.request() == pb.CreateRoomInviteRequest(
                room=WHERE, uses=3, lifetime_ms=7_200_000
            )
            await anna.types("/code")
            assert calls.request() == pb.CreateRoomInviteRequest(room=WHERE)
            calls.answers("ListRoomInvites", pb.ListRoomInvitesResponse(invites=[invite]))
            assert (await anna.types("/code list"))[1].split()[:3] == ["i1", "3", "people"]
            await anna.types("/code revoke i1")
            assert calls.request() == pb.RevokeRoomInviteRequest(room=WHERE, invite_id="i1")

    run(story())


def test_the_password_of_a_room_is_set_and_removed() -> None:
    """Twice the same, or nothing; what was typed differently changes nothing."""

    async def story() -> None:
        async with in_plan() as (anna, calls):
            room = chat_pb2.Room(room_id="r5", name="plan", kind=chat_pb2.ROOM_KIND_PRIVATE)
            calls.answers("UpdateRoom", *[pb.UpdateRoomResponse(room=room)] * 2)

            async def answers(*answers: str) -> list[str]:
                for answer in answers:
                    anna.screen.answers.put_nowait(answer)
                return await anna.types("/room-password")

            assert "two passwords" in (await answers("one", "two"))[0]
            assert calls.came == []
            assert "/join r5 password" in (await answers("sesame", "sesame"))[0]
            assert calls.request() == pb.UpdateRoomRequest(room=WHERE, password="sesame")
            assert await answers("") == ["08:00 · plan (private) has no password now."]
            assert calls.request() == pb.UpdateRoomRequest(room=WHERE, password="")

    run(story())
