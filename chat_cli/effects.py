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


Effect = Entry | GiveBack | ReadAgain
