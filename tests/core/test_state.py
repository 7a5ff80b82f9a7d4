"""State is nothing but tables, which can take back what was not merged."""

from typing import Any

from chat_service.core.limits import Limits
from chat_service.core.model import Member
from chat_service.core.state import RULES_VERSION, State
from chat_service.core.table import Table
from tests.core.scene import Scene


def test_rules_are_numbered_from_one() -> None:
    """The version in data files is not raised by accident."""
    assert RULES_VERSION == 1


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
