"""One room's tick: when it ends, and what each reader is handed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.core.errors import Reason
from chat_service.hub.feed import MAX_TICK_S, Feed, Flow
from chat_service.hub.limits import HubLimits
from chat_service.hub.replay import Positions
from chat_service.hub.subscription import Subscription
from tests.hub.frames import Kind, encoded, event, items, withheld
from tests.hub.readers import BYE, all_taken, reader, reason, taken
from tests.hub.timers import FakeTimers

MAX_FRAME_BYTES, MAX_QUEUED_BYTES = HubLimits().frame_bytes, HubLimits().queue_bytes

ROOM = 7


@pytest.fixture
def timers() -> FakeTimers:
    """Give a clock that the test moves."""
    return FakeTimers()


def read_by(timers: FakeTimers, count: int) -> tuple[Feed, list[Subscription]]:
    """Return a room and its live readers."""
    feed = Feed(0, 1, timers, Flow())
    readers = [reader(timers, number) for number in range(1, count + 1)]
    for subscription in readers:
        feed.join(subscription)
    return feed, readers


def publish(feed: Feed, count: int = 1, size: int = 0) -> None:
    """Tell the next events of the room."""
    for _ in range(count):
        seq = feed.ring.head + 1
        feed.publish(seq, event(ROOM, seq, size))


def write_all(readers: list[Subscription]) -> None:
    """Have every reader write what it has; taking a private frame behind it says so."""
    for subscription in readers:
        all_taken(subscription)
        subscription.offer(encoded(Kind.OTHER, 0, 0))
        taken(subscription)


def seqs(frames: list[bytes]) -> list[int]:
    """Return the events in frames."""
    return [item.number for frame in frames for item in items(frame)]


def test_quiet_room_tells_at_once(timers: FakeTimers) -> None:
    """An event of a quiet room goes out in the next step of the loop, without a timer."""
    feed, (alice,) = read_by(timers, 1)
    publish(feed)
    assert timers.next_due is None
    timers.step()
    assert seqs([taken(alice)]) == [1]
    assert timers.now == 1000.0


def test_events_of_one_step_are_one_frame(timers: FakeTimers) -> None:
    """What is published in one step of the loop is told together."""
    feed, (alice,) = read_by(timers, 1)
    publish(feed, 5)
    timers.step()
    assert seqs([taken(alice)]) == [1, 2, 3, 4, 5]
    assert alice.queued_bytes == 0


def test_every_reader_is_handed_the_same_object(timers: FakeTimers) -> None:
    """A tick is joined once; all readers share its bytes."""
    feed, readers = read_by(timers, 20)
    publish(feed, 3)
    timers.step()
    frames = [taken(subscription) for subscription in readers]
    assert all(frame is frames[0] for frame in frames)


def test_busy_room_waits_at_most_one_tick(timers: FakeTimers) -> None:
    """While nobody has written the last frame, the next one goes out when the tick is over."""
    feed, (alice,) = read_by(timers, 1)
    publish(feed)
    timers.step()
    taken(alice)
    for _ in range(4):
        timers.advance(MAX_TICK_S / 5)
        publish(feed)
        assert alice.queued_bytes == 0
    timers.advance(MAX_TICK_S / 4)
    assert seqs([taken(alice)]) == [2, 3, 4, 5]


def test_tick_ends_early_when_the_readers_are_quick(timers: FakeTimers) -> None:
    """The pause after a frame is a small multiple of what writing it took."""
    feed, readers = read_by(timers, 4)
    publish(feed)
    timers.step()
    publish(feed)
    timers.advance(0.001)
    write_all(readers)
    timers.advance(0.004)
    assert [seqs(all_taken(subscription)) for subscription in readers] == [[2]] * 4


def test_tick_stretches_with_the_cost_of_the_fan_out(timers: FakeTimers) -> None:
    """After a fan-out that took long, events are gathered for as long again."""
    feed, (alice,) = read_by(timers, 1)
    publish(feed)
    timers.step()
    timers.advance(0.02)
    write_all([alice])
    publish(feed)
    timers.step()
    assert alice.queued_bytes == 0
    timers.advance(0.02)
    assert seqs([taken(alice)]) == [2]


def test_room_that_was_quiet_long_enough_tells_at_once_again(timers: FakeTimers) -> None:
    """A slow fan-out long ago delays nothing."""
    feed, (alice,) = read_by(timers, 1)
    publish(feed)
    timers.step()
    timers.advance(1.0)
    publish(feed)
    timers.step()
    assert seqs(all_taken(alice)) == [1, 2]


def test_few_slow_readers_do_not_stretch_the_tick(timers: FakeTimers) -> None:
    """The slowest tenth is not waited for."""
    feed, readers = read_by(timers, 20)
    publish(feed)
    timers.step()
    publish(feed)
    write_all(readers[2:])
    timers.advance(0.001)
    assert seqs(all_taken(readers[-1])) == [2]


def test_large_tick_is_split(timers: FakeTimers) -> None:
    """Frames of a tick are bounded; an event larger than the bound has one alone."""
    feed, (alice, bob) = read_by(timers, 2)
    publish(feed, 5, MAX_FRAME_BYTES // 3)
    publish(feed, 1, MAX_FRAME_BYTES + 100)
    publish(feed, 1)
    timers.step()
    frames = all_taken(alice)
    assert [seqs([frame]) for frame in frames] == [[1, 2, 3], [4, 5], [6], [7]]
    assert [id(frame) for frame in all_taken(bob)] == [id(frame) for frame in frames]


def test_slow_reader_is_cut_and_the_others_are_not(timers: FakeTimers) -> None:
    """A reader that is too far behind leaves the room; the tick reaches all the others."""
    feed, (alice, bob, carol) = read_by(timers, 3)
    bob.offer(bytes(MAX_QUEUED_BYTES))
    publish(feed)
    timers.step()
    assert list(feed.subscriptions) == [alice, carol]
    assert reason(bob) is Reason.SLOW_READER
    assert [seqs(all_taken(subscription)) for subscription in (alice, carol)] == [[1], [1]]


def test_reader_that_has_ended_does_not_hold_up_the_tick(timers: FakeTimers) -> None:
    """Readers that end while a frame is on its way count as done with it."""
    feed, readers = read_by(timers, 3)
    publish(feed)
    timers.step()
    publish(feed)
    for subscription in readers[:2]:
        subscription.end(BYE)
    write_all(readers[2:])
    timers.advance(0.001)
    assert seqs(all_taken(readers[2])) == [2]


def test_room_without_readers_keeps_its_place(timers: FakeTimers) -> None:
    """Events that nobody reads are held for those who come, and count as told."""
    feed = Feed(0, 1, timers, Flow())
    publish(feed, 3)
    assert feed.positions == Positions(first_held=1, told=0, head=3)
    timers.step()
    assert feed.positions == Positions(first_held=1, told=3, head=3)


def test_flush_ends_the_tick_now(timers: FakeTimers) -> None:
    """A flush tells what has gathered; the timer of the tick tells nothing again."""
    feed, (alice,) = read_by(timers, 1)
    publish(feed)
    timers.step()
    publish(feed)
    feed.flush()
    assert seqs(all_taken(alice)) == [1, 2]
    feed.flush()
    timers.advance(2 * MAX_TICK_S)
    assert alice.queued_bytes == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.integers(1, 4)),
            st.tuples(st.just("write"), st.integers(0, 2)),
            st.tuples(st.just("pass"), st.integers(1, 80)),
        ),
        max_size=40,
    )
)
def test_no_event_waits_longer_than_a_tick(steps: list[tuple[str, int]]) -> None:
    """However busy the room and slow the readers, an event is told within MAX_TICK_S, once."""
    timers = FakeTimers()
    feed, readers = read_by(timers, 3)
    published: dict[int, float] = {}
    got: list[list[int]] = [[], [], []]
    for what, amount in steps:
        if what == "publish":
            publish(feed, amount)
            for seq in range(len(published) + 1, feed.ring.head + 1):
                published[seq] = timers.now
        elif what == "write":
            got[amount] += seqs(all_taken(readers[amount]))
            write_all([readers[amount]])
        else:
            for _ in range(amount):
                timers.advance(0.001)
                late = [n for n, at in published.items() if n > feed.told and timers.now > at]
                assert all(timers.now <= published[n] + MAX_TICK_S + 1e-9 for n in late)
        timers.step()
    feed.flush()
    for subscription, seen in zip(readers, got, strict=True):
        seen += seqs(all_taken(subscription))
        assert seen == list(published)


def test_pruned_events_are_let_go_but_their_tick_is_told() -> None:
    """What is no longer kept is not held for readers to come; who is live is told of it."""
    timers = FakeTimers()
    feed = Feed(0, 1, timers, Flow())
    alice = reader(timers)
    feed.subscriptions[alice] = None
    for seq in (1, 2, 3):
        feed.publish(seq, event(1, seq))
    feed.prune(3)
    assert feed.positions == Positions(first_held=3, told=0, head=3, first_kept=3)
    feed.flush()
    assert b"".join(all_taken(alice)) == b"".join(event(1, seq) for seq in (1, 2, 3))


def kinds(subscription: Subscription) -> list[tuple[Kind, int]]:
    """Take all that is queued; return what it says."""
    frames = all_taken(subscription)
    return [(item.kind, item.number) for frame in frames for item in items(frame)]


def test_deaf_are_told_that_a_bot_spoke(timers: FakeTimers) -> None:
    """A tick with something that the deaf do not get is handed to them apart, place by place."""
    feed, (alice,) = read_by(timers, 1)
    deaf = [reader(timers, number, deaf=True) for number in (8, 9)]
    for subscription in deaf:
        feed.join(subscription)
    publish(feed)
    feed.publish(2, event(ROOM, 2), withheld(ROOM, 2))
    publish(feed)
    timers.step()
    assert kinds(alice) == [(Kind.EVENT, 1), (Kind.EVENT, 2), (Kind.EVENT, 3)]
    told = [(Kind.EVENT, 1), (Kind.WITHHELD, 2), (Kind.EVENT, 3)]
    assert [kinds(subscription) for subscription in deaf] == [told, told]
    publish(feed)
    timers.advance(MAX_TICK_S)
    frames = [taken(subscription) for subscription in (alice, *deaf)]
    assert all(frame is frames[0] for frame in frames)


def test_deaf_who_leave_are_told_nothing(timers: FakeTimers) -> None:
    """Who no longer reads the room gets neither form of what is said there."""
    feed, (alice,) = read_by(timers, 1)
    gone, slow = reader(timers, 8, deaf=True), reader(timers, 9, deaf=True)
    feed.join(gone)
    feed.join(slow)
    feed.leave(gone)
    slow.end(BYE)
    feed.publish(1, event(ROOM, 1), withheld(ROOM, 1))
    timers.step()
    assert (kinds(gone), kinds(slow)) == ([], [])
    assert (list(feed.subscriptions), list(feed.deaf)) == ([alice], [])
