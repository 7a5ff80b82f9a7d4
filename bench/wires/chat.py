"""The chat service's own wire: gRPC, by raw HTTP/2.

A subscriber signs in and opens one Chat stream; a sender posts on a Chat stream that
reads no room, so all that comes back is acks.
"""

import time
from collections.abc import Callable

from bench import chat
from bench.rpc import Caller, CallError, Link, Messages, WholeMessages
from bench.wires.tally import Tally
from bench.wires.wire import Connection, ReadersConfig, Wire
from chat_protos.chat.v1 import chat_pb2 as pb


class ChatSubscriber(Messages):
    """One subscriber: its sign-in, then its stream.

    Decodes until it counts; a witness decodes on, and proves that no event is missing.
    """

    __slots__ = ("_last_seq", "_link", "_parts", "live", "present", "tally")

    def __init__(self, link: Link, *, is_witness: bool) -> None:
        super().__init__()
        self.tally = Tally(is_witness=is_witness)
        self.live = False
        self.present: int | None = 0
        self._link = link
        self._last_seq = 0
        self._parts = bytearray()

    def sign_in(self, desk: Link, name: str, room: str) -> None:
        """Begin: Join, on a connection that is used for nothing else, then Chat."""
        desk.ask(chat.JOIN, "", chat.join_request(name, room), self._joined, self.ended)
        desk.flush()

    def count(self) -> bool:
        """Begin to count from here; False in the middle of a message."""
        if self.between:
            self.tally.begin()
        return self.between

    def piece(self, piece: memoryview, *, last: bool) -> None:
        """Take a part of a message."""
        tally = self.tally
        if tally.counting:
            tally.piece(piece)
            if not tally.is_witness:
                return
        self._parts += piece
        if last:
            response = pb.ChatResponse.FromString(bytes(self._parts))
            self._parts.clear()
            self._take(response)

    def ended(self, how: str) -> None:
        """Note that the stream is over."""
        self.tally.ended(how)

    def _joined(self, response: bytes) -> None:
        joined = pb.JoinResponse.FromString(response)
        stream_id = self._link.call(chat.CHAT, joined.token, self)
        self._link.connection.send(stream_id, chat.hello(joined.room.room_id))
        self._link.flush()

    def _take(self, response: pb.ChatResponse) -> None:
        now_ns = time.monotonic_ns()
        tally = self.tally
        for item in response.items:
            kind = item.WhichOneof("item")
            if kind == "event":
                event = item.event
                if self._last_seq and event.seq != self._last_seq + 1:
                    self.ended(f"event {event.seq} came after {self._last_seq}")
                self._last_seq = event.seq
                tally.events += 1
                if tally.counting:
                    due_ns = chat.due_ns_of(event.message.text)
                    tally.delays_us.append((now_ns - due_ns) // 1000)
            elif kind == "live":
                self.live = True
            elif kind == "presence":
                self.present = item.presence.total
            elif kind == "error":
                self.ended(f"{item.error.reason}: {item.error.message}")


class ChatSubscribers:
    """Opens subscribers, some on each connection."""

    def __init__(
        self, config: ReadersConfig, buffer: memoryview, watch: Callable[[Connection], None]
    ) -> None:
        self._config = config
        self._buffer = buffer
        self._watch = watch
        self._desk = self._connect()
        self._link = self._desk

    def open(self, index: int, *, is_witness: bool) -> ChatSubscriber:
        """Begin to sign in."""
        config = self._config
        if index % config.streams == 0:
            self._link = self._connect()
        subscriber = ChatSubscriber(self._link, is_witness=is_witness)
        subscriber.sign_in(self._desk, f"{config.prefix}{index}", config.room)
        return subscriber

    def _connect(self) -> Link:
        link = Link(self._config.address, self._buffer)
        self._watch(link)
        return link


class ChatSender:
    """One signed-in sender with its stream."""

    def __init__(self, address: str, name: str, room: str) -> None:
        self._caller = Caller(address)
        self.connection = self._caller.link
        request = chat.join_request(name, room)
        joined = pb.JoinResponse.FromString(self._caller.call(chat.JOIN, "", request))
        self._posts = chat.Posts(joined.room.room_id, name)
        self.sent = 0
        self.acked = 0
        self.refused = 0
        self._welcome = False
        self._stream_id = self.connection.call(
            chat.CHAT, joined.token, WholeMessages(self._answered, self._ended)
        )
        self.connection.connection.send(self._stream_id, chat.hello())
        self.connection.flush()
        self._caller.read_until(lambda: self._welcome)

    @property
    def unanswered(self) -> int:
        """How many posts wait for their answer."""
        return self.sent - self.acked - self.refused

    def post(self, most: int, due_ns: int) -> int:
        """Post up to `most` messages, as many as the connection has room for."""
        connection = self.connection.connection
        room = connection.window(self._stream_id)
        count = min(most, room // self._posts.payload_bytes)
        if count > 0:
            frames = b"".join(
                self._posts.frame(self._stream_id, number, due_ns)
                for number in range(self.sent, self.sent + count)
            )
            self.sent += count
            connection.send_frames(
                self._stream_id, frames, payload_bytes=count * self._posts.payload_bytes
            )
            self.connection.flush()
        return max(count, 0)

    def _answered(self, response: bytes) -> None:
        if not self._welcome:
            self._welcome = True
            return
        acks, errors = chat.answers(response)
        self.acked += acks
        self.refused += errors

    def _ended(self, how: str) -> None:
        raise CallError(f"the stream of a sender has ended: {how}")


WIRE = Wire("chat", ChatSubscribers, ChatSender)
