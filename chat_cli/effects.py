"""What follows from a change of the state: something to show, or something to do."""

from dataclasses import dataclass

from chat_cli.entries import Entry


@dataclass(frozen=True, slots=True)
class GiveBack:
    """A text returns to the input line, to be edited or sent again."""

    text: str


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """The stream is opened again, from the last event that was handled."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A message that may be shown already is deleted."""

    room_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Hide:
    """What somebody said before is not to be seen any more, and nothing of it from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class KeepIgnored:
    """Who is ignored has changed, and is kept for the next start."""


@dataclass(frozen=True, slots=True)
class LookBack:
    """What happened in a public room after `after_seq` may tell who removed the own user."""

    room_id: str
    label: str
    after_seq: int


@dataclass(frozen=True, slots=True)
class Quit:
    """The client ends."""


Effect = Entry | GiveBack | ReadAgain | Strike | Hide | KeepIgnored | LookBack | Quit
