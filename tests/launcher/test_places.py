"""All places: their numbers, their ports, and what is new of them."""

import pytest

from chat_service.launcher.place import Cause
from chat_service.launcher.places import Places
from chat_service.link import InstanceState
from tests.launcher.fakes import launch


@pytest.fixture
def two() -> Places:
    """Give the places of two instances that were told already."""
    places = Places(launch(2).instance_configs())
    places.news()
    return places


def test_numbers_are_never_used_again(two: Places) -> None:
    """A place that goes takes its number with it."""
    third = two.add(launch(1).instance_config(50060, "50060"), Cause.WISH)
    two.remove(third)
    fourth = two.add(launch(1).instance_config(50060, "50060"), Cause.WISH)
    assert [place.number for place in two] == [1, 2, 4]
    assert two[4] is fourth
    assert len(two) == 3


def test_places_are_found_by_port(two: Places) -> None:
    """A port that the system has not chosen yet is none."""
    assert two.on_port(50052) is two[2]
    assert two.on_port(50053) is None
    two.add(launch(1).instance_config(0, "ephemeral-1"), Cause.WISH)
    assert two.on_port(0) is None
    assert two.next_port == 50053


def test_changes_are_told_once(two: Places) -> None:
    """What has not changed is not told again."""
    assert two.news() == []
    two[2].serve(5)
    (told,) = two.news()
    assert (told.place, told.state) == (2, InstanceState.SERVING)
    assert two.news() == []


def test_next_deadline_counts(two: Places) -> None:
    """The first of all places that wait for a time."""
    assert two.deadline is None
    two[1].drain(20)
    two[2].serve(0)
    two[2].fall("fell", 12)
    assert two.deadline == 12
