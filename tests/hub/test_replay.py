"""What a reader that is behind is sent next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.hub.replay import Positions, Step, joined, next_step, unseen

# A room that holds the events from 5 on, has told up to 8, and has 9 and 10 in its tick.
ROOM = Positions(first_held=5, told=8, head=10)


@pytest.mark.parametrize(
    ("after_seq", "step"),
    [
        (0, Step.PAGE),
        (3, Step.PAGE),
        (4, Step.JOIN),  # the next is the oldest that is held
        (8, Step.JOIN),  # has all that was told
        (9, Step.TELL),  # is ahead of what was told: the tick ends first
        (10, Step.TELL),
        (11, Step.BEYOND),
    ],
)
def test_step_for_a_place(after_seq: int, step: Step) -> None:
    """Each place in a room has its one next step."""
    assert next_step(after_seq, ROOM) is step


def test_reader_at_the_head_of_a_room_that_holds_nothing_joins() -> None:
    """An empty ring is no reason to read the log when there is nothing to read."""
    assert next_step(7, Positions(first_held=8, told=7, head=7)) is Step.JOIN
    assert next_step(0, Positions(first_held=1, told=0, head=0)) is Step.JOIN


@pytest.mark.parametrize(
    ("after_seq", "step"),
    [
        (0, Step.GAP),
        (5, Step.GAP),  # the next was pruned, though there are later ones
        (6, Step.JOIN),  # the next is the first that is kept
        (8, Step.JOIN),
        (11, Step.BEYOND),
    ],
)
def test_step_for_a_place_in_a_pruned_room(after_seq: int, step: Step) -> None:
    """Before the first event that is kept there is a gap, behind it all is as ever."""
    pruned = Positions(first_held=7, told=8, head=10, first_kept=7)
    assert next_step(after_seq, pruned) is step


@pytest.mark.parametrize(("after_seq", "step"), [(3, Step.GAP), (9, Step.GAP), (10, Step.TELL)])
def test_room_of_which_nothing_is_kept(after_seq: int, step: Step) -> None:
    """All that is pruned is a gap, also what the open tick holds for those who are live."""
    empty = Positions(first_held=11, told=8, head=10, first_kept=11)
    assert next_step(after_seq, empty) is step


def test_tick_larger_than_the_ring_does_not_hide_what_was_told() -> None:
    """Where the ring has lost events of the open tick, a reader of the last told one joins."""
    room = Positions(first_held=11, told=8, head=14)
    assert next_step(8, room) is Step.JOIN
    assert next_step(7, room) is Step.PAGE


@given(*[st.integers(0, 40)] * 5)
def test_every_place_has_a_step_that_can_be_taken(
    a: int, b: int, c: int, d: int, after_seq: int
) -> None:
    """Joining never needs an event that is lost; paging always has one to read; gaps end."""
    told, head = sorted((a, b))
    kept = min(d, head) + 1
    # Nothing that was pruned is held.
    room = Positions(max(kept, min(c, head) + 1), told, head, kept)
    step = next_step(after_seq, room)
    if step is not Step.BEYOND:
        assert (step is Step.GAP) == (after_seq < kept - 1)
    if step is Step.GAP:
        assert next_step(kept - 1, room) not in (Step.GAP, Step.BEYOND)
    elif step is Step.JOIN:
        assert after_seq == told or room.first_held <= after_seq + 1 <= told
    elif step is Step.PAGE:
        assert after_seq < told
    elif step is Step.TELL:
        assert told < after_seq <= head
    else:
        assert after_seq > head


def test_page_gives_what_follows() -> None:
    """What was seen is dropped; a page that begins later than it should gives nothing."""
    page = [(seq, b"%d" % seq) for seq in (4, 5, 6, 7)]
    assert unseen(page, 5, 7) == [(6, b"6"), (7, b"7")]
    assert unseen(page, 3, 7) == page
    assert unseen(page, 2, 7) == []
    assert unseen(page, 7, 7) == []


def test_hole_in_a_page_ends_it() -> None:
    """Behind a hole nothing is taken, so that a hole is never told."""
    assert unseen([(1, b"1"), (2, b"2"), (4, b"4")], 0, 9) == [(1, b"1"), (2, b"2")]


def test_page_that_is_ahead_of_the_room_is_cut() -> None:
    """What the log has committed but the room not told of yet is left for the tick."""
    assert unseen([(1, b"1"), (2, b"2"), (3, b"3")], 0, 2) == [(1, b"1"), (2, b"2")]


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=30), st.integers(1, 20))
def test_joining_keeps_everything_in_order(frames: list[bytes], most: int) -> None:
    """Joined frames hold the same bytes, within the bound unless one event alone is larger."""
    whole = joined(frames, most)
    assert b"".join(whole) == b"".join(frames)
    assert all(len(frame) <= most or frame in frames for frame in whole)
    assert len(whole) <= len(frames)


def test_joining_fills_frames() -> None:
    """A frame takes as many events as fit."""
    assert joined([b"aaa", b"bb", b"cccc", b"d", b"eeeeee"], 5) == [b"aaabb", b"ccccd", b"eeeeee"]
    assert joined([], 5) == []
