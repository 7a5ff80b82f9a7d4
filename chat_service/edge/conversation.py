"""One Chat stream: orders up, items down.

The reader takes one order at a time and never waits for its commit; orders that
are not answered yet are counted, and at the bound the stream is not read until
some are. Whatever ends the stream ends reader and writer together.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.names import is_client_id
from chat_service.edge.answers import Answers
from chat_service.edge.journal import Journal, Outcome
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits, Rates
from chat_service.edge.orders import Orders
from chat_service.edge.standing import check_reached
from chat_service.edge.stream import Stream
from chat_service.edge.streams import Streams
from chat_service.hub.hub import Hub

# Reads the next order; None at the end. Raises RefusedError for one that cannot be parsed.
ReadOrder = Callable[[], Awaitable[pb.ChatRequest | None]]


class Conversation:
    """The orders of one Chat stream."""

    def __init__(
        self,
        stream: Stream,
        *,
        epoch: str,
        journal: Journal,
        hub: Hub,
        streams: Streams,
        orders: Orders,
        clock: Callable[[], float],
        limits: CallLimits = DEFAULT_CALLS,
        rates: Callable[[], Rates] = Rates,
    ) -> None:
        self._stream = stream
        self._epoch = epoch
        self._journal = journal
        self._hub = hub
        self._streams = streams
        self._orders = orders
        self._answers = Answers(stream, journal, orders, clock, limits, rates)

    # Any: a context of grpc.aio is generic in messages; frames are bytes.
    async def run(
        self,
        hello_id: str,
        hello: pb.Hello,
        read: ReadOrder,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> Rejection | None:
        """Serve the stream until it ends; return why, None if the client was done.

        Raises RefusedError for a Hello that is refused, and for orders that end
        the stream.
        """
        stream = self._stream
        subscription = stream.subscription
        self._streams.add(stream)
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._greet(hello_id, hello)
            create = asyncio.get_running_loop().create_task
            reader = create(self._read(read))
            writer = create(stream.write(context))
            tasks = [reader, writer]
            if subscription.ended is None:
                subscription.on_end = lambda: _cancel(tasks)
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if reader.done() and not reader.cancelled() and reader.exception() is None:
                    # The client has said all; it still gets what it is owed.
                    await self._finish(writer)
            reason = subscription.ended
            if reason is None:
                for task in tasks:
                    if task.done() and not task.cancelled():
                        task.result()
            return reason
        finally:
            # Nothing of this waits: a second cancel may come at the first wait.
            self._streams.remove(stream)
            stream.close()
            self._journal.note(cmd.DetachSession(stream.session_id, stream.attachment))
            _cancel(tasks)
            await stream.closed(*tasks)

    async def _greet(self, hello_id: str, hello: pb.Hello) -> None:
        """Attach the session, enter the rooms of the Hello, and begin to read them."""
        stream = self._stream
        self._check_order_id(hello_id)
        most = self._orders.most_hello_rooms
        if len(hello.rooms) > most:
            raise RefusedError(
                Rejection(
                    Reason.FIELD_INVALID,
                    f"a hello names at most {most} rooms",
                    field="hello.rooms",
                )
            )
        joins: list[tuple[pb.RoomPosition, cmd.JoinRoom]] = []
        resumed: list[pb.RoomPosition] = []
        refused: list[tuple[pb.RoomPosition, Rejection]] = []
        epoch_holds = hello.epoch in ("", self._epoch)
        for position in hello.rooms:
            try:
                self._orders.check_visible(position.room)
                if hello.members_only:
                    resumed.append(position)
                    continue
                joins.append((position, self._enter(position, epoch_holds=epoch_holds)))
            except RefusedError as error:
                refused.append((position, error.rejection))
        attach = cmd.AttachSession(stream.session_id, stream.attachment)
        attached, *outcomes = await self._journal.ask(attach, *(join for _, join in joins))
        if isinstance(attached, Rejection):
            # What ended the stream meanwhile says more than that the session is over.
            raise RefusedError(stream.subscription.ended or attached)
        stream.welcome(self._epoch, epoch_holds=epoch_holds)
        for position, rejection in refused:
            self._answers.refuse_room(hello_id, position.room, rejection)
        for (position, _), outcome in zip(joins, outcomes, strict=True):
            self._entered(hello_id, position, outcome, epoch_holds=epoch_holds)
        for position in resumed:
            self._resume(hello_id, position, epoch_holds=epoch_holds)
        stream.read_directs()
        if hello.HasField("joined_recent"):
            stream.read_joined(hello.joined_recent)
        stream.tell_invitations()

    async def _read(self, read: ReadOrder) -> None:
        while True:
            request = await read()
            if request is None:
                return
            waits = self._order(request)
            if waits is not None:
                await waits
            await self._answers.room()

    async def _finish(self, writer: asyncio.Task[None]) -> None:
        """Wait until all orders are answered and all that is queued is written."""
        subscription = self._stream.subscription
        while not writer.done() and (self._answers.owed or not subscription.drained()):
            answered = self._answers.next()
            subscription.on_idle = self._answers.wake
            await asyncio.wait((answered, writer), return_when=asyncio.FIRST_COMPLETED)

    def _order(self, request: pb.ChatRequest) -> Awaitable[None] | None:
        """Begin an order; return what has to be waited for before the next one is read."""
        order_id = request.order_id
        kind = request.WhichOneof("order")
        client_msg_id = request.post.client_msg_id if kind == "post" else ""
        try:
            self._check_order_id(order_id)
            if kind == "post":
                self._post(order_id, request.post)
            elif kind == "join_room":
                return self._join_room(order_id, request.join_room)
            elif kind == "leave_room":
                self._plain(order_id, self._orders.leave_room(request.leave_room))
            elif kind == "set_topic":
                self._plain(order_id, self._orders.set_topic(request.set_topic))
            elif kind == "hello":
                rejection = Rejection(Reason.HELLO_REPEATED, "hello comes first, and once")
                self._stream.subscription.end(rejection)
            else:
                raise RefusedError(Rejection(Reason.ORDER_MISSING, "the request has no order"))
        except RefusedError as error:
            self._answers.refuse(self._orders.paced(error.rejection), order_id, client_msg_id)
        return None

    def _check_order_id(self, order_id: str) -> None:
        if not order_id:
            return
        longest = self._orders.longest_id
        if not is_client_id(order_id, longest):
            raise RefusedError(
                Rejection(
                    Reason.CLIENT_ID_INVALID,
                    f"order_id is at most {longest} characters of printable ASCII",
                    field="order_id",
                )
            )

    def _post(self, order_id: str, post: pb.Post) -> None:
        command = self._orders.post(post)

        def answered(outcome: Outcome) -> None:
            if isinstance(outcome, Rejection):
                self._answers.refuse(outcome, order_id, post.client_msg_id)
                return
            if outcome.duplicate:
                self._journal.tally.duplicates += 1
                self._orders.post_was_retry(command)
            self._answers.ack(order_id, outcome, post.client_msg_id)

        self._answers.submit(command, answered)

    def _enter(self, position: pb.RoomPosition, *, epoch_holds: bool) -> cmd.JoinRoom:
        """Make the order to enter a room. Raises RefusedError, also for where to begin there."""
        if epoch_holds:
            self._check_reached(self._orders.room_id(position.room), position)
        return self._orders.join_room(position.room)

    def _check_reached(self, room_id: int | None, position: pb.RoomPosition) -> None:
        """Refuse a position that a room has not reached; None is no room."""
        if room_id is not None:
            check_reached(self._hub, room_id, position.after_seq)

    def _join_room(self, order_id: str, order: pb.JoinRoom) -> Awaitable[None] | None:
        """Enter a room. Whoever has a password waits until it was tried."""
        position = order.position
        command: cmd.JoinRoom | cmd.JoinByInvite
        try:
            if order.invite_code:
                self._check_reached(self._orders.room_of_code(order.invite_code), position)
                command = self._orders.join_by_invite(order.invite_code)
            else:
                command = self._enter(position, epoch_holds=True)
        except RefusedError as error:
            self._answers.refuse_room(order_id, position.room, self._orders.paced(error.rejection))
            return None
        if order.password and isinstance(command, cmd.JoinRoom):
            return self._try_password(order_id, position, command, order.password)
        self._enter_and_read(order_id, position, command)
        return None

    async def _try_password(
        self, order_id: str, position: pb.RoomPosition, command: cmd.JoinRoom, password: str
    ) -> None:
        try:
            command = await self._orders.opened_by(command, password)
            if command.password_hash and isinstance(command.target, cmd.RoomById):
                self._check_reached(command.target.room_id, position)
            self._enter_and_read(order_id, position, command)
        except RefusedError as error:
            self._answers.refuse_room(order_id, position.room, error.rejection)

    def _enter_and_read(
        self, order_id: str, position: pb.RoomPosition, command: cmd.JoinRoom | cmd.JoinByInvite
    ) -> None:
        """Give the order to enter a room. Raises RefusedError when the log takes no more."""

        def answered(outcome: Outcome) -> None:
            if isinstance(outcome, Rejection):
                self._answers.refuse_room(order_id, position.room, outcome)
                return
            self._answers.ack(order_id, outcome)
            # The order has its answer; what is wrong from here on is about reading alone.
            self._entered("", position, outcome, epoch_holds=True)

        self._answers.submit(command, answered)

    def _plain(self, order_id: str, command: cmd.LeaveRoom | cmd.SetTopic) -> None:
        def answered(outcome: Outcome) -> None:
            if isinstance(outcome, Rejection):
                self._answers.refuse(outcome, order_id)
            else:
                self._answers.ack(order_id, outcome)

        self._answers.submit(command, answered)

    def _entered(
        self, order_id: str, position: pb.RoomPosition, outcome: Outcome, *, epoch_holds: bool
    ) -> None:
        """Begin to read a room that was entered."""
        if isinstance(outcome, Rejection):
            self._answers.refuse_room(order_id, position.room, outcome)
            return
        try:
            # Not every room could be looked at before it was entered.
            if epoch_holds:
                check_reached(self._hub, outcome.room_id, position.after_seq)
        except RefusedError as error:
            self._answers.refuse_room(order_id, position.room, error.rejection)
            return
        start = self._stream.start_of(position, outcome.room_id, epoch_holds=epoch_holds)
        self._stream.read_room(outcome.room_id, start)

    def _resume(self, order_id: str, position: pb.RoomPosition, *, epoch_holds: bool) -> None:
        """Go on with a room that the user is a member of at this moment."""
        try:
            joined = Answer(room_id=self._orders.joined_room(position.room))
        except RefusedError as error:
            self._answers.refuse_room(order_id, position.room, error.rejection)
            return
        self._entered(order_id, position, joined, epoch_holds=epoch_holds)


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
