"""A client that comes back, resumes, and sends again what was not answered.

It does what docs/protocol.md tells a client to do, on the generated stubs, and writes down
what it is told. It reads one room and posts into it.
"""

import asyncio
import enum
import heapq
import random
from collections import Counter
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self

import grpc
from google.rpc import error_details_pb2, status_pb2

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.record import Place, Record, message_id
from tests.chaos.relay import Relay

CONNECTION = (
    # Each channel has a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    # Or a ping that measures the connection is under way nearly always, and a server that
    # stands still for ten seconds is given up.
    ("grpc.http2.bdp_probe", 0),
)

UNACKED = 256
"""Posts of a stream that may wait for their answer. Source: the contract."""

JOIN_S = 30.0


class BackOff(NamedTuple):
    """The waits before attempts, in seconds: they double, and are shortened by chance."""

    first_s: float
    longest_s: float


QUICK = BackOff(0.05, 0.4)
"""For scenarios in which the number of returns matters and not what they cost."""

USUAL = BackOff(0.5, 30.0)
"""That of a client of people. Source: docs/protocol.md."""

# Reasons after which a client comes back; an empty one is a failure of the connection.
_COME_BACK = frozenset(
    {"", "DRAINING", "OVERLOADED", "STORAGE_FAILED", "STORAGE_FULL", "SLOW_READER"}
)
_REPLACED = "SESSION_REPLACED"


class Drop(enum.Enum):
    """How a client is torn from its stream."""

    # It cancels the call: the connection stays.
    CANCEL = enum.auto()
    # It closes its connection.
    CLOSE = enum.auto()
    # The network drops the connection; the client needs a relay.
    CUT = enum.auto()
    # It opens a new stream while the old one still runs, which the server has to end; one
    # without a welcome is closed instead, or nobody could say which of the two is newer.
    REPLACE = enum.auto()


class _Stream:
    """One Chat call. Only the client's present stream is listened to."""

    def __init__(self, address: str, token: str) -> None:
        self.channel = grpc.aio.insecure_channel(address, options=CONNECTION)
        # Any: the stubs' call is generic in messages, and is used for all that it can do.
        self.call: Any = stubs.ChatServiceStub(self.channel).Chat(
            metadata=(("authorization", f"Bearer {token}"),)
        )
        # Set when the client turns away from it, or it is over.
        self.left = asyncio.Event()
        self.is_welcomed = False
        self.reading: asyncio.Task[None] | None = None


class Client:
    """One signed-in client. A block with it ends it; its task runs in between.

    `relay`, if given, stands between it and the server. One that does not read only posts.
    `copies` is how often it sends each post, as one that trusts no network, and `window` how
    many orders are under way at once. `ends` counts how streams ended, by reason, or without
    one by the status in small letters.
    """

    def __init__(
        self,
        address: str,
        name: str,
        room: str,
        *,
        record: Record,
        chance: random.Random,
        back_off: BackOff = QUICK,
        relay: Relay | None = None,
        reads: bool = True,
        copies: int = 1,
        window: int = UNACKED,
        text_bytes: int = 100,
    ) -> None:
        self.name = name
        self.reads = reads
        self.record = record
        self.relay = relay
        self.room_id = ""
        # The last seq that was handled.
        self.position = 0
        self.is_live = False
        self.welcomes = 0
        self.ends: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        # Milliseconds after which draining servers asked it to come back.
        self.hints_ms: list[int] = []
        self.address = address if relay is None else relay.address
        self._room = room
        self._chance = chance
        self._back_off = back_off
        self._copies = copies
        self._text_bytes = text_bytes
        self._window = window // copies
        self._token = ""
        self._epoch = ""
        self._numbers = 0
        # Posts without an answer, by number; then those to be sent in this stream.
        self._pending: dict[int, pb.Post] = {}
        self._to_send: list[int] = []
        # Under way in this stream.
        self._sent: set[int] = set()
        self._hold_until = 0.0
        self._wake = asyncio.Event()
        self._stream: _Stream | None = None
        self._old: set[asyncio.Task[None]] = set()
        self._attempt = 0
        # Whether an earlier hello was given up without a welcome: it may still be under way,
        # be heard after a later one, and take the place of the later stream.
        self._is_overtaken = False
        self._hint_s = 0.0
        # What went wrong here and not in the server.
        self._mistakes: list[Exception] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.join()
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # ------------------------------------------------------------------ from outside

    async def join(self) -> None:
        """Sign in, as a new guest."""
        async with grpc.aio.insecure_channel(self.address, options=CONNECTION) as channel:
            joined = await stubs.ChatServiceStub(channel).Join(
                pb.JoinRequest(name=self.name, room=self._room), timeout=JOIN_S
            )
        self._token, self._epoch = joined.token, joined.epoch
        if joined.limits.send_burst:
            # Or a post could overtake an earlier one that was refused.
            self._window = 1
        self.room_id = joined.room.room_id

    def start(self) -> None:
        """Begin to read and post."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End, and raise what went wrong in between."""
        task, self._task = self._task, None
        if task is None:
            return
        finished = task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for mistake in self._mistakes:
            raise mistake
        assert not finished, f"{self.name} ended by itself"

    @property
    def unanswered(self) -> int:
        """How many posts have no answer yet."""
        return len(self._pending)

    @property
    def is_behind(self) -> bool:
        """Whether a post has no answer, or others were told what it has not been told."""
        head = self.record.heads.get(self.room_id, 0)
        return bool(self._pending) or (self.reads and self.position < head)

    @property
    def has_room(self) -> bool:
        """Whether another post may be under way."""
        return len(self._pending) < UNACKED

    @property
    def token(self) -> str:
        """The token of its session."""
        return self._token

    @property
    def is_connected(self) -> bool:
        """Whether it has a stream, welcomed or not."""
        return self._stream is not None

    def say(self) -> str:
        """Post the next message, as soon as there is a stream; return its client_msg_id."""
        number = self._numbers
        self._numbers += 1
        chosen = message_id(self.name, number)
        self._pending[number] = pb.Post(
            room=pb.RoomTarget(room_id=self.room_id),
            text=f"{chosen:.<{self._text_bytes}}",
            client_msg_id=chosen,
        )
        heapq.heappush(self._to_send, number)
        self._wake.set()
        return chosen

    def drop(self, how: Drop) -> bool:
        """Tear it from its stream; it comes back. Return False if it has none."""
        stream = self._stream
        if stream is None:
            return False
        match how:
            case Drop.CANCEL:
                stream.call.cancel()
            case Drop.CLOSE:
                stream.left.set()
            case Drop.CUT:
                assert self.relay is not None, f"{self.name} has no relay"
                self.relay.cut()
            case Drop.REPLACE if not stream.is_welcomed:
                stream.left.set()
            case Drop.REPLACE:
                assert stream.reading is not None
                self._old.add(stream.reading)
                self._stream = None
                self._attempt = 0
                stream.left.set()
        return True

    # ------------------------------------------------------------------ coming back

    async def _run(self) -> None:
        try:
            while True:
                await self._converse()
                first_s, longest_s = self._back_off
                wait_s = self._chance.random() * min(longest_s, first_s * 2**self._attempt)
                self._attempt += 1
                wait_s, self._hint_s = max(wait_s, self._hint_s), 0.0
                await asyncio.sleep(wait_s)
        finally:
            for task in list(self._old):
                await _finish(task)

    async def _converse(self) -> None:
        """Have one stream, until it is over or left."""
        stream = self._stream = _Stream(self.address, self._token)
        stream.reading = asyncio.get_running_loop().create_task(self._watch(self._read(stream)))
        self._sent.clear()
        self._to_send.clear()
        sender = asyncio.get_running_loop().create_task(self._watch(self._send(stream)))
        try:
            await stream.left.wait()
        finally:
            self.is_live = False
            await _finish(sender)
            self._is_overtaken |= not stream.is_welcomed
            if stream.reading not in self._old:
                self._stream = None
                await _finish(stream.reading)

    async def _watch(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as error:
            self._mistakes.append(error)

    async def _read(self, stream: _Stream) -> None:
        try:
            async for frame in stream.call:
                if self._stream is stream:
                    self._take(frame.items)
            self._ended("", "OK")
        except grpc.aio.AioRpcError as error:
            self._ended(*_reason_of(error))
        except asyncio.CancelledError:
            # Of the call, or of this task: either way there is nobody to read for.
            self.ends["cancelled"] += 1
        finally:
            stream.left.set()
            stream.call.cancel()
            await stream.channel.close()
            self._old.discard(stream.reading)

    def _ended(self, reason: str, status: str = "", retry_s: float = 0.0) -> None:
        self.ends[reason or status.lower()] += 1
        if reason == _REPLACED and asyncio.current_task() in self._old:
            return
        if reason == _REPLACED and self._is_overtaken:
            self._is_overtaken = False
            return
        self._hint_s = max(self._hint_s, retry_s)
        if reason not in _COME_BACK:
            self.record.breach("ended", f"the stream of {self.name} ended with {reason}")

    # ------------------------------------------------------------------ posting

    async def _send(self, stream: _Stream) -> None:
        loop = asyncio.get_running_loop()
        position = pb.RoomPosition(
            room=pb.RoomTarget(room_id=self.room_id), after_seq=self.position
        )
        hello = pb.Hello(epoch=self._epoch, rooms=[position] if self.reads else [])
        # A stream that is over is the reader's to see.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await stream.call.write(pb.ChatRequest(order_id="hello", hello=hello))
            while True:
                held_s = self._hold_until - loop.time()
                if held_s > 0:
                    await asyncio.sleep(held_s)
                elif stream.is_welcomed and self._to_send and len(self._sent) < self._window:
                    number = heapq.heappop(self._to_send)
                    if number in self._pending:
                        self._sent.add(number)
                        order = pb.ChatRequest(order_id=str(number), post=self._pending[number])
                        for _ in range(self._copies):
                            await stream.call.write(order)
                else:
                    self._wake.clear()
                    await self._wake.wait()

    # ------------------------------------------------------------------ being told

    def _take(self, items: Iterable[pb.StreamItem]) -> None:
        for item in items:
            kind = item.WhichOneof("item")
            if kind == "event":
                if item.event.room_id == self.room_id:
                    self.position = self.record.hear(self.name, self.position, item.event)
            elif kind == "ack":
                self._take_ack(item.ack)
            elif kind == "welcome":
                self._take_welcome(item.welcome)
            elif kind == "opened":
                if item.opened.after_seq != self.position:
                    self.record.breach(
                        "gap",
                        f"{self.name} at {self.position} was resumed at {item.opened.after_seq}",
                    )
                    self.position = item.opened.after_seq
            elif kind == "live":
                if item.live.seq != self.position:
                    self.record.breach(
                        "gap", f"{self.name} at {self.position} is live at {item.live.seq}"
                    )
                    self.position = item.live.seq
                self.is_live = True
            elif kind == "error":
                self._take_error(item.error)
            elif kind == "notice":
                self.hints_ms.append(item.notice.retry_after_ms)
                self._hint_s = max(self._hint_s, item.notice.retry_after_ms / 1000)
            elif kind != "presence":
                self.record.breach("ended", f"{self.name} was told {item}")

    def _take_welcome(self, welcome: pb.Welcome) -> None:
        if welcome.epoch != self._epoch:
            self.record.breach("ended", f"{self.name} met epoch {welcome.epoch}")
        assert self._stream is not None
        self._stream.is_welcomed = True
        self.welcomes += 1
        self._attempt = 0
        # Now what was not answered is sent again, in its order, as it was.
        self._to_send = sorted(self._pending)
        self._wake.set()

    def _take_ack(self, ack: pb.Ack) -> None:
        number = int(ack.order_id)
        self._sent.discard(number)
        self._pending.pop(number, None)
        self.record.ack(ack.client_msg_id, Place(ack.room_id, ack.seq), duplicate=ack.duplicate)
        self._wake.set()

    def _take_error(self, error: pb.Error) -> None:
        self.refusals[error.reason] += 1
        if error.reason == "SEQ_OUT_OF_RANGE":
            self.record.breach("lost", f"{self.name} was told {self.position}: {error.message}")
            return
        if not error.retry_after_ms or not error.order_id.isdigit():
            self.record.breach("ended", f"{self.name} was refused {error}")
            return
        # Later posts wait too, or they would overtake this one.
        number = int(error.order_id)
        self._sent.discard(number)
        heapq.heappush(self._to_send, number)
        now = asyncio.get_running_loop().time()
        self._hold_until = max(self._hold_until, now + error.retry_after_ms / 1000)
        self._wake.set()


async def _finish(task: asyncio.Task[None]) -> None:
    """Cancel a task, and wait for its end."""
    task.cancel()
    await asyncio.wait((task,))


def _reason_of(error: grpc.aio.AioRpcError) -> tuple[str, str, float]:
    """Return reason, name of the status, and seconds to wait; without details only the name."""
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    reason, retry_s = "", 0.0
    if isinstance(packed, bytes):
        for detail in status_pb2.Status.FromString(packed).details:
            if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                reason = error_details_pb2.ErrorInfo.FromString(detail.value).reason
            elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
                info = error_details_pb2.RetryInfo.FromString(detail.value)
                retry_s = info.retry_delay.ToMilliseconds() / 1000
    return reason, error.code().name, retry_s
