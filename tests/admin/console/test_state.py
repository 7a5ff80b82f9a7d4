"""`chat_service.admin.console.state`: what keys, commands and news have changed."""

from chat_service.admin.console.state import ConsoleState


def last_row(state: ConsoleState) -> str:
    """Give the last row of the answers."""
    return "".join(text for _, text in state.output.view(80, 1).rows[-1])


def test_the_end_of_following_is_said() -> None:
    """Otherwise a log that is silent and one that is not followed look the same."""
    state = ConsoleState(following=50_051)
    state.unfollow()
    assert state.following is None
    assert last_row(state) == "no longer following the log"


def test_a_question_that_is_dismissed_is_answered_with_no() -> None:
    """Nothing happens."""
    state = ConsoleState(question="Stop everything?")
    state.dismiss()
    assert state.question is None
    assert not state.stopping
    assert last_row(state) == "nothing is stopped"


def test_the_table_has_a_first_row() -> None:
    """It cannot be scrolled beyond that."""
    state = ConsoleState()
    state.scroll_table(-3)
    state.scroll_table(2)
    assert state.table_top == 2
