"""`chat_cli.session.rooms`: each call asks for what it was given, and gives what came."""

import grpc
import pytest

from chat_cli.membership import Member
from chat_cli.model import (
    ById,
    ByName,
    HistoryPolicy,
    Invitation,
    Role,
    RoomChanged,
    RoomInfo,
    RoomKind,
    User,
)
from chat_cli.session.errors import CallError
from chat_cli.session.rooms import RoomApi
from chat_protos.chat.v1 import accounts_pb2, chat_pb2
from chat_protos.chat.v1 import rooms_pb2 as pb
from tests.cli.desk import run
from tests.cli.recorded_calls import recording

SERVICE = pb.DESCRIPTOR.services_by_name["RoomService"]
ROOM = chat_pb2.Room(room_id="r5", kind=chat_pb2.ROOM_KIND_PRIVATE, name="plan")
PLAN = RoomInfo("r5", RoomKind.PRIVATE, "plan")
HERE = ById("r5")
WHERE = chat_pb2.RoomTarget(room_id="r5")
BOB = accounts_pb2.UserTarget(name="bob")


def test_rooms_are_made_found_and_changed() -> None:
    """What is not to be changed is not sent; an empty password is."""

    async def story() -> None:
        async with recording(SERVICE) as (calls, channel):
            rooms = RoomApi(channel, "secret")
            calls.answers("CreateRoom", pb.CreateRoomResponse(room=ROOM))
            assert await rooms.create_room("plan", True, "sesame") == PLAN
            assert calls.came == [
                (
                    "CreateRoom",
                    pb.CreateRoomRequest(
                        name="plan", kind=chat_pb2.ROOM_KIND_PRIVATE, password="sesame"
                    ),
                    "Bearer secret",
                )
            ]
            await rooms.create_room("hall", False)
            assert calls.request() == pb.CreateRoomRequest(
                name="hall", kind=chat_pb2.ROOM_KIND_PUBLIC
            )
            calls.answers("GetRoom", pb.GetRoomResponse(room=ROOM))
            assert await rooms.get_room(ByName("plan")) == PLAN
            where = chat_pb2.RoomTarget(room_name="plan")
            assert calls.request() == pb.GetRoomRequest(room=where)
            calls.answers("UpdateRoom", pb.UpdateRoomResponse(room=ROOM))
            assert await rooms.update_room(HERE, RoomChanged(slow_mode_ms=0)) == PLAN
            assert calls.request() == pb.UpdateRoomRequest(room=WHERE, slow_mode_ms=0)
            change = RoomChanged(
                "x", "", archived=False, history=HistoryPolicy.FROM_JOIN, topic_locked=True
            )
            await rooms.update_room(HERE, change, "")
            assert calls.request() == pb.UpdateRoomRequest(
                room=WHERE, name="x", description="", archived=False, topic_locked=True,
                history=chat_pb2.HISTORY_POLICY_FROM_JOIN, password="",
            )  # fmt: skip

    run(story())


def test_members_are_listed_whole_and_have_roles() -> None:
    """Page after page."""

    async def story() -> None:
        async with recording(SERVICE) as (calls, channel):
            rooms = RoomApi(channel, "secret")
            ann = pb.Member(user=chat_pb2.User(user_id="u1", name="ann"), role=chat_pb2.ROLE_OWNER)
            bob = pb.Member(user=chat_pb2.User(user_id="u2", name="bob"), muted_until_ms=7)
            calls.answers(
                "ListMembers",
                pb.ListMembersResponse(members=[ann], next_page_token="t"),
                pb.ListMembersResponse(members=[bob]),
            )
            assert await rooms.list_members(HERE) == [
                Member(User("u1", "ann"), Role.OWNER, 0),
                Member(User("u2", "bob"), Role.NONE, 0, 7),
            ]
            assert [request for _, request, _ in calls.came] == [
                pb.ListMembersRequest(room=WHERE, page_size=1000),
                pb.ListMembersRequest(room=WHERE, page_size=1000, page_token="t"),
            ]
            await rooms.set_role(HERE, "bob", Role.MODERATOR)
            assert calls.request() == pb.SetRoleRequest(
                room=WHERE, user=BOB, role=chat_pb2.ROLE_MODERATOR
            )

    run(story())


def test_people_are_invited_by_name_and_by_code() -> None:
    """Invitations and codes are made, listed and ended; a code is in no print of what was made."""

    async def story() -> None:
        async with recording(SERVICE) as (calls, channel):
            rooms = RoomApi(channel, "secret")
            await rooms.invite(HERE, "bob")
            assert calls.request() == pb.InviteUserRequest(room=WHERE, user=BOB)
            await rooms.revoke_invitation(HERE, "bob")
            assert calls.request() == pb.RevokeInvitationRequest(room=WHERE, user=BOB)
            one = chat_pb2.Invitation(
                room_id="r5", name="plan", inviter=chat_pb2.User(user_id="u2", name="bob")
            )
            calls.answers("ListInvitations", pb.ListInvitationsResponse(invitations=[one]))
            bob = User("u2", "bob")
            assert await rooms.list_invitations() == [Invitation("r5", "plan", bob, 0)]
            await rooms.decline("r5")
            assert calls.request() == pb.DeclineInvitationRequest(room_id="r5")
            code = accounts_pb2.Invite(invite_id="i1", uses_left=3, expires_ms=9)
            calls.answers(
                "CreateRoomInvite", pb.CreateRoomInviteResponse(code="sesame", invite=code)
            )
            made = await rooms.create_code(HERE, 3, 60_000)
            assert calls.request() == pb.CreateRoomInviteRequest(
                room=WHERE, uses=3, lifetime_ms=60_000
            )
            assert made.secret == "sesame"
            assert "sesame" not in repr(made)
            calls.answers("ListRoomInvites", pb.ListRoomInvitesResponse(invites=[code]))
            assert await rooms.list_codes(HERE) == [made.what]
            await rooms.revoke_code(HERE, "i1")
            assert calls.request() == pb.RevokeRoomInviteRequest(room=WHERE, invite_id="i1")

    run(story())


def test_a_failed_call_is_an_error_of_ours() -> None:
    """A server without rooms says so."""

    async def story() -> None:
        async with recording() as (_, channel):
            with pytest.raises(CallError) as caught:
                await RoomApi(channel, "secret").get_room(HERE)
            assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED
            with pytest.raises(CallError):
                await RoomApi(channel, "secret").list_members(HERE)

    run(story())
