"""The calls that look things up: history, rooms, users. All by page."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.events import RoomEvent
from chat_service.core.names import name_key
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.paging import key_of, page_size, token_after
from chat_service.edge.sessions import Sessions
from chat_service.edge.stream import Streams, check_reached, room_now
from chat_service.edge.wire import put_event, target_of, user_message
from chat_service.hub.hub import Hub
from chat_service.log.contract import Log

# No seq has more; a longer number in a page_token was never ours.
MAX_SEQ_DIGITS = 19


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

    async def list_messages(
        self, request: pb.ListMessagesRequest, call: Call
    ) -> pb.ListMessagesResponse:
        """Read a page of history."""
        session = self._sessions.used_by(call)
        size = page_size(request.page_size, self._limits)
        room = self._directory.room_for(session.user_id, target_of(request.room))
        head = self._hub.head(room.room_id)
        forward = request.WhichOneof("start") == "after_seq"
        scope = f"messages {room.room_id} {'after' if forward else 'before'}"
        key = key_of(request.page_token, scope)
        if key is not None and not (key.isdecimal() and len(key) <= MAX_SEQ_DIGITS):
            raise RefusedError(
                Rejection(Reason.PAGE_INVALID, "this page_token is damaged", field="page_token")
            )
        events: list[RoomEvent]
        if forward:
            after = request.after_seq if key is None else int(key)
            check_reached(self._hub, room.room_id, after, "after_seq")
            events = await self._read(self._log.read_after, room.room_id, after, size)
            more = bool(events) and events[-1].seq < head
        else:
            before = (request.before_seq or head + 1) if key is None else int(key)
            before = min(before, head + 1)
            events = await self._read(self._log.read_before, room.room_id, before, size)
            more = bool(events) and events[-1].seq > self._hub.first(room.room_id)
        listing = pb.ListMessagesResponse(
            next_page_token=token_after(scope, str(events[-1].seq)) if more else ""
        )
        for event in events:
            put_event(listing.events.add(), event)
        return listing

    async def list_rooms(self, request: pb.ListRoomsRequest, call: Call) -> pb.ListRoomsResponse:
        """List the public rooms."""
        self._sessions.used_by(call)
        size = page_size(request.page_size, self._limits)
        key = key_of(request.page_token, "rooms")
        rooms = self._directory.rooms_after(key, size + 1)
        shown = rooms[:size]
        return pb.ListRoomsResponse(
            rooms=[room_now(room, self._hub) for room in shown],
            next_page_token=(
                token_after("rooms", name_key(shown[-1].name)) if len(rooms) > size else ""
            ),
        )

    async def list_users(self, request: pb.ListUsersRequest, call: Call) -> pb.ListUsersResponse:
        """List the users present in a room, or all."""
        session = self._sessions.used_by(call)
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
                for user in self._directory.users_after(key_found, size + 1)
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
    ) -> list[RoomEvent]:
        def page() -> list[RoomEvent]:
            return read(room_id, seq, count=count, max_bytes=self._limits.page_bytes)

        return await asyncio.get_running_loop().run_in_executor(self._readers, page)
