"""The data file: opened for writing only after a look that cannot change it.

A connection that may write moves what a crash left in the write-ahead log into the
file when it closes, and plays back a rollback journal when it opens. So a file is
first read on a connection that may not: what is refused is left as it was found.

Every page of a small file is looked at before that. A large one would keep the server
from starting in time: `inspection` looks at it while the server serves, and leaves a
mark beside a file that it finds damaged, so that the next start looks first.
"""

import errno
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from chat_service.core.state import State
from chat_service.log import tables
from chat_service.log.schema import APPLICATION_ID, MIGRATIONS, DataFileError, migrate, version_of

# What reading a damaged file raises: SQLite's own errors, and those of values that
# are not what they were when they were written.
_DAMAGE = (sqlite3.Error, OSError, ValueError, TypeError, LookupError, AttributeError)
# Errors that say: pages or values are not what was written, or cannot be read at all.
_DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR}
# Errors that a start meets on a disk without room: a file, or the index of its
# write-ahead log, cannot grow.
_FULL_CODES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
# Files up to this size are looked at in full before they are opened: 0.1 s at the
# 370 MB/s that were measured (1,000,000 messages of 100 bytes, 247 MB: 0.67 s).
PROMPT_CHECK_BYTES = 32 << 20
# Where an SQLite file has its application_id. Source: sqlite.org/fileformat2.html.
_MARK = slice(68, 72)
# Where a rollback journal has the number of pages that the file had. Source: as above.
_JOURNAL_PAGES = slice(16, 20)


def open_data_file(path: Path) -> tuple[sqlite3.Connection, State]:
    """Open or create the file; return the writer's connection and the state in the file.

    Raises DataFileError when the file is damaged, foreign or of a newer version; file
    and write-ahead log are then as they were. Raises it also when there is no room on
    the disk to open the file.
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
        # What is deleted is overwritten; not every SQLite does that by itself.
        connection.execute("PRAGMA secure_delete = 1")
        return connection, tables.load(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, _DAMAGE):
            raise DataFileError(_refusal(path, error)) from error
        raise


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file on a connection that cannot write; one thread at a time may use it."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def check_pages(connection: sqlite3.Connection) -> None:
    """Look at every page of the file. Raises ValueError with what is wrong first.

    Finds what breaks the structure of the file; a text that was changed within its
    page is still a text. Blocks, about 0.7 s for a million messages.
    """
    ((found,),) = connection.execute("PRAGMA integrity_check(1)")
    if found != "ok":
        raise ValueError(found)


def is_damage(error: BaseException) -> bool:
    """Whether what a read raised says that the file is damaged."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            # sqlite3's own: a text that is not UTF-8.
            return isinstance(error, sqlite3.OperationalError)
        return code & 0xFF in _DAMAGE_CODES
    return isinstance(error, _DAMAGE)


def damaged(path: Path, error: BaseException) -> str:
    """Return the line that names a damaged file and the remedy."""
    # The text may quote the damage: it is kept to a line that a terminal can show.
    told = "".join(char if char.isprintable() else " " for char in str(error))
    told = " ".join(told.split())[:200]
    return f"{path} cannot be read ({told}): restore it from a backup, or move it away"


def needs_check(path: Path) -> bool:
    """Whether a start opens the file without having looked at all of it."""
    return _size(path) > PROMPT_CHECK_BYTES


def mark_damaged(path: Path) -> None:
    """Have the next start look at every page before it opens the file."""
    with suppress(OSError):
        _mark_of(path).touch(mode=0o600)


def _look(path: Path) -> None:
    with closing(open_to_read(path)) as connection:
        try:
            version = version_of(connection, str(path))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK and _is_unborn(path):
                # Our own first start was cut short; a writer takes it back.
                return
            raise
        _measure(connection, path)
        if not needs_check(path) or _mark_of(path).exists():
            check_pages(connection)
            _mark_of(path).unlink(missing_ok=True)
        if version == len(MIGRATIONS):
            tables.load(connection)


def _is_unborn(path: Path) -> bool:
    """Whether a file with a rollback journal is ours, or so new that it is nobody's yet."""
    with path.open("rb") as file:
        head = file.read(_MARK.stop)
    if any(head):
        return head[_MARK] == APPLICATION_ID.to_bytes(4, "big")
    # The power was cut before its first sector was there: nothing is in it if it had
    # no page when the journal began.
    with path.with_name(f"{path.name}-journal").open("rb") as file:
        journal = file.read(_JOURNAL_PAGES.stop)
    return journal[_JOURNAL_PAGES] == bytes(4)


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


def _mark_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")


def _refusal(path: Path, error: BaseException) -> str:
    full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if full or getattr(error, "sqlite_errorcode", None) in _FULL_CODES:
        return f"{path} cannot be opened: its disk is full, make room on it"
    return damaged(path, error)
