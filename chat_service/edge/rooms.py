"""The calls of RoomService. Each parses, asks, and answers; rules are in the core."""

from collections.abc import Callable
from dataclasses import replace

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import rooms_pb2
from chat_service.core import commands as cmd
from chat_service.core.access import muted_until, rank
from chat_service.core.decision import too_fast
from chat_service.core.errors import RefusedError, Rejection
from chat_service.core.model import Member, Role, Room, Scope, Session
from chat_service.core.names import name_key
from chat_service.core.rooms import room_for
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory
from chat_service.edge.doors import Doors
from chat_service.edge.journal import Journal
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.methods import Unary
from chat_service.edge.pace import Pace
from chat_service.edge.paging import key_of, page_size, token_after
from chat_service.edge.sessions import Sessions
from chat_service.edge.standing import room_now
from chat_service.edge.wire import (
    ROLES,
    history_of,
    kind_of,
    role_of,
    target_of,
    user_message,
    user_target_of,
)
from chat_service.hub.hub import Hub

SERVICE = rooms_pb2.DESCRIPTOR.services_by_name["RoomService"]


class RoomMethods:
    """Serves the calls about rooms of one instance."""

    def __init__(
        self,
        *,
        journal: Journal,
        directory: Directory,
        hub: Hub,
        sessions: Sessions,
        pace: Pace,
        doors: Doors,
        clock: Callable[[], float],
        check_open: Callable[[], None],
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
        """`clock` is for rates, in seconds; `check_open` raises when the server stops."""
        self._journal = journal
        self._directory = directory
        self._hub = hub
        self._sessions = sessions
        self._pace = pace
        self._doors = doors
        self._clock = clock
        self._check_open = check_open
        self._limits = limits

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "CreateRoom": self.create_room,
            "GetRoom": self.get_room,
            "UpdateRoom": self.update_room,
            "ListMembers": self.list_members,
            "SetRole": self.set_role,
        }

    # --------------------------------------------------------------------- rooms

    async def create_room(
        self, request: rooms_pb2.CreateRoomRequest, call: Call
    ) -> rooms_pb2.CreateRoomResponse:
        """Make a room."""
        session = self._writer(call)
        now = self._clock()
        command = cmd.CreateRoom(
            session.session_id,
            request.name,
            kind_of(request.kind),
            request.topic,
            request.description,
            history_of(request.history),
            wait_ms=self._pace.join(session.user_id, now),
            room_wait_ms=self._pace.room(call.network, now),
        )
        waits = command.wait_ms or command.room_wait_ms
        if request.password and not waits:
            password_hash = await self._doors.hashed(request.password, call.network)
            command = replace(command, password_hash=password_hash)
        answer = await self._journal.order(command)
        return rooms_pb2.CreateRoomResponse(room=self._room(answer.room_id, session.user_id))

    async def get_room(
        self, request: rooms_pb2.GetRoomRequest, call: Call
    ) -> rooms_pb2.GetRoomResponse:
        """Return a room."""
        session = self._sessions.used_by(call, Scope.READ)
        room = self._directory.room_for(session.user_id, target_of(request.room))
        return rooms_pb2.GetRoomResponse(room=self._room(room.room_id, session.user_id))

    async def update_room(
        self, request: rooms_pb2.UpdateRoomRequest, call: Call
    ) -> rooms_pb2.UpdateRoomResponse:
        """Change a room."""
        session = self._writer(call)
        password_hash = None
        wait_ms = self._pace.send(session.user_id, self._clock())
        target = target_of(request.room)
        if request.password:
            # The work of a hash, as in CreateRoom.
            wait_ms = wait_ms or self._pace.join(session.user_id, self._clock())
            if wait_ms:
                raise RefusedError(too_fast(wait_ms))
        if request.HasField("password"):
            # Before the work of a hash, which is for owners alone.
            room_ruled(self._directory, session, target, Role.OWNER)
            password_hash = ""
            if request.password:
                password_hash = await self._doors.hashed(request.password, call.network)
        command = cmd.UpdateRoom(
            session.session_id,
            target,
            name=request.name if request.HasField("name") else None,
            description=request.description if request.HasField("description") else None,
            archived=request.archived if request.HasField("archived") else None,
            slow_mode_ms=request.slow_mode_ms if request.HasField("slow_mode_ms") else None,
            history=history_of(request.history) if request.HasField("history") else None,
            topic_locked=request.topic_locked if request.HasField("topic_locked") else None,
            password_hash=password_hash,
            wait_ms=wait_ms,
        )
        answer = await self._journal.order(command)
        return rooms_pb2.UpdateRoomResponse(room=self._room(answer.room_id, session.user_id))

    # ------------------------------------------------------------------- members

    async def list_members(
        self, request: rooms_pb2.ListMembersRequest, call: Call
    ) -> rooms_pb2.ListMembersResponse:
        """List the members of a room by name."""
        session = self._sessions.used_by(call, Scope.READ)
        size = page_size(request.page_size, self._limits)
        directory = self._directory
        room = directory.room_for(session.user_id, target_of(request.room))
        scope = f"members {room.room_id}"
        key = key_of(request.page_token, scope)
        members = directory.members_after(room.room_id, key, size + 1)
        shown = members[:size]
        users = directory.state.users
        standing = rank(directory.state, room, session.user_id, session.scopes)
        is_told = standing >= Role.MODERATOR
        return rooms_pb2.ListMembersResponse(
            members=[self._member(member, is_told=is_told) for member in shown],
            next_page_token=(
                token_after(scope, name_key(users[shown[-1].user_id].name))
                if len(members) > size
                else ""
            ),
        )

    async def set_role(
        self, request: rooms_pb2.SetRoleRequest, call: Call
    ) -> rooms_pb2.SetRoleResponse:
        """Give a member another role."""
        session = self._writer(call)
        await self._journal.order(
            cmd.SetRole(
                session.session_id,
                target_of(request.room),
                user_target_of(request.user),
                role_of(request.role),
                self._pace.send(session.user_id, self._clock()),
            )
        )
        return rooms_pb2.SetRoleResponse()

    # ------------------------------------------------------------------- private

    def _writer(self, call: Call) -> Session:
        """Return the session of a call that changes something."""
        self._check_open()
        return self._sessions.used_by(call, Scope.ROOMS)

    def _room(self, room_id: int, user_id: int) -> pb.Room | None:
        """Return a room as the caller sees it; None if it is gone meanwhile."""
        room = self._directory.state.rooms.get(room_id)
        return None if room is None else room_now(room, self._hub, self._directory, user_id)

    def _member(self, member: Member, *, is_told: bool) -> rooms_pb2.Member:
        state, now_ms = self._directory.state, self._directory.clock_ms()
        room_id, user_id = member.room_id, member.user_id
        return rooms_pb2.Member(
            user=user_message(state.users[user_id]),
            role=ROLES[member.role],
            join_ms=member.joined_ms,
            muted_until_ms=muted_until(state, room_id, user_id, now_ms) if is_told else 0,
        )


def room_ruled(directory: Directory, session: Session, target: cmd.Target, role: Role) -> Room:
    """Return a room in which the caller has a role. Raises RefusedError."""
    room = room_for(directory.state, session, target, role, directory.clock_ms())
    if isinstance(room, Rejection):
        raise RefusedError(room)
    return room
