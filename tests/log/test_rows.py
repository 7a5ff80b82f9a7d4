"""What a commit writes, and what a start makes of it: every table there and back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Accepted, FactKey, FirstAnswer
from chat_service.core.evolve import evolve
from chat_service.core.limits import Limits
from chat_service.core.model import RoomKind, State, Style
from chat_service.log import rows
from chat_service.log.schema import migrate
from tests.core import orders
from tests.core.scene import Scene
from tests.log.subject import Subject, open_sqlite

T = 5_000
# Tables that only index others, and are made again by a load.
INDEXES = {"user_ids", "session_ids", "sessions_of", "room_ids", "direct_ids", "rooms_of"}

BEGINNING: tuple[ev.Event, ...] = (
    ev.ServerCreated(T, "e1", 1),
    ev.Configured(T, Limits(recipients=3, reserved_names=("zeus", "héra"))),
    ev.UserCreated(T, 1, "Alice"),
    ev.UserCreated(T, 2, "bob"),
    ev.UserCreated(T, 3, "carol"),
    ev.SessionOpened(T, 1, 1, b"\x00\xff" * 16, "here", T + 9),
    ev.SessionAttached(T, 1, 7),
    ev.SessionOpened(T, 2, 2, b"two", "here", T + 9),
    ev.RoomOpened(T, 1, RoomKind.PUBLIC, "Lobby", 0, ()),
    ev.RoomOpened(T, 2, RoomKind.DIRECT, "", 1, (1, 2)),
    ev.MemberJoined(T, 1, 2),
    ev.TopicChanged(T, 1, 1, 2, "bob", "cats 🐈"),
    ev.MessagePosted(T, 2, 1, 1, "Alice", Style.ACTION, "waves\x1b", "m1", b"h" * 16),
    ev.RoomOpened(T, 3, RoomKind.DIRECT, "", 3, (3,)),
    ev.MessagePosted(T, 3, 1, 3, "carol", Style.TEXT, "1", "m1", b"c"),
    ev.MessagePosted(T, 3, 2, 3, "carol", Style.TEXT, "2", "m2", b"c"),
    ev.RoomPruned(T, 3, 2),
    ev.UserEnded(T, 3),
    ev.RoomForgotten(T, 3, 2),
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open an empty database of the newest shape."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, "memory")
        yield connection


def write(connection: sqlite3.Connection, state: State, *events: ev.Event) -> None:
    """Evolve, write and merge events as one commit."""
    for event in events:
        evolve(state, event)
    rows.write(connection, state, events)
    state.merge()


def test_empty_tables_are_the_empty_state(connection: sqlite3.Connection) -> None:
    """A new file holds nothing."""
    assert rows.load(connection).snapshot() == State().snapshot()


def test_every_table_comes_back(connection: sqlite3.Connection) -> None:
    """After a story in which each table has rows, the state loaded is the state written."""
    state = State()
    write(connection, state, *BEGINNING)
    assert all(state.snapshot().values()), "a table that the story leaves empty is not tested"
    assert rows.load(connection).snapshot() == state.snapshot()


def test_loaded_state_is_merged(connection: sqlite3.Connection) -> None:
    """What was loaded is no change: the next batch neither writes it again nor takes it back."""
    state = State()
    write(connection, state, *BEGINNING)
    loaded = rows.load(connection)
    assert not any(list(table.changed()) for table in loaded.tables().values())
    loaded.discard()
    assert loaded.snapshot() == state.snapshot()


def test_stored_kinds_keep_their_meaning() -> None:
    """Numbers that stand in data files are never given another meaning."""
    assert (rows.KIND_TEXT, rows.KIND_ACTION, rows.KIND_TOPIC) == (0, 1, 2)
    assert (int(Style.TEXT), int(Style.ACTION)) == (rows.KIND_TEXT, rows.KIND_ACTION)


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_every_table_forgets(connection: sqlite3.Connection, *, together: bool) -> None:
    """What is dropped is not loaded again, whether it was stored before or not."""
    state = State()
    end: tuple[ev.Event, ...] = (
        ev.SessionDetached(T + 1, 1, T + 20),
        ev.MemberLeft(T + 1, 1, 2),
        ev.SessionEnded(T + 1, 2),
        ev.UserEnded(T + 1, 2),
        ev.SessionEnded(T + 1, 1),
        ev.UserEnded(T + 1, 1),
        ev.RoomForgotten(T + 1, 2, 1),
        ev.RoomPruned(T + 1, 2, 2),
        ev.RoomPruned(T + 1, 3, 3),
    )
    if together:
        write(connection, state, *BEGINNING, *end)
    else:
        for event in (*BEGINNING, *end):
            write(connection, state, event)
    loaded = rows.load(connection)
    assert loaded.snapshot() == state.snapshot()
    gone = ["users", "user_ids", "sessions", "members", "rooms_of", "direct_ids"]
    gone += ["firsts", "leftovers"]
    assert [loaded.snapshot()[name] for name in gone] == [{}] * len(gone)
    assert connection.execute("SELECT * FROM room_events WHERE room_id > 1").fetchall() == []


def test_every_table_is_stored_or_made_again(connection: sqlite3.Connection) -> None:
    """A table of the state has a table of the file, or is an index of one that has."""
    stored = {
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
    }
    assert {*State().tables()} - INDEXES == stored - {
        "room_events",
        "first_answers",
        "orphan_answers",
    }


def test_limits_that_are_new_have_their_defaults(connection: sqlite3.Connection) -> None:
    """Settings that an earlier version stored are read though it knew fewer limits."""
    write(connection, State(), *BEGINNING)
    connection.execute(
        "UPDATE settings SET value = json_remove(value, '$.text_lines', '$.recipients')"
    )
    assert rows.load(connection).limits == Limits(reserved_names=("zeus", "héra"))


def test_members_come_back_in_the_order_in_which_they_joined(
    connection: sqlite3.Connection,
) -> None:
    """Who left and returned is last, also when a batch holds both, after other batches."""
    state = State()
    write(connection, state, *BEGINNING, ev.RoomOpened(T, 3, RoomKind.PUBLIC, "den", 1, ()))
    write(
        connection,
        state,
        ev.MemberLeft(T, 1, 2),
        ev.MemberJoined(T, 3, 2),
        ev.MemberJoined(T, 1, 2),
    )
    assert state.rooms_of[2] == (2, 3, 1)
    assert rows.load(connection).rooms_of[2] == (2, 3, 1)


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
            rows.write(connection, State(), [other])


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
    rows.write(connection, State(), [ev.RoomPruned(T, 2, 2), ev.AnswersPruned(T, T + 1, 9)])
    connection.set_trace_callback(None)
    assert len(statements) == 7
    for statement in statements:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert all(step.startswith("SEARCH") and "PRIMARY KEY" in step for step in plan), plan


# --------------------------------------------------------------------- stories

stories = st.lists(
    st.tuples(orders.steps_ms, st.lists(orders.any_order, min_size=1, max_size=8)), max_size=8
)


@settings(max_examples=40, deadline=None)
@given(story=stories, reopen=st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_story_survives_any_restarts(
    tmp_path_factory: pytest.TempPathFactory,
    story: list[tuple[int, list[cmd.Command]]],
    reopen: list[bool],
) -> None:
    """After random orders in random batches the state loaded is the fold, and that of memory.

    The same orders go to the core alone, one by one: each has the same outcome there,
    whatever the log had in one batch and wherever it was closed and opened again.
    """
    scene = Scene(started=False)
    subject = Subject(open_sqlite, tmp_path_factory.mktemp("story"))
    beginning = list(orders.beginning("al", "bo", "cy"))
    try:
        for (step_ms, commands), restart in zip([(0, beginning), *story], [False, *reopen]):  # noqa: B905 # as many restarts as there are steps
            own = [scene.with_own_token(command) for command in commands]
            scene.pass_time(step_ms)
            subject.now_ms = scene.now_ms
            alone = tuple(map(scene.do, own))
            outcomes = subject.ask_all(*own)
            assert outcomes == tuple(d.answer if isinstance(d, Accepted) else d for d in alone)
            if restart:
                assert subject.reopen().snapshot() == scene.state.snapshot()
        assert subject.events() == scene.events
        assert subject.reopen().snapshot() == subject.fold().snapshot() == scene.state.snapshot()
    finally:
        subject.log.close()


def test_load_is_never_asked_for_room_events(tmp_path: Path) -> None:
    """What a start reads does not grow with what was said."""
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as connection:
        migrate(connection, "x")
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        rows.load(connection)
    assert statements
    assert not any("room_events" in s or "first_answers" in s for s in statements)
