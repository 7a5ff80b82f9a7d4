"""The state in its tables: what is loaded is what was folded, whatever happened."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Accepted
from chat_service.core.limits import Limits
from chat_service.core.model import RoomKind
from chat_service.core.state import State
from chat_service.log import tables
from chat_service.log.schema import migrate
from tests.core import orders
from tests.core.scene import Scene
from tests.log.database import BEGINNING, T, empty, write
from tests.log.subject import Subject, open_sqlite

# Tables that only index others, and are made again by a load.
INDEXES = {
    "user_ids",
    "session_ids",
    "sessions_of",
    "room_ids",
    "direct_ids",
    "rooms_of",
    "bots_of",
    "blocked_by",
    "invite_ids",
    "invites_of",
    "private_members",
    "restricted_in",
    "restricted_of",
    "invitations_of",
    "invited_to",
}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open an empty database of the newest shape."""
    with empty() as connection:
        yield connection


def test_empty_tables_are_the_empty_state(connection: sqlite3.Connection) -> None:
    """A new file holds nothing."""
    assert tables.load(connection).snapshot() == State().snapshot()


def test_every_table_comes_back(connection: sqlite3.Connection) -> None:
    """After a story in which each table has rows, the state loaded is the state written."""
    state = State()
    write(connection, state, *BEGINNING)
    assert all(state.snapshot().values()), "a table that the story leaves empty is not tested"
    assert tables.load(connection).snapshot() == state.snapshot()


def test_loaded_state_is_merged(connection: sqlite3.Connection) -> None:
    """What was loaded is no change: the next batch neither writes it again nor takes it back."""
    state = State()
    write(connection, state, *BEGINNING)
    loaded = tables.load(connection)
    assert not any(list(table.changed()) for table in loaded.tables().values())
    loaded.discard()
    assert loaded.snapshot() == state.snapshot()


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_every_table_forgets(connection: sqlite3.Connection, *, together: bool) -> None:
    """What is dropped is not loaded again, whether it was stored before or not."""
    state = State()
    end: tuple[ev.Event, ...] = (
        ev.SessionDetached(T + 1, 1, T + 20),
        ev.SessionEnded(T + 1, 3),
        ev.MemberLeft(T + 1, 1, 2),
        ev.SessionEnded(T + 1, 2),
        ev.UserEnded(T + 1, 2),
        ev.SessionEnded(T + 1, 1),
        ev.UserEnded(T + 1, 1),
        ev.RoomForgotten(T + 1, 2, 1),
        ev.RoomPruned(T + 1, 2, 2),
        ev.RoomPruned(T + 1, 3, 3),
        ev.UserEnded(T + 1, 4),
        ev.InviteUsed(T + 1, 1),
        ev.InviteUsed(T + 1, 1),
        ev.InviteUsed(T + 1, 1),
        ev.UserUnbanned(T + 1, "MALLORY"),
        ev.NetworkUnbanned(T + 1, "192.0.2.0/24"),
        ev.RoomForgotten(T + 1, 4, 2),
        ev.RoomPruned(T + 1, 4, 3),
    )
    if together:
        write(connection, state, *BEGINNING, *end)
    else:
        for event in (*BEGINNING, *end):
            write(connection, state, event)
    loaded = tables.load(connection)
    assert loaded.snapshot() == state.snapshot()
    gone = ["users", "user_ids", "sessions", "members", "rooms_of", "direct_ids"]
    gone += ["firsts", "leftovers", "blocks", "invites", "user_bans", "network_bans"]
    gone += ["restrictions", "invitations", "spoke"]
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
        "audit",
    }


def test_limits_that_are_new_have_their_defaults(connection: sqlite3.Connection) -> None:
    """Settings that an earlier version stored are read though it knew fewer limits."""
    write(connection, State(), *BEGINNING)
    connection.execute(
        "UPDATE settings SET value = json_remove(value, '$.text_lines', '$.recipients')"
    )
    assert tables.load(connection).limits == Limits(reserved_names=("zeus", "héra"))


def test_members_come_back_in_the_order_in_which_they_joined(
    connection: sqlite3.Connection,
) -> None:
    """Who left and returned is last, also when a batch holds both, after other batches."""

    def numbers(state: State) -> list[int]:
        return [state.members[room_id, 2].number for room_id in (2, 3, 1)]

    state = State()
    write(connection, state, *BEGINNING, ev.RoomOpened(T, 3, RoomKind.PUBLIC, "den", 1, ()))
    write(
        connection,
        state,
        ev.MemberLeft(T, 1, 2),
        ev.MemberJoined(T, 3, 2),
        ev.MemberJoined(T, 1, 2),
    )
    assert numbers(state) == sorted(numbers(state))
    assert numbers(tables.load(connection)) == numbers(state)


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
        tables.load(connection)
    assert statements
    assert not any("room_events" in s or "first_answers" in s for s in statements)
