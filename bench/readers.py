"""A process of subscribers: `python -m bench.readers CONFIG`, told what to do on stdin.

Every subscriber signs in and opens one Chat stream. A few of them, the witnesses, decode
all that they get: they prove that the events are complete and in order, and take the
time from post to delivery. The others count bytes. All readers of a room are sent the
same bytes, so a reader that has as many as the witness, ending in the same way, has
every event.
"""

import json
import selectors
import time
from collections import deque
from dataclasses import asdict, dataclass

from bench import chat
from bench.posix import allow_many_files
from bench.rpc import RECEIVE_BYTES, Link, Messages
from bench.worker import Line, Lines, answer, run
from chat_protos.chat.v1 import chat_pb2 as pb

# Sign-ins under way at once: a server may allow 32 calls on a connection, and counts one
# for a moment after it was answered.
SIGNING_IN = 16
# Presence is told every 0.25 s: after that long without a byte nothing more comes. If it
# does, it comes to all alike.
QUIET_S = 0.3
# A wait ends early when this long nothing has come: something is missing then.
STALLED_S = 5.0
# The end of what a reader got, to be compared with the witness's: longer than one event.
TAIL_BYTES = 256


@dataclass(frozen=True, slots=True)
class Config:
    """What a process of readers is told."""

    address: str
    room: str
    # Begins the name of each subscriber.
    prefix: str
    count: int
    # Streams that share a connection; a server may allow 32.
    streams: int
    # Every so manyth subscriber is a witness; the first always is.
    witness_every: int

    def to_json(self) -> str:
        """Return the one-line form that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


class Reader(Messages):
    """One subscriber: its sign-in, then its stream.

    Decodes until it counts; a witness decodes on. `cut` says how the stream ended.
    """

    __slots__ = (
        "_parts",
        "counting",
        "cut",
        "delays_us",
        "events",
        "is_witness",
        "last_seq",
        "link",
        "live",
        "present",
        "size",
        "tail",
    )

    def __init__(self, link: Link, *, is_witness: bool) -> None:
        super().__init__()
        self.link = link
        self.is_witness = is_witness
        self.live = False
        # How many users the room has, by what this reader was told last.
        self.present = 0
        self.cut = ""
        # Since `count` was called: bytes of messages, and their end.
        self.counting = False
        self.size = 0
        self.tail = b""
        # Of a witness: events, and from when each was due to when it was here, in µs.
        self.events = 0
        self.last_seq = 0
        self.delays_us: list[int] = []
        self._parts = bytearray()

    def sign_in(self, desk: Link, name: str, room: str) -> None:
        """Begin: Join, on a connection that is used for nothing else, then Chat."""
        desk.ask(chat.JOIN, "", chat.join_request(name, room), self._joined, self.ended)
        desk.flush()

    def count(self) -> bool:
        """Begin to count from here; False in the middle of a message."""
        if not self.between:
            return False
        self.counting = True
        self.size = self.events = 0
        self.tail = b""
        self.delays_us = []
        return True

    def piece(self, piece: memoryview, *, last: bool) -> None:
        """Take a part of a message."""
        if self.counting:
            self.size += len(piece)
            end = bytes(piece[-TAIL_BYTES:])
            self.tail = end if len(end) == TAIL_BYTES else (self.tail + end)[-TAIL_BYTES:]
            if not self.is_witness:
                return
        self._parts += piece
        if last:
            response = pb.ChatResponse.FromString(bytes(self._parts))
            self._parts.clear()
            self._take(response)

    def ended(self, how: str) -> None:
        """Note that the stream is over, which no measurement expects."""
        self.cut = self.cut or how or "ended"

    def _joined(self, response: bytes) -> None:
        joined = pb.JoinResponse.FromString(response)
        stream_id = self.link.call(chat.CHAT, joined.token, self)
        self.link.connection.send(stream_id, chat.hello(joined.room.room_id))
        self.link.flush()

    def _take(self, response: pb.ChatResponse) -> None:
        now_ns = time.monotonic_ns()
        for item in response.items:
            kind = item.WhichOneof("item")
            if kind == "event":
                event = item.event
                if self.last_seq and event.seq != self.last_seq + 1:
                    self.ended(f"event {event.seq} came after {self.last_seq}")
                self.last_seq = event.seq
                self.events += 1
                if self.counting:
                    due_ns = chat.due_ns_of(event.message.text)
                    self.delays_us.append((now_ns - due_ns) // 1000)
            elif kind == "live":
                self.live = True
            elif kind == "presence":
                self.present = item.presence.total
            elif kind == "error":
                self.ended(f"{item.error.reason}: {item.error.message}")


class Readers:
    """The subscribers of this process, and their loop."""

    def __init__(self, config: Config, lines: Lines) -> None:
        self._config = config
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._selector = selectors.DefaultSelector()
        self._lines = lines
        self._selector.register(self._lines, selectors.EVENT_READ)
        self._links: list[Link] = []
        self._readers: list[Reader] = []
        self._last_data_s = time.monotonic()
        self._orders: deque[Line] = deque()
        self._wanted = True

    def run(self) -> None:
        """Sign in, then do what the lines say until they end."""
        self._sign_in()
        while self._wanted:
            while not self._orders and self._wanted:
                self._step()
            if self._orders:
                order = self._orders.popleft()
                if order["do"] == "settle":
                    answer(self._settle(order["present"], order["timeout_s"]))
                elif order["do"] == "wait":
                    answer(self._wait(order["events"], order["timeout_s"]))
        for link in self._links:
            link.close()

    def _sign_in(self) -> None:
        config = self._config
        desk = self._connect()
        while len(self._readers) < config.count and self._wanted:
            if sum(not reader.live and not reader.cut for reader in self._readers) >= SIGNING_IN:
                self._step()
                continue
            index = len(self._readers)
            link = self._links[-1] if index % config.streams else self._connect()
            reader = Reader(link, is_witness=index % config.witness_every == 0)
            self._readers.append(reader)
            reader.sign_in(desk, f"{config.prefix}{index}", config.room)

    def _connect(self) -> Link:
        link = Link(self._config.address, self._buffer)
        self._links.append(link)
        self._selector.register(link, selectors.EVENT_READ, link)
        return link

    def _step(self, timeout_s: float | None = None) -> None:
        """Read whatever has arrived; wait for it if need be."""
        for key, _ in self._selector.select(timeout_s):
            link = key.data
            if link is None:
                lines = self._lines.read()
                self._wanted = lines is not None
                self._orders += lines or ()
                continue
            link.read()
            self._last_data_s = time.monotonic()
            if not link.is_open:
                self._selector.unregister(link)

    def _settle(self, present: int, timeout_s: float) -> Line:
        """Wait until all is told of who is there; then all begin to count."""
        deadline = time.monotonic() + timeout_s
        settled = False
        while (
            not settled
            and self._wanted
            and time.monotonic() < deadline
            and not any(reader.cut for reader in self._readers)
        ):
            self._step(QUIET_S / 10)
            settled = (
                time.monotonic() - self._last_data_s >= QUIET_S
                and all(reader.live and reader.present == present for reader in self._readers)
                and all(reader.count() for reader in self._readers)
            )
        return self._report() | {"settled": settled}

    def _wait(self, events: int, timeout_s: float) -> Line:
        """Wait until all readers have so many events since they count."""
        began = time.monotonic()
        witness = self._readers[0]
        while self._wanted and (witness.events < events or self._behind()):
            now = time.monotonic()
            if now > began + timeout_s or now > max(began, self._last_data_s) + STALLED_S:
                break
            self._step(0.05)
        return self._report()

    def _behind(self) -> int:
        """Return how many readers do not have exactly what the witness has."""
        witness = self._readers[0]
        return sum(
            reader.size != witness.size or reader.tail != witness.tail for reader in self._readers
        )

    def _report(self) -> Line:
        cut = [reader.cut for reader in self._readers if reader.cut]
        return {
            "live": sum(reader.live and not reader.cut for reader in self._readers),
            "cut": len(cut),
            "why": cut[0] if cut else "",
            "behind": self._behind(),
            "events": min(reader.events for reader in self._readers if reader.is_witness),
            "bytes": sum(reader.size for reader in self._readers),
            "last_ns": int(self._last_data_s * 1e9),
            "delays_us": [
                delay for reader in self._readers if reader.is_witness for delay in reader.delays_us
            ],
        }


def work(config: str, lines: Lines) -> None:
    """Sign all in, then do what the lines say until they end."""
    allow_many_files()
    Readers(Config.from_json(config), lines).run()


if __name__ == "__main__":
    run(work)
