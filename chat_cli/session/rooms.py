"""The calls of RoomService, in the client's own words.

Every method raises CallError (UnreachableError, UnauthenticatedError) when its call fails.
"""

from typing import TYPE_CHECKING

import grpc

from chat_cli import model
from chat_cli.account import Invite, Made
from chat_cli.membership import Member
from chat_cli.session import wire
from chat_cli.session.accounts import invite
from chat_cli.session.unary import Unary
from chat_protos.chat.v1 import accounts_pb2, chat_pb2
from chat_protos.chat.v1 import rooms_pb2 as pb
from chat_protos.chat.v1.rooms_pb2_grpc import RoomServiceStub

if TYPE_CHECKING:
    # The generator describes it for the type checker and does not make it.
    from chat_protos.chat.v1.rooms_pb2_grpc import RoomServiceAsyncStub

_ROLES = {
    model.Role.MEMBER: chat_pb2.ROLE_MEMBER,
    model.Role.MODERATOR: chat_pb2.ROLE_MODERATOR,
    model.Role.OWNER: chat_pb2.ROLE_OWNER,
}
_HISTORY = {
    None: None,
    model.HistoryPolicy.ALL: chat_pb2.HISTORY_POLICY_ALL,
    model.HistoryPolicy.FROM_JOIN: chat_pb2.HISTORY_POLICY_FROM_JOIN,
}


class RoomApi(Unary):
    """The calls about rooms on a channel. Obeys `membership.RoomCalls`."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        super().__init__(token)
        self._stub: RoomServiceAsyncStub = RoomServiceStub(channel)

    async def create_room(self, name: str, private: bool, password: str = "") -> model.RoomInfo:
        """Make a room, with the caller as its owner."""
        kind = chat_pb2.ROOM_KIND_PRIVATE if private else chat_pb2.ROOM_KIND_PUBLIC
        request = pb.CreateRoomRequest(name=name, kind=kind, password=password)
        return wire.room((await self.change(self._stub.CreateRoom, request)).room)

    async def get_room(self, room: model.Target) -> model.RoomInfo:
        """Give a room as it is now."""
        request = pb.GetRoomRequest(room=wire.target(room))
        return wire.room((await self.read(self._stub.GetRoom, request)).room)

    async def update_room(
        self, room: model.Target, change: model.RoomChanged, password: str | None = None
    ) -> model.RoomInfo:
        """Change a room; an empty password takes it away, None leaves it as it is."""
        request = pb.UpdateRoomRequest(
            room=wire.target(room),
            name=change.name,
            description=change.description,
            archived=change.archived,
            slow_mode_ms=change.slow_mode_ms,
            history=_HISTORY[change.history],
            topic_locked=change.topic_locked,
            password=password,
        )
        return wire.room((await self.change(self._stub.UpdateRoom, request)).room)

    async def list_members(self, room: model.Target) -> list[Member]:
        """List who belongs to a room, by name."""
        where = wire.target(room)
        return await self.pages(
            self._stub.ListMembers,
            lambda token, size: pb.ListMembersRequest(room=where, page_token=token, page_size=size),
            lambda page: map(_member, page.members),
        )

    async def set_role(self, room: model.Target, name: str, role: model.Role) -> None:
        """Give a member another role."""
        request = pb.SetRoleRequest(room=wire.target(room), user=user(name), role=_ROLES[role])
        await self.change(self._stub.SetRole, request)

    async def invite(self, room: model.Target, name: str) -> None:
        """Invite a user to a private room."""
        request = pb.InviteUserRequest(room=wire.target(room), user=user(name))
        await self.change(self._stub.InviteUser, request)

    async def revoke_invitation(self, room: model.Target, name: str) -> None:
        """Take an invitation back."""
        request = pb.RevokeInvitationRequest(room=wire.target(room), user=user(name))
        await self.change(self._stub.RevokeInvitation, request)

    async def list_invitations(self) -> list[model.Invitation]:
        """List the own invitations, the newest first."""
        answer = await self.read(self._stub.ListInvitations, pb.ListInvitationsRequest())
        return [wire.invitation(one) for one in answer.invitations]

    async def decline(self, room_id: str) -> None:
        """Decline an invitation."""
        request = pb.DeclineInvitationRequest(room_id=room_id)
        await self.change(self._stub.DeclineInvitation, request)

    async def create_code(self, room: model.Target, uses: int, lifetime_ms: int) -> Made:
        """Make a code by which people may enter; 0 uses and 0 ms are the server's usual."""
        request = pb.CreateRoomInviteRequest(
            room=wire.target(room), uses=uses, lifetime_ms=lifetime_ms
        )
        answer = await self.change(self._stub.CreateRoomInvite, request)
        return Made(answer.code, invite(answer.invite))

    async def list_codes(self, room: model.Target) -> list[Invite]:
        """List the codes of a room that can still be used, the newest first."""
        request = pb.ListRoomInvitesRequest(room=wire.target(room))
        answer = await self.read(self._stub.ListRoomInvites, request)
        return [invite(one) for one in answer.invites]

    async def revoke_code(self, room: model.Target, invite_id: str) -> None:
        """End a code of a room."""
        request = pb.RevokeRoomInviteRequest(room=wire.target(room), invite_id=invite_id)
        await self.change(self._stub.RevokeRoomInvite, request)


def user(name: str) -> accounts_pb2.UserTarget:
    """Write whom a call is about."""
    return accounts_pb2.UserTarget(name=name)


def _member(message: pb.Member) -> Member:
    return Member(
        wire.user(message.user), wire.role(message.role), message.join_ms, message.muted_until_ms
    )
