"""The calls of RoomService about ways into private rooms: invitations of users, and codes."""

import secrets
from collections.abc import Callable

from chat_protos.chat.v1 import rooms_pb2
from chat_service.core import commands as cmd
from chat_service.core.decision import too_fast
from chat_service.core.errors import RefusedError
from chat_service.core.model import Role, Scope, Session
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.ids import invite_number, room_number
from chat_service.edge.journal import Journal
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.rooms import room_ruled
from chat_service.edge.sessions import Sessions
from chat_service.edge.wire import (
    invitation_message,
    invite_message,
    target_of,
    user_target_of,
)

# Bytes of chance in a code: nobody guesses one.
CODE_BYTES = 16


class InvitationMethods:
    """Serves the calls about who may enter a private room."""

    def __init__(
        self,
        *,
        journal: Journal,
        directory: Directory,
        sessions: Sessions,
        pace: Pace,
        clock: Callable[[], float],
        check_open: Callable[[], None],
    ) -> None:
        """`clock` is for rates, in seconds; `check_open` raises when the server stops."""
        self._journal = journal
        self._directory = directory
        self._sessions = sessions
        self._pace = pace
        self._clock = clock
        self._check_open = check_open

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "InviteUser": self.invite_user,
            "RevokeInvitation": self.revoke_invitation,
            "ListInvitations": self.list_invitations,
            "DeclineInvitation": self.decline_invitation,
            "CreateRoomInvite": self.create_room_invite,
            "ListRoomInvites": self.list_room_invites,
            "RevokeRoomInvite": self.revoke_room_invite,
        }

    # --------------------------------------------------------------- invitations

    async def invite_user(
        self, request: rooms_pb2.InviteUserRequest, call: Call
    ) -> rooms_pb2.InviteUserResponse:
        """Invite a user to a private room."""
        session = self._writer(call)
        await self._journal.order(
            cmd.InviteUser(
                session.session_id,
                target_of(request.room),
                user_target_of(request.user),
                self._pace.send(session.user_id, self._clock()),
            )
        )
        return rooms_pb2.InviteUserResponse()

    async def revoke_invitation(
        self, request: rooms_pb2.RevokeInvitationRequest, call: Call
    ) -> rooms_pb2.RevokeInvitationResponse:
        """Take an invitation back."""
        session = self._payer(call)
        await self._journal.order(
            cmd.RevokeInvitation(
                session.session_id, target_of(request.room), user_target_of(request.user)
            )
        )
        return rooms_pb2.RevokeInvitationResponse()

    async def list_invitations(
        self, _: rooms_pb2.ListInvitationsRequest, call: Call
    ) -> rooms_pb2.ListInvitationsResponse:
        """List the invitations of the caller."""
        session = self._sessions.used_by(call, Scope.READ)
        rooms = self._directory.state.rooms
        return rooms_pb2.ListInvitationsResponse(
            invitations=[
                invitation_message(invitation, rooms[invitation.room_id])
                for invitation in self._directory.invitations_of(session.user_id)
            ]
        )

    async def decline_invitation(
        self, request: rooms_pb2.DeclineInvitationRequest, call: Call
    ) -> rooms_pb2.DeclineInvitationResponse:
        """Decline an invitation."""
        session = self._payer(call)
        await self._journal.order(
            cmd.DeclineInvitation(session.session_id, room_number(request.room_id))
        )
        return rooms_pb2.DeclineInvitationResponse()

    # --------------------------------------------------------------------- codes

    async def create_room_invite(
        self, request: rooms_pb2.CreateRoomInviteRequest, call: Call
    ) -> rooms_pb2.CreateRoomInviteResponse:
        """Make a code of a private room."""
        session = self._writer(call)
        code = secrets.token_urlsafe(CODE_BYTES)
        answer = await self._journal.order(
            cmd.CreateInvite(
                session.session_id,
                target_of(request.room),
                token_hash(code),
                request.uses,
                request.lifetime_ms,
                self._pace.send(session.user_id, self._clock()),
            )
        )
        invite = self._directory.state.invites.get(answer.invite_id)
        shown = None if invite is None else invite_message(invite)
        return rooms_pb2.CreateRoomInviteResponse(code=code, invite=shown)

    async def list_room_invites(
        self, request: rooms_pb2.ListRoomInvitesRequest, call: Call
    ) -> rooms_pb2.ListRoomInvitesResponse:
        """List the codes of a room that can still be used."""
        session = self._sessions.used_by(call, Scope.READ)
        room = room_ruled(self._directory, session, target_of(request.room), Role.MODERATOR)
        state, now_ms = self._directory.state, self._directory.clock_ms()
        invites = [state.invites[n] for n in state.invites_of.get(room.room_id) or ()]
        return rooms_pb2.ListRoomInvitesResponse(
            invites=[invite_message(one) for one in reversed(invites) if one.until_ms > now_ms]
        )

    async def revoke_room_invite(
        self, request: rooms_pb2.RevokeRoomInviteRequest, call: Call
    ) -> rooms_pb2.RevokeRoomInviteResponse:
        """End a code of a room."""
        session = self._payer(call)
        await self._journal.order(
            cmd.RevokeInvite(
                session.session_id, target_of(request.room), invite_number(request.invite_id)
            )
        )
        return rooms_pb2.RevokeRoomInviteResponse()

    # ------------------------------------------------------------------- private

    def _writer(self, call: Call) -> Session:
        """Return the session of a call that changes something."""
        self._check_open()
        return self._sessions.used_by(call, Scope.ROOMS)

    def _payer(self, call: Call) -> Session:
        """Return the session, as `_writer`, of a call whose order does not carry its rate."""
        session = self._writer(call)
        wait_ms = self._pace.send(session.user_id, self._clock())
        if wait_ms:
            raise RefusedError(too_fast(wait_ms))
        return session
