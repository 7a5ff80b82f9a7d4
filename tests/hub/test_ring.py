"""The recent events of one room."""

import pytest

from chat_service.hub.limits import HubLimits
from chat_service.hub.ring import Ring

MAX_RING_EVENTS, MAX_RING_BYTES = HubLimits().ring_events, HubLimits().ring_bytes


def filled(first: int, last: int) -> Ring:
    """Return a ring that holds the events from `first` to `last`, each told by its seq."""
    ring = Ring(first - 1)
    for seq in range(first, last + 1):
        ring.append(seq, b"%d;" % seq)
    return ring


def test_empty_ring_begins_after_its_head() -> None:
    """A ring without events holds nothing, and the first that it could hold is the next."""
    ring = Ring(41)
    assert (len(ring), ring.head, ring.first, ring.size) == (0, 41, 42, 0)
    assert list(ring.between(41, 41)) == []


def test_events_between_two_places() -> None:
    """What lies after one seq up to and with another is given in order."""
    ring = filled(5, 9)
    assert list(ring.between(4, 9)) == [b"5;", b"6;", b"7;", b"8;", b"9;"]
    assert list(ring.between(6, 8)) == [b"7;", b"8;"]
    assert list(ring.between(9, 9)) == []
    assert ring.size == 10


@pytest.mark.parametrize("seq", [0, 8, 9, 11])
def test_only_the_next_event_follows(seq: int) -> None:
    """An event that would leave a hole or come twice is a mistake, and changes nothing."""
    ring = filled(1, 9)
    with pytest.raises(ValueError, match=f"seq {seq} does not follow 9"):
        ring.append(seq, b"x")
    assert (ring.head, len(ring)) == (9, 9)


def test_oldest_go_when_there_are_too_many() -> None:
    """Above the number of events the oldest are let go of, and only they."""
    ring = filled(1, MAX_RING_EVENTS + 3)
    assert (ring.first, ring.head, len(ring)) == (4, MAX_RING_EVENTS + 3, MAX_RING_EVENTS)
    assert next(ring.between(3, 4)) == b"4;"
    assert ring.size == sum(len(frame) for frame in ring.between(3, ring.head))


def test_oldest_go_when_they_are_too_large() -> None:
    """Above the bytes the oldest are let go of until the rest fits."""
    ring = Ring(0)
    for seq in range(1, 7):
        ring.append(seq, bytes(MAX_RING_BYTES // 4))
    assert (ring.first, len(ring), ring.size) == (3, 4, MAX_RING_BYTES)


def test_event_larger_than_the_ring_is_not_held() -> None:
    """One event above all the bytes empties the ring; the head counts it all the same."""
    ring = filled(1, 3)
    ring.append(4, bytes(MAX_RING_BYTES + 1))
    assert (len(ring), ring.size, ring.head, ring.first) == (0, 0, 4, 5)


def test_what_went_cannot_be_read() -> None:
    """Asking for an event that is no longer held is a mistake, never a hole."""
    ring = filled(5, 9)
    with pytest.raises(ValueError, match="seq 4 is no longer held"):
        ring.between(3, 9)


@pytest.mark.parametrize(
    ("first_kept", "held"), [(0, "5;6;7;"), (5, "5;6;7;"), (6, "6;7;"), (8, ""), (99, "")]
)
def test_pruned_events_are_let_go(first_kept: int, held: str) -> None:
    """What is no longer kept goes from the beginning; the head, and what follows it, stays."""
    ring = filled(5, 7)
    ring.prune(first_kept)
    assert (ring.head, ring.size) == (7, len(held))
    assert b"".join(ring.between(ring.first - 1, 7)).decode() == held
    ring.append(8, b"8;")
    assert b"".join(ring.between(ring.first - 1, 8)).decode() == f"{held}8;"


def test_clear_keeps_the_place() -> None:
    """A ring that was emptied goes on with the event after its head."""
    ring = filled(1, 9)
    ring.clear()
    assert (len(ring), ring.size, ring.first) == (0, 0, 10)
    ring.append(10, b"10;")
    assert list(ring.between(9, 10)) == [b"10;"]


def with_withheld(first: int, last: int, *seqs: int) -> Ring:
    """Return a ring in which the deaf get `-` in the place of some events."""
    ring = Ring(first - 1)
    for seq in range(first, last + 1):
        ring.append(seq, b"%d;" % seq, b"-%d;" % seq if seq in seqs else None)
    return ring


def test_deaf_get_what_is_held_for_them() -> None:
    """Where an event has a second frame the deaf get that one, and all else as it is."""
    ring = with_withheld(5, 9, 6, 9)
    assert list(ring.between(4, 9)) == [b"5;", b"6;", b"7;", b"8;", b"9;"]
    assert list(ring.between(4, 9, deaf=True)) == [b"5;", b"-6;", b"7;", b"8;", b"-9;"]
    assert list(ring.between(6, 8, deaf=True)) == [b"7;", b"8;"]
    assert ring.size == 5 * 2 + 2 * 3


def test_second_frames_go_with_their_events() -> None:
    """Events that are pruned, cleared or one too many take along what the deaf got for them."""
    ring = with_withheld(5, 9, 5, 6, 9)
    ring.prune(6)
    assert ring.size == 4 * 2 + 2 * 3
    ring.prune(7)
    assert (ring.size, next(ring.between(8, 9, deaf=True))) == (3 * 2 + 3, b"-9;")
    ring.clear()
    ring.append(10, b"10;")
    assert (ring.size, list(ring.between(9, 10, deaf=True))) == (3, [b"10;"])
    full = with_withheld(1, MAX_RING_EVENTS + 2, 1, 3)
    assert full.size == sum(map(len, full.between(2, full.head))) + len(b"-3;")


def test_second_frames_count_against_the_bytes() -> None:
    """What is held for the deaf has no memory of its own."""
    ring = Ring(0)
    half = bytes(MAX_RING_BYTES // 2)
    ring.append(1, half, half)
    assert (len(ring), ring.size) == (1, MAX_RING_BYTES)
    ring.append(2, b"2;", b"-;")
    assert (ring.first, ring.size) == (2, 4)


def test_replaced_event_keeps_its_place() -> None:
    """What is held in the place of an event counts with its own size; others are untouched."""
    ring = filled(5, 9)
    ring.replace(7, b"gone;")
    assert list(ring.between(5, 8)) == [b"6;", b"gone;", b"8;"]
    assert (ring.at(7), ring.size) == (b"gone;", 13)
    for seq in (4, 10, 0, -1):
        ring.replace(seq, b"x")
        assert ring.at(seq) is None
    assert (ring.size, ring.first, ring.head) == (13, 5, 9)


def test_replaced_event_is_the_same_for_the_deaf() -> None:
    """What the deaf got in its place is let go of, with its bytes."""
    ring = Ring(0)
    ring.append(1, b"said", b"withheld")
    ring.replace(1, b"gone")
    assert list(ring.between(0, 1, deaf=True)) == [b"gone"]
    assert ring.size == 4
