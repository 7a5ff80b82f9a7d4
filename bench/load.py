"""The load as a workload sees it: a crowd of readers, some senders, and who used the CPU."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import psutil

from bench.server import Server
from bench.wires.wire import ReadersConfig, SendersConfig
from bench.worker import Line, Worker

SETTLE_S = 60.0
# More readers than this are spread over two processes.
READERS_OF_A_PROCESS = 500

# From this share of a core on, a process has as good as all that it can use.
SATURATED = 0.9
# From this share of a core on, other programs have disturbed a measurement.
DISTURBED = 0.15


class LoadError(Exception):
    """A measurement is void: somebody was cut off, or did not get what was due."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the readers got."""

    # Events that each of them got, by the count of the witnesses.
    events: int
    # Streams that ended, though nobody asked for it.
    cut: int
    # Readers whose bytes differ from those of the witness.
    behind: int
    # When the last byte came, in ns of the monotonic clock.
    last_ns: int
    # From due to here, for each event of each witness, in µs.
    delays_us: tuple[int, ...]


class Readers:
    """The subscribers of one room, in one process or two."""

    def __init__(
        self,
        server: Server,
        room: str,
        count: int,
        *,
        streams: int,
        witness_every: int = 1 << 30,
        prefix: str = "r",
    ) -> None:
        self.count = count
        self.workers: list[Worker] = []
        self._stack = ExitStack()
        processes = -(-count // READERS_OF_A_PROCESS)
        sizes = [count // processes + (place < count % processes) for place in range(processes)]
        self._configs = [
            ReadersConfig(
                server.address,
                server.wire,
                room,
                f"{prefix}{place}-",
                size,
                server.at_once,
                streams,
                witness_every,
            )
            for place, size in enumerate(sizes)
        ]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for config in self._configs:
                worker = Worker("bench.readers", config)
                self.workers.append(stack.enter_context(worker))
            self.settle()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def settle(self) -> None:
        """Wait until all are signed in and nothing more comes; they count from here.

        Raises LoadError where that does not come to be.
        """
        for line in self._ask(do="settle", present=self.count, timeout_s=SETTLE_S):
            if not line["settled"]:
                raise LoadError(
                    f"only {line['live']} readers are live in a process, {line['cut']} are cut off"
                    + (f" ({line['why']})" if line["why"] else "")
                )

    def wait_events(self, count: int, timeout_s: float) -> Crowd:
        """Wait until all have so many events since they count, or that is in vain."""
        lines = self._ask(do="wait", events=count, timeout_s=timeout_s)
        return Crowd(
            events=min(line["events"] for line in lines),
            cut=sum(line["cut"] for line in lines),
            behind=sum(line["behind"] for line in lines),
            last_ns=max(line["last_ns"] for line in lines),
            delays_us=tuple(delay for line in lines for delay in line["delays_us"]),
        )

    def _ask(self, timeout_s: float, **line: object) -> list[Line]:
        for worker in self.workers:
            worker.tell(timeout_s=timeout_s, **line)
        # The worker ends its wait by itself; the rest is for its start and its report.
        return [worker.wait_answer(timeout_s + 30.0) for worker in self.workers]


@dataclass(frozen=True, slots=True)
class Sent:
    """What the senders did."""

    sent: int
    # From the first post to the last answer, in ns of the monotonic clock.
    began_ns: int
    ended_ns: int
    # `send` with a window of one: from each post to its ack. `pace`: how late each post
    # was sent by us. In µs.
    times_us: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """How long it took to send and to be answered."""
        return (self.ended_ns - self.began_ns) / 1e9


class Senders:
    """The senders of one room, in one process."""

    def __init__(self, server: Server, room: str, count: int) -> None:
        config = SendersConfig(server.address, server.wire, room, "s-", count)
        self.worker = Worker("bench.senders", config)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.worker.__exit__(kind, error, trace)

    def send(self, *, seconds: float, count: int, window: int) -> Sent:
        """Post as fast as the answers allow. Raises LoadError where a post is refused."""
        line = self.worker.ask(
            seconds + 60.0, do="send", seconds=seconds, count=count, window=window
        )
        return _sent(line, line["waits_us"])

    def pace(self, *, rate: float, seconds: float, bunch: int = 1) -> Sent:
        """Post by a schedule, so many at once. Raises LoadError where a post is refused."""
        line = self.worker.ask(seconds + 60.0, do="pace", rate=rate, seconds=seconds, bunch=bunch)
        return _sent(line, line["late_us"])


def _sent(line: Line, times_us: list[int]) -> Sent:
    if line["refused"]:
        raise LoadError(f"{line['refused']} of {line['sent']} posts were refused")
    return Sent(line["sent"], line["began_ns"], line["ended_ns"], tuple(times_us))


class Clocked(Protocol):
    """Something whose CPU time is known."""

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""
        ...


@dataclass(frozen=True, slots=True)
class Shares:
    """Who used the CPU during a measurement, each as a part of one core."""

    # In seconds of CPU; the others are shares.
    server_s: float
    server: float
    busiest_client: float
    clients: float
    others: float
    cores: int

    def notes(self) -> list[str]:
        """Say what was in the way of the measurement, if anything was."""
        notes = []
        shares = (
            f"server {self.server:.2f} of a core, busiest client {self.busiest_client:.2f}, "
            f"other programs {self.others:.2f}"
        )
        if self.busiest_client >= SATURATED and self.server < SATURATED:
            notes.append(f"the load client was the bottleneck ({shares})")
        if self.others >= DISTURBED:
            notes.append(f"disturbed by other programs ({shares})")
        elif self.server + self.clients >= SATURATED * self.cores:
            notes.append(f"server and load together used all cores ({shares})")
        return notes


class Watch:
    """Watches the CPU from its making on."""

    def __init__(self, server: Clocked, clients: Sequence[Clocked]) -> None:
        self._server = server
        self._clients = clients
        self._began = time.monotonic()
        self._before = self._read()

    def shares(self) -> Shares:
        """Return who used the CPU so far."""
        seconds = time.monotonic() - self._began
        server, clients, machine = (
            [now - then for now, then in zip(now_all, then_all, strict=True)]
            for now_all, then_all in zip(self._read(), self._before, strict=True)
        )
        ours = server[0] + sum(clients)
        return Shares(
            server_s=server[0],
            server=server[0] / seconds,
            busiest_client=max(clients, default=0.0) / seconds,
            clients=sum(clients) / seconds,
            others=max(0.0, machine[0] - ours) / seconds,
            cores=os.cpu_count() or 1,
        )

    def _read(self) -> tuple[list[float], list[float], list[float]]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Time of guests is in that of users already.
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        return (
            [self._server.cpu_seconds()],
            [client.cpu_seconds() for client in self._clients],
            [sum(times) - idle - guests],
        )
