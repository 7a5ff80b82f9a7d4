"""A process of senders: `python -m bench.senders CONFIG`, told what to do on stdin.

`send` posts as fast as the acks allow, with a window of posts that may be
unanswered; `pace` posts by a schedule, whatever the server does.
"""

import select
import time
from collections import deque

from bench.rpc import CallError
from bench.wires import WIRES
from bench.wires.wire import SendersConfig
from bench.worker import Line, Lines, answer, run

# The last acks are waited for so long.
LAST_ACKS_S = 20.0
# Of a window, at least this part is free before posts go out: a bunch costs little more
# than one.
BUNCH = 0.125


class Senders:
    """The senders of this process."""

    def __init__(self, config: SendersConfig) -> None:
        sender = WIRES[config.wire].sender
        self._senders = [
            sender(config.address, f"{config.prefix}{index}", config.room)
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

    def pace(self, rate: float, seconds: float, bunch: int = 1) -> Line:
        """Post by a schedule of `rate` a second, the senders in turn, answered or not.

        A sender posts `bunch` messages at once, which are due together. Each is stamped
        with the time at which it was due, so lateness of ours counts against the server,
        and is returned beside.
        """
        before = self._totals()
        began_ns = time.monotonic_ns()
        late_us: list[int] = []
        for number in range(max(1, int(rate * seconds / bunch))):
            due_ns = began_ns + int(number * bunch * 1e9 / rate)
            while (left_ns := due_ns - time.monotonic_ns()) > 0:
                self._read(left_ns / 1e9)
            late_us.append(-left_ns // 1000)
            if self._senders[number % len(self._senders)].post(bunch, due_ns) < bunch:
                raise CallError("the server does not take posts at this rate")
        return self._finish(before, began_ns) | {"late_us": late_us}

    def close(self) -> None:
        """Close all connections."""
        for sender in self._senders:
            sender.connection.close()

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
        connections = [sender.connection for sender in self._senders]
        readable, _, _ = select.select(connections, [], [], timeout_s)
        for connection in readable:
            connection.read()


def work(config: SendersConfig, lines: Lines) -> None:
    """Sign in, then do what the lines say until they end."""
    senders = Senders(config)
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
    run(SendersConfig, work)
