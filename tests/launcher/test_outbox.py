"""What waits to be said: in order, bounded, and nothing lost that matters."""

from chat_service.launcher.outbox import MAX_ANSWERS, MAX_LOG_LINES, PIECE_BYTES, Outbox
from chat_service.link import LogLine, Message, decode


def all_of(outbox: Outbox) -> list[bytes]:
    """Return all lines that wait."""
    taken = []
    while piece := outbox.take():
        taken += piece.splitlines()
    return taken


def messages(outbox: Outbox) -> list[Message]:
    """Return all messages that wait."""
    return [decode(line) for line in all_of(outbox)]


def test_lines_come_in_order() -> None:
    """What was put first is taken first."""
    outbox = Outbox()
    assert not outbox
    outbox.put(b"one\n")
    outbox.put(b"two\n")
    assert outbox
    assert outbox.take() == b"one\ntwo\n"
    assert not outbox
    assert outbox.take() == b""


def test_only_the_newest_of_a_topic_waits() -> None:
    """It is said where the older one was to be said, so before what came after that."""
    outbox = Outbox()
    outbox.put_latest("1", b"starting\n")
    outbox.put_latest("2", b"other\n")
    outbox.put(b"answer\n")
    for _ in range(1000):
        outbox.put_latest("1", b"serving\n")
    assert all_of(outbox) == [b"serving", b"other", b"answer"]


def test_log_lines_are_left_out_with_their_number() -> None:
    """What nobody reads does not gather, and who reads later knows that something is missing."""
    outbox = Outbox()
    for number in range(MAX_LOG_LINES + 7):
        outbox.put_log(LogLine(1, f"line {number}"))
    outbox.put(b'{"is": "Stopping"}\n')
    told = messages(outbox)
    assert told[:MAX_LOG_LINES] == [LogLine(1, f"line {n}") for n in range(MAX_LOG_LINES)]
    assert told[-1] == LogLine(0, "7 lines of the log were left out here")
    assert len(told) == MAX_LOG_LINES + 2
    outbox.put_log(LogLine(1, "again"))
    assert messages(outbox) == [LogLine(1, "again")]


def test_gap_is_told_before_what_follows_it() -> None:
    """A line that has room again comes after the number of those that had none."""
    outbox = Outbox()
    for _ in range(MAX_LOG_LINES + 3):
        outbox.put_log(LogLine(1, "x" * 200))
    assert outbox.take()
    outbox.put_log(LogLine(1, "after"))
    told = messages(outbox)
    assert told[-2:] == [LogLine(0, "3 lines of the log were left out here"), LogLine(1, "after")]


def test_pieces_are_bounded() -> None:
    """One piece is about as large as a socket takes at once."""
    outbox = Outbox()
    for _ in range(100):
        outbox.put(b"x" * 9_999 + b"\n")
    assert PIECE_BYTES <= len(outbox.take()) < PIECE_BYTES + 10_000


def test_crowd_is_one_of_answers() -> None:
    """Lines of the log crowd nobody; many answers do, until they are taken."""
    outbox = Outbox()
    for _ in range(MAX_LOG_LINES):
        outbox.put_log(LogLine(1, "x"))
    for _ in range(MAX_ANSWERS - 1):
        outbox.put(b"answer\n")
    assert not outbox.crowded
    outbox.put(b"answer\n")
    assert outbox.crowded
    all_of(outbox)
    assert not outbox.crowded
