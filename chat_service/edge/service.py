"""The eight calls of ChatService. Each parses, asks, and answers; rules are in the core."""

import asyncio
import itertools
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import Message

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import Session
from chat_service.edge.address import host_of, network_of
from chat_service.edge.calls import MALFORMED, Call, Context
from chat_service.edge.conversation import Conversation
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.journal import Journal
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.lists import Lists
from chat_service.edge.orders import Orders, wait_to_open
from chat_service.edge.pace import Pace
from chat_service.edge.sessions import Sessions
from chat_service.edge.stream import Stream, Streams, check_reached, room_now
from chat_service.edge.wire import (
    room_text,
    session_text,
    target_of,
    user_message,
    user_text,
)
from chat_service.hub.hub import Hub

logger = logging.getLogger(__name__)


class ChatMethods:
    """Serves the calls of one instance."""

    def __init__(
        self,
        *,
        instance: str,
        journal: Journal,
        directory: Directory,
        hub: Hub,
        streams: Streams,
        pace: Pace,
        sessions: Sessions,
        lists: Lists,
        clock: Callable[[], float],
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
        self._instance = instance
        self._journal = journal
        self._directory = directory
        self._hub = hub
        self._streams = streams
        self._pace = pace
        self._sessions = sessions
        self._lists = lists
        # For rates, in seconds.
        self._clock = clock
        self._limits = limits
        self._attachments = itertools.count(1)
        # Set when the server stops: new calls are told to come back.
        self.draining: Rejection | None = None

    # Any: each method takes its own request.
    def unary(self) -> dict[str, Callable[[Any, Call], Awaitable[Message]]]:
        """Return the unary methods by name."""
        return {
            "Join": self.join,
            "SignOut": self.sign_out,
            "PostMessage": self.post_message,
            "ListMessages": self._lists.list_messages,
            "ListRooms": self._lists.list_rooms,
            "ListUsers": self._lists.list_users,
        }

    # ----------------------------------------------------------------- identity

    async def join(self, request: pb.JoinRequest, call: Call) -> pb.JoinResponse:
        """Sign in: a new guest, or a further session of the token's user."""
        self._check_open()
        now = self._clock()
        network = network_of(call.peer)
        token = secrets.token_urlsafe(32)
        room_wait_ms = wait_to_open(request.room, network, self._directory, self._pace, now)
        command: cmd.OpenGuest | cmd.OpenSession
        if call.token:
            session = self._sessions.of(call)
            command = cmd.OpenSession(
                session.session_id,
                request.name,
                token_hash(token),
                self._instance,
                request.room,
                room_wait_ms,
            )
        else:
            wait_ms = self._pace.guest(network, now)
            if wait_ms:
                raise RefusedError(
                    Rejection(
                        Reason.RATE_LIMITED,
                        "too many new guests from this address",
                        retry_after_ms=wait_ms,
                    )
                )
            command = cmd.OpenGuest(
                request.name, token_hash(token), self._instance, request.room, room_wait_ms
            )
        answer = await self._journal.order(command)
        state = self._directory.state
        user = state.users[answer.user_id]
        call.session_id = session_text(answer.session_id)
        told = call.told(user=user.name, user_id=user_text(user.user_id))
        logger.info("signed in", extra=told)
        response = pb.JoinResponse(
            token=token,
            user=user_message(user),
            session_id=call.session_id,
            epoch=state.epoch,
            limits=self._told_limits(),
        )
        if answer.room_id:
            response.room.CopyFrom(room_now(state.rooms[answer.room_id], self._hub))
        return response

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
                raise RefusedError(Rejection(Reason.MALFORMED, "the request cannot be parsed"))
            assert isinstance(request, pb.ChatRequest)
            return request

        try:
            async with asyncio.timeout(self._limits.hello_s):
                first = await read()
        except TimeoutError:
            return Rejection(Reason.HELLO_TIMEOUT, f"no hello within {self._limits.hello_s:g} s")
        # Not before: a status that crosses the first write of a client may be lost to it.
        self._check_open()
        session = self._sessions.of(call)
        if first is None:
            return None
        if first.WhichOneof("order") != "hello":
            return Rejection(Reason.HELLO_MISSING, "the first request is a hello")
        stream = self._stream(session, next(self._attachments), call)
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
        self._check_open()
        session = self._sessions.used_by(call)
        epoch = self._directory.state.epoch
        epoch_holds = request.epoch in ("", epoch)
        most = self._directory.state.limits.rooms_per_user
        if not 0 < len(request.rooms) <= most:
            return Rejection(Reason.FIELD_INVALID, f"name 1 to {most} rooms", field="rooms")
        stream = self._stream(session, 0, call)
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
        self._check_open()
        session = self._sessions.used_by(call)
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

    def _check_open(self) -> None:
        if self.draining is not None:
            raise RefusedError(self.draining)

    def _tell_opened(self, method: str, call: Call, stream: Stream) -> None:
        call.opened = True
        logger.info("stream opened", extra=call.told(method=method, user=stream.user.name))

    def _stream(self, session: Session, attachment: int, call: Call) -> Stream:
        return Stream(
            session,
            attachment,
            directory=self._directory,
            hub=self._hub,
            address=host_of(call.peer),
        )

    def _orders(self, session: Session, call: Call) -> Orders:
        return Orders(
            session, call.peer, directory=self._directory, pace=self._pace, clock=self._clock
        )

    def _told_limits(self) -> pb.Limits:
        limits = self._directory.state.limits
        rates = self._pace.rates
        return pb.Limits(
            text_bytes=limits.text_bytes,
            text_lines=limits.text_lines,
            name_bytes=limits.name_bytes,
            room_name_bytes=limits.room_name_bytes,
            topic_bytes=limits.topic_bytes,
            rooms_per_user=limits.rooms_per_user,
            recipients=limits.recipients,
            client_id_bytes=limits.client_id_bytes,
            unacked_posts=self._limits.unacked_posts,
            page_size=self._limits.max_page_items,
            send_burst=rates.sends_burst if self._pace.on else 0,
            send_rate=rates.sends_per_second if self._pace.on else 0.0,
        )
