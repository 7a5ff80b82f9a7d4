"""The events and first answers of a commit: what grows with the number of messages.

They are written beside the state's tables, in the same transaction; see `tables`.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain

from chat_service.core.decision import FactKey, FirstAnswer
from chat_service.core.events import (
    AnswersPruned,
    Event,
    MessagePosted,
    RoomEvent,
    RoomPruned,
    TopicChanged,
)
from chat_service.core.model import Style

# What a row of room_events is. The values are stored.
KIND_TEXT = 0
KIND_ACTION = 1
KIND_TOPIC = 2


def write(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Write what the events of an open transaction added, and delete what they pruned."""
    event_rows = []
    answer_rows = []
    pruned: list[RoomPruned | AnswersPruned] = []
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
        elif isinstance(event, TopicChanged):
            event_rows.append(
                (
                    event.room_id,
                    event.seq,
                    event.time_ms,
                    KIND_TOPIC,
                    event.author_id,
                    event.author_name,
                    event.topic,
                    "",
                )
            )
        elif isinstance(event, RoomPruned | AnswersPruned):
            pruned.append(event)
    _insert(connection, "room_events", event_rows)
    _insert(connection, "first_answers", answer_rows)
    # Behind what was added: it may be gone again by the end of the batch.
    for event in pruned:
        if isinstance(event, RoomPruned):
            _prune_room(connection, event)
        else:
            _prune_answers(connection, event)


def _prune_room(connection: sqlite3.Connection, event: RoomPruned) -> None:
    """Delete the first events of a room, and note whose first answers outlive them."""
    gone = (event.room_id, event.first_seq)
    connection.execute(
        "INSERT INTO orphan_answers SELECT time_ms, author_id, client_msg_id FROM room_events"
        f" WHERE room_id = ? AND seq < ? AND kind <> {KIND_TOPIC}",
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


def event_of(row: tuple[int, int, int, int, int, str, str, str]) -> RoomEvent:
    """Make the event of a row of room_events.

    A message read back has no request hash: that serves retries alone, which are
    answered from first_answers.
    """
    room_id, seq, time_ms, kind, author_id, author_name, text, client_msg_id = row
    if kind == KIND_TOPIC:
        return TopicChanged(time_ms, room_id, seq, author_id, author_name, text)
    style = Style.ACTION if kind == KIND_ACTION else Style.TEXT
    return MessagePosted(
        time_ms, room_id, seq, author_id, author_name, style, text, client_msg_id, b""
    )
