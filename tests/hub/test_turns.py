"""The line of writers."""

from chat_service.hub.turns import TURNS_A_STEP, Turns
from tests.hub.timers import FakeTimers


class Pen:
    """A writer that counts its turns."""

    def __init__(self, order: list["Pen"]) -> None:
        self.order = order

    def turn(self) -> None:
        self.order.append(self)


def one_step(timers: FakeTimers) -> None:
    """Run what one step of the loop runs, not what that adds."""
    due, timers._soon = list(timers._soon), type(timers._soon)()
    for callback in due:
        callback()


def test_few_writers_do_not_wait() -> None:
    """As many writers as a step has turns write at once."""
    turns = Turns(FakeTimers())
    assert all(turns.ask(Pen([])) for _ in range(TURNS_A_STEP))


def test_many_writers_wait_in_line() -> None:
    """Those beyond are served in the order in which they asked, a few a step."""
    timers = FakeTimers()
    turns = Turns(timers)
    served: list[Pen] = []
    pens = [Pen(served) for _ in range(3 * TURNS_A_STEP + 1)]
    at_once = [pen for pen in pens if turns.ask(pen)]
    assert at_once == pens[:TURNS_A_STEP]
    steps = []
    while len(served) < len(pens) - TURNS_A_STEP:
        before = len(served)
        one_step(timers)
        steps.append(len(served) - before)
    assert served == pens[TURNS_A_STEP:]
    assert steps == [TURNS_A_STEP, TURNS_A_STEP, 1]


def test_each_step_has_its_own_turns() -> None:
    """A writer that asks in a later step writes at once, and an idle line costs no steps."""
    timers = FakeTimers()
    turns = Turns(timers)
    for _ in range(TURNS_A_STEP):
        turns.ask(Pen([]))
    assert not turns.ask(Pen([]))
    timers.step()
    assert not timers._soon
    assert turns.ask(Pen([]))


def test_a_turn_given_to_the_line_counts() -> None:
    """Who asks while the line is served does not come before those who wait."""
    timers = FakeTimers()
    turns = Turns(timers)
    served: list[Pen] = []
    for _ in range(3 * TURNS_A_STEP):
        turns.ask(Pen(served))
    one_step(timers)
    assert not turns.ask(Pen(served))
