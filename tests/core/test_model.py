"""Tables can take back what was not merged; State is nothing but tables."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat_service.core.limits import Limits
from chat_service.core.model import (
    RULES_VERSION,
    Member,
    Room,
    RoomKind,
    Session,
    State,
    Style,
    Table,
    User,
)
from tests.core.plain import is_record
from tests.core.scene import Scene

KEYS = st.integers(0, 5)


class TableAgainstDictionary(RuleBasedStateMachine):
    """A table against two plain dictionaries: what is there, and what is merged."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Table[int, int] = Table()
        self.now: dict[int, int] = {}
        self.merged: dict[int, int] = {}
        self.touched: list[int] = []

    @rule(key=KEYS, value=st.integers())
    def put(self, key: int, value: int) -> None:
        self.table.put(key, value)
        if key not in self.now and key in self.touched:
            self.touched.remove(key)
        if key not in self.touched:
            self.touched.append(key)
        self.now[key] = value

    @rule(key=KEYS)
    def drop(self, key: int) -> None:
        self.table.drop(key)
        if key not in self.touched:
            self.touched.append(key)
        self.now.pop(key, None)

    @rule()
    def merge(self) -> None:
        self.table.merge()
        self.merged = dict(self.now)
        self.touched.clear()

    @rule()
    def discard(self) -> None:
        self.table.discard()
        self.now = dict(self.merged)
        self.touched.clear()

    @invariant()
    def shows_what_is_there(self) -> None:
        for key in range(6):
            assert self.table.get(key) == self.now.get(key)
            assert (key in self.table) == (key in self.now)
        assert self.table.snapshot() == self.now
        assert sorted(self.table.values()) == sorted(self.now.values())

    @invariant()
    def tells_what_changed_in_order_of_arrival(self) -> None:
        assert list(self.table.changed()) == [(key, self.now.get(key)) for key in self.touched]


TestTableAgainstDictionary = TableAgainstDictionary.TestCase
TestTableAgainstDictionary.settings = settings(deadline=None)


@pytest.mark.parametrize("record", [User, Session, Member, Room])
def test_record_is_plain_and_frozen(record: type) -> None:
    """What is known is kept in records of plain values that nobody can change in place."""
    assert is_record(record)


def test_stored_values_keep_their_meaning() -> None:
    """Numbers that stand in data files are never given another meaning."""
    assert {kind.name: int(kind) for kind in RoomKind} == {"PUBLIC": 1, "DIRECT": 2}
    assert {style.name: int(style) for style in Style} == {"TEXT": 0, "ACTION": 1}
    assert RULES_VERSION == 1


def test_missing_key_raises() -> None:
    """Indexing names the key that is not there, or not any more."""
    table: Table[str, int] = Table()
    with pytest.raises(KeyError, match="bob"):
        table["bob"]
    table.put("bob", 1)
    table.merge()
    table.drop("bob")
    with pytest.raises(KeyError, match="bob"):
        table["bob"]


def test_values_that_count_as_false_are_there() -> None:
    """A head of 0 and an empty text are values, not holes."""
    heads: Table[int, int] = Table()
    heads.put(1, 0)
    assert 1 in heads
    assert heads[1] == 0
    heads.merge()
    assert 1 in heads
    assert list(heads.values()) == [0]


def test_values_come_merged_first() -> None:
    """Values are told in the order in which they came, those merged before the others."""
    table: Table[str, str] = Table()
    for name in ("carol", "alice"):
        table.put(name, name)
    table.merge()
    table.put("bob", "bob")
    assert list(table.values()) == ["carol", "alice", "bob"]


def test_snapshot_is_a_copy() -> None:
    """What is done to a snapshot does not reach the table, and the other way round."""
    table: Table[str, int] = Table()
    table.put("a", 1)
    copy = table.snapshot()
    copy["a"] = 2
    table.put("b", 3)
    assert table["a"] == 1
    assert copy == {"a": 2}


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
