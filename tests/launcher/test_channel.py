"""Lines both ways on a socket, with a child that is slow, wild or gone."""

import selectors
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from chat_service.launcher.channel import MAX_LINE_BYTES, Channel
from chat_service.launcher.outbox import MAX_ANSWERS
from tests.launcher.fakes import PATIENCE


class Ends:
    """A channel, the child's end of it, and what the channel told."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        ours, self.child = socket.socketpair()
        self.child.settimeout(PATIENCE)
        self.heard: list[bytes] = []
        self.gone = 0
        self.channel = Channel(ours, self.selector, heard=self.heard.append, gone=self._gone)

    def _gone(self) -> None:
        self.gone += 1

    def run(self) -> None:
        """Do all that can be done now."""
        while self.selector.get_map() and (ready := self.selector.select(0)):
            for key, events in ready:
                key.data(events)

    def read_all(self) -> bytes:
        """Read what the child is told until there is nothing, or until the end of the file."""
        self.child.setblocking(False)
        told = b""
        with suppress(BlockingIOError):
            while received := self.child.recv(1 << 20):
                told += received
                self.run()
        self.child.settimeout(PATIENCE)
        return told


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Give a channel and its other end."""
    ends = Ends()
    yield ends
    ends.channel.close()
    ends.child.close()
    ends.selector.close()


def test_lines_are_heard_whole(ends: Ends) -> None:
    """Lines come one by one, however they are cut on the way."""
    ends.child.sendall(b"one\ntw")
    ends.run()
    assert ends.heard == [b"one"]
    ends.child.sendall(b"o\n\nthree")
    ends.run()
    assert ends.heard == [b"one", b"two", b""]


def test_line_without_an_end_is_let_go(ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    """What is longer than any line is left out with one warning, up to its end."""
    for _ in range(10):
        ends.child.sendall(b"x" * MAX_LINE_BYTES)
        ends.run()
    ends.child.sendall(b"x\nnext\n")
    ends.run()
    assert ends.heard == [b"next"]
    assert len(caplog.messages) == 1


def test_end_of_the_file_is_told_once(ends: Ends) -> None:
    """A child that closes its end is gone; what it said before is heard."""
    ends.child.sendall(b"last\n")
    ends.child.close()
    ends.run()
    assert (ends.heard, ends.gone) == ([b"last"], 1)
    ends.channel.outbox.put(b"too late\n")
    ends.channel.flush()
    ends.channel.end()
    assert ends.gone == 1


def test_slow_child_gets_everything_later(ends: Ends) -> None:
    """What a full socket does not take waits, and holds nothing up."""
    lines = [b"%06d" % number + b"x" * 100_000 + b"\n" for number in range(20)]
    for line in lines:
        ends.channel.outbox.put(line)
        ends.channel.flush()
    ends.run()
    assert ends.channel.outbox
    assert ends.read_all() == b"".join(lines)
    assert not ends.channel.outbox


def test_end_comes_after_what_waits(ends: Ends) -> None:
    """The file of the child ends when it has read all."""
    line = b"x" * 1_000_000 + b"\n"
    ends.channel.outbox.put(line)
    ends.channel.end()
    assert ends.read_all() == line
    assert ends.child.recv(1) == b""
    assert ends.gone == 0


def test_end_may_come_at_once(ends: Ends) -> None:
    """Then what waits is not said any more, and the child is still heard."""
    ends.channel.outbox.put(b"never\n")
    ends.channel.end_now()
    ends.channel.flush()
    assert ends.child.recv(1) == b""
    ends.child.sendall(b"goodbye\n")
    ends.run()
    assert ends.heard == [b"goodbye"]


def test_child_that_asks_and_does_not_read_is_not_heard(ends: Ends) -> None:
    """Who lets answers gather gets no further ones until it reads."""
    for _ in range(2 * MAX_ANSWERS):
        ends.channel.outbox.put(b"x" * 1000 + b"\n")
    ends.channel.flush()
    ends.child.sendall(b"one more\n")
    ends.run()
    assert ends.heard == []
    ends.read_all()
    ends.run()
    assert ends.heard == [b"one more"]


def test_child_that_reads_no_more_is_found_out_when_it_goes(ends: Ends) -> None:
    """Its end is noticed also while it is not heard."""
    for _ in range(2 * MAX_ANSWERS):
        ends.channel.outbox.put(b"x" * 1000 + b"\n")
    ends.channel.flush()
    ends.run()
    ends.child.close()
    ends.run()
    assert ends.gone == 1
