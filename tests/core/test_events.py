"""Facts are frozen records of plain values with the time of their decision."""

from typing import get_args

import pytest

from chat_service.core import events as ev
from tests.core.plain import is_record


@pytest.mark.parametrize("event", get_args(ev.Event))
def test_fact_is_a_plain_record(event: type) -> None:
    """A fact holds plain values only, and whole milliseconds for its time."""
    assert is_record(event)
    assert event.__annotations__["time_ms"] is int


@pytest.mark.parametrize("event", get_args(ev.RoomEvent))
def test_room_event_names_place_and_author(event: type) -> None:
    """What every member may see has a room, a place in it, and an author with its name then."""
    assert {"room_id", "seq", "author_id", "author_name"} <= set(event.__annotations__)


@pytest.mark.parametrize("event", get_args(ev.ControlEvent))
def test_control_event_has_no_place(event: type) -> None:
    """What is not in a room's log takes no seq: a hole would look like loss."""
    assert "seq" not in event.__annotations__
