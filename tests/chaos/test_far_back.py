"""Readers that resume from far back, and exports, beside readers told as quickly as before."""

import selectors
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from bench.rpc import RECEIVE_BYTES, Caller, Link, WholeMessages, framed
from bench.wires.wire import ReadersConfig, SendersConfig
from bench.worker import Worker
from chat_protos.chat.v1 import admin_pb2
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.chaos.figures import Figures
from tests.chaos.load import PATIENCE
from tests.chaos.server import Server

ROOM = "past"
EVENTS = 200_000
FAR_BACK = 5
EXPORTS = 3
HEALTHY = 50
RATE = 100
SECONDS = 10.0
ROUNDS = 3
MIB = 1 << 20
RESUME_BYTES = 16 * MIB
"""Memory that all who resume may cost: their queues are bounded, and pages are read in turn."""

_SERVICE = "/chat.v1.ChatService/"


class Resuming:
    """One who reads a room from its beginning, and looks at no more than the bytes."""

    def __init__(self, address: str, name: str) -> None:
        self.size = 0
        self.ended = ""
        with Caller(address) as caller:
            request = pb.JoinRequest(name=name, room=ROOM).SerializeToString()
            joined = caller.call(f"{_SERVICE}Join", "", request)
        token = pb.JoinResponse.FromString(joined).token
        place = pb.RoomPosition(room=pb.RoomTarget(room_name=ROOM), after_seq=0)
        wanted = pb.SubscribeRequest(rooms=[place]).SerializeToString()
        self.link = Link(address, memoryview(bytearray(RECEIVE_BYTES)), timeout_s=PATIENCE)
        number = self.link.call(f"{_SERVICE}Subscribe", token, WholeMessages(self._take, self._end))
        self.link.connection.send(number, framed(wanted), end=True)
        self.link.flush()

    def _take(self, message: bytes) -> None:
        self.size += len(message)

    def _end(self, how: str) -> None:
        self.ended = how


@contextmanager
def resuming(server: Server, prefix: str) -> Iterator[list[Resuming]]:
    """Have several resume, each as fast as it is sent anything."""
    over = threading.Event()
    readers = [Resuming(server.address, f"{prefix}{number}") for number in range(FAR_BACK)]

    def read() -> None:
        with selectors.DefaultSelector() as selector:
            for reader in readers:
                selector.register(reader.link, selectors.EVENT_READ, reader.link)
            while not over.is_set():
                for key, _ in selector.select(0.1):
                    key.data.read()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield readers
    finally:
        over.set()
        thread.join()
        for reader in readers:
            reader.link.close()


class Exporting(threading.Thread):
    """An operator who exports the room again and again, and looks at no more than the bytes."""

    def __init__(self, socket: Path, over: threading.Event) -> None:
        super().__init__()
        self.size = 0
        self.ended = ""
        self._socket = socket
        self._over = over

    def run(self) -> None:
        request = admin_pb2.ExportRoomRequest(room_name=ROOM).SerializeToString()
        # Any: without a parser, parts of an answer are bytes.
        with grpc.insecure_channel(f"unix:{self._socket}") as channel:
            call: Any = channel.unary_stream("/chat.v1.AdminService/ExportRoom")
            while not self._over.is_set():
                try:
                    for part in (parts := call(request, timeout=PATIENCE)):
                        self.size += len(part)
                        if self._over.is_set():
                            parts.cancel()
                            return
                except grpc.RpcError as error:
                    self.ended = str(error)
                    return


@contextmanager
def exporting(server: Server, prefix: str) -> Iterator[list[Exporting]]:
    """Have several export the room at once; `prefix` is for those who have names."""
    over = threading.Event()
    with tempfile.TemporaryDirectory(prefix="chat-") as short:
        # The path of a socket has some hundred bytes only.
        near = Path(short) / prefix
        near.symlink_to(server.data)
        operators = [Exporting(near / "admin.sock", over) for _ in range(EXPORTS)]
        for operator in operators:
            operator.start()
        try:
            yield operators
        finally:
            over.set()
            for operator in operators:
                operator.join()


# What goes on beside the healthy readers: who takes how many bytes, and how that ended.
Beside = Callable[[Server, str], AbstractContextManager[Sequence[Resuming | Exporting]]]


def delays(healthy: Worker, sender: Worker) -> tuple[float, float]:
    """Post for a while; return p50 and p99 from post to all healthy readers, in ms."""
    count = int(RATE * SECONDS)
    healthy.tell(do="settle", present=HEALTHY, timeout_s=PATIENCE)
    settled = healthy.wait_answer(2 * PATIENCE)
    assert settled["settled"], settled
    sender.tell(do="pace", rate=RATE, seconds=SECONDS, bunch=1)
    healthy.tell(do="wait", events=count, timeout_s=PATIENCE)
    told = healthy.wait_answer(2 * PATIENCE)
    sent = sender.wait_answer(PATIENCE)
    assert (sent["acked"], sent["refused"]) == (count, 0)
    assert (told["cut"], told["behind"], told["events"]) == (0, 0, count)
    percents = statistics.quantiles(told["delays_us"], n=100)
    return percents[49] / 1000, percents[98] / 1000


def compare(
    directory: Path, figures: Figures, fault: str = "", beside: Beside = resuming
) -> tuple[float, float]:
    """Return by what healthy readers wait longer beside those others: p50 and p99."""
    what = fault or "as it is"
    directory.mkdir()
    with Server(directory, fault=fault) as server, ExitStack() as stack:
        posting = SendersConfig(server.address, "chat", ROOM, "sender", 1)
        sender = stack.enter_context(Worker("bench.senders", posting))
        sender.ask(600.0, do="send", seconds=500.0, count=EVENTS, window=200)
        reading = ReadersConfig(server.address, "chat", ROOM, "healthy", HEALTHY, 16, 1, 1)
        healthy = stack.enter_context(Worker("bench.readers", reading))
        ratios: list[tuple[float, float]] = []
        for number in range(ROUNDS):
            base = delays(healthy, sender)
            before = server.usage().rss_bytes
            with beside(server, f"far{number}-") as readers:
                with_them = delays(healthy, sender)
                cost = server.usage().rss_bytes - before
                sizes = [reader.size / MIB for reader in readers]
                assert not any(reader.ended for reader in readers)
            figures[f"{what}, round {number}: p50 and p99 without, ms"] = base
            figures[f"{what}, round {number}: p50 and p99 beside, ms"] = with_them
            figures[f"{what}, round {number}: MiB read, by reader"] = sizes
            figures[f"{what}, round {number}: memory of all who read, MiB"] = cost / MIB
            assert min(sizes) > 0
            assert cost < RESUME_BYTES
            ratios.append((with_them[0] / base[0], with_them[1] / base[1]))
    p50, p99 = (statistics.median(ratio) for ratio in zip(*ratios, strict=True))
    figures[f"{what}: p50 and p99 beside by those without, medians"] = [p50, p99]
    return p50, p99


@pytest.mark.full_only
def test_far_back_readers_delay_nobody(tmp_path: Path, figures: Figures) -> None:
    """Five who read 200,000 events from the first on cost 50 live readers little.

    Beside it stands what they would cost without a pace.
    """
    hasty_p50, _ = compare(tmp_path / "hasty", figures, "hasty-pages")
    p50, p99 = compare(tmp_path / "paced", figures)
    assert p50 <= 2.0
    assert p99 <= 3.0
    assert p50 < hasty_p50


@pytest.mark.full_only
def test_exports_delay_nobody(tmp_path: Path, figures: Figures) -> None:
    """Three who export 200,000 events over and over cost 50 live readers little."""
    p50, p99 = compare(tmp_path / "exports", figures, beside=exporting)
    assert p50 <= 2.0
    assert p99 <= 3.0
