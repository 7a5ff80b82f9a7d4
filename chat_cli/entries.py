"""What may stand in the scroll-back: frozen facts for the reader, not yet styled.

`place` names the room for entries of rooms that are not the current one, and is empty for
the current one. Times are milliseconds since 1970-01-01 UTC; a note without one gets the
time at which it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message. `own` ones carry the mark of the acknowledged; `mention` names the reader.

    `where` is the id of its room and its seq, which `numbered` ones show.
    """

    place: str
    time_ms: int
    author: str
    text: str
    action: bool = False
    own: bool = False
    mention: bool = False
    bot: bool = False
    where: tuple[str, int] = ("", 0)
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Struck:
    """Stands where a message was deleted."""

    place: str
    time_ms: int
    author: str
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did to a room or to somebody in it, as the end of a sentence.

    With `until_ms` it holds until then. `reason` may be empty.
    """

    place: str
    time_ms: int
    actor: str
    what: str
    until_ms: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TopicLine:
    """Somebody changed the topic; empty when it was removed."""

    place: str
    time_ms: int
    author: str
    topic: str


Happening = Spoken | Struck | TopicLine | Deed


@dataclass(frozen=True, slots=True)
class Movement:
    """Who came to a room and who left it."""

    place: str
    came: tuple[str, ...]
    went: tuple[str, ...]


class Tone(Enum):
    """How much a note wants to be seen."""

    QUIET = "quiet"
    PLAIN = "plain"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """A word from the client to the reader.

    With `until_ms` it is said until when, and with `reason` why.
    """

    text: str
    tone: Tone = Tone.QUIET
    until_ms: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What whoever runs the server says to everybody; may have several lines."""

    text: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """A message that was refused or given up, and why."""

    place: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A tidy list: rows of cells under a title."""

    title: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Names:
    """A title and names that flow into columns."""

    title: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class History:
    """A piece of history that was asked for, oldest first."""

    title: str
    lines: Sequence[Happening]


Entry = Happening | Movement | Note | Announcement | NotSent | Listing | Names | History


def warning(text: str) -> Note:
    """Make a note that must not be missed."""
    return Note(text, Tone.WARNING)


def plain(text: str) -> Note:
    """Make a note that was asked for."""
    return Note(text, Tone.PLAIN)
