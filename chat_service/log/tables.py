"""The tables of the state: written as they change, and loaded when a server starts.

They are written from their scratch layer, row by row as it changed; tables that only
index others are not stored but made again. Hence the property that holds this
together: the state loaded equals the fold of the events.

A record is stored field by field, under the names of its fields; a tuple as JSON.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from enum import IntEnum
from typing import Any, get_origin, get_type_hints

from chat_service.core.evolve.links import link
from chat_service.core.limits import Limits
from chat_service.core.model import (
    Account,
    Invitation,
    Invite,
    Member,
    NetworkBan,
    Restriction,
    Room,
    RoomKind,
    Session,
    User,
    UserBan,
)
from chat_service.core.names import name_key
from chat_service.core.state import State
from chat_service.core.table import Table


class _Stored:
    """One table of the state: how a changed key and value become rows."""

    def __init__(self, name: str, keys: tuple[str, ...], columns: tuple[str, ...]) -> None:
        self.select = f"SELECT {', '.join(columns)} FROM {name} ORDER BY {', '.join(keys)}"
        self.delete = f"DELETE FROM {name} WHERE {' AND '.join(f'{key} = ?' for key in keys)}"
        self.upsert = (
            f"INSERT OR REPLACE INTO {name} ({', '.join(columns)})"
            f" VALUES ({', '.join('?' * len(columns))})"
        )

    # Any: a key and a value are those of the table, whatever it holds.
    def row(self, key: Any, value: Any, /) -> tuple[object, ...]:
        """Return the row of a key and its value."""
        return (*_parts(key), value)


class _Records(_Stored):
    """A table of records, which hold their keys themselves."""

    # Any: records are of any kind.
    def __init__(self, name: str, record: type[Any], *keys: str) -> None:
        self._names = tuple(field.name for field in fields(record))
        super().__init__(name, keys, self._names)
        self._record = record
        hints = get_type_hints(record)
        self._read = tuple(_reader(hints[name]) for name in self._names)

    def row(self, _: Any, value: Any, /) -> tuple[object, ...]:
        """Return the row of a record."""
        return tuple(_column(getattr(value, name)) for name in self._names)

    def load(self, connection: sqlite3.Connection) -> Iterable[Any]:
        """Yield the records, by their keys."""
        for row in connection.execute(self.select):
            yield self._record(*(read(part) for read, part in zip(self._read, row, strict=True)))


# Any: what a field holds is told by its declared type.
def _reader(declared: Any) -> Callable[[Any], Any]:
    if get_origin(declared) is tuple:
        return lambda text: tuple(json.loads(text))
    if declared is bool or (isinstance(declared, type) and issubclass(declared, IntEnum)):
        return declared
    return _as_it_is


def _as_it_is(value: object) -> object:
    return value


def _column(value: object) -> object:
    return json.dumps(value) if isinstance(value, tuple) else value


def _parts(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


class _Settings(_Stored):
    """The limits that decisions use, as JSON."""

    def row(self, key: Any, value: Any, /) -> tuple[object, ...]:
        """Return the row of the limits."""
        return (key, json.dumps(asdict(value)))


_USERS = _Records("users", User, "user_id")
_ACCOUNTS = _Records("accounts", Account, "user_id")
_SESSIONS = _Records("sessions", Session, "session_id")
_ROOMS = _Records("rooms", Room, "room_id")
_MEMBERS = _Records("members", Member, "room_id", "user_id")
_RESTRICTIONS = _Records("restrictions", Restriction, "room_id", "user_id")
_INVITATIONS = _Records("invitations", Invitation, "room_id", "user_id")
_INVITES = _Records("invites", Invite, "invite_id")
_USER_BANS = _Records("user_bans", UserBan, "name")
_NETWORK_BANS = _Records("network_bans", NetworkBan, "network")

_STORED: dict[str, _Stored] = {
    "counters": _Stored("counters", ("name",), ("name", "value")),
    "names": _Stored("names", ("name",), ("name", "value")),
    "settings": _Settings("settings", ("name",), ("name", "value")),
    "users": _USERS,
    "accounts": _ACCOUNTS,
    "blocks": _Stored("blocks", ("user_id", "blocked_id"), ("user_id", "blocked_id", "time_ms")),
    "user_bans": _USER_BANS,
    "network_bans": _NETWORK_BANS,
    "invites": _INVITES,
    "sessions": _SESSIONS,
    "rooms": _ROOMS,
    "heads": _Stored("heads", ("room_id",), ("room_id", "seq")),
    "firsts": _Stored("firsts", ("room_id",), ("room_id", "seq")),
    "leftovers": _Stored("leftovers", ("room_id",), ("room_id", "seq")),
    "members": _MEMBERS,
    "restrictions": _RESTRICTIONS,
    "invitations": _INVITATIONS,
    "spoke": _Stored("spoke", ("room_id", "user_id"), ("room_id", "user_id", "time_ms")),
}


def write(connection: sqlite3.Connection, state: State) -> None:
    """Write what an open transaction changed: the scratch layer of the state."""
    for name, table in state.touched():
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
            dropped.append(_parts(key))
        else:
            kept.append(stored.row(key, value))
    if dropped:
        connection.executemany(stored.delete, dropped)
    if kept:
        connection.executemany(stored.upsert, kept)


def load(connection: sqlite3.Connection) -> State:
    """Make the state of the tables."""
    state = State()
    _load_pairs(connection, "counters", state.counters)
    _load_pairs(connection, "names", state.names)
    for name, value in connection.execute(_STORED["settings"].select):
        figures = json.loads(value)
        figures["reserved_names"] = tuple(figures["reserved_names"])
        state.settings.put(name, Limits(**figures))
    _load_users(connection, state)
    _load_rooms(connection, state)
    _load_order(connection, state)
    state.merge()
    return state


# Any: a table of a key of one or two parts, and a plain value.
def _load_pairs(connection: sqlite3.Connection, name: str, table: Table[Any, Any]) -> None:
    for *key, value in connection.execute(_STORED[name].select):
        table.put(tuple(key) if len(key) > 1 else key[0], value)


def _load_users(connection: sqlite3.Connection, state: State) -> None:
    for user in _USERS.load(connection):
        state.users.put(user.user_id, user)
        state.user_ids.put(name_key(user.name), user.user_id)
    for account in _ACCOUNTS.load(connection):
        state.accounts.put(account.user_id, account)
        if account.owner_id:
            link(state.bots_of, account.owner_id, account.user_id)
    for session in _SESSIONS.load(connection):
        state.sessions.put(session.session_id, session)
        state.session_ids.put(session.token_hash, session.session_id)
        link(state.sessions_of, session.user_id, session.session_id)
    _load_pairs(connection, "blocks", state.blocks)
    for (user_id, blocked_id), _ in state.blocks.items():
        link(state.blocked_by, user_id, blocked_id)


def _load_rooms(connection: sqlite3.Connection, state: State) -> None:
    for room in _ROOMS.load(connection):
        state.rooms.put(room.room_id, room)
        if room.kind is RoomKind.PUBLIC:
            state.room_ids.put(name_key(room.name), room.room_id)
        elif room.kind is RoomKind.DIRECT:
            state.direct_ids.put(room.member_ids, room.room_id)
    _load_pairs(connection, "heads", state.heads)
    _load_pairs(connection, "firsts", state.firsts)
    _load_pairs(connection, "leftovers", state.leftovers)
    _load_pairs(connection, "spoke", state.spoke)
    for member in _MEMBERS.load(connection):
        state.members.put((member.room_id, member.user_id), member)
        link(state.rooms_of, member.user_id, member.room_id)
        if state.rooms[member.room_id].kind is RoomKind.PRIVATE:
            link(state.private_members, member.room_id, member.user_id)


def _load_order(connection: sqlite3.Connection, state: State) -> None:
    """Load who may not do what, and who may enter."""
    for ban in _USER_BANS.load(connection):
        state.user_bans.put(name_key(ban.name), ban)
    for ban in _NETWORK_BANS.load(connection):
        state.network_bans.put(ban.network, ban)
    for invite in _INVITES.load(connection):
        state.invites.put(invite.invite_id, invite)
        state.invite_ids.put(invite.code_hash, invite.invite_id)
        link(state.invites_of, invite.room_id, invite.invite_id)
    for restriction in _RESTRICTIONS.load(connection):
        state.restrictions.put((restriction.room_id, restriction.user_id), restriction)
        link(state.restricted_in, restriction.room_id, restriction.user_id)
        link(state.restricted_of, restriction.user_id, restriction.room_id)
    for invitation in _INVITATIONS.load(connection):
        state.invitations.put((invitation.room_id, invitation.user_id), invitation)
        link(state.invitations_of, invitation.user_id, invitation.room_id)
        link(state.invited_to, invitation.room_id, invitation.user_id)
