"""Orders are frozen records of plain values, so that a log of orders needs no guessing."""

from dataclasses import FrozenInstanceError, dataclass
from typing import get_args

import pytest

from chat_service.core import commands as cmd
from tests.core.plain import is_record


@pytest.mark.parametrize("command", get_args(cmd.Command))
def test_order_is_a_plain_record(command: type) -> None:
    """An order holds numbers, texts, bytes and records of these, and cannot be changed."""
    assert is_record(command)


def test_order_cannot_be_changed() -> None:
    """What was ordered stays what was ordered."""
    with pytest.raises(FrozenInstanceError):
        cmd.EndSession(1).session_id = 2  # type: ignore[misc] # that is what is tried


@pytest.mark.parametrize("bad", [float, list[int], set[int], dict[str, int], object])
def test_other_values_are_told(bad: type) -> None:
    """A record with a field that is not plain does not pass."""

    @dataclass(frozen=True, slots=True)
    class Order:
        session_id: int
        what: bad  # type: ignore[valid-type] # a type of the parametrisation

    Order.__annotations__["what"] = bad
    assert not is_record(Order)
