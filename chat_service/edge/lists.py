"""The calls that look things up: history, rooms, users. All by page."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.access import visible
from chat_service.core.events import RoomEvent
from chat_service.core.model import Room, Scope, Session
from chat_service.core.names import name_key
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory
from chat_service.edge.frames import put_event
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.methods import Unary
from chat_service.edge.paging import key_of, number_of, page_size, token_after
from chat_service.edge.sessions import Sessions
from chat_service.edge.standing import check_reached, room_now
from chat_service.edge.streams import Streams
from chat_service.edge.wire import target_of, user_message
from chat_service.hub.hub import Hub
from chat_service.log.contract import Log


class Lists:
    """Serves ListMessages, ListRooms and ListUsers. `readers` runs blocking reads."""

    def __init__(
        self,
        *,
        log: Log,
        directory: Directory,
        hub: Hub,
        streams: Streams,
        sessions: Sessions,
        readers: Executor,
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
        self._log = log
        self._directory = directory
        self._hub = hub
        self._streams = streams
        self._sessions = sessions
        self._readers = readers
        self._limits = limits

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "ListMessages": self.list_messages,
            "ListRooms": self.list_rooms,
            "ListUsers": self.list_users,
        }

    async def list_messages(
        self, request: pb.ListMessagesRequest, call: Call
    ) -> pb.ListMessagesResponse:
        """Read a page of history.

        Read anew where a message of the room was deleted meanwhile, or its reader may no
        longer read what it might before.
        """
        while True:
            session = self._sessions.used_by(call, Scope.READ)
            room = self._directory.room_for(session.user_id, target_of(request.room))
            sight = self._sight(session, room.room_id)
            listing = await self._messages(request, session, room)
            if self._sight(session, room.room_id) == sight:
                return listing

    def _sight(self, session: Session, room_id: int) -> tuple[bool, bool, int, int]:
        """Return what it hangs on which events of a room a reader is told, and how."""
        directory, user_id = self._directory, session.user_id
        found = visible(directory.state, room_id, user_id, directory.clock_ms())
        return (
            session.session_id in directory.state.sessions,
            isinstance(found, Room),
            directory.floor(room_id, user_id),
            self._hub.rooms.replaced(room_id),
        )

    async def _messages(
        self, request: pb.ListMessagesRequest, session: Session, room: Room
    ) -> pb.ListMessagesResponse:
        size = page_size(request.page_size, self._limits)
        head = self._hub.rooms.head(room.room_id)
        forward = request.WhichOneof("start") == "after_seq"
        scope = f"messages {room.room_id} {'after' if forward else 'before'}"
        key = key_of(request.page_token, scope)
        seq = None if key is None else number_of(key)
        floor = self._directory.floor(room.room_id, session.user_id)
        if forward:
            after = request.after_seq if seq is None else seq
            check_reached(self._hub, room.room_id, after, "after_seq")
            after = max(after, floor - 1)
            listing = await self._read(self._log.read_after, room.room_id, after, size)
            more = bool(listing.events) and listing.events[-1].seq < head
        else:
            before = (request.before_seq or head + 1) if seq is None else seq
            before = min(before, head + 1)
            size = max(0, min(size, before - floor))
            listing = await self._read(self._log.read_before, room.room_id, before, size)
            first = max(floor, self._hub.rooms.first(room.room_id))
            more = bool(listing.events) and listing.events[-1].seq > first
        if more:
            listing.next_page_token = token_after(scope, str(listing.events[-1].seq))
        return listing

    async def list_rooms(self, request: pb.ListRoomsRequest, call: Call) -> pb.ListRoomsResponse:
        """List the public rooms."""
        session = self._sessions.used_by(call, Scope.READ)
        size = page_size(request.page_size, self._limits)
        if request.joined:
            return self._joined_rooms(request, session.user_id, size)
        scope = "all rooms" if request.archived else "rooms"
        key = key_of(request.page_token, scope)
        rooms = self._directory.rooms_after(key, size + 1, archived=request.archived)
        shown = rooms[:size]
        return pb.ListRoomsResponse(
            rooms=[self._room(room, session.user_id) for room in shown],
            next_page_token=(
                token_after(scope, name_key(shown[-1].name)) if len(rooms) > size else ""
            ),
        )

    def _joined_rooms(
        self, request: pb.ListRoomsRequest, user_id: int, size: int
    ) -> pb.ListRoomsResponse:
        """List the rooms of a user in the order of joining, which its numbers have."""
        key = key_of(request.page_token, "joined rooms")
        after = 0 if key is None else number_of(key)
        found = [m for m in self._directory.joined_rooms(user_id) if m.number > after]
        shown = found[:size]
        rooms = self._directory.state.rooms
        return pb.ListRoomsResponse(
            rooms=[self._room(rooms[member.room_id], user_id) for member in shown],
            next_page_token=(
                token_after("joined rooms", str(shown[-1].number)) if len(found) > size else ""
            ),
        )

    def _room(self, room: Room, user_id: int) -> pb.Room:
        return room_now(room, self._hub, self._directory, user_id)

    async def list_users(self, request: pb.ListUsersRequest, call: Call) -> pb.ListUsersResponse:
        """List the users present in a room, or all."""
        session = self._sessions.used_by(call, Scope.READ)
        size = page_size(request.page_size, self._limits)
        if request.HasField("room"):
            room = self._directory.room_for(session.user_id, target_of(request.room))
            scope = f"users {room.room_id}"
            key = key_of(request.page_token, scope) or ""
            if room.member_ids:
                known = self._directory.state.users
                members = [known[n] for n in room.member_ids if n in known]
                entries = [(user, self._streams.is_connected(user.user_id)) for user in members]
            else:
                entries = self._hub.presence.present(room.room_id)
            entries.sort(key=lambda entry: name_key(entry[0].name))
            entries = [entry for entry in entries if name_key(entry[0].name) > key][: size + 1]
        else:
            scope = "users"
            key_found = key_of(request.page_token, scope)
            entries = [
                (user, self._streams.is_connected(user.user_id))
                for user in self._directory.users_after(key_found, size + 1, closed=False)
            ]
        shown = entries[:size]
        return pb.ListUsersResponse(
            users=[user_message(user, connected=connected) for user, connected in shown],
            next_page_token=(
                token_after(scope, name_key(shown[-1][0].name)) if len(entries) > size else ""
            ),
        )

    async def _read(
        self, read: Callable[..., list[RoomEvent]], room_id: int, seq: int, count: int
    ) -> pb.ListMessagesResponse:
        def page() -> pb.ListMessagesResponse:
            # Encoded here too: a thousand events would hold up the loop for some ms.
            listing = pb.ListMessagesResponse()
            for event in read(room_id, seq, count=count, max_bytes=self._limits.page_bytes):
                put_event(listing.events.add(), event)
            return listing

        return await asyncio.get_running_loop().run_in_executor(self._readers, page)
