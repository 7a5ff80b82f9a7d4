"""Tables can take back what was not merged; State is nothing but tables."""

from typing import Any

import pytest

from chat_service.core.limits import Limits
from chat_service.core.model import (
    FOREVER_MS,
    RULES_VERSION,
    HistoryPolicy,
    Member,
    Role,
    Room,
    RoomKind,
    Scope,
    Session,
    State,
    Style,
    User,
)
from chat_service.core.table import Table
from tests.core.plain import is_record
from tests.core.scene import Scene


@pytest.mark.parametrize("record", [User, Session, Member, Room])
def test_record_is_plain_and_frozen(record: type) -> None:
    """What is known is kept in records of plain values that nobody can change in place."""
    assert is_record(record)


def test_stored_values_keep_their_meaning() -> None:
    """Numbers that stand in data files are never given another meaning."""
    assert {kind.name: int(kind) for kind in RoomKind} == {
        "PUBLIC": 1,
        "DIRECT": 2,
        "PRIVATE": 3,
    }
    assert {role.name: int(role) for role in Role} == {"MEMBER": 1, "MODERATOR": 2, "OWNER": 3}
    assert {policy.name: int(policy) for policy in HistoryPolicy} == {"ALL": 1, "FROM_JOIN": 2}
    names = ["READ", "POST", "ROOMS", "MODERATE", "ADMIN", "ACCOUNT"]
    assert {int(scope): scope.name for scope in Scope} == dict(enumerate(names, start=1))
    assert FOREVER_MS == 9007199254740991
    assert {style.name: int(style) for style in Style} == {"TEXT": 0, "ACTION": 1}
    assert RULES_VERSION == 1


@pytest.mark.parametrize(
    ("attachment", "now_ms", "valid"),
    [(0, 99, True), (0, 100, False), (0, 101, False), (7, 100, True), (7, 10**9, True)],
)
def test_session_is_void_at_its_deadline(attachment: int, now_ms: int, *, valid: bool) -> None:
    """A session without a stream is over at exactly `until_ms`; with one it never is."""
    session = Session(1, 1, b"", "here", attachment, until_ms=100)
    assert session.is_valid(now_ms) is valid


def test_new_state_is_empty() -> None:
    """Before anything has happened there is no epoch, counters are 0, limits the defaults."""
    state = State()
    assert (state.epoch, state.counter("position"), state.limits) == ("", 0, Limits())
    assert all(table == {} for table in state.snapshot().values())


def test_discard_takes_back_every_table() -> None:
    """A batch that failed leaves no trace in any table."""
    scene = Scene()
    scene.guest("alice", room="lobby")
    before = scene.state.snapshot()
    state = scene.state
    values: dict[str, Any] = {"members": Member(9, 9, 9)}
    for name, table in state.tables().items():
        table.put("key", values.get(name, "value"))
        for key in list(table.snapshot())[:1]:
            table.drop(key)
    assert state.snapshot() != before
    state.discard()
    assert state.snapshot() == before


def test_merge_reaches_every_table() -> None:
    """What was merged stays when the next batch is taken back."""
    state = State()
    for table in state.tables().values():
        table.put("key", "value")
    state.merge()
    state.discard()
    assert all(table == {"key": "value"} for table in state.snapshot().values())


def test_every_part_of_the_state_is_a_table() -> None:
    """Nothing is kept beside the tables, where merge and discard would not reach it."""
    assert all(isinstance(part, Table) for part in vars(State()).values())
    assert set(State().tables()) == set(vars(State()))
