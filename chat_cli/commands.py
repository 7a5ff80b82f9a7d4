"""The table of slash commands. Parsing, `/help` and completion all come from it.

What is typed becomes one of: a text to say, an invocation of a command, a mistake to point
out, or a doubt. A text of several lines is never run as commands: it was pasted, and whoever
wrote it may have hidden `/leave` in it.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Argument(Enum):
    """What a command takes, which is also what Tab offers after it."""

    NOTHING = "nothing"
    COMMAND = "command"
    ROOM = "room"
    NAMES = "names"
    NAMES_AND_TEXT = "names and text"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table. `usage` is what stands after the name; `[…]` may be left out."""

    name: str
    usage: str
    summary: str
    argument: Argument
    aliases: tuple[str, ...] = ()

    @property
    def needs_argument(self) -> bool:
        """Tell whether the command means nothing alone."""
        return bool(self.usage) and not self.usage.startswith("[")


COMMANDS = (
    Command("help", "[COMMAND]", "show this list, or one line of it", Argument.COMMAND),
    Command("users", "[all]", "who is in this room, or on the whole server", Argument.OTHER),
    Command("rooms", "", "which rooms there are", Argument.NOTHING),
    Command("join", "ROOM", "go to a room; a new name opens one", Argument.ROOM),
    Command("leave", "[ROOM]", "leave this room or another", Argument.ROOM),
    Command("topic", "[TEXT]", "show or set the topic; - removes it", Argument.TEXT),
    Command(
        "msg", "NAME[,NAME…] TEXT", "write to people without going there", Argument.NAMES_AND_TEXT
    ),
    Command("dm", "NAME[,NAME…]", "go to the conversation with people", Argument.NAMES),
    Command("me", "TEXT", "say what you do: * alice waves", Argument.TEXT),
    Command("history", "[N]", "show the last N messages, 50 without N", Argument.OTHER),
    Command("quit", "", "sign out and end; Ctrl-D does the same", Argument.NOTHING, ("exit", "q")),
)
HINT = "A text that starts with / is sent with two: //text"

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


@dataclass(frozen=True, slots=True)
class Say:
    """Post this text to the current room."""

    text: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """Run this command. `argument` is stripped."""

    command: Command
    argument: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """Nothing happens, except that this is said."""

    hint: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A text that looks like a command and is not run: the person is asked before it is sent.

    It has several lines, or begins with a space.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


Typed = Say | Invocation | Mistake | Doubt | Nothing


def parse(line: str) -> Typed:
    """Tell what was meant by what was typed or pasted."""
    text = line.rstrip()
    if not text.strip():
        return Nothing()
    if not text.startswith("/"):
        # A space before the slash is a slip, and would tell everybody what was meant for one.
        slipped = text.lstrip()
        meant = slipped.startswith("/") and find(slipped[1:].partition(" ")[0]) is not None
        return Doubt(text) if meant else Say(text)
    if text.startswith("//"):
        return Say(text[1:])
    if "\n" in text:
        return Doubt(text)
    name, _, argument = text[1:].partition(" ")
    command = find(name)
    argument = argument.strip()
    if command is None:
        return Mistake(_nearest(name))
    if command.needs_argument and not argument:
        return Mistake(f"/{command.name} {command.usage}: {command.summary}")
    return Invocation(command, argument)


def typed_as(text: str, action: bool = False, names: Sequence[str] = ()) -> str:
    """Write a text the way it is typed: to people, as an action, or with its slash doubled."""
    if names:
        return f"/msg {','.join(names)} {text}"
    if action:
        return f"/me {text}"
    return f"/{text}" if text.startswith("/") else text


def find(name: str) -> Command | None:
    """Give the command of this name or alias, in any case, with or without its slash."""
    return _BY_NAME.get(name.removeprefix("/").lower())


def help_rows() -> list[tuple[str, str]]:
    """Give usage and summary of every command."""
    return [(usage_of(command), command.summary) for command in COMMANDS]


def usage_of(command: Command) -> str:
    """Write how a command is typed."""
    return f"/{command.name} {command.usage}".rstrip()


def split_names(argument: str) -> tuple[str, ...]:
    """Cut `bob,carol` into names; an `@` before one is allowed."""
    names = (name.strip().removeprefix("@") for name in argument.split(","))
    return tuple(name for name in names if name)


def split_names_and_text(argument: str) -> tuple[tuple[str, ...], str]:
    """Cut `bob,carol text` into names and text; spaces after the commas are allowed."""
    head, _, text = argument.partition(" ")
    while head.endswith(",") and text:
        more, _, text = text.strip().partition(" ")
        head += more
    return split_names(head), text.strip()


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), _BY_NAME, n=1)
    if near:
        return f"There is no /{name}. Did you mean /{near[0]}?"
    return f"There is no /{name}. /help lists the commands. {HINT}"
