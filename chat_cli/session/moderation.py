"""The calls of ModerationService, in the client's own words.

Every method raises CallError (UnreachableError, UnauthenticatedError) when its call fails.
"""

from typing import TYPE_CHECKING

import grpc

from chat_cli import model
from chat_cli.moderation import AuditEntry, Restriction, ServerBan
from chat_cli.session import wire
from chat_cli.session.rooms import user
from chat_cli.session.unary import Unary
from chat_protos.chat.v1 import chat_pb2
from chat_protos.chat.v1 import moderation_pb2 as pb
from chat_protos.chat.v1.chat_pb2_grpc import ChatServiceStub
from chat_protos.chat.v1.moderation_pb2_grpc import ModerationServiceStub

if TYPE_CHECKING:
    # The generator describes them for the type checker and does not make them.
    from chat_protos.chat.v1.chat_pb2_grpc import ChatServiceAsyncStub
    from chat_protos.chat.v1.moderation_pb2_grpc import ModerationServiceAsyncStub


class ModerationApi(Unary):
    """The calls that keep order, on a channel. Obeys `moderation.ModerationCalls`."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        super().__init__(token)
        self._stub: ModerationServiceAsyncStub = ModerationServiceStub(channel)
        self._chat: ChatServiceAsyncStub = ChatServiceStub(channel)

    # ---------------------------------------------------------------------- rooms

    async def kick(self, room: model.Target, name: str, reason: str) -> None:
        """Remove a member from a room."""
        request = pb.KickMemberRequest(room=wire.target(room), user=user(name), reason=reason)
        await self.change(self._stub.KickMember, request)

    async def ban(self, room: model.Target, name: str, duration_ms: int, reason: str) -> int:
        """Keep a user out of a room."""
        request = pb.BanMemberRequest(
            room=wire.target(room), user=user(name), duration_ms=duration_ms, reason=reason
        )
        return (await self.change(self._stub.BanMember, request)).until_ms

    async def unban(self, room: model.Target, name: str) -> None:
        """Let a user into a room again."""
        request = pb.UnbanMemberRequest(room=wire.target(room), user=user(name))
        await self.change(self._stub.UnbanMember, request)

    async def mute(self, room: model.Target, name: str, duration_ms: int, reason: str) -> int:
        """Keep a user from speaking in a room."""
        request = pb.MuteMemberRequest(
            room=wire.target(room), user=user(name), duration_ms=duration_ms, reason=reason
        )
        return (await self.change(self._stub.MuteMember, request)).until_ms

    async def unmute(self, room: model.Target, name: str) -> None:
        """Let a user speak in a room again."""
        request = pb.UnmuteMemberRequest(room=wire.target(room), user=user(name))
        await self.change(self._stub.UnmuteMember, request)

    async def list_restrictions(self, room: model.Target) -> list[Restriction]:
        """List who is banned from a room or muted in it, by name."""
        where = wire.target(room)
        return await self.pages(
            self._stub.ListRestrictions,
            lambda token, size: pb.ListRestrictionsRequest(
                room=where, page_token=token, page_size=size
            ),
            lambda page: map(_restriction, page.restrictions),
        )

    async def find_event(self, room: model.Target, seq: int) -> model.RoomEvent | None:
        """Give the event at a seq of a room; None if it is not kept, or not shown."""
        request = chat_pb2.ListMessagesRequest(
            room=wire.target(room), before_seq=seq + 1, page_size=1
        )
        page = await self.read(self._chat.ListMessages, request)
        events = [wire.event(event) for event in page.events if event.seq == seq]
        return events[0] if events else None

    async def delete_message(self, room: model.Target, seq: int, reason: str) -> bool:
        """Delete a message; tell whether it was there."""
        request = pb.DeleteMessageRequest(room=wire.target(room), seq=seq, reason=reason)
        return (await self.change(self._stub.DeleteMessage, request)).seq > 0

    # ----------------------------------------------------------------- the server

    async def remove_user(self, name: str, reason: str) -> int:
        """Remove a user from the server; give how many sessions it had open."""
        request = pb.RemoveUserRequest(user=user(name), reason=reason)
        return (await self.change(self._stub.RemoveUser, request)).sessions

    async def ban_user(self, name: str, duration_ms: int, reason: str) -> int:
        """Keep a user out of the server."""
        request = pb.BanUserRequest(user=user(name), duration_ms=duration_ms, reason=reason)
        return (await self.change(self._stub.BanUser, request)).until_ms

    async def unban_user(self, name: str) -> None:
        """Let a user in again."""
        await self.change(self._stub.UnbanUser, pb.UnbanUserRequest(name=name))

    async def ban_network(
        self, network: str, duration_ms: int, reason: str
    ) -> tuple[str, int, int]:
        """Keep a network out: give it as it is stored, until when, and how many streams ended."""
        request = pb.BanNetworkRequest(network=network, duration_ms=duration_ms, reason=reason)
        answer = await self.change(self._stub.BanNetwork, request)
        return answer.network, answer.until_ms, answer.streams

    async def unban_network(self, network: str) -> None:
        """Let a network in again."""
        await self.change(self._stub.UnbanNetwork, pb.UnbanNetworkRequest(network=network))

    async def list_server_bans(self) -> list[ServerBan]:
        """List who is kept out of the server, the newest first."""
        return await self.pages(
            self._stub.ListServerBans,
            lambda token, size: pb.ListServerBansRequest(page_token=token, page_size=size),
            lambda page: map(_server_ban, page.bans),
        )

    async def set_lockdown(self, registrations: bool, guests: bool, reason: str) -> None:
        """Close the server to new accounts and new guests, or open it."""
        request = pb.SetLockdownRequest(registrations=registrations, guests=guests, reason=reason)
        await self.change(self._stub.SetLockdown, request)

    async def set_admin(self, name: str, admin: bool) -> None:
        """Make an account an admin, or no longer."""
        await self.change(self._stub.SetAdmin, pb.SetAdminRequest(user=user(name), admin=admin))

    async def set_deactivated(self, name: str, deactivated: bool, reason: str) -> None:
        """Close an account, or open it again."""
        request = pb.SetDeactivatedRequest(user=user(name), deactivated=deactivated, reason=reason)
        await self.change(self._stub.SetDeactivated, request)

    async def set_fast(self, name: str, fast: bool) -> None:
        """Let a bot send fast, or no longer."""
        await self.change(self._stub.SetFast, pb.SetFastRequest(user=user(name), fast=fast))

    async def list_audit(self, room: model.Target | None, most: int) -> list[AuditEntry]:
        """List what was done in a room, or on the server, the newest first."""
        where = wire.target(room) if room else None
        return await self.pages(
            self._stub.ListAuditEntries,
            lambda token, size: pb.ListAuditEntriesRequest(
                room=where, page_token=token, page_size=size
            ),
            lambda page: map(_audit_entry, page.entries),
            most,
        )


def _restriction(message: pb.Restriction) -> Restriction:
    return Restriction(
        wire.user(message.user),
        message.banned_until_ms,
        message.muted_until_ms,
        wire.user(message.by),
        message.reason,
    )


def _server_ban(message: pb.ServerBan) -> ServerBan:
    return ServerBan(
        message.name,
        message.network,
        message.until_ms,
        message.reason,
        wire.user(message.by),
        message.time_ms,
    )


def _audit_entry(message: pb.AuditEntry) -> AuditEntry:
    return AuditEntry(
        message.time_ms,
        wire.user(message.actor),
        message.action,
        message.room_name,
        wire.user(message.target) if message.HasField("target") else None,
        message.details,
        message.until_ms,
        message.reason,
    )
