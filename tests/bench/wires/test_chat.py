"""A subscriber of the chat service on its own: what it counts, and what a witness proves."""

import time
from collections.abc import Iterable
from typing import cast

from bench import chat
from bench.rpc import Link, framed
from bench.wires.chat import ChatSubscriber
from bench.wires.tally import TAIL_BYTES
from chat_protos.chat.v1 import chat_pb2 as pb


def reader(*, is_witness: bool = False) -> ChatSubscriber:
    """Return a reader whose connection is never used."""
    return ChatSubscriber(cast(Link, None), is_witness=is_witness)


def events(seqs: Iterable[int], due_ns: int = 0) -> list[pb.StreamItem]:
    """Return messages of a room."""
    post = pb.ChatRequest.FromString(chat.Posts("r1", "s").message(0, due_ns)[5:]).post
    message = pb.Message(text=post.text)
    return [pb.StreamItem(event=pb.RoomEvent(seq=seq, message=message)) for seq in seqs]


def response(*items: pb.StreamItem) -> bytes:
    """Return items as they come in a stream."""
    return framed(pb.ChatResponse(items=items).SerializeToString())


def give(stream: bytes, *readers: ChatSubscriber, pieces: int = 1) -> None:
    """Hand the same bytes to each, in so many pieces."""
    size = -(-len(stream) // pieces)
    for each in readers:
        for start in range(0, len(stream), size):
            each.data(memoryview(stream)[start : start + size])


def test_set_up_is_noticed() -> None:
    """Before it counts, a reader learns when it is live and how many are there."""
    one = reader()
    presence = pb.StreamItem(presence=pb.Presence(total=7))
    give(response(pb.StreamItem(live=pb.Live()), presence), one)
    assert (one.live, one.present) == (True, 7)
    give(response(pb.StreamItem(error=pb.Error(reason="NO_ROOM"))), one)
    assert "NO_ROOM" in one.tally.cut


def test_counting_begins_between_messages() -> None:
    """A reader in the middle of a message does not begin to count."""
    one = reader()
    stream = response(*events([1]))
    one.data(memoryview(stream[:9]))
    assert not one.count()
    one.data(memoryview(stream[9:]))
    assert one.count()
    assert one.tally.size == 0


def test_same_bytes_count_the_same_however_they_are_joined() -> None:
    """Frames of the room may be joined and cut differently: size and tail are the same."""
    one, two = reader(is_witness=True), reader()
    for each in (one, two):
        assert each.count()
    give(response(*events([1, 2, 3])), one)
    give(response(*events([1])) + response(*events([2, 3])), two, pieces=70)
    assert (one.tally.size, one.tally.tail) == (two.tally.size, two.tally.tail)
    assert len(one.tally.tail) == TAIL_BYTES
    assert one.tally.events == 3


def test_missing_and_other_events_show() -> None:
    """A reader that lacks an event, or has another one at the end, differs from the witness."""
    witness, lacks, other = reader(is_witness=True), reader(), reader()
    for each in (witness, lacks, other):
        assert each.count()
    give(response(*events([1, 2])), witness)
    give(response(*events([1])), lacks)
    give(response(*events([1, 3])), other)
    assert lacks.tally.size != witness.tally.size
    assert other.tally.size == witness.tally.size
    assert other.tally.tail != witness.tally.tail


def test_witness_finds_a_hole() -> None:
    """A witness does not accept an event that does not follow the one before."""
    witness = reader(is_witness=True)
    cuts = []
    for seqs in ([4, 5], [7]):
        give(response(*events(seqs)), witness)
        cuts.append(witness.tally.cut)
    assert cuts == ["", "event 7 came after 5"]


def test_witness_takes_the_time() -> None:
    """A witness takes the time from when a message was due, while it counts."""
    witness = reader(is_witness=True)
    now_ns = time.monotonic_ns()
    give(response(*events([1], now_ns)), witness)
    assert witness.count()
    give(response(*events([2, 3], now_ns - 10**9)), witness)
    assert len(witness.tally.delays_us) == 2
    assert all(10**6 <= delay < 60 * 10**6 for delay in witness.tally.delays_us)
