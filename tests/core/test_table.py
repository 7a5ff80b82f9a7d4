"""A dictionary with a scratch layer: what is merged stays, what is discarded never was."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat_service.core.state import State
from chat_service.core.table import Table

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


def test_only_what_changed_is_looked_at() -> None:
    """By a put and by a drop alike, and no more once it is merged or taken back."""
    state = State()
    assert state.touched() == []
    state.heads.put(1, 1)
    state.members.drop((1, 1))
    assert [name for name, _ in state.touched()] == ["heads", "members"]
    state.merge()
    assert state.touched() == []
    state.heads.put(1, 2)
    state.discard()
    assert state.touched() == []
