"""`chat_cli.dispatch`: each command of the table means something."""

import pytest

from chat_cli.command_table import AHEAD, COMMANDS, SHOWN_BY, UNCONNECTED, WEIGHTY, Command
from chat_cli.commands import Invocation
from chat_cli.dispatch import CALLS, STORIES, AskPerson, AskServer, dispatch, failed, put_off
from chat_cli.effects import GiveBack, Quit
from chat_cli.entries import warning
from chat_cli.errors import ChatError, UnknownOutcomeError
from tests.cli.person import connected


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_means_something(command: Command) -> None:
    """Only /quit means to leave, which is also what an unknown command would come to."""
    meaning = dispatch(connected().state, Invocation(command, "1"), True)
    assert (meaning == [Quit()]) is (command.name == "quit")


@pytest.mark.parametrize("name", sorted(WEIGHTY))
def test_what_weighs_is_confirmed_where_a_paste_cannot_be_told(name: str) -> None:
    """Elsewhere it is done at once, unless it asks something anyway."""
    (command,) = [one for one in COMMANDS if one.name == name]
    typed = Invocation(command, "bob")
    assert isinstance(dispatch(connected().state, typed, False), AskPerson)
    known = AskPerson if name in STORIES else AskServer
    assert isinstance(dispatch(connected().state, typed, True), known)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_nothing_asks_a_server_that_is_not_there(command: Command) -> None:
    """What would comes back, but for what signs out and for what may be typed ahead."""
    state = connected().state
    state.reachable = False
    typed = Invocation(command, "1")
    meaning = dispatch(state, typed, True)
    if command.name in UNCONNECTED | AHEAD:
        assert meaning != put_off(typed)
    else:
        assert meaning == put_off(typed)
        assert GiveBack(f"/{command.name} 1") in put_off(typed)
    assert isinstance(meaning, list) is (command.name != "logout")


def test_what_may_have_been_done_is_said_to_be_so() -> None:
    """With what shows it; for each command that changes something and is no order of the stream."""
    looks = {"accept", "audit", "bans", "blocked", "bots", "invites", "logout", "members", "room"}
    looks |= {"server-bans", "sessions", "tokens", "whoami"}
    assert (CALLS.keys() | STORIES.keys()) - looks == set(SHOWN_BY)
    (kick,) = [one for one in COMMANDS if one.name == "kick"]
    typed = Invocation(kick, "bob")
    words = "/kick got no answer: it may be done, or not. /members shows it when you are connected."
    assert failed(typed, UnknownOutcomeError("no answer")) == [warning(words)]
    assert failed(typed, ChatError("no answer")) == [warning("no answer")]
    assert failed(None, UnknownOutcomeError("no answer")) == [warning("no answer")]
