"""Reads of room events and of the audit log on read-only connections, one for each thread.

Each read is one short transaction, so that no reader holds up a checkpoint.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.events import Audited, MessagePosted, RoomEvent, TopicChanged
from chat_service.core.model import RoomKind
from chat_service.log.datafile import damaged, is_damage, mark_damaged, open_to_read
from chat_service.log.rows import event_of

logger = logging.getLogger(__name__)

UNREADABLE = Rejection(Reason.STORAGE_DAMAGED, "the server cannot read what it has stored of this")

_COLUMNS = "room_id, seq, time_ms, kind, author_id, author_name, text, client_msg_id, bot"

_AUDIT_COLUMNS = ", ".join(field.name for field in fields(Audited))
# A private room that is gone is no public one either.
_IN_PUBLIC = (
    "(room_id = 0 OR EXISTS (SELECT 1 FROM rooms"
    f" WHERE rooms.room_id = audit.room_id AND kind = {RoomKind.PUBLIC:d}))"
)

# What an event counts that is neither, in bytes: most have less, a description has more.
_SMALL = 512


class History:
    """What is stored and not loaded. Safe to use from several threads; each call blocks.

    Reads raise RefusedError: STORAGE_DAMAGED when they meet damage. The first has a line
    in the log, and the next start looks at every page.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._told_damaged = False

    def after(self, room_id: int, after_seq: int, *, count: int, max_bytes: int) -> list[RoomEvent]:
        """Return events that follow `after_seq`, oldest first, within the bounds."""
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM room_events WHERE room_id = ? AND seq > ?"
                " ORDER BY seq LIMIT ?",
                (room_id, after_seq, count),
            )
            return _take(rows, max_bytes)

    def before(
        self, room_id: int, before_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        """Return events that precede `before_seq`, newest first, within the bounds."""
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM room_events WHERE room_id = ? AND seq < ?"
                " ORDER BY seq DESC LIMIT ?",
                (room_id, before_seq, count),
            )
            return _take(rows, max_bytes)

    def first(self, room_id: int) -> int:
        """Return the first seq that is kept of a room."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT seq FROM firsts WHERE room_id = ?", (room_id,)
            ).fetchone()
            return 1 if row is None else int(row[0])

    def oldest_orphan_ms(self) -> int | None:
        """Return the time of the oldest first answer whose message is gone."""
        with self._reading() as connection:
            row = connection.execute("SELECT min(time_ms) FROM orphan_answers").fetchone()
            return None if row[0] is None else int(row[0])

    def audit(self, room_id: int | None, before_id: int, *, count: int) -> list[Audited]:
        """Return entries of the audit log before `before_id`, newest first.

        Of a room; or, for None, of the server and of public rooms.
        """
        where, asked = (_IN_PUBLIC, ()) if room_id is None else ("room_id = ?", (room_id,))
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT {_AUDIT_COLUMNS} FROM audit WHERE {where} AND audit_id < ?"
                " ORDER BY audit_id DESC LIMIT ?",
                (*asked, before_id, count),
            )
            return [Audited(*row) for row in rows]

    def close(self) -> None:
        """Close the connections of all threads; none may be reading."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the thread's connection; damage that is met with it is told, and refused."""
        try:
            yield self._connection()
        except Exception as error:
            if not is_damage(error):
                raise
            mark_damaged(self._path)
            if not self._told_damaged:
                self._told_damaged = True
                logger.critical("%s", damaged(self._path, error))
            raise RefusedError(UNREADABLE) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed from the thread that closes the log, when no read runs.
            connection = open_to_read(self._path)
            self._local.connection = connection
            with self._lock:
                self._opened.append(connection)
        return connection


def _take(rows: Iterable[tuple[object, ...]], max_bytes: int) -> list[RoomEvent]:
    taken: list[RoomEvent] = []
    size = 0
    for row in rows:
        event = event_of(row)
        if taken and abs(event.seq - taken[-1].seq) != 1:
            raise ValueError(f"room {event.room_id} has a hole beside seq {event.seq}")
        taken.append(event)
        size += _size(event)
        if size >= max_bytes:
            break
    return taken


def _size(event: RoomEvent) -> int:
    if isinstance(event, MessagePosted):
        return len(event.text.encode())
    return len(event.topic.encode()) if isinstance(event, TopicChanged) else _SMALL
