"""Patience goes by the clock, but for the times in which nothing ran."""

from chat_service.hub.patience import MAX_STEP_S, Patience
from tests.hub.timers import FakeTimers


def test_time_goes_on_while_it_is_asked_for() -> None:
    """Steps that a busy server takes count in full."""
    timers = FakeTimers()
    patience = Patience(timers.time)
    began = patience.time()
    for _ in range(10):
        timers.advance(MAX_STEP_S)
        patience.time()
    assert patience.time() - began == 10 * MAX_STEP_S


def test_time_in_which_nothing_ran_does_not_count() -> None:
    """A longer step is left out, whenever it comes, and nothing else."""
    timers = FakeTimers()
    patience = Patience(timers.time)
    began = patience.time()
    timers.advance(1.0)
    assert patience.time() - began == 1.0
    for _ in range(2):
        timers.advance(3600.0)
        patience.time()
    timers.advance(1.0)
    assert patience.time() - began == 2.0
