"""What a commit writes, and how a start loads the state again.

The state's tables are written from their scratch layer, row by row as it
changed; tables that only index others are not stored but made again. Hence the
property that holds this together: the state loaded equals the fold of the events.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, NamedTuple

from chat_service.core.decision import FactKey, FirstAnswer
from chat_service.core.events import (
    AnswersPruned,
    Event,
    MessagePosted,
    RoomEvent,
    RoomPruned,
    TopicChanged,
)
from chat_service.core.limits import Limits
from chat_service.core.model import Member, Room, RoomKind, Session, State, Style, Table, User
from chat_service.core.names import name_key

# What a row of room_events is. The values are stored.
KIND_TEXT = 0
KIND_ACTION = 1
KIND_TOPIC = 2


class _Stored(NamedTuple):
    """One table of the state: how a changed key and value become rows."""

    upsert: str
    delete: str
    # Any: keys and values are those of the table that it is listed under.
    row: Callable[[Any, Any], tuple[object, ...]]


_STORED: dict[str, _Stored] = {
    "counters": _Stored(
        "INSERT OR REPLACE INTO counters VALUES (?, ?)",
        "DELETE FROM counters WHERE name = ?",
        lambda name, value: (name, value),
    ),
    "names": _Stored(
        "INSERT OR REPLACE INTO names VALUES (?, ?)",
        "DELETE FROM names WHERE name = ?",
        lambda name, value: (name, value),
    ),
    "settings": _Stored(
        "INSERT OR REPLACE INTO settings VALUES (?, ?)",
        "DELETE FROM settings WHERE name = ?",
        lambda name, limits: (name, json.dumps(asdict(limits))),
    ),
    "users": _Stored(
        "INSERT OR REPLACE INTO users VALUES (?, ?, ?)",
        "DELETE FROM users WHERE user_id = ?",
        lambda _, user: (user.user_id, user.name, user.created_ms),
    ),
    "sessions": _Stored(
        "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)",
        "DELETE FROM sessions WHERE session_id = ?",
        lambda _, s: (
            s.session_id,
            s.user_id,
            s.token_hash,
            s.instance,
            s.attachment,
            s.until_ms,
        ),
    ),
    "rooms": _Stored(
        "INSERT OR REPLACE INTO rooms VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        "DELETE FROM rooms WHERE room_id = ?",
        lambda _, room: (
            room.room_id,
            int(room.kind),
            room.name,
            room.topic,
            room.opener_id,
            room.created_ms,
            json.dumps(room.member_ids),
            json.dumps(room.member_names),
        ),
    ),
    "heads": _Stored(
        "INSERT OR REPLACE INTO heads VALUES (?, ?)",
        "DELETE FROM heads WHERE room_id = ?",
        lambda room_id, seq: (room_id, seq),
    ),
    "firsts": _Stored(
        "INSERT OR REPLACE INTO firsts VALUES (?, ?)",
        "DELETE FROM firsts WHERE room_id = ?",
        lambda room_id, seq: (room_id, seq),
    ),
    "leftovers": _Stored(
        "INSERT OR REPLACE INTO leftovers VALUES (?, ?)",
        "DELETE FROM leftovers WHERE room_id = ?",
        lambda room_id, seq: (room_id, seq),
    ),
    "members": _Stored(
        "INSERT OR REPLACE INTO members VALUES (?, ?, ?)",
        "DELETE FROM members WHERE room_id = ? AND user_id = ?",
        lambda _, member: (member.room_id, member.user_id, member.joined_ms),
    ),
}


def write(connection: sqlite3.Connection, state: State, events: Iterable[Event]) -> None:
    """Write what the events of an open transaction added and what they changed."""
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
    for name, table in state.tables().items():
        stored = _STORED.get(name)
        if stored is not None:
            _write_table(connection, stored, table)


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


def _write_table(
    connection: sqlite3.Connection, stored: _Stored, table: Table[object, object]
) -> None:
    kept = []
    dropped = []
    for key, value in table.changed():
        if value is None:
            dropped.append(key if isinstance(key, tuple) else (key,))
        else:
            kept.append(stored.row(key, value))
    if dropped:
        connection.executemany(stored.delete, dropped)
    if kept:
        connection.executemany(stored.upsert, kept)


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


def load(connection: sqlite3.Connection) -> State:
    """Make the state of the tables."""
    state = State()
    execute = connection.execute
    for name, value in execute("SELECT name, value FROM counters"):
        state.counters.put(name, value)
    for name, value in execute("SELECT name, value FROM names"):
        state.names.put(name, value)
    for name, value in execute("SELECT name, value FROM settings"):
        figures = json.loads(value)
        figures["reserved_names"] = tuple(figures["reserved_names"])
        state.settings.put(name, Limits(**figures))
    for row in execute("SELECT user_id, name, created_ms FROM users ORDER BY user_id"):
        user = User(*row)
        state.users.put(user.user_id, user)
        state.user_ids.put(name_key(user.name), user.user_id)
    _load_sessions(connection, state)
    _load_rooms(connection, state)
    state.merge()
    return state


def _load_sessions(connection: sqlite3.Connection, state: State) -> None:
    of_user: dict[int, list[int]] = {}
    for row in connection.execute(
        "SELECT session_id, user_id, token_hash, instance, attachment, until_ms"
        " FROM sessions ORDER BY session_id"
    ):
        session = Session(*row)
        state.sessions.put(session.session_id, session)
        state.session_ids.put(session.token_hash, session.session_id)
        of_user.setdefault(session.user_id, []).append(session.session_id)
    for user_id, session_ids in of_user.items():
        state.sessions_of.put(user_id, tuple(session_ids))


def _load_rooms(connection: sqlite3.Connection, state: State) -> None:
    for row in connection.execute(
        "SELECT room_id, kind, name, topic, opener_id, created_ms, member_ids, member_names"
        " FROM rooms ORDER BY room_id"
    ):
        *plain, member_ids, member_names = row
        room_id, kind, name, topic, opener_id, created_ms = plain
        room = Room(
            room_id=room_id,
            kind=RoomKind(kind),
            name=name,
            topic=topic,
            opener_id=opener_id,
            created_ms=created_ms,
            member_ids=tuple(json.loads(member_ids)),
            member_names=tuple(json.loads(member_names)),
        )
        state.rooms.put(room_id, room)
        if room.kind is RoomKind.PUBLIC:
            state.room_ids.put(name_key(name), room_id)
        else:
            state.direct_ids.put(room.member_ids, room_id)
    for room_id, seq in connection.execute("SELECT room_id, seq FROM heads"):
        state.heads.put(room_id, seq)
    for room_id, seq in connection.execute("SELECT room_id, seq FROM firsts"):
        state.firsts.put(room_id, seq)
    for room_id, seq in connection.execute("SELECT room_id, seq FROM leftovers"):
        state.leftovers.put(room_id, seq)
    of_user: dict[int, list[int]] = {}
    # By rowid, which is the order in which memberships began.
    for row in connection.execute("SELECT room_id, user_id, joined_ms FROM members ORDER BY rowid"):
        member = Member(*row)
        state.members.put((member.room_id, member.user_id), member)
        of_user.setdefault(member.user_id, []).append(member.room_id)
    for user_id, room_ids in of_user.items():
        state.rooms_of.put(user_id, tuple(room_ids))
