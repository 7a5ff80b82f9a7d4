"""Wires of lines: the same tiny load on each, and what a subscriber and a sender notice."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.load import LoadError, Readers, Senders
from bench.peers import SOCKET_CHAT
from bench.rpc import CallError
from bench.scale import TINY
from bench.server import Server
from bench.texts import Texts
from bench.wires.irc import IrcSender, IrcSubscriber
from bench.wires.lines import LineSender, LineSubscriber
from bench.wires.nats import NatsSender, NatsSubscriber
from bench.wires.plain import PlainSubscriber
from bench.workload import Round
from bench.workloads import fan_out
from bench.workloads.fan_out import complete
from tests.bench.fakes import ConnectedLines, FakeIrc, FakeNats, FakeServer

FAKES: dict[str, type[FakeServer]] = {"irc": FakeIrc, "nats": FakeNats}
MAKERS: dict[str, Callable[[Path], Server]] = {**FAKES, "plain": SOCKET_CHAT.server}


def subscriber(kind: type[LineSubscriber]) -> tuple[LineSubscriber, Callable[[bytes], None]]:
    """Return a witness, and what makes it read something from its server."""
    lines = ConnectedLines()
    one = kind(lines.address, lines.buffer, "r0", "busy", is_witness=True)
    server = lines.accept()

    def say(data: bytes) -> None:
        before = one.tally.size
        server.sendall(data)
        while one.tally.counting and one.tally.size < before + len(data):
            one.read()
        if not one.tally.counting:
            one.read()

    return one, say


@pytest.mark.parametrize("wire", MAKERS)
def test_tiny_fan_out_is_measured(wire: str, tmp_path: Path) -> None:
    """The workload runs on each wire as it is: every reader gets everything, none is cut."""
    result = fan_out.SMALL.run(Round(tmp_path, TINY, MAKERS[wire]))
    assert result.values["deliveries"] > 0
    assert result.values["readers cut off"] == 0


@pytest.mark.parametrize("wire", FAKES)
def test_reader_that_lacks_something_voids_the_measurement(wire: str) -> None:
    """A server that leaves one reader out is found out by the bytes."""
    with (
        FAKES[wire]() as server,
        Readers(server, "busy", 2, streams=1) as readers,
        Senders(server, "busy", 1) as senders,
    ):
        server.leave_out(1)
        sent = senders.pace(rate=1000.0, seconds=0.005)
        assert sent.sent == 5
        # Nothing more will come, so there is no need to wait for it.
        crowd = readers.wait_events(sent.sent, 1.0)
        assert crowd.behind == 1
        with pytest.raises(LoadError, match="other bytes"):
            complete(crowd, sent)


def test_delays_are_from_due_to_here() -> None:
    """A witness takes the time from when a text was due, once it counts."""
    one, say = subscriber(PlainSubscriber)
    texts = Texts("s-0")
    say(b"welcome\n")
    assert one.live
    assert one.count()
    say(b"s-0: " + texts.text(0, time.monotonic_ns() - 10**9) + b"\n")
    assert one.tally.events == 1
    assert 10**6 <= one.tally.delays_us[0] < 60 * 10**6


def test_counting_begins_between_lines() -> None:
    """A subscriber in the middle of a line does not begin to count."""
    one, say = subscriber(PlainSubscriber)
    say(b"welc")
    assert not one.count()
    say(b"ome\n")
    assert one.count()


def test_irc_subscriber_counts_who_is_there() -> None:
    """The names on joining include the subscriber; those who join later are added."""
    one, say = subscriber(IrcSubscriber)
    say(b":h 001 r0 :hi\r\n:r0!u@h JOIN :#busy\r\n")
    assert not one.live
    say(b":h 353 r0 = #busy :r1 r0\r\n:h 353 r0 = #busy :r2\r\n:h 366 r0 #busy :End\r\n")
    assert (one.live, one.present) == (True, 3)
    say(b":r3!u@h JOIN :#busy\r\n")
    assert one.present == 4


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (IrcSubscriber, b":h 433 * r0 :Nickname is already in use\r\n"),
        (IrcSubscriber, b"ERROR :Closing link\r\n"),
        (NatsSubscriber, b"-ERR 'Slow Consumer'\r\n"),
    ],
)
def test_refused_subscriber_says_why(kind: type[LineSubscriber], said: bytes) -> None:
    """What a server says when it cuts somebody off is the reason."""
    one, say = subscriber(kind)
    say(said)
    assert one.tally.cut == said.decode().strip()


def test_hole_cuts_the_witness() -> None:
    """A witness that misses a text says so."""
    one, say = subscriber(NatsSubscriber)
    texts = Texts("s-0")
    for number in (0, 2):
        say(b"MSG busy 1 100\r\n" + texts.text(number, 1) + b"\r\n")
    assert one.tally.cut == "message 2 of s-0 came after 0"


def test_closed_connection_is_noticed() -> None:
    """A subscriber whose server is gone is cut off."""
    lines = ConnectedLines()
    one = PlainSubscriber(lines.address, lines.buffer, "r0", "", is_witness=False)
    lines.accept().close()
    while one.is_open:
        one.read()
    assert one.tally.cut
    one.close()


@pytest.mark.parametrize(("kind", "fake"), [(IrcSender, FakeIrc), (NatsSender, FakeNats)])
def test_sender_is_answered_for_each_bunch(kind: type[LineSender], fake: type[FakeServer]) -> None:
    """Posts wait for an answer until the server has taken their bunch."""
    with fake() as server:
        one = kind(server.address, "s-0", "busy")
        assert one.post(3, 1) == 3
        assert one.post(2, 1) == 2
        assert one.unanswered == 5
        while one.unanswered:
            one.read()
        assert (one.sent, one.acked, one.refused) == (5, 5, 0)
        one.close()


def test_refused_sender_is_an_error() -> None:
    """A sender that may not speak cannot make a load."""
    with FakeIrc() as server:
        one = IrcSender(server.address, "s-0", "busy")
        with pytest.raises(CallError, match="404"):
            one.line(b":here 404 s-0 #busy :Cannot send to channel")
        one.close()
