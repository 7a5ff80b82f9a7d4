"""What a subscriber counts."""

from bench.wires.tally import TAIL_BYTES, Tally


def tally_of(*pieces: bytes) -> Tally:
    """Return a tally that has counted these."""
    tally = Tally(is_witness=False)
    tally.begin()
    for piece in pieces:
        tally.piece(memoryview(piece))
    return tally


def test_same_bytes_count_the_same_however_they_are_cut() -> None:
    """Size and tail do not depend on the pieces in which the bytes came."""
    whole = bytes(range(256)) * 3
    one, many = tally_of(whole), tally_of(*(whole[at : at + 7] for at in range(0, len(whole), 7)))
    assert not one.differs(many)
    assert one.tail == whole[-TAIL_BYTES:]


def test_missing_and_other_bytes_show() -> None:
    """A byte less, or another one near the end, is a difference."""
    assert tally_of(b"ab").differs(tally_of(b"abc"))
    assert tally_of(b"abd").differs(tally_of(b"abc"))


def test_counting_begins_anew() -> None:
    """What was counted before does not count after `begin`; how it ended stays."""
    tally = tally_of(b"abc")
    tally.events = 4
    tally.delays_us.append(1)
    tally.ended("gone")
    tally.begin()
    assert (tally.size, tally.tail, tally.events, tally.delays_us) == (0, b"", 0, [])
    assert tally.cut == "gone"


def test_first_end_counts() -> None:
    """A subscriber that was cut off says why, by the first that was heard of it."""
    tally = Tally(is_witness=False)
    tally.ended("")
    tally.ended("later")
    assert tally.cut == "ended"
