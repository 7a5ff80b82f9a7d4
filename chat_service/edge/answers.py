"""What the orders of one Chat stream come to: acks and refusals, and how many are still owed.

Who goes on with what was refused, without a look at the answer, loses the stream.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, Rejection
from chat_service.core.names import is_client_id
from chat_service.edge.journal import Journal, Outcome
from chat_service.edge.limits import CallLimits, Rates
from chat_service.edge.orders import Orders
from chat_service.edge.pace import Strikes
from chat_service.edge.status import error_item
from chat_service.edge.stream import Stream

# Characters of a room's name that an error repeats: more than a valid name has.
MAX_NAMED = 100


class Answers:
    """The answers to the orders of one stream; `clock` is for strikes, in seconds."""

    def __init__(
        self,
        stream: Stream,
        journal: Journal,
        orders: Orders,
        clock: Callable[[], float],
        limits: CallLimits,
        rates: Callable[[], Rates],
    ) -> None:
        self._stream = stream
        self._journal = journal
        self._tally = journal.tally
        self._orders = orders
        self._clock = clock
        # Apart, because the delay of a join is much longer than that of a message.
        self._strikes = Strikes(rates, limits)
        self._join_strikes = Strikes(rates, limits)
        self._most_owed = limits.unacked_posts
        # Orders that the log has not answered yet.
        self.owed = 0
        self._next: asyncio.Future[None] | None = None

    def submit(self, command: cmd.Command, answered: Callable[[Outcome], None]) -> None:
        """Give an order to the log. Raises RefusedError when it takes no more."""

        def on_answers(outcomes: tuple[Outcome, ...]) -> None:
            self.owed -= 1
            self.wake()
            outcome = outcomes[0]
            answered(self._orders.paced(outcome) if isinstance(outcome, Rejection) else outcome)

        self._journal.submit((command,), on_answers)
        self.owed += 1

    async def room(self) -> None:
        """Wait until one more order may be taken."""
        while self.owed >= self._most_owed:
            await self.next()

    def next(self) -> "asyncio.Future[None]":
        """Return what is done with the next answer, or by `wake`. There is one at a time."""
        self._next = asyncio.get_running_loop().create_future()
        return self._next

    def wake(self) -> None:
        """Have whoever waits look again."""
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    def ack(self, order_id: str, answer: Answer, client_msg_id: str = "") -> None:
        """Tell that an order was carried out."""
        self._tally.acks += 1
        self._stream.subscription.offer(self._journal.frames.ack(order_id, client_msg_id, answer))

    def refuse_room(self, order_id: str, room: pb.RoomTarget, rejection: Rejection) -> None:
        """Refuse to read a room, and say which one."""
        if room.room_name:
            named = ("room_name", room.room_name[:MAX_NAMED])
            rejection = replace(rejection, metadata=(*rejection.metadata, named))
        room_id = dict(rejection.metadata).get("room_id", room.room_id)
        self.refuse(rejection, order_id, room_id=room_id, strikes=self._join_strikes)

    def refuse(
        self,
        rejection: Rejection,
        order_id: str,
        client_msg_id: str = "",
        room_id: str = "",
        strikes: Strikes | None = None,
    ) -> None:
        """Tell why an order was refused. Ends the stream of who ignores being told to wait."""
        self._tally.rejections[rejection.reason.value] += 1
        longest = self._orders.longest_id
        self._stream.send(
            error_item(
                rejection,
                order_id=order_id if is_client_id(order_id, longest) else "",
                client_msg_id=client_msg_id[:longest],
                room_id=room_id[:longest],
            )
        )
        if rejection.reason is Reason.RATE_LIMITED and (strikes or self._strikes).refused(
            self._clock(), rejection.retry_after_ms, client_msg_id or order_id
        ):
            self._stream.subscription.end(
                Rejection(
                    Reason.RATE_IGNORED,
                    "this client goes on sending while it is told to wait",
                    retry_after_ms=10_000,
                )
            )
