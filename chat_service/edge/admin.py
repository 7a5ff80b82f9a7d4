"""AdminService of one instance: what it can tell its operator, and do for them.

The calls that are about one instance are answered for this one, whatever port they name;
for the others the admin socket of the launcher is asked. Whoever reaches this may do
everything, so it is served on a Unix socket alone.
"""

import asyncio
import logging
from concurrent.futures import Executor
from typing import Any

from google.protobuf.message import Message

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.core import commands as cmd
from chat_service.core.access import is_admin
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.messages import flaw_of_text
from chat_service.core.model import Room, User
from chat_service.core.names import name_key
from chat_service.edge.calls import Call, Context, stream_entry
from chat_service.edge.directory import Directory
from chat_service.edge.figures import Snapshot, figures
from chat_service.edge.frames import put_event
from chat_service.edge.gate import Gate
from chat_service.edge.ids import user_text
from chat_service.edge.journal import Journal
from chat_service.edge.methods import Method, Service, Unary, unary_service
from chat_service.edge.paging import key_of, page_size, token_after
from chat_service.edge.recovery import RecoveryMethods
from chat_service.edge.standing import room_now
from chat_service.edge.streams import Streams
from chat_service.edge.wire import user_message
from chat_service.hub.hub import Hub
from chat_service.hub.pages import AT_ONCE, Pages
from chat_service.hub.replay import Page, unseen
from chat_service.log.contract import Log

logger = logging.getLogger(__name__)

SERVICE = pb.DESCRIPTOR.services_by_name["AdminService"]

# Of one user in a list. Source: the contract.
MAX_ROOM_NAMES = 20
MAX_ADDRESSES = 8
# An export reads this much at once: a few ms of a thread.
EXPORT_EVENTS = 500
EXPORT_BYTES = 256 * 1024
# Streams that are told something in one step of the loop, some 3 µs each.
TOLD_A_STEP = 256


class AdminMethods:
    """Serves the calls about one instance. `readers` runs blocking reads."""

    def __init__(
        self,
        *,
        port: int,
        start_ms: int,
        log: Log,
        journal: Journal,
        directory: Directory,
        hub: Hub,
        streams: Streams,
        recovery: RecoveryMethods,
        readers: Executor,
    ) -> None:
        """`port` is the one that clients connect to, `start_ms` when the instance began."""
        self._port = port
        self._start_ms = start_ms
        self._log = log
        self._journal = journal
        self._directory = directory
        self._hub = hub
        self._streams = streams
        self._recovery = recovery
        self._readers = readers
        # Exports wait for each other, and rest between pages, like readers far behind.
        self._pages = Pages(self._read_page, hub.time)
        # Set when the server stops: nothing new is begun.
        self.draining: Rejection | None = None

    def service(self) -> Service:
        """Return the service; whoever reaches the socket may do everything."""
        tally, gate = self._journal.tally, Gate()
        service = unary_service(SERVICE, tally, gate, self)
        service.entries["ExportRoom"] = stream_entry(
            "ExportRoom", pb.ExportRoomRequest, self.export_room, tally, gate
        )
        return service

    def unary(self) -> Unary:
        """Return the unary methods by name."""
        here: Unary = {
            "ListInstanceUsers": self.list_instance_users,
            "ListInstanceRooms": self.list_instance_rooms,
            "Say": self.say,
            "KickUser": self.kick_user,
            "GetFigures": self.get_figures,
            **{name: self._if_open(method) for name, method in self._recovery.unary().items()},
        }
        elsewhere = set(SERVICE.methods_by_name) - {"ExportRoom"} - here.keys()
        return here | dict.fromkeys(sorted(elsewhere), _not_answered_here)

    # ------------------------------------------------------------------ look-ups

    async def list_instance_users(
        self, request: pb.ListInstanceUsersRequest, _: Call
    ) -> pb.ListInstanceUsersResponse:
        """List the users by name."""
        size = page_size(request.page_size)
        key = key_of(request.page_token, "instance users")
        users = self._directory.users_after(key, size + 1, closed=True)
        shown = users[:size]
        return pb.ListInstanceUsersResponse(
            users=[self._user(user) for user in shown],
            next_page_token=(
                token_after("instance users", name_key(shown[-1].name)) if len(users) > size else ""
            ),
        )

    async def list_instance_rooms(
        self, request: pb.ListInstanceRoomsRequest, _: Call
    ) -> pb.ListInstanceRoomsResponse:
        """List the public rooms by name."""
        size = page_size(request.page_size)
        key = key_of(request.page_token, "instance rooms")
        rooms = self._directory.rooms_after(key, size + 1, archived=True)
        shown = rooms[:size]
        readings = self._hub.readings()
        return pb.ListInstanceRoomsResponse(
            rooms=[self._room(room, readings[room.room_id]) for room in shown],
            next_page_token=(
                token_after("instance rooms", name_key(shown[-1].name)) if len(rooms) > size else ""
            ),
        )

    async def get_figures(self, _: pb.GetFiguresRequest, __: Call) -> pb.GetFiguresResponse:
        """Return what the instance has measured of itself."""
        state = self._directory.state
        chats, subscribes, users = self._streams.counts()
        return pb.GetFiguresResponse(
            figures=figures(
                Snapshot(
                    log=self._log.statistics(),
                    hub=self._hub.statistics(),
                    edge=self._journal.tally.statistics(),
                    start_ms=self._start_ms,
                    chat_streams=chats,
                    subscribe_streams=subscribes,
                    users=users,
                    sessions=len(state.sessions),
                    public_rooms=len(state.room_ids),
                    direct_rooms=len(state.direct_ids),
                    members=self._directory.public_memberships(),
                )
            )
        )

    # ------------------------------------------------------------------- actions

    async def say(self, request: pb.SayRequest, _: Call) -> pb.SayResponse:
        """Tell every open stream what the operator says."""
        self._check_open()
        flaw = flaw_of_text(request.text, self._directory.state.limits)
        if flaw:
            raise RefusedError(Rejection(Reason.TEXT_INVALID, flaw, field="text"))
        told = 0
        for number, stream in enumerate(self._streams.all(), start=1):
            if stream.subscription.ended is None:
                stream.announce(request.text)
                told += 1
            if number % TOLD_A_STEP == 0:
                await asyncio.sleep(0)
        logger.info("announced", extra={"fields": {"streams": told}})
        return pb.SayResponse(streams=told)

    async def kick_user(self, request: pb.KickUserRequest, _: Call) -> pb.KickUserResponse:
        """End all sessions of a user, and with them the guest."""
        self._check_open()
        answer = await self._journal.order(
            cmd.KickUser(cmd.OPERATOR, cmd.UserByName(request.name), request.reason)
        )
        user_id = user_text(answer.user_id)
        told = {"user": answer.name, "user_id": user_id, "sessions": answer.sessions}
        logger.info("kicked", extra={"fields": told})
        return pb.KickUserResponse(
            user=chat_pb2.User(user_id=user_id, name=answer.name),
            sessions=answer.sessions,
        )

    async def export_room(
        self, request: pb.ExportRoomRequest, _: Call, context: Context
    ) -> Rejection | None:
        """Send the history of a public room, up to its head as it is now."""
        self._check_open()
        room_id = self._directory.state.room_ids.get(name_key(request.room_name))
        if room_id is None:
            return Rejection(
                Reason.ROOM_NOT_FOUND, "there is no public room of that name", field="room_name"
            )
        head = self._hub.rooms.head(room_id)
        after_seq = self._hub.rooms.first(room_id) - 1
        while after_seq < head:
            page = await self._pages.read(room_id, after_seq, AT_ONCE)
            fresh = unseen(page.events, after_seq, head)
            if fresh:
                await context.write(b"".join(frame for _, frame in fresh))
                after_seq = fresh[-1][0]
            elif after_seq + 1 < page.first_kept:
                # Pruned meanwhile; the seq of the next event tells.
                after_seq = min(page.first_kept, head + 1) - 1
            else:
                raise LookupError(f"room {room_id} has no event after {after_seq}")
            self._check_open()
        return None

    # ------------------------------------------------------------------- private

    def _check_open(self) -> None:
        if self.draining is not None:
            raise RefusedError(self.draining)

    # Any: each method takes its own request.
    def _if_open(self, method: Method) -> Method:
        async def if_open(request: Any, call: Call) -> Message:
            self._check_open()
            return await method(request, call)

        return if_open

    def _user(self, user: User) -> pb.InstanceUser:
        state, user_id = self._directory.state, user.user_id
        public = self._directory.public_rooms(user_id)[:MAX_ROOM_NAMES]
        account = state.accounts.get(user_id)
        return pb.InstanceUser(
            port=self._port,
            user=user_message(user, connected=self._streams.is_connected(user_id)),
            sessions=len(state.sessions_of.get(user_id) or ()),
            room_names=[state.rooms[room_id].name for room_id in public],
            addresses=self._streams.addresses_of(user_id)[:MAX_ADDRESSES],
            created_ms=user.created_ms,
            admin=is_admin(state, user_id),
            closed=account is not None and account.deactivated,
        )

    def _room(self, room: Room, readers: int) -> pb.InstanceRoom:
        return pb.InstanceRoom(
            port=self._port,
            room=room_now(room, self._hub, self._directory),
            members=self._directory.member_count(room.room_id),
            readers=readers,
            first_seq=self._hub.rooms.first(room.room_id),
        )

    async def _read_page(self, room_id: int, after_seq: int) -> Page:
        def page() -> Page:
            events = self._log.read_after(
                room_id, after_seq, count=EXPORT_EVENTS, max_bytes=EXPORT_BYTES
            )
            encoded = []
            for event in events:
                # Encoded alone: such messages laid end to end are one.
                part = pb.ExportRoomResponse()
                put_event(part.events.add(), event)
                encoded.append((event.seq, part.SerializeToString()))
            return Page(encoded, self._log.read_first(room_id))

        return await asyncio.get_running_loop().run_in_executor(self._readers, page)


async def _not_answered_here(_: object, __: Call) -> Message:
    raise RefusedError(
        Rejection(Reason.NOT_ANSWERED_HERE, "the admin socket of the launcher answers this call")
    )
