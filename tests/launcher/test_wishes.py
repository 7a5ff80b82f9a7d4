"""What an operator waits for."""

import pytest

from chat_service.launcher.wishes import Wishes
from chat_service.link import Answer, InstanceState, Refusal

SERVING, STOPPED = InstanceState.SERVING, InstanceState.STOPPED


@pytest.fixture
def wishes() -> Wishes:
    """Give two wishes: that 1 serves, and that 1 and 2 are gone."""
    wishes = Wishes()
    wishes.add(7, SERVING, (1,))
    wishes.add(8, STOPPED, (1, 2))
    return wishes


def test_wish_is_answered_when_the_last_place_is_there(wishes: Wishes) -> None:
    """Each answer names all places, and comes once."""
    assert wishes.reached(1, STOPPED) == []
    assert wishes.reached(2, STOPPED) == [Answer(8, instances=(1, 2))]
    assert wishes.reached(2, STOPPED) == []
    assert wishes.reached(1, SERVING) == [Answer(7, instances=(1,))]


def test_failure_concerns_only_those_who_want_it_to_serve(wishes: Wishes) -> None:
    """Who waits for its end gets that."""
    assert wishes.failed(2, Refusal.INSTANCE_FAILED, "no") == []
    assert wishes.failed(1, Refusal.INSTANCE_FAILED, "no") == [
        Answer(7, Refusal.INSTANCE_FAILED, "no")
    ]
    assert wishes.failed(1, Refusal.INSTANCE_FAILED, "no") == []


def test_all_may_be_refused(wishes: Wishes) -> None:
    """Everybody gets the same answer, once."""
    assert wishes.refuse_all(Refusal.STOPPING, "the end") == [
        Answer(number, Refusal.STOPPING, "the end") for number in (7, 8)
    ]
    assert wishes.refuse_all(Refusal.STOPPING, "the end") == []


def test_nobody_is_answered_who_is_gone(wishes: Wishes) -> None:
    """Who asked does not hear of it."""
    wishes.forget()
    assert wishes.reached(1, SERVING) == []
