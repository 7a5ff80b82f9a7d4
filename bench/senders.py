"""A process of senders: `python -m bench.senders CONFIG`, told what to do on stdin.

Every sender signs in and posts on one Chat stream that reads no room, so all that comes
back is acks. `send` posts as fast as the acks allow, with a window of posts that may be
unanswered; `pace` posts by a schedule, whatever the server does.
"""

import json
import select
import time
from collections import deque
from dataclasses import asdict, dataclass

from bench import chat
from bench.rpc import Caller, CallError, WholeMessages
from bench.worker import Line, Lines, answer, run
from chat_protos.chat.v1 import chat_pb2 as pb

# The last acks are waited for so long.
LAST_ACKS_S = 20.0
# Of a window, at least this part is free before posts go out: a bunch costs little more
# than one.
BUNCH = 0.125


@dataclass(frozen=True, slots=True)
class Config:
    """What a process of senders is told."""

    address: str
    room: str
    # Begins the name of each sender; one digit follows.
    prefix: str
    count: int

    def to_json(self) -> str:
        """Return the one-line form that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


class Sender:
    """One signed-in sender with its stream."""

    def __init__(self, address: str, name: str, room: str) -> None:
        self._caller = Caller(address)
        self.link = self._caller.link
        request = chat.join_request(name, room)
        joined = pb.JoinResponse.FromString(self._caller.call(chat.JOIN, "", request))
        self._posts = chat.Posts(joined.room.room_id, name)
        self.sent = 0
        self.acked = 0
        self.refused = 0
        self._welcome = False
        self._stream_id = self.link.call(
            chat.CHAT, joined.token, WholeMessages(self._answered, self._ended)
        )
        self.link.connection.send(self._stream_id, chat.hello())
        self.link.flush()
        self._caller.read_until(lambda: self._welcome)

    @property
    def unanswered(self) -> int:
        """How many posts wait for their answer."""
        return self.sent - self.acked - self.refused

    def post(self, most: int, due_ns: int) -> int:
        """Post up to `most` messages, as many as the connection has room for."""
        room = self.link.connection.window(self._stream_id)
        count = min(most, room // self._posts.payload_bytes)
        if count > 0:
            frames = b"".join(
                self._posts.frame(self._stream_id, number, due_ns)
                for number in range(self.sent, self.sent + count)
            )
            self.sent += count
            self.link.connection.send_frames(
                self._stream_id, frames, payload_bytes=count * self._posts.payload_bytes
            )
            self.link.flush()
        return max(count, 0)

    def close(self) -> None:
        """Close the connection."""
        self.link.close()

    def _answered(self, response: bytes) -> None:
        if not self._welcome:
            self._welcome = True
            return
        acks, errors = chat.answers(response)
        self.acked += acks
        self.refused += errors

    def _ended(self, how: str) -> None:
        raise CallError(f"the stream of a sender has ended: {how}")


class Senders:
    """The senders of this process."""

    def __init__(self, config: Config) -> None:
        self._senders = [
            Sender(config.address, f"{config.prefix}{index}", config.room)
            for index in range(config.count)
        ]

    def send(self, seconds: float, count: int, window: int) -> Line:
        """Post until the time is over or so many are sent; return when all are answered."""
        before = self._totals()
        began_ns = time.monotonic_ns()
        end_ns = began_ns + int(seconds * 1e9)
        bunch = max(1, int(window * BUNCH))
        left = count
        waits_us: list[int] = []
        alone = window == 1
        while left and (now_ns := time.monotonic_ns()) < end_ns:
            for sender in self._senders:
                free = window - sender.unanswered
                if free >= bunch:
                    left -= sender.post(min(free, left), now_ns)
            self._read(0.05)
            if alone:
                waits_us.append((time.monotonic_ns() - now_ns) // 1000)
        return self._finish(before, began_ns) | {"waits_us": waits_us}

    def pace(self, rate: float, seconds: float) -> Line:
        """Post one message each 1/rate s, the senders in turn, answered or not.

        Each is stamped with the time at which it was due, so lateness of ours counts
        against the server, and is returned beside.
        """
        before = self._totals()
        began_ns = time.monotonic_ns()
        late_us: list[int] = []
        for number in range(int(rate * seconds)):
            due_ns = began_ns + int(number * 1e9 / rate)
            while (left_ns := due_ns - time.monotonic_ns()) > 0:
                self._read(left_ns / 1e9)
            late_us.append(-left_ns // 1000)
            if not self._senders[number % len(self._senders)].post(1, due_ns):
                raise CallError("the server does not take posts at this rate")
        return self._finish(before, began_ns) | {"late_us": late_us}

    def close(self) -> None:
        """Close all connections."""
        for sender in self._senders:
            sender.close()

    def _totals(self) -> tuple[int, int, int]:
        return (
            sum(sender.sent for sender in self._senders),
            sum(sender.acked for sender in self._senders),
            sum(sender.refused for sender in self._senders),
        )

    def _finish(self, before: tuple[int, int, int], began_ns: int) -> Line:
        deadline = time.monotonic() + LAST_ACKS_S
        while any(sender.unanswered for sender in self._senders):
            if time.monotonic() > deadline:
                raise TimeoutError("posts were not answered")
            self._read(0.05)
        ended_ns = time.monotonic_ns()
        sent, acked, refused = (
            now - then for now, then in zip(self._totals(), before, strict=True)
        )
        return {
            "sent": sent,
            "acked": acked,
            "refused": refused,
            "began_ns": began_ns,
            "ended_ns": ended_ns,
        }

    def _read(self, timeout_s: float) -> None:
        """Take in answers, or wait for some.

        By select(2): its timeout is in µs, that of epoll in ms, too coarse for a schedule.
        """
        links = [sender.link for sender in self._senders]
        readable, _, _ = select.select(links, [], [], timeout_s)
        for link in readable:
            link.read()


def work(config: str, lines: Lines) -> None:
    """Sign in, then do what the lines say until they end."""
    senders = Senders(Config.from_json(config))
    orders: deque[Line] = deque()
    while (read := lines.read()) is not None:
        orders += read
        while orders:
            order = orders.popleft()
            if order.pop("do") == "send":
                answer(senders.send(**order))
            else:
                answer(senders.pace(**order))
    senders.close()


if __name__ == "__main__":
    run(work)
