"""Numbered migrations, and the marks that tell whose file it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from chat_service.log import schema
from chat_service.log.schema import APPLICATION_ID, MIGRATIONS, DataFileError, migrate, version_of
from chat_service.log.tables import load


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def marks(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return application_id and user_version."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application_id, version


def tables(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables."""
    return {n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}


def test_application_id_spells_chat() -> None:
    """Tools that look at the mark see whose file it is."""
    assert APPLICATION_ID.to_bytes(4, "big") == b"CHAT"


def test_new_file_gets_marks_and_tables(connection: sqlite3.Connection) -> None:
    """After the migrations the file is ours and of the newest version."""
    assert version_of(connection, "x") == 0
    migrate(connection, "x")
    assert marks(connection) == (APPLICATION_ID, len(MIGRATIONS))
    assert version_of(connection, "x") == len(MIGRATIONS)
    assert {"room_events", "first_answers", "counters"} <= tables(connection)


def test_migrating_again_changes_nothing(connection: sqlite3.Connection) -> None:
    """A file of the newest version is left alone."""
    migrate(connection, "x")
    (before,) = connection.execute("PRAGMA schema_version").fetchone()
    migrate(connection, "x")
    assert connection.execute("PRAGMA schema_version").fetchone() == (before,)


def test_later_migrations_follow_the_stored_number(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what the file has not had is done, in order, and counted."""
    migrate(connection, "x")
    more = (*MIGRATIONS, "CREATE TABLE two (a);", "ALTER TABLE two ADD COLUMN b;")
    monkeypatch.setattr(schema, "MIGRATIONS", more)
    migrate(connection, "x")
    assert marks(connection) == (APPLICATION_ID, len(MIGRATIONS) + 2)
    connection.execute("INSERT INTO two (a, b) VALUES (1, 2)")


def test_migration_that_fails_leaves_the_number_before_it(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each migration is one transaction: a broken one leaves nothing of itself."""
    broken = (*MIGRATIONS, "CREATE TABLE two (a);", "CREATE TABLE three (a); nonsense;")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "x")
    connection.rollback()
    assert marks(connection) == (APPLICATION_ID, len(MIGRATIONS) + 1)
    assert "two" in tables(connection)
    assert "three" not in tables(connection)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE t (a)",
        "CREATE VIEW v AS SELECT 1",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 7",
        "PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE t (a)",
    ],
)
def test_file_of_another_program(connection: sqlite3.Connection, script: str) -> None:
    """Whatever another program left of itself, its file is not taken for a new one."""
    connection.executescript(script)
    before = (marks(connection), tables(connection))
    with pytest.raises(DataFileError, match=r"^x\.db belongs to another program: .*move it away$"):
        migrate(connection, "x.db")
    assert (marks(connection), tables(connection)) == before


@pytest.mark.parametrize("ahead", [1, 100])
def test_file_of_a_newer_version(connection: sqlite3.Connection, ahead: int) -> None:
    """A file that has had migrations that we do not know is refused, with the remedy."""
    migrate(connection, "x")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + ahead}")
    with pytest.raises(DataFileError, match=r"^x\.db was written by a newer version .* install"):
        migrate(connection, "x.db")
    assert marks(connection) == (APPLICATION_ID, len(MIGRATIONS) + ahead)


def test_file_of_the_first_version_learns_retention(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored stays; events of rooms that were forgotten are known as left over."""
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", MIGRATIONS[:1])
        migrate(connection, "x")
    assert marks(connection) == (APPLICATION_ID, 1)
    for room_id in (2, 5):
        connection.execute(
            "INSERT INTO rooms VALUES (?, 1, 'room' || ?, '', 0, 1, '[]', '[]')", (room_id, room_id)
        )
        connection.execute("INSERT INTO heads VALUES (?, 3)", (room_id,))
    stored = [
        (room_id, seq, 1, 0, 1, "al", "hi", f"m{room_id}.{seq}")
        for room_id, head in ((1, 2), (2, 3), (3, 1), (9, 70))
        for seq in range(1, head + 1)
    ]
    connection.executemany("INSERT INTO room_events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", stored)
    migrate(connection, "x")
    assert marks(connection) == (APPLICATION_ID, len(MIGRATIONS))
    assert connection.execute("SELECT * FROM room_events").fetchall() == [
        (*row, 0) for row in stored
    ]
    state = load(connection)
    assert state.heads.snapshot() == {2: 3, 5: 3}
    assert state.leftovers.snapshot() == {1: 2, 3: 1, 9: 70}
    assert state.firsts.snapshot() == {}


def test_empty_file_of_the_first_version_has_nothing_left_over(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in which nobody said anything yet is brought up to date as well."""
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", MIGRATIONS[:1])
        migrate(connection, "x")
    migrate(connection, "x")
    assert load(connection).leftovers.snapshot() == {}
