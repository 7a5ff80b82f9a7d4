"""What Tab offers. Pure: a line up to the cursor goes in, candidates come out."""

from collections.abc import Iterable
from dataclasses import dataclass

from chat_cli.command_table import COMMANDS, Argument, Group
from chat_cli.commands import find
from chat_cli.model import key


@dataclass(frozen=True, slots=True)
class Choices:
    """The candidates for the last `length` characters before the cursor.

    `suffix` is added when there is only one of them.
    """

    length: int
    words: tuple[str, ...]
    suffix: str = " "


def choices(before: str, names: Iterable[str], rooms: Iterable[str]) -> Choices:
    """Find what the word before the cursor may become.

    `names` and `rooms` are in the order of their nearness: it is kept.
    """
    if before.startswith("/") and not before.startswith("//"):
        head, space, rest = before.partition(" ")
        if not space:
            return _matching(head, [f"/{command.name}" for command in COMMANDS])
        return _argument(head, rest, names, rooms)
    word = before.rsplit(" ", 1)[-1]
    if word.startswith("@"):
        return _matching(word, [f"@{name}" for name in names])
    if word.startswith("#"):
        return _matching(word, [f"#{room}" for room in rooms])
    if not word:
        return Choices(0, ())
    return _matching(word, names, ": " if word == before else " ")


def common_prefix(words: Iterable[str]) -> str:
    """Give the longest beginning that all words share, in any case, in the first one's."""
    first, *others = words
    for place, char in enumerate(first):
        if any(key(other[place : place + 1]) != key(char) for other in others):
            return first[:place]
    return first


def _argument(head: str, rest: str, names: Iterable[str], rooms: Iterable[str]) -> Choices:
    command = find(head)
    kind = command.argument if command else Argument.NOTHING
    word = rest.rsplit(" ", 1)[-1]
    first = " " not in rest
    match kind:
        case Argument.COMMAND if first:
            groups = [group.value for group in Group]
            return _matching(word, [*(command.name for command in COMMANDS), *groups])
        case Argument.ROOM if first:
            mark = "#" if word.startswith("#") else ""
            return _matching(word, [mark + room for room in rooms])
        case Argument.NAMES | Argument.NAMES_AND_TEXT if first:
            taken, _, last = word.rpartition(",")
            used = {key(name) for name in taken.split(",")}
            mark = "@" if last.startswith("@") else ""
            return _matching(last, [mark + name for name in names if key(name) not in used])
        case Argument.TEXT | Argument.NAMES_AND_TEXT if word:
            return _matching(word, names)
    return Choices(0, ())


def _matching(word: str, candidates: Iterable[str], suffix: str = " ") -> Choices:
    found = tuple(name for name in candidates if key(name).startswith(key(word)))
    return Choices(len(word), found, suffix)
