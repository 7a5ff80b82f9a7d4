"""How far each transcript is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chat_service.transcripts.positions import (
    FILE,
    NewerVersionError,
    Position,
    Positions,
    is_damage,
)

LOBBY = Position(1, "lobby.log", 7, 100, 5)
TEA = Position(2, "tea.log", 3, 40, 6)


def test_positions_are_there_after_a_restart(tmp_path: Path) -> None:
    """The last of each room counts."""
    with closing(Positions(tmp_path)) as positions:
        assert positions.rows == {}
        positions.put([LOBBY, Position(2, "tea.log", 1, 20, 6)])
        positions.put([TEA])
        assert positions.rows == {1: LOBBY, 2: TEA}
    with closing(Positions(tmp_path)) as positions:
        assert positions.rows == {1: LOBBY, 2: TEA}


def test_renames_wait_until_they_are_done(tmp_path: Path) -> None:
    """They are committed with the positions of the files that take their place."""
    with closing(Positions(tmp_path)) as positions:
        positions.begin_anew([LOBBY], {"lobby.log": "old"})
    with closing(Positions(tmp_path)) as positions:
        assert (positions.rows, positions.renames()) == ({1: LOBBY}, {"lobby.log": "old"})
        positions.renamed()
    with closing(Positions(tmp_path)) as positions:
        assert (positions.rows, positions.renames()) == ({1: LOBBY}, {})


def test_epoch_begins_without_positions(tmp_path: Path) -> None:
    """What was written of other data has no place in the new one."""
    with closing(Positions(tmp_path)) as positions:
        assert positions.epoch is None
        positions.begin_epoch("e1", {})
        positions.put([LOBBY])
        positions.begin_epoch("e2", {"lobby.log": "old"})
        assert positions.rows == {}
    with closing(Positions(tmp_path)) as positions:
        assert (positions.epoch, positions.rows) == ("e2", {})
        assert positions.renames() == {"lobby.log": "old"}


def test_change_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    """What fails leaves nothing behind."""
    with closing(Positions(tmp_path)) as positions:
        positions.put([LOBBY])
        broken = Position(3, "x.log", 1 << 70, 0, 0)
        with pytest.raises(OverflowError):
            positions.begin_anew([TEA, broken], {"tea.log": "old"})
        assert positions.rows == {1: LOBBY}
    with closing(Positions(tmp_path)) as positions:
        assert (positions.rows, positions.renames()) == ({1: LOBBY}, {})


def test_every_commit_is_synced(tmp_path: Path) -> None:
    """A position that power took back could name events that retention has taken."""
    with closing(Positions(tmp_path)) as positions:
        (level,) = positions._connection.execute("PRAGMA synchronous").fetchone()
        (mode,) = positions._connection.execute("PRAGMA journal_mode").fetchone()
    assert (level, mode) == (2, "wal")


def test_second_process_is_refused(tmp_path: Path) -> None:
    """The file is held until it is closed, and not only while it is written."""
    with closing(Positions(tmp_path)), pytest.raises(sqlite3.OperationalError) as busy:
        Positions(tmp_path)
    assert busy.value.sqlite_errorcode == sqlite3.SQLITE_BUSY
    Positions(tmp_path).close()


def test_newer_version_is_refused(tmp_path: Path) -> None:
    """It would mean something else by its tables."""
    Positions(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(NewerVersionError):
        Positions(tmp_path)


def test_damage_is_told_from_other_troubles(tmp_path: Path) -> None:
    """A file that is no database is damaged, a missing directory is not."""
    (tmp_path / FILE).write_bytes(b"x" * 10_000)
    with pytest.raises(sqlite3.DatabaseError) as damaged:
        Positions(tmp_path)
    assert is_damage(damaged.value)
    with pytest.raises(FileNotFoundError) as gone:
        Positions(tmp_path / "gone")
    assert not is_damage(gone.value)
