"""Reads of room events: bounded, on connections that cannot write, one for each thread."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from chat_service.core import events as ev
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.model import Style
from chat_service.log import rows
from chat_service.log.history import History
from chat_service.log.schema import migrate
from tests.log.damage import overwrite, pages_of

DEADLINE_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a file of 200 messages of 10 bytes in room 1, as the log writes it."""
    path = tmp_path / "a name with ? and #.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, str(path))
        connection.execute("PRAGMA journal_mode = WAL")
        posts = [
            ev.MessagePosted(n, 1, n, 1, "a", Style.TEXT, f"{n:010}", f"m{n}", b"")
            for n in range(1, 201)
        ]
        rows.write(connection, posts)
    return path


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    """Open the file for reading."""
    history = History(path)
    yield history
    history.close()


def test_pages_meet_without_hole_or_overlap(history: History) -> None:
    """Page after page in both directions gives every event once."""
    forward: list[int] = []
    while page := history.after(1, forward[-1] if forward else 0, count=7, max_bytes=1 << 20):
        forward += [event.seq for event in page]
    backward: list[int] = []
    while page := history.before(1, backward[-1] if backward else 999, count=9, max_bytes=33):
        backward += [event.seq for event in page]
        assert len(page) <= 4
    assert forward == backward[::-1] == list(range(1, 201))


def test_page_ends_with_the_event_that_fills_it(history: History) -> None:
    """The bytes are those of the texts; the event that reaches the bound is the last."""
    for max_bytes, size in ((1, 1), (10, 1), (11, 2), (20, 2), (21, 3)):
        assert len(history.after(1, 0, count=100, max_bytes=max_bytes)) == size
        assert len(history.before(1, 999, count=100, max_bytes=max_bytes)) == size


def test_connections_cannot_write(history: History) -> None:
    """A reader's connection refuses to change the file."""
    history.after(1, 0, count=1, max_bytes=1)
    for statement in ("DELETE FROM room_events", "CREATE TABLE t (a)", "PRAGMA user_version = 9"):
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            history._connection().execute(statement)


def test_each_thread_has_its_own_connection(history: History) -> None:
    """Two threads that read at once share no connection; one thread keeps its own."""
    both = threading.Barrier(2)

    def connection() -> sqlite3.Connection:
        both.wait(DEADLINE_S)
        assert history._connection() is history._connection()
        return history._connection()

    with ThreadPoolExecutor(2) as threads:
        first, second = (threads.submit(connection) for _ in range(2))
        assert first.result(DEADLINE_S) is not second.result(DEADLINE_S)


def test_read_leaves_no_transaction_open(history: History, path: Path) -> None:
    """After a page that was cut a checkpoint can take the whole write-ahead log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        post = ev.MessagePosted(1, 1, 201, 1, "a", Style.TEXT, "x", "m201", b"")
        rows.write(writer, [post])
        assert len(history.after(1, 0, count=100, max_bytes=1)) == 1
        assert not history._connection().in_transaction
        (busy, pages, moved) = writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        assert (busy, pages) == (0, moved)


def test_new_events_are_found_at_once(history: History, path: Path) -> None:
    """A connection that has read before sees what was committed since."""
    assert history.after(1, 200, count=9, max_bytes=99) == []
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        post = ev.MessagePosted(1, 1, 201, 1, "a", Style.TEXT, "x", "m201", b"")
        rows.write(writer, [post])
        assert [e.seq for e in history.after(1, 200, count=9, max_bytes=99)] == [201]


def test_close_lets_go_of_every_connection(history: History) -> None:
    """After the close no connection of any thread works any more."""
    with ThreadPoolExecutor(1) as thread:
        connections = [history._connection(), thread.submit(history._connection).result(DEADLINE_S)]
    history.close()
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_hole_is_damage(path: Path, history: History) -> None:
    """Events that do not follow each other were not written so, in either direction."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM room_events WHERE seq = 100")
        connection.commit()
    assert len(history.after(1, 100, count=50, max_bytes=1 << 20)) == 50
    for read, seq in ((history.after, 90), (history.before, 110)):
        with pytest.raises(RefusedError) as raised:
            read(1, seq, count=50, max_bytes=1 << 20)
        assert "hole beside seq" in str(raised.value.__cause__)


def test_damaged_history_is_refused_and_named(
    path: Path, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader of a damaged page gets its own reason, a line names the file, others read on."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    overwrite(path, pages_of(path, "room_events")[-1], b"\xff" * 8)
    for read, seq in ((history.after, 0), (history.before, 201)) * 2:
        with pytest.raises(RefusedError) as raised:
            read(1, seq, count=999, max_bytes=1 << 20)
        assert raised.value.rejection.reason is Reason.STORAGE_DAMAGED
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage().startswith(f"{path} cannot be read (")
    assert path.with_name(f"{path.name}.damaged").exists()
    assert history.after(1, 0, count=3, max_bytes=1 << 20)


def test_other_error_of_a_read_is_no_damage(path: Path, history: History) -> None:
    """A table that somebody took away is a mistake, and no word about a backup helps."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE room_events RENAME TO stolen")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        history.after(1, 0, count=3, max_bytes=1 << 20)
