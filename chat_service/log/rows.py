"""The events and first answers of a commit: what grows with the number of messages.

They are written beside the state's tables, in the same transaction; see `tables`.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from itertools import chain
from typing import Any

from chat_service.core.decision import FactKey, FirstAnswer, MessageKey, StoredMessage
from chat_service.core.events import (
    AnswersPruned,
    Audited,
    Event,
    MemberRemoved,
    MessageDeleted,
    MessagePosted,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    RoomPruned,
    Tombstone,
    TopicChanged,
)
from chat_service.core.model import HistoryPolicy, Role, Style

# What a row of room_events is. The values are stored.
KIND_TEXT = 0
KIND_ACTION = 1
KIND_TOPIC = 2
KIND_TOMBSTONE = 3
KIND_DELETED = 4
KIND_ROLE = 5
KIND_REMOVED = 6
KIND_CHANGED = 7

# Fields that every event of a room has; the further ones of rare kinds are stored as JSON.
_COMMON = 5
_RARE: dict[type[RoomEvent], int] = {
    MessageDeleted: KIND_DELETED,
    RoleChanged: KIND_ROLE,
    MemberRemoved: KIND_REMOVED,
    RoomChanged: KIND_CHANGED,
}


def write(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Write what the events of an open transaction added, and delete what they pruned."""
    event_rows: list[tuple[object, ...]] = []
    answer_rows: list[tuple[object, ...]] = []
    audit_rows: list[tuple[object, ...]] = []
    after: list[MessageDeleted | RoomPruned | AnswersPruned] = []
    for event in events:
        if isinstance(event, MessagePosted):
            event_rows.append(
                (
                    event.room_id,
                    event.seq,
                    event.time_ms,
                    int(event.style),
                    event.author_id,
                    event.author_name,
                    event.text,
                    event.client_msg_id,
                    event.bot,
                )
            )
            answer_rows.append(
                (
                    event.author_id,
                    event.client_msg_id,
                    event.room_id,
                    event.seq,
                    event.time_ms,
                    event.request_hash,
                )
            )
            # Nearly all are such: they are asked nothing more.
            continue
        if isinstance(event, TopicChanged):
            event_rows.append(_row(event, KIND_TOPIC, event.topic))
        elif isinstance(event, MessageDeleted | RoleChanged | MemberRemoved | RoomChanged):
            rest = astuple(event)[_COMMON:]
            event_rows.append(_row(event, _RARE[type(event)], json.dumps(rest)))
        elif isinstance(event, Audited):
            audit_rows.append((event.audit_id, event.time_ms, *astuple(event)[2:]))
        if isinstance(event, MessageDeleted | RoomPruned | AnswersPruned):
            after.append(event)
    _insert(connection, "room_events", event_rows)
    _insert(connection, "first_answers", answer_rows)
    _insert(connection, "audit", audit_rows)
    # Behind what was added: it may be gone again by the end of the batch.
    for event in after:
        if isinstance(event, MessageDeleted):
            _bury(connection, event)
        elif isinstance(event, RoomPruned):
            _prune_room(connection, event)
        else:
            _prune_answers(connection, event)


def _row(
    event: TopicChanged | MessageDeleted | RoleChanged | MemberRemoved | RoomChanged,
    kind: int,
    text: str,
) -> tuple[object, ...]:
    return (
        event.room_id,
        event.seq,
        event.time_ms,
        kind,
        event.author_id,
        event.author_name,
        text,
        "",
        False,
    )


def _bury(connection: sqlite3.Connection, event: MessageDeleted) -> None:
    """Leave a tombstone of a message: nothing that it said, nor the id that it came with."""
    connection.execute(
        "INSERT INTO orphan_answers SELECT time_ms, author_id, client_msg_id FROM room_events"
        " WHERE room_id = ? AND seq = ?",
        (event.room_id, event.deleted_seq),
    )
    connection.execute(
        f"UPDATE room_events SET kind = {KIND_TOMBSTONE}, text = '', client_msg_id = ''"
        " WHERE room_id = ? AND seq = ?",
        (event.room_id, event.deleted_seq),
    )


def _prune_room(connection: sqlite3.Connection, event: RoomPruned) -> None:
    """Delete the first events of a room, and note whose first answers outlive them."""
    gone = (event.room_id, event.first_seq)
    connection.execute(
        "INSERT INTO orphan_answers SELECT time_ms, author_id, client_msg_id FROM room_events"
        f" WHERE room_id = ? AND seq < ? AND kind <= {KIND_ACTION}",
        gone,
    )
    connection.execute("DELETE FROM room_events WHERE room_id = ? AND seq < ?", gone)


def _prune_answers(connection: sqlite3.Connection, event: AnswersPruned) -> None:
    """Delete the oldest first answers whose messages are gone, and the notes of them."""
    oldest = connection.execute(
        "SELECT time_ms, user_id, client_msg_id FROM orphan_answers WHERE time_ms < ?"
        " ORDER BY time_ms, user_id, client_msg_id LIMIT ?",
        (event.before_ms, event.at_most),
    ).fetchall()
    # Each by its whole key: SQLite would walk through all answers of a user for an IN.
    connection.executemany(
        "DELETE FROM first_answers WHERE user_id = ? AND client_msg_id = ?",
        [key for _, *key in oldest],
    )
    connection.executemany(
        "DELETE FROM orphan_answers WHERE time_ms = ? AND user_id = ? AND client_msg_id = ?",
        oldest,
    )


# Rows of one statement, largest first. sqlite3 lets go of the interpreter's lock at
# each step of a statement, and taking it back from a busy event loop costs more
# than the row; a statement of many rows is one step.
_CHUNKS = (64, 8, 1)


def _insert(connection: sqlite3.Connection, table: str, new: Sequence[tuple[object, ...]]) -> None:
    start = 0
    for size in _CHUNKS:
        while len(new) - start >= size:
            chunk = new[start : start + size]
            start += size
            places = f"({', '.join('?' * len(chunk[0]))})"
            connection.execute(
                f"INSERT INTO {table} VALUES {', '.join([places] * size)}",
                list(chain.from_iterable(chunk)),
            )


def first_answers(
    connection: sqlite3.Connection, keys: Sequence[FactKey]
) -> dict[FactKey, FirstAnswer]:
    """Return what each user's client_msg_id was answered first, where it is stored."""
    found: dict[FactKey, FirstAnswer] = {}
    start = 0
    for size in _CHUNKS:
        while len(keys) - start >= size:
            chunk = keys[start : start + size]
            start += size
            # CROSS JOIN fixes the order: each key is looked up in the index.
            for user_id, client_msg_id, *answer in connection.execute(
                f"WITH asked (user_id, id) AS (VALUES {', '.join(['(?, ?)'] * size)})"
                " SELECT f.user_id, f.client_msg_id, f.room_id, f.seq, f.time_ms, f.request_hash"
                " FROM asked CROSS JOIN first_answers AS f"
                " ON f.user_id = asked.user_id AND f.client_msg_id = asked.id",
                list(chain.from_iterable(chunk)),
            ):
                found[FactKey(user_id, client_msg_id)] = FirstAnswer(*answer)
    return found


def stored_message(connection: sqlite3.Connection, key: MessageKey) -> StoredMessage | None:
    """Return what is stored at a place of a room; None where nothing is."""
    row = connection.execute(
        "SELECT author_id, author_name, kind FROM room_events WHERE room_id = ? AND seq = ?", key
    ).fetchone()
    if row is None:
        return None
    author_id, author_name, kind = row
    return StoredMessage(
        author_id, author_name, is_text=kind <= KIND_ACTION, is_deleted=kind == KIND_TOMBSTONE
    )


# Any: the columns of a row, as sqlite3 gives them.
def event_of(row: tuple[Any, ...]) -> RoomEvent:
    """Make the event of a row of room_events.

    A message read back has no request hash: that serves retries alone, which are
    answered from first_answers.
    """
    room_id, seq, time_ms, kind, author_id, author_name, text, client_msg_id, bot = row
    common = (time_ms, room_id, seq, author_id, author_name)
    if kind <= KIND_ACTION:
        style = Style.ACTION if kind == KIND_ACTION else Style.TEXT
        return MessagePosted(*common, style, text, client_msg_id, b"", bool(bot))
    if kind == KIND_TOPIC:
        return TopicChanged(*common, text)
    if kind == KIND_TOMBSTONE:
        return Tombstone(*common)
    rest = json.loads(text)
    if kind == KIND_DELETED:
        return MessageDeleted(*common, *rest)
    if kind == KIND_ROLE:
        user_id, user_name, role = rest
        return RoleChanged(*common, user_id, user_name, Role(role))
    if kind == KIND_REMOVED:
        return MemberRemoved(*common, *rest)
    name, description, archived, slow_mode_ms, history, topic_locked = rest
    return RoomChanged(
        *common,
        name,
        description,
        archived,
        slow_mode_ms,
        None if history is None else HistoryPolicy(history),
        topic_locked,
    )
