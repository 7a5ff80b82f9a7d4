"""A database of the newest shape, and a beginning with something in every table."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from chat_service.core import events as ev
from chat_service.core.evolve import evolve
from chat_service.core.limits import Limits
from chat_service.core.model import RoomKind, State, Style
from chat_service.log import rows, tables
from chat_service.log.schema import migrate

T = 5_000

BEGINNING: tuple[ev.Event, ...] = (
    ev.ServerCreated(T, "e1", 1),
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
