"""What a command means: something at once, a question to the server, or one to the person too."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chat_cli import (
    account_commands,
    entering_commands,
    moderation_commands,
    orders,
    room_commands,
    server_commands,
    token_commands,
)
from chat_cli.call import Call
from chat_cli.command_table import AHEAD, SHOWN_BY, UNCONNECTED, WEIGHTY
from chat_cli.commands import (
    HINT,
    MORE,
    Invocation,
    find,
    find_group,
    help_rows,
    split_names,
    split_names_and_text,
    usage_of,
)
from chat_cli.effects import Effect, GiveBack, Quit
from chat_cli.entries import Listing, Note, plain, warning
from chat_cli.errors import ChatError, UnknownOutcomeError
from chat_cli.lookups import list_history, list_rooms, list_users
from chat_cli.model import ByName, Direct
from chat_cli.ports import Questions
from chat_cli.state import ChatState

_HISTORY = 50
_NUMBERS = 20
_MOST_HISTORY = 10_000

Act = Callable[[Call], Awaitable[list[Effect]]]
"""What asks the server."""

Story = Callable[[Call, Questions], Awaitable[list[Effect]]]
"""What asks the person too."""

_MODULES = (
    account_commands,
    token_commands,
    room_commands,
    moderation_commands,
    server_commands,
)
CALLS = {
    name: call for module in (*_MODULES, entering_commands) for name, call in module.CALLS.items()
}
"""The commands that ask the server, by name."""

STORIES = {name: story for module in _MODULES for name, story in module.STORIES.items()}
"""The commands that ask the person too, by name."""


@dataclass(frozen=True, slots=True)
class AskServer:
    """The server has to be asked."""

    act: Act


@dataclass(frozen=True, slots=True)
class AskPerson:
    """The person has to be asked something too."""

    story: Story


Meaning = list[Effect] | AskServer | AskPerson


def dispatch(state: ChatState, typed: Invocation, tells_pastes: bool) -> Meaning:
    """Tell what a command means. What is pasted may be one only where that `tells_pastes`."""
    argument = typed.argument
    match typed.command.name:
        case "delete" if not argument and (taken_back := orders.take_back(state)):
            return taken_back
        case "topic" if not argument:
            return orders.show_topic(state)
        case name if not state.reachable and name not in UNCONNECTED | AHEAD:
            return put_off(typed)
        case "help":
            return _help(argument)
        case "join":
            return _join(state, typed)
        case "leave":
            target = ByName(argument.removeprefix("#")) if argument else None
            return orders.leave(state, target)
        case "topic":
            return orders.set_topic(state, "" if argument == "-" else argument)
        case "dm":
            names = split_names(argument)
            return orders.enter(state, Direct(names)) if names else [_usage(typed)]
        case "msg":
            names, text = split_names_and_text(argument)
            if not names or not text:
                return [_usage(typed), GiveBack(f"/msg {argument}")]
            return orders.say(state, text, target=Direct(names))
        case "me":
            return orders.say(state, argument, action=True)
        case "users":
            everybody = argument.lower() == "all"
            return AskServer(lambda call: list_users(state, call.connection, everybody))
        case "rooms":
            return AskServer(lambda call: list_rooms(state, call.connection))
        case "history" | "numbers":
            return _history(state, typed)
        case "ignore":
            return orders.ignore(state, argument.removeprefix("@"))
        case "unignore":
            return orders.unignore(state, argument.removeprefix("@"))
        case "ignored":
            return orders.list_ignored(state)
        case name if name in STORIES:
            return AskPerson(STORIES[name])
        case name if name in WEIGHTY and not tells_pastes:
            return AskPerson(_confirmed(CALLS[name]))
        case name if name in CALLS:
            return AskServer(CALLS[name])
        case _:
            return [Quit()]


def put_off(typed: Invocation) -> list[Effect]:
    """Say that a command was not done, and give it back: the next one may rely on it."""
    text = f"/{typed.command.name} was not done: you are not connected."
    return [warning(text), GiveBack(typed.line)]


def failed(typed: Invocation | None, error: ChatError) -> list[Effect]:
    """Say why something was not done, or that nobody knows whether it was; None: no command."""
    if typed is None or not isinstance(error, UnknownOutcomeError):
        return [warning(str(error))]
    name = typed.command.name
    return [
        warning(
            f"/{name} got no answer: it may be done, or not. "
            f"{SHOWN_BY.get(name, '/audit')} shows it when you are connected."
        )
    ]


def _join(state: ChatState, typed: Invocation) -> Meaning:
    where, _, rest = typed.argument.partition(" ")
    match rest.strip().removeprefix("--").lower():
        case "":
            return entering_commands.join(state, where)
        case "password":
            return AskPerson(entering_commands.join_by_password)
    return [_usage(typed), GiveBack(f"/join {typed.argument}")]


def _history(state: ChatState, typed: Invocation) -> Meaning:
    argument, name = typed.argument, typed.command.name
    if argument and not (argument.isdecimal() and 0 < int(argument) <= _MOST_HISTORY):
        return [warning(f"/{name} takes a number from 1 to {_MOST_HISTORY}")]
    room = state.room
    if room is None:
        return [warning("You are in no room.")]
    numbered = name == "numbers"
    count = int(argument or (_NUMBERS if numbered else _HISTORY))
    room_id = room.room_id
    return AskServer(lambda call: list_history(state, call.connection, room_id, count, numbered))


def _confirmed(act: Callable[[Call], Awaitable[list[Effect]]]) -> Story:
    """Do something only after a yes."""

    async def story(call: Call, questions: Questions) -> list[Effect]:
        line = f"/{call.command.name} {call.argument}"
        if not moderation_commands.is_yes(await questions.answer(f"Do this: {line} (y/n) ")):
            return [plain("Nothing is done.")]
        return await act(call)

    return story


def _help(argument: str) -> list[Effect]:
    if not argument:
        return [Listing("commands", help_rows()), Note(MORE), Note(HINT)]
    group = find_group(argument)
    if group:
        return [Listing(f"commands: {group.value}", help_rows(group))]
    command = find(argument)
    if command is None:
        return [warning(f"There is no /{argument.removeprefix('/')}.")]
    return [plain(f"{usage_of(command)}: {command.summary}")]


def _usage(typed: Invocation) -> Note:
    return warning(f"{usage_of(typed.command)}: {typed.command.summary}")
