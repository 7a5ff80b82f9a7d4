"""`chat_cli.records`: what was written is read again, and nothing else is believed."""

import json

from hypothesis import given
from hypothesis import strategies as st

from chat_cli import records
from chat_cli.model import ById, ByName, Direct
from chat_cli.pending import FailedPost, PendingPost

# No half of a pair of UTF-16: the client refuses to send one.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
TARGETS = st.one_of(TEXTS.map(ById), TEXTS.map(ByName), st.lists(TEXTS).map(tuple).map(Direct))
POSTS = st.builds(
    PendingPost,
    client_msg_id=st.uuids().map(str),
    target=TARGETS,
    text=TEXTS,
    action=st.booleans(),
    owner=st.none() | TEXTS,
    place=TEXTS,
    typed_ms=st.integers(0, 2**50),
)


def post(number: int, text: str = "hi") -> PendingPost:
    """Make a message."""
    return PendingPost(f"p-{number}", ById("r1"), text, False, "e1 u1", "#lobby", 1_000 + number)


@given(st.lists(POSTS, max_size=5), st.lists(POSTS, max_size=3))
def test_what_is_written_is_read(waiting: list[PendingPost], lost: list[PendingPost]) -> None:
    """Every field, in order; failed ones with their reason."""
    failures = [FailedPost(one, "no \n way") for one in lost]
    contents = records.read(records.whole(waiting, failures))
    assert list(contents.posts.values()) == waiting
    assert list(contents.failed.values()) == failures
    assert contents.damaged == 0


def test_the_latest_line_counts() -> None:
    """A claimed post has its owner; one that is done is gone, wherever it was."""
    claimed = post(1)
    unowned = PendingPost("p-1", ById("r1"), "hi", False, None, "#lobby", 1_001)
    data = records.head() + records.pending(unowned) + records.pending(claimed)
    assert records.read(data).posts == {"p-1": claimed}
    failed = records.failed(FailedPost(claimed, "why"))
    assert records.read(data + failed).failed == {"p-1": FailedPost(claimed, "why")}
    for before in (data, data + failed):
        done = records.read(before + records.done("p-1"))
        assert (done.posts, done.failed, done.damaged) == ({}, {}, 0)
    assert records.read(data + records.done("p-9")).damaged == 0


def test_a_file_that_was_cut_anywhere_is_read_up_to_there() -> None:
    """Half a line is as if it had not been written; that is no damage."""
    lines = [records.head(), *(records.pending(post(n, "é\n☃")) for n in range(3))]
    lines.append(records.done("p-0"))
    data = b"".join(lines)
    for length in range(len(data) + 1):
        whole_lines = data[:length].count(b"\n")
        contents = records.read(data[:length])
        expected = ["p-0", "p-1", "p-2"][: max(0, whole_lines - 1)]
        assert list(contents.posts) == (expected[1:] if whole_lines == 5 else expected)
        assert contents.damaged == 0
        # Some file systems show what was not synced as zeros.
        assert records.read(data[:length] + bytes(40)).damaged == 0


def test_damage_is_counted_and_the_rest_is_read() -> None:
    """Whatever stands in a line, the lines around it count."""
    good = post(1)
    line = json.loads(records.pending(post(2)))
    bad: list[object] = [
        5, None, [], "post", {}, {"post": 5}, {"done": 5}, {"failed": "x", "reason": "y"},
        {**line, "text": 5}, {**line, "room": {}}, {**line, "room": "lobby"},
        {**line, "room": {"direct": [5]}}, {**line, "time_ms": "now"}, {**line, "owner": 5},
        {**line, "text": "\ud800"},
    ]  # fmt: skip
    lines = [json.dumps(one).encode() for one in bad]
    lines += [b"{", b"\xff\xfe", b"[" * 100_000, b"", bytes(8), b"9" * 5000]
    data = records.head() + b"".join(one + b"\n" for one in lines) + records.pending(good)
    contents = records.read(data)
    assert contents.posts == {"p-1": good}
    assert contents.damaged == len(lines)


def test_a_file_of_another_form_is_left_alone() -> None:
    """What a later version wrote is not guessed at."""
    for first in (b'{"outbox": 2}', b"{}", b"5", b"[" * 100_000, b"\xff"):
        contents = records.read(first + b"\n" + records.pending(post(1)))
        assert (contents.posts, contents.damaged) == ({}, 2)
    assert records.read(b"") == records.Contents()
    assert records.read(records.head()) == records.Contents()


@given(st.binary(max_size=200))
def test_no_bytes_are_an_accident(data: bytes) -> None:
    """Anything can stand in a file."""
    records.read(data)
    records.read(records.head() + data + b"\n")
