"""The data file: opened for writing only after a look that cannot change it.

A connection that may write moves what a crash left in the write-ahead log into the
file when it closes, and plays back a rollback journal when it opens. So a file is
first read on a connection that may not: what is refused is left as it was found.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from chat_service.core.model import State
from chat_service.log import rows
from chat_service.log.schema import APPLICATION_ID, MIGRATIONS, DataFileError, migrate, version_of

# What reading a damaged file raises: SQLite's own errors, and those of values that
# are not what they were when they were written.
_DAMAGE = (sqlite3.Error, OSError, ValueError, TypeError, LookupError, AttributeError)
# Where an SQLite file has its application_id. Source: sqlite.org/fileformat2.html.
_MARK = slice(68, 72)


def open_data_file(path: Path) -> tuple[sqlite3.Connection, State]:
    """Open or create the file; return the writer's connection and the state in the file.

    Raises DataFileError when the file is damaged, foreign or of a newer version; file
    and write-ahead log are then as they were.
    """
    connection = None
    try:
        if _size(path):
            _look(path)
        elif _size(_log_of(path)):
            # SQLite would take the file for a new one, and delete the log.
            raise ValueError("it is empty, but its write-ahead log is not")
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        migrate(connection, str(path))
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise OSError(f"its file system allows no write-ahead log, only {mode}")
        connection.execute("PRAGMA synchronous = FULL")
        # On macOS a plain fsync does not reach the platter; elsewhere without effect.
        connection.execute("PRAGMA fullfsync = 1")
        connection.execute("PRAGMA checkpoint_fullfsync = 1")
        return connection, rows.load(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, _DAMAGE):
            raise DataFileError(_damaged(path, error)) from error
        raise


def _look(path: Path) -> None:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        try:
            version = version_of(connection, str(path))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK and _is_marked(path):
                # Our own first start was cut short; a writer takes it back.
                return
            raise
        _measure(connection, path)
        if version == len(MIGRATIONS):
            rows.load(connection)


def _is_marked(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_MARK.stop)[_MARK] == APPLICATION_ID.to_bytes(4, "big")


def _measure(connection: sqlite3.Connection, path: Path) -> None:
    """Find a file that was cut within its last page, which SQLite reads as zeros."""
    if _size(_log_of(path)):
        # A crash in the middle of a checkpoint: the missing part is there.
        return
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size < count * size:
        raise ValueError("the file is shorter than it was")


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _damaged(path: Path, error: BaseException) -> str:
    # The text may quote the damage: it is kept to a line that a terminal can show.
    told = "".join(char if char.isprintable() else " " for char in str(error))
    told = " ".join(told.split())[:200]
    return f"{path} cannot be read ({told}): restore it from a backup, or move it away"
