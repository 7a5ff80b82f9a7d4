"""How far each transcript is, in a small SQLite file beside them.

A position is committed only after the text that it counts was synced, and the files that are
to be renamed are named here before they are. What stands here therefore holds whatever ends
the process, or the power, in between.
"""

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

FILE = "positions.sqlite3"

# What this version writes; a file of a newer one is not touched.
_VERSION = 1
_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS epoch (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (
    room_id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    seq INTEGER NOT NULL,
    size INTEGER NOT NULL,
    began_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS renames (file TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class NewerVersionError(Exception):
    """The file was written by a newer version. The text is one line."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the transcript of a room is."""

    room_id: int
    # The name of the present file.
    file: str
    # The newest event that is written, here or in an earlier file; 0: none.
    seq: int
    # Bytes of the present file that count.
    size: int
    # When the present file began, in milliseconds since 1970.
    began_ms: int


class Positions:
    """The positions of one directory, held against every other process.

    Methods raise sqlite3.Error where the disk does not do what it should; a change is then
    made whole or not at all.
    """

    def __init__(self, directory: Path) -> None:
        """Open or create the file. Raises NewerVersionError, and OSError or sqlite3.Error."""
        path = directory / FILE
        # SQLite would let others read it, were the directory less careful.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        # Used by the thread that writes, after the one that starts the server.
        self._connection = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise NewerVersionError(f"{path} was written by a newer version of chat-server")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            # On macOS a plain fsync does not reach the platter; elsewhere without effect.
            self._connection.execute("PRAGMA fullfsync = 1")
            self._connection.executescript(_TABLES)
            self.rows = {
                row[0]: Position(*row)
                for row in self._connection.execute(
                    "SELECT room_id, file, seq, size, began_ms FROM positions"
                )
            }
        except BaseException:
            self._connection.close()
            raise

    @property
    def epoch(self) -> str | None:
        """The epoch of the data that was written last; None before the first."""
        row = self._connection.execute("SELECT name FROM epoch").fetchone()
        return None if row is None else str(row[0])

    def put(self, positions: Iterable[Position]) -> None:
        """Commit positions."""
        self._commit(positions, {})

    def begin_anew(self, positions: Iterable[Position], renames: dict[str, str]) -> None:
        """Commit positions, and that their files are to be renamed before they grow."""
        self._commit(positions, renames)

    def begin_epoch(self, epoch: str, renames: dict[str, str]) -> None:
        """Forget all positions, and commit which files are to be renamed before others come."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DELETE FROM positions")
            self._connection.execute("DELETE FROM epoch")
            self._connection.execute("INSERT INTO epoch VALUES (?)", (epoch,))
            self._plan(renames)
        self.rows = {}

    def renames(self) -> dict[str, str]:
        """Return which files are to be renamed, and how, unless it was done already."""
        return dict(self._connection.execute("SELECT file, name FROM renames"))

    def renamed(self) -> None:
        """Commit that all files have their new names."""
        self._connection.execute("DELETE FROM renames")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _commit(self, positions: Iterable[Position], renames: dict[str, str]) -> None:
        changed = list(positions)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)", map(astuple, changed)
            )
            self._plan(renames)
        self.rows.update((position.room_id, position) for position in changed)

    def _plan(self, renames: dict[str, str]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO renames VALUES (?, ?)", renames.items()
        )


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file is no SQLite file any more."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGE
