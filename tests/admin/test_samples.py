"""From readings to samples, and the last minutes of them."""

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.samples import KEPT_S, History, Reading, Totals, Usage, totals_of
from tests.admin.fake_instance import counter, gauge

PID = 7


def reading(
    at_s: float,
    *,
    pid: int = PID,
    cpu_s: float | None = 0.0,
    stored: float | None = 0.0,
    delivered: float = 0.0,
) -> Reading:
    """Return a reading; None for what was not read."""
    return Reading(
        at_s,
        int(at_s * 1000),
        pid,
        None if cpu_s is None else Usage(cpu_s, 1 << 20, 3),
        None if stored is None else Totals(2, 4, 1, stored, delivered),
    )


def test_first_sample_has_no_rates() -> None:
    """Counters that rose for an hour before the first look say nothing of a second."""
    sample = History().add(reading(10, cpu_s=500, stored=1_000_000, delivered=9_000_000))
    assert sample == pb.Sample(
        time_ms=10_000, users=2, streams=4, rooms=1, memory_bytes=1 << 20, connections=3
    )


def test_rates_are_rises_in_the_time_between() -> None:
    """What rose since the sample before is divided by the seconds between the two."""
    history = History()
    history.add(reading(10, cpu_s=1, stored=100, delivered=1000))
    sample = history.add(reading(14, cpu_s=3, stored=108, delivered=1400))
    assert (sample.cpu, sample.messages_in, sample.messages_out) == (0.5, 2.0, 100.0)


@pytest.mark.parametrize(
    "fallen",
    [
        reading(14, pid=8, cpu_s=2, stored=40, delivered=80),
        reading(14, pid=8, cpu_s=200, stored=4000, delivered=8000),
        reading(14, pid=PID, cpu_s=0.5, stored=4, delivered=8),
    ],
)
def test_new_process_counts_from_nothing(fallen: Reading) -> None:
    """Counters of another process, or such as fell, have risen from 0."""
    history = History()
    history.add(reading(10, cpu_s=100, stored=100, delivered=1000))
    sample = history.add(fallen)
    assert fallen.usage is not None
    assert fallen.totals is not None
    assert sample.cpu == fallen.usage.cpu_s / 4
    assert sample.messages_in == fallen.totals.stored / 4
    assert sample.messages_out == fallen.totals.delivered / 4


def test_silence_is_a_sample_without_figures() -> None:
    """An instance that did not answer has what the system tells, and is called silent."""
    history = History()
    history.add(reading(10, cpu_s=1, stored=100))
    sample = history.add(reading(15, cpu_s=6, stored=None))
    assert sample == pb.Sample(time_ms=15_000, cpu=1.0, memory_bytes=1 << 20, connections=3)
    assert history.silent(PID)
    assert not history.silent(8)
    # Nobody takes it for 0 users.
    assert [sample.time_ms for sample in history.samples()] == [10_000]


def test_silence_is_bridged() -> None:
    """The rate after a silence is that since the figures before it."""
    history = History()
    history.add(reading(10, stored=100))
    history.add(reading(15, cpu_s=None, stored=None))
    sample = history.add(reading(20, stored=150))
    assert sample.messages_in == 5.0
    assert not history.silent(PID)


def test_two_readings_of_one_moment_have_no_rate() -> None:
    """No time between two readings is no division by it."""
    history = History()
    history.add(reading(10, stored=100))
    assert history.add(reading(10, stored=200)).messages_in == 0.0


def test_old_samples_go() -> None:
    """What is kept are the samples of the last minutes, oldest first."""
    history = History()
    for second in range(0, int(KEPT_S) + 100, 50):
        history.add(reading(second))
    times = [sample.time_ms // 1000 for sample in history.samples()]
    assert times == list(range(50, int(KEPT_S) + 100, 50))


def test_last_sample_is_that_of_a_process() -> None:
    """A process that was not looked at yet has no sample, whatever the one before it had."""
    history = History()
    assert history.last_of(PID) is None
    assert history.usage_of(PID) is None
    sample = history.add(reading(10, cpu_s=3))
    assert history.last_of(PID) == sample
    assert history.usage_of(PID) == Usage(3, 1 << 20, 3)
    assert history.last_of(8) is None
    assert history.usage_of(8) is None


def test_totals_are_sums_of_figures() -> None:
    """Streams of all kinds are added, rooms are the public ones, what is missing is 0."""
    streams = gauge("chat_streams", 3, kind="chat")
    streams.values.add(value=2, labels={"kind": "subscribe"})
    rooms = gauge("chat_rooms", 4, kind="public")
    rooms.values.add(value=9, labels={"kind": "direct"})
    figures = [streams, rooms, counter("chat_messages", 11), gauge("chat_other", 5)]
    assert totals_of(figures) == Totals(users=0, streams=5, rooms=4, stored=11, delivered=0)
    assert totals_of([gauge("chat_disk_full", 1)]).disk_full
    assert not totals_of([gauge("chat_disk_full", 0)]).disk_full
