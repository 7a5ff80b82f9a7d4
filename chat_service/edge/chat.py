"""The calls of ChatService but for those that list, which are in `lists`.

Each parses, asks, and answers; rules are in the core.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import Scope, Session
from chat_service.edge.calls import MALFORMED, Call, Context, malformed
from chat_service.edge.conversation import Conversation
from chat_service.edge.directory import Directory
from chat_service.edge.doors import Doors
from chat_service.edge.entrance import Entrance
from chat_service.edge.ids import room_text
from chat_service.edge.journal import Journal
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.methods import Unary
from chat_service.edge.orders import Orders
from chat_service.edge.pace import Pace
from chat_service.edge.sessions import Sessions
from chat_service.edge.standing import check_reached
from chat_service.edge.stream import Stream
from chat_service.edge.streams import Streams
from chat_service.edge.wire import target_of
from chat_service.hub.hub import Hub

logger = logging.getLogger(__name__)


class ChatMethods:
    """Serves the calls of one instance."""

    def __init__(
        self,
        *,
        journal: Journal,
        directory: Directory,
        hub: Hub,
        streams: Streams,
        pace: Pace,
        sessions: Sessions,
        entrance: Entrance,
        doors: Doors,
        clock: Callable[[], float],
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
        self._journal = journal
        self._directory = directory
        self._hub = hub
        self._streams = streams
        self._pace = pace
        self._sessions = sessions
        self._entrance = entrance
        self._doors = doors
        # For rates, in seconds.
        self._clock = clock
        self._limits = limits
        self._attachments = itertools.count(1)
        # Set when the server stops: new calls are told to come back.
        self.draining: Rejection | None = None

    def unary(self) -> Unary:
        """Return the unary methods by name."""
        return {
            "Join": self.join,
            "SignOut": self.sign_out,
            "PostMessage": self.post_message,
        }

    # ----------------------------------------------------------------- identity

    async def join(self, request: pb.JoinRequest, call: Call) -> pb.JoinResponse:
        """Sign in: a new guest, an account by its password, or the user of a token."""
        self.check_open()
        return await self._entrance.join(request, call)

    async def sign_out(self, _: pb.SignOutRequest, call: Call) -> pb.SignOutResponse:
        """End the session of the token."""
        await self._journal.order(cmd.EndSession(self._sessions.of(call).session_id))
        return pb.SignOutResponse()

    # ------------------------------------------------------------------ streams

    async def chat(self, call: Call, context: Context) -> Rejection | None:
        """Serve a Chat stream."""

        async def read() -> pb.ChatRequest | None:
            request = await context.read()
            if request is grpc.aio.EOF:
                return None
            if request is MALFORMED:
                raise malformed()
            assert isinstance(request, pb.ChatRequest)
            return request

        try:
            async with asyncio.timeout(self._limits.hello_s):
                first = await read()
        except TimeoutError:
            return Rejection(Reason.HELLO_TIMEOUT, f"no hello within {self._limits.hello_s:g} s")
        # Not before: a status that crosses the first write of a client may be lost to it.
        self.check_open()
        session = self._sessions.of(call)
        if first is None:
            return None
        if first.WhichOneof("order") != "hello":
            return Rejection(Reason.HELLO_MISSING, "the first request is a hello")
        stream = self._stream(session, next(self._attachments), call, first.hello.hear_bots)
        conversation = Conversation(
            stream,
            epoch=self._directory.state.epoch,
            journal=self._journal,
            hub=self._hub,
            streams=self._streams,
            orders=self._orders(session, call),
            clock=self._clock,
            limits=self._limits,
            rates=lambda: self._pace.rates,
        )
        self._tell_opened("Chat", call, stream)
        return await conversation.run(first.order_id, first.hello, read, context)

    async def subscribe(
        self, request: pb.SubscribeRequest, call: Call, context: Context
    ) -> Rejection | None:
        """Serve a Subscribe stream."""
        self.check_open()
        session = self._sessions.used_by(call, Scope.READ)
        epoch = self._directory.state.epoch
        epoch_holds = request.epoch in ("", epoch)
        most = self._directory.state.limits.rooms_per_user
        if not 0 < len(request.rooms) <= most:
            return Rejection(Reason.FIELD_INVALID, f"name 1 to {most} rooms", field="rooms")
        stream = self._stream(session, 0, call, request.hear_bots)
        starts: dict[int, int] = {}
        for position in request.rooms:
            room = self._directory.room_for(session.user_id, target_of(position.room))
            if epoch_holds:
                check_reached(self._hub, room.room_id, position.after_seq, "rooms.after_seq")
            if room.room_id in starts:
                return Rejection(Reason.FIELD_INVALID, "name each room once", field="rooms")
            starts[room.room_id] = stream.start_of(position, room.room_id, epoch_holds=epoch_holds)
        self._streams.add(stream)
        self._tell_opened("Subscribe", call, stream)
        writer = asyncio.get_running_loop().create_task(stream.write(context))
        try:
            stream.welcome(epoch, epoch_holds=epoch_holds)
            for room_id, start in starts.items():
                stream.read_room(room_id, start)
            stream.subscription.on_end = writer.cancel
            await asyncio.wait((writer,))
            if stream.subscription.ended is None and not writer.cancelled():
                writer.result()
            return stream.subscription.ended
        finally:
            self._streams.remove(stream)
            stream.close()
            writer.cancel()
            await stream.closed(writer)

    # ----------------------------------------------------------------- messages

    async def post_message(
        self, request: pb.PostMessageRequest, call: Call
    ) -> pb.PostMessageResponse:
        """Store one message."""
        self.check_open()
        session = self._sessions.used_by(call, Scope.POST)
        orders = self._orders(session, call)
        command = orders.post(request.post)
        answer = await self._journal.order(command)
        self._journal.tally.acks += 1
        if answer.duplicate:
            self._journal.tally.duplicates += 1
            orders.post_was_retry(command)
        return pb.PostMessageResponse(
            room_id=room_text(answer.room_id),
            seq=answer.seq,
            time_ms=answer.time_ms,
            duplicate=answer.duplicate,
        )

    # ------------------------------------------------------------------ private

    def check_open(self) -> None:
        """Raise RefusedError when the server stops: nothing new is begun."""
        if self.draining is not None:
            raise RefusedError(self.draining)

    def _tell_opened(self, method: str, call: Call, stream: Stream) -> None:
        call.opened = True
        logger.info("stream opened", extra=call.told(method=method, user=stream.user.name))

    def _stream(self, session: Session, attachment: int, call: Call, hear_bots: bool) -> Stream:
        return Stream(
            session,
            attachment,
            directory=self._directory,
            hub=self._hub,
            address=call.address,
            hear_bots=hear_bots,
        )

    def _orders(self, session: Session, call: Call) -> Orders:
        return Orders(
            session,
            call.network,
            directory=self._directory,
            pace=self._pace,
            doors=self._doors,
            clock=self._clock,
        )
