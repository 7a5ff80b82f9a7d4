"""The transcripts of one directory: in which order what reaches the disk."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chat_service.config import Transcripts
from chat_service.core.events import MessagePosted, RoomEvent
from chat_service.core.model import Style
from chat_service.transcripts.book import PAGE_BYTES, PAGE_EVENTS, REST, TURN_EVENTS, Book
from chat_service.transcripts.files import Calls
from chat_service.transcripts.notes import Coming
from chat_service.transcripts.positions import Position
from tests.edge.clients import Clock
from tests.edge.scene import MemoryLog
from tests.transcripts.scene import NOON

T = NOON


class Room(MemoryLog):
    """A log with one room, of so many messages."""

    def __init__(self, head: int) -> None:
        super().__init__(Clock())
        self.head = head
        self.reads: list[int] = []
        # How long a read takes at least.
        self.read_s = 0.0

    def read_after(
        self, room_id: int, after_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        assert max_bytes == PAGE_BYTES
        self.reads.append(count)
        threading.Event().wait(self.read_s)
        return [
            MessagePosted(T, room_id, seq, 1, "al", Style.TEXT, str(seq), f"m{seq}", b"")
            for seq in range(after_seq + 1, min(after_seq + count, self.head) + 1)
        ]


class Desk:
    """A book whose calls and rests are noted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = Room(0)
        self.calls: list[str] = []
        self.rests: list[float] = []

    @contextmanager
    def opened(self, **settings: int) -> Iterator[Book]:
        """Open it."""
        book = Book(
            Transcripts(self.directory, **settings),
            "epoch",
            log=self.log,
            clock_ms=lambda: NOON,
            rest=self.rests.append,
            calls=Calls(write=self._write, sync=self._sync),
        )
        try:
            yield book
        finally:
            book.close()

    def _write(self, descriptor: int, data: bytes) -> int:
        self.calls.append("write")
        return os.write(descriptor, data)

    def _sync(self, descriptor: int) -> None:
        is_names = os.fstat(descriptor).st_ino == self.directory.stat().st_ino
        self.calls.append("sync names" if is_names else "sync")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Begin without transcripts."""
    return Desk(tmp_path / "text")


def write(book: Book, head: int, *comings: Coming) -> Position:
    """Write the lobby up to a seq, without committing it."""
    position = book.write(1, "lobby", head, deque(comings), 0)
    assert position is not None
    return position


def test_text_is_synced_before_its_position_is_returned(desk: Desk) -> None:
    """So is the name of a new file; an old one has its name already."""
    desk.log.head = 3
    with desk.opened() as book:
        first = write(book, 2)
        assert desk.calls == ["write", "sync", "sync names"]
        book.commit([first])
        desk.calls.clear()
        second = write(book, 3)
        assert desk.calls == ["write", "sync"]
    assert (first.seq, second.seq) == (2, 3)
    assert second.size == (desk.directory / "lobby.log").stat().st_size


def test_what_was_not_committed_is_written_again(desk: Desk) -> None:
    """A book that ends before the commit leaves nothing that counts."""
    desk.log.head = 3
    for head in (2, 3):
        with desk.opened() as book:
            write(book, head)
    with desk.opened() as book:
        book.commit([write(book, 3)])
    text = (desk.directory / "lobby.log").read_text()
    assert [line.rpartition(" ")[2] for line in text.splitlines()] == ["1", "2", "3"]


def test_room_that_is_up_to_date_costs_nothing(desk: Desk) -> None:
    """It is opened, to cut what a crash left, but neither written nor synced."""
    desk.log.head = 1
    with desk.opened() as book:
        book.commit([write(book, 1)])
        desk.calls.clear()
        desk.log.reads.clear()
        book.commit([write(book, 1)])
        assert book.write(2, "tea", 0, deque(), 0) is None
    assert not desk.calls
    assert not desk.log.reads
    assert not (desk.directory / "tea.log").exists()


def test_turn_is_bounded_and_rests(desk: Desk) -> None:
    """After each page it rests several times as long as that took, and others have a turn."""
    desk.log.read_s = 0.002
    desk.log.head = 2 * TURN_EVENTS
    with desk.opened() as book:
        first = write(book, desk.log.head)
        assert first.seq == TURN_EVENTS
        book.commit([first])
        assert write(book, desk.log.head).seq == desk.log.head
    assert set(desk.log.reads) == {PAGE_EVENTS}
    assert min(desk.rests) >= REST * desk.log.read_s
    assert len(desk.rests) == 2 * (TURN_EVENTS // PAGE_EVENTS - 1)


def test_full_file_ends_the_turn(desk: Desk) -> None:
    """The next turn begins a new file."""
    desk.log.head = 1000
    with desk.opened(rotate_bytes=1000) as book:
        first = write(book, 1000)
        assert first.seq == PAGE_EVENTS
        book.commit([first])
        assert write(book, 1000).size < first.size + 1000
    assert len(list(desk.directory.glob("lobby@*.log"))) == 1


def test_joins_alone_advance_no_seq(desk: Desk) -> None:
    """They count in bytes."""
    with desk.opened() as book:
        position = write(book, 0, Coming(1, 0, T, "al", True))
        book.commit([position])
        assert (position.seq, position.size) == (0, len("2026-11-20T13:50:48Z -> al joined\n"))


def test_renamed_room_goes_on_in_a_file_of_its_new_name(desk: Desk) -> None:
    """What was written stays where it is, and the next room of the old name begins anew."""
    desk.log.head = 4
    with desk.opened() as book:
        book.commit([write(book, 2)])
        moved = book.write(1, "hall", 3, deque(), 0)
        assert moved is not None
        book.commit([moved])
        other = book.write(2, "lobby", 1, deque(), 0)
        assert other is not None
        book.commit([other])
    texts = {path.name: path.read_text() for path in desk.directory.glob("*.log")}
    said = {
        name.partition("@")[0] + "@" * ("@" in name): [
            line.rpartition(" ")[2] for line in text.splitlines()
        ]
        for name, text in texts.items()
    }
    assert said == {"lobby@": ["1", "2"], "hall.log": ["3"], "lobby.log": ["1"]}
