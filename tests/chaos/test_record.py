"""What contradicts a promise is found, whoever was told it, and what does not is not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from tests.chaos.record import BrokenPromiseError, Place, Record, message_id, number_of

ROOM = "r2"


def event(seq: int, client_msg_id: str, text: str = "hi") -> pb.RoomEvent:
    """Return a message in the room, by the sender that its id names."""
    author = pb.User(user_id=client_msg_id.partition("-")[0])
    message = pb.Message(text=text, client_msg_id=client_msg_id)
    return pb.RoomEvent(room_id=ROOM, seq=seq, author=author, message=message)


def told(record: Record, reader: str, *events: pb.RoomEvent, position: int = 0) -> int:
    """Tell a reader events; return its position."""
    for one in events:
        position = record.hear(reader, position, one)
    return position


def kinds(record: Record) -> set[str]:
    """Compare, and return what kinds of breaches there are."""
    record.compare()
    return set(record.breaches)


def test_promise_that_holds_is_no_breach() -> None:
    """Two readers who are told the same, one after a resume, and acks that fit, are well."""
    record = Record()
    events = [event(1, "a-0"), event(2, "b-0"), event(3, "a-1")]
    assert told(record, "ann", *events) == 3
    assert told(record, "bob", *events[:1]) == 1
    assert told(record, "bob", *events[1:], position=1) == 3
    record.ack("a-0", Place(ROOM, 1), duplicate=False)
    record.ack("a-0", Place(ROOM, 1), duplicate=True)
    record.verdict()
    assert (record.deliveries, record.duplicates, record.heads) == (6, 1, {ROOM: 3})


def test_gap_is_found() -> None:
    """A seq that is left out for one reader is a gap, though others were told it."""
    record = Record()
    told(record, "ann", event(1, "a-0"), event(2, "a-1"), event(3, "a-2"))
    assert told(record, "bob", event(1, "a-0"), event(3, "a-2")) == 3
    assert kinds(record) == {"gap"}


def test_gap_of_everybody_is_found() -> None:
    """A seq that nobody was told is a gap even if each began to read behind it."""
    record = Record()
    told(record, "ann", event(1, "a-0"))
    told(record, "bob", event(3, "a-2"), position=2)
    assert kinds(record) == {"gap"}


def test_double_is_found() -> None:
    """An event at or before a reader's position is a double, and does not move it."""
    record = Record()
    assert told(record, "ann", event(1, "a-0"), event(2, "a-1"), event(1, "a-0")) == 2
    assert kinds(record) == {"double"}


@pytest.mark.parametrize("other", [event(1, "b-0"), event(1, "a-0", "another text")])
def test_different_events_of_one_seq_are_found(other: pb.RoomEvent) -> None:
    """Readers who were told different things at one place are told apart."""
    record = Record()
    told(record, "ann", event(1, "a-0"))
    told(record, "bob", other)
    assert kinds(record) == {"different"}


def test_different_acks_of_one_id_are_found() -> None:
    """A retry that gets another seq than the first answer is a breach."""
    record = Record()
    told(record, "ann", event(1, "a-0"), event(2, "a-1"))
    record.ack("a-0", Place(ROOM, 1), duplicate=False)
    record.ack("a-0", Place(ROOM, 2), duplicate=True)
    assert kinds(record) == {"different"}


@pytest.mark.parametrize("seq", [1, 3])
def test_lost_ack_is_found(seq: int) -> None:
    """An acknowledged post whose place holds another post, or nothing, is lost."""
    record = Record()
    told(record, "ann", event(1, "b-0"), event(2, "b-1"))
    record.ack("a-0", Place(ROOM, seq), duplicate=False)
    assert kinds(record) == {"lost"}


def test_id_with_two_places_is_found() -> None:
    """A post that was stored twice is a breach though both are told to all."""
    record = Record()
    told(record, "ann", event(1, "a-0"), event(2, "a-0"))
    assert kinds(record) == {"twice"}


def test_order_of_a_sender_is_followed() -> None:
    """A sender's later post before an earlier one is a breach; others' posts do not matter."""
    record = Record()
    told(record, "ann", event(1, "a-1"), event(2, "b-0"), event(3, "a-0"))
    assert kinds(record) == {"order"}


def test_verdict_names_the_first_breaches() -> None:
    """The error counts the breaches of each kind and quotes the first."""
    record = Record()
    told(record, "ann", event(1, "a-0"), event(3, "a-2"))
    with pytest.raises(BrokenPromiseError, match=r"gap: 2\ngap: ann at 1 was told 3 of r2"):
        record.verdict()


def database(path: Path, *rows: tuple[int, int, str]) -> Path:
    """Make a data file with the columns of events that are compared."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE room_events (room_id, seq, client_msg_id)")
        connection.executemany("INSERT INTO room_events VALUES (?, ?, ?)", rows)
    return path


def test_stored_events_are_compared(tmp_path: Path) -> None:
    """A file that has all that was told and acknowledged, and more, is no breach."""
    record = Record()
    told(record, "ann", event(1, "a-0"))
    record.ack("a-1", Place(ROOM, 2), duplicate=False)
    record.compare_stored(
        database(tmp_path / "file", (1, 1, ""), (2, 1, "a-0"), (2, 2, "a-1"), (2, 3, "a-2"))
    )
    assert not record.breaches


def test_what_is_not_stored_is_found(tmp_path: Path) -> None:
    """What was told or acknowledged and is not in the file is lost; what is there twice is told."""
    record = Record()
    told(record, "ann", event(1, "a-0"))
    record.ack("a-1", Place(ROOM, 2), duplicate=False)
    record.compare_stored(database(tmp_path / "file", (2, 2, "a-2"), (2, 3, "a-2")))
    assert record.breaches == {"lost": 2, "twice": 1}


def test_damaged_file_is_found(tmp_path: Path) -> None:
    """A file that SQLite's own check complains of fails the comparison."""
    path = database(tmp_path / "file", *((2, seq, message_id("a", seq)) for seq in range(2000)))
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        Record().compare_stored(path)


def test_ids_have_their_number() -> None:
    """The number of a post can be read from its id, whatever its sender is called."""
    assert number_of(message_id("a-b", 17)) == 17
