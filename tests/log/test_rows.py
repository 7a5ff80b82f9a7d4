"""Rows of events and first answers: written once, read back as they were."""

import sqlite3
from collections.abc import Iterator

import pytest

from chat_service.core import events as ev
from chat_service.core.decision import FactKey, FirstAnswer
from chat_service.core.model import RoomKind, Style
from chat_service.core.state import State
from chat_service.log import rows
from tests.log.database import BEGINNING, T, empty, write


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open an empty database of the newest shape."""
    with empty() as connection:
        yield connection


def test_stored_kinds_keep_their_meaning() -> None:
    """Numbers that stand in data files are never given another meaning."""
    assert (rows.KIND_TEXT, rows.KIND_ACTION, rows.KIND_TOPIC) == (0, 1, 2)
    assert (int(Style.TEXT), int(Style.ACTION)) == (rows.KIND_TEXT, rows.KIND_ACTION)


@pytest.mark.parametrize(
    "event",
    [
        ev.MessagePosted(T, 1, 1, 1, "Alice", Style.TEXT, "hi", "m1", b""),
        ev.MessagePosted(T, 1, 1, 1, "Alice", Style.ACTION, "waves", "~" * 64, b""),
        ev.MessagePosted(T, 1, 1, 1, "a", Style.TEXT, "\x01'\"\\\r\n👋\ufffe", "m1", b""),
        ev.TopicChanged(T, 1, 1, 1, "Alice", "cats"),
        ev.TopicChanged(T, 1, 1, 1, "Alice", ""),
    ],
)
def test_room_event_comes_back(connection: sqlite3.Connection, event: ev.RoomEvent) -> None:
    """An event of a room is read as it was written."""
    write(connection, State(), ev.RoomOpened(T, 1, RoomKind.PUBLIC, "lobby", 0, ()), event)
    (row,) = connection.execute("SELECT * FROM room_events").fetchall()
    assert rows.event_of(row) == event


@pytest.mark.parametrize("count", [1, 7, 8, 9, 63, 64, 65, 73, 200])
def test_any_number_of_events_is_written(connection: sqlite3.Connection, count: int) -> None:
    """However the rows of a batch are cut into statements, each is there, once, in its place."""
    posts = [
        ev.MessagePosted(T, 1, n, 1, "a", Style.TEXT, f"text {n}", f"m{n}", bytes([n]))
        for n in range(1, count + 1)
    ]
    write(connection, State(), ev.RoomOpened(T, 1, RoomKind.PUBLIC, "lobby", 0, ()), *posts)
    stored = [rows.event_of(row) for row in connection.execute("SELECT * FROM room_events")]
    assert stored == [post._replace(request_hash=b"") for post in posts]
    keys = [FactKey(1, post.client_msg_id) for post in posts]
    assert rows.first_answers(connection, keys) == {
        key: FirstAnswer(1, post.seq, T, post.request_hash)
        for key, post in zip(keys, posts, strict=True)
    }


def test_seq_is_never_written_twice(connection: sqlite3.Connection) -> None:
    """The file itself refuses a second event in one place, and a second use of an id."""
    room = ev.RoomOpened(T, 1, RoomKind.PUBLIC, "lobby", 0, ())
    post = ev.MessagePosted(T, 1, 1, 1, "a", Style.TEXT, "x", "m1", b"")
    write(connection, State(), room, post)
    for other in (post._replace(client_msg_id="m2"), post._replace(seq=2)):
        with pytest.raises(sqlite3.IntegrityError):
            rows.write(connection, [other])


def test_first_answers_are_those_of_the_user(connection: sqlite3.Connection) -> None:
    """What is not stored is left out; an id is exact and its user's own; asking twice is fine."""
    write(connection, State(), *BEGINNING)
    stored = FactKey(1, "m1")
    asked = [stored, FactKey(2, "m1"), FactKey(1, "M1"), FactKey(1, "m1 "), stored, FactKey(9, "x")]
    assert rows.first_answers(connection, asked) == {stored: FirstAnswer(2, 1, T, b"h" * 16)}
    assert rows.first_answers(connection, []) == {}


def test_first_answers_are_looked_up_in_the_index(connection: sqlite3.Connection) -> None:
    """Many keys are as many look-ups, never a walk through all that was ever said."""
    plans: list[str] = []
    connection.set_trace_callback(plans.append)
    rows.first_answers(connection, [FactKey(1, str(n)) for n in range(8)])
    connection.set_trace_callback(None)
    (statement,) = plans
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert any("SEARCH f USING PRIMARY KEY" in step for step in plan), plan
    assert not any("SCAN f" in step for step in plan), plan


def test_pruning_looks_only_at_what_goes(connection: sqlite3.Connection) -> None:
    """Each statement of a prune is a search by a key, never a walk through what is kept."""
    statements: list[str] = []
    write(connection, State(), *BEGINNING)
    connection.set_trace_callback(statements.append)
    rows.write(connection, [ev.RoomPruned(T, 2, 2), ev.AnswersPruned(T, T + 1, 9)])
    connection.set_trace_callback(None)
    assert len(statements) == 7
    for statement in statements:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert all(step.startswith("SEARCH") and "PRIMARY KEY" in step for step in plan), plan
