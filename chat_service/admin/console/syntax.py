"""What may be typed: commands and their arguments, read by the rows of a table. Pure.

`parse` makes an Order of a line or tells the Mistake; `hint` says what comes next; `place`
says what the word at the cursor is, from which completion follows.
"""

import difflib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from chat_service.admin.console.lines import Line

_MAX_PORT = 65_535
# Below it are ports that only root may use: such a number in a text is just a number.
_FIRST_PORT = 1_024


class Kind(Enum):
    """What an argument is. The value is how it is written in a usage."""

    PORT = "PORT"
    NAME = "NAME"
    COMMAND = "COMMAND"
    # These two take the rest of the line.
    TEXT = "TEXT"
    REASON = "REASON"


_RESTS = (Kind.TEXT, Kind.REASON)
# What ends other programs.
_ENDS = ("quit", "exit")


@dataclass(frozen=True, slots=True)
class Argument:
    """What follows a command. What is optional may be left out."""

    kind: Kind
    optional: bool = False
    # Of a port: whether there may be no instance that has it yet, and whether it may be "all".
    new: bool = False
    or_all: bool = False

    @property
    def usage(self) -> str:
        """How it is written in a usage."""
        written = self.kind.value + ("|all" if self.or_all else "")
        return f"[{written}]" if self.optional else written


@dataclass(frozen=True, slots=True)
class Order:
    """What was meant. Port 0 is all, or (of `start`) the next one."""

    port: int = 0
    name: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table. `does` carries an order out and returns the lines of the answer."""

    name: str
    arguments: tuple[Argument, ...]
    summary: str
    # Any: what carries it out knows the console, which knows this table.
    does: Callable[[Any, Order], Awaitable[Sequence[Line]]] = field(repr=False)
    # What is worth knowing beside the summary.
    detail: str = ""

    @property
    def usage(self) -> str:
        """How it is typed."""
        return " ".join([self.name, *(argument.usage for argument in self.arguments)])


Commands = Mapping[str, Command]
"""The commands by their names, in the order of the help."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Nothing is done; this one line says what would be right."""

    line: str


@dataclass(frozen=True, slots=True)
class Place:
    """The word at the cursor, and what may stand there; None: nothing that could be offered."""

    word: str
    argument: Argument | None
    # Of the instance that the line names so far; 0: none.
    port: int = 0


def parse(
    commands: Commands, line: str, ports: Sequence[int]
) -> tuple[Command, Order] | Mistake | None:
    """Read a line. `ports` are those of all instances. None: there is nothing on it."""
    verb, rest = _split(line)
    if not verb:
        return None
    command = commands.get(verb.lower())
    if command is None:
        return Mistake(unknown(commands, verb))
    given: dict[str, Any] = {}
    for argument in command.arguments:
        word, after = _split(rest)
        if argument.kind is Kind.PORT:
            port = _port(command, argument, word, ports)
            if isinstance(port, Mistake):
                return port
            given["port"] = port if port is not None else _left_out(argument, ports)
            rest = rest if port is None else after
        elif not word and not argument.optional:
            return Mistake(f"{argument.kind.value} is missing: {command.usage}")
        elif argument.kind in _RESTS:
            given["text"], rest = rest, ""
        else:
            given["name"], rest = word, after
    if rest:
        return Mistake(f"“{rest}” is too much: {command.usage}")
    return command, Order(**given)


def place(commands: Commands, before: str, ports: Sequence[int]) -> Place:
    """Tell what the word is that ends at the cursor; `before` is the line up to there."""
    *words, word = before.lstrip().split(" ")
    words = [w for w in words if w]
    if not words:
        return Place(word, Argument(Kind.COMMAND))
    command = commands.get(words[0].lower())
    arguments = list(command.arguments) if command else []
    port = ports[0] if len(ports) == 1 else 0
    for done in words[1:]:
        if arguments and arguments[0].kind is Kind.PORT:
            argument = arguments.pop(0)
            if done.isdecimal():
                port = _read(done)
                continue
            if argument.or_all:
                continue
        if arguments and arguments[0].kind not in _RESTS:
            arguments.pop(0)
    if not arguments:
        return Place(word, None, port)
    # Where the only instance need not be named, its users are what is looked for.
    skips = len(ports) == 1 and arguments[0].kind is Kind.PORT and len(arguments) > 1
    if skips and arguments[1].kind is Kind.NAME:
        arguments.pop(0)
    return Place(word, arguments[0], port)


def hint(commands: Commands, line: str) -> tuple[str, str]:
    """Return how the command on the line is typed, and what it does; empty if there is none."""
    verb, rest = _split(line)
    command = commands.get(verb.lower())
    if command:
        return command.usage, command.summary
    begun = [name for name in commands if name.startswith(verb.lower())] if verb else []
    if begun and not rest:
        return "", "  ".join(begun)
    return "", unknown(commands, verb) if verb else ""


def unknown(commands: Commands, verb: str) -> str:
    """Tell that there is no such command, and which one is near."""
    if verb.lower() in _ENDS:
        return f"There is no “{verb}”. “shutdown” stops everything."
    near = difflib.get_close_matches(verb.lower(), commands, n=1)
    if near:
        return f"There is no “{verb}”. Did you mean “{near[0]}”?"
    return f"There is no “{verb}”. “help” lists the commands."


def ports_in_words(ports: Sequence[int]) -> str:
    """Write the ports that there are: 50051, 50052 to 50055."""
    ordered = sorted(ports)
    parts: list[str] = []
    start = 0
    for end in range(len(ordered)):
        if end + 1 < len(ordered) and ordered[end + 1] == ordered[end] + 1:
            continue
        first, last = ordered[start], ordered[end]
        between = " to " if last > first + 1 else ", "
        parts.append(str(first) if first == last else f"{first}{between}{last}")
        start = end + 1
    return ", ".join(parts[:4] + (["…"] if len(parts) > 4 else [])) or "none"


def _split(text: str) -> tuple[str, str]:
    word, _, rest = text.strip().partition(" ")
    return word, rest.strip()


def _port(
    command: Command, argument: Argument, word: str, ports: Sequence[int]
) -> int | Mistake | None:
    """Read a port; None: it was left out, which is allowed."""
    alone = len(command.arguments) == 1
    if argument.or_all and word.lower() == "all":
        return 0
    if word.isdecimal() and word.isascii():
        return _number(command, argument, _read(word), ports)
    if word and alone:
        allowed = f"a number from 1 to {_MAX_PORT}" if argument.new else ports_in_words(ports)
        return Mistake(f"“{word}” is not a port: {command.usage}, where PORT is {allowed}")
    if argument.optional or len(ports) == 1:
        return None
    if not ports:
        return Mistake("There is no instance that has a port.")
    return Mistake(f"Which one? {command.usage}, where PORT is {ports_in_words(ports)}")


def _read(digits: str) -> int:
    # Python reads no number of thousands of digits; so many are no port anyway.
    return int(digits[:20])


def _number(
    command: Command, argument: Argument, number: int, ports: Sequence[int]
) -> int | Mistake | None:
    if argument.new:
        if 1 <= number <= _MAX_PORT:
            return number
        return Mistake(f"{number} is not a port: those are the numbers from 1 to {_MAX_PORT}")
    if number in ports or (number == 0 and argument.optional):
        return number
    text = command.arguments[-1].kind is Kind.TEXT
    if text and not _FIRST_PORT <= number <= _MAX_PORT:
        return None
    line = f"No instance has port {number}; there are {ports_in_words(ports)}."
    if text:
        line += f" To say it everywhere: {command.name} 0 {number} …"
    return Mistake(line)


def _left_out(argument: Argument, ports: Sequence[int]) -> int:
    return 0 if argument.optional else ports[0]
