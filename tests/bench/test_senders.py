"""The senders of a process: as fast as answers allow, or by a schedule."""

from collections.abc import Iterator

import pytest

from bench.senders import Senders
from bench.wires.wire import SendersConfig
from tests.bench.fakes import FakeNats


@pytest.fixture
def senders() -> Iterator[Senders]:
    """Two senders of a server that answers."""
    with FakeNats() as server:
        made = Senders(SendersConfig(server.address, "nats", "busy", "s-", 2))
        yield made
        made.close()


def test_sending_ends_with_the_count_and_all_answered(senders: Senders) -> None:
    """So many posts are sent and answered; times are taken only of posts that went alone."""
    line = senders.send(seconds=30.0, count=50, window=8)
    assert (line["sent"], line["acked"], line["refused"]) == (50, 50, 0)
    assert line["ended_ns"] > line["began_ns"]
    assert line["waits_us"] == []


def test_sending_ends_with_the_time(senders: Senders) -> None:
    """When the time is over nothing more is sent, but everything is answered."""
    line = senders.send(seconds=0.05, count=10**9, window=8)
    assert 0 < line["sent"] == line["acked"] < 10**9


def test_lone_posts_are_timed(senders: Senders) -> None:
    """With a window of one, each wait for an answer is a figure."""
    line = senders.send(seconds=30.0, count=5, window=1)
    assert line["sent"] == 5
    assert line["waits_us"]
    assert all(wait >= 0 for wait in line["waits_us"])


@pytest.mark.parametrize(("bunch", "sent", "bunches"), [(1, 10, 10), (4, 8, 2), (100, 100, 1)])
def test_schedule_is_kept_in_bunches(senders: Senders, bunch: int, sent: int, bunches: int) -> None:
    """Posts go out so many at once at the same rate, at least one bunch, never early."""
    line = senders.pace(rate=1000.0, seconds=0.01, bunch=bunch)
    assert line["sent"] == line["acked"] == sent
    assert len(line["late_us"]) == bunches
    assert min(line["late_us"]) >= 0
    assert line["ended_ns"] - line["began_ns"] >= (bunches - 1) * bunch * 10**6
