"""A database of the newest shape, and a beginning with something in every table."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from chat_service.core import events as ev
from chat_service.core.evolve import evolve
from chat_service.core.limits import Limits
from chat_service.core.model import HistoryPolicy, Role, RoomKind, Style
from chat_service.core.state import State
from chat_service.log import rows, tables
from chat_service.log.schema import migrate

T = 5_000

# Accounts, a private room, and order.
MORE: tuple[ev.Event, ...] = (
    ev.AccountCreated(T, 1, "$argon2id$…", admin=True),
    ev.UserCreated(T, 4, "robo", bot=True),
    ev.AccountCreated(T, 4, "", owner_id=1),
    ev.OwnerCodeSet(T, b"c" * 32),
    ev.UserBlocked(T, 1, 2),
    ev.SessionOpened(T, 3, 1, b"three", "here", T + 9, T + 99, "cli", "::1", (1, 2), True, 1),
    ev.InviteCreated(T, 1, b"i", 0, 3, T + 9, 1, "Alice"),
    ev.RoomOpened(
        T, 4, RoomKind.PRIVATE, "den", 1, (), "t", "d", HistoryPolicy.FROM_JOIN, "$argon2id$r"
    ),
    ev.MemberJoined(T, 4, 1, Role.OWNER),
    ev.RoomChanged(T, 4, 1, 1, "Alice", slow_mode_ms=5000, history=HistoryPolicy.ALL),
    ev.MessagePosted(T, 4, 2, 1, "Alice", Style.TEXT, "psst", "m9", b"p"),
    ev.InviteCreated(T, 2, b"j", 4, 1, T + 9, 1, "Alice"),
    ev.UserInvited(T, 4, 2, 1, "Alice"),
    ev.MemberMuted(T, 1, 2, T + 9, "loud", 1, "Alice"),
    ev.UserBanned(T, "mallory", T + 9, "spam", 1, "Alice"),
    ev.NetworkBanned(T, "192.0.2.0/24", T + 9, "spam", 0, ""),
    ev.LockdownSet(T, True, False),
    ev.Audited(T, 1, 1, "Alice", "mute", 1, "Lobby", 2, "bob", "", T + 9, "loud"),
)

BEGINNING: tuple[ev.Event, ...] = (
    ev.EpochBegan(T, "e1", 1),
    ev.Configured(T, Limits(recipients=3, reserved_names=("zeus", "héra"))),
    ev.UserCreated(T, 1, "Alice"),
    ev.UserCreated(T, 2, "bob"),
    ev.UserCreated(T, 3, "carol"),
    ev.SessionOpened(T, 1, 1, b"\x00\xff" * 16, "here", T + 9),
    ev.SessionAttached(T, 1, 7),
    ev.SessionOpened(T, 2, 2, b"two", "here", T + 9),
    ev.RoomOpened(T, 1, RoomKind.PUBLIC, "Lobby", 0, ()),
    ev.RoomOpened(T, 2, RoomKind.DIRECT, "", 1, (1, 2)),
    ev.MemberJoined(T, 1, 2),
    ev.TopicChanged(T, 1, 1, 2, "bob", "cats 🐈"),
    ev.MessagePosted(T, 2, 1, 1, "Alice", Style.ACTION, "waves\x1b", "m1", b"h" * 16),
    ev.RoomOpened(T, 3, RoomKind.DIRECT, "", 3, (3,)),
    ev.MessagePosted(T, 3, 1, 3, "carol", Style.TEXT, "1", "m1", b"c"),
    ev.MessagePosted(T, 3, 2, 3, "carol", Style.TEXT, "2", "m2", b"c"),
    ev.RoomPruned(T, 3, 2),
    ev.UserEnded(T, 3),
    ev.RoomForgotten(T, 3, 2),
    *MORE,
)


@contextmanager
def empty() -> Iterator[sqlite3.Connection]:
    """Open an empty database of the newest shape."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, "memory")
        yield connection


def write(connection: sqlite3.Connection, state: State, *events: ev.Event) -> None:
    """Evolve, write and merge events as one commit."""
    for event in events:
        evolve(state, event)
    rows.write(connection, events)
    tables.write(connection, state)
    state.merge()
