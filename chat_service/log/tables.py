"""The tables of the state: written as they change, and loaded when a server starts.

They are written from their scratch layer, row by row as it changed; tables that only
index others are not stored but made again. Hence the property that holds this
together: the state loaded equals the fold of the events.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

from chat_service.core.limits import Limits
from chat_service.core.model import Member, Room, RoomKind, Session, State, Table, User
from chat_service.core.names import name_key


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


def write(connection: sqlite3.Connection, state: State) -> None:
    """Write what an open transaction changed: the scratch layer of the state."""
    for name, table in state.tables().items():
        stored = _STORED.get(name)
        if stored is not None:
            _write_table(connection, stored, table)


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
