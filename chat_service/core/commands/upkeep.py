"""Orders of the server itself, and of its timers."""

from dataclasses import dataclass

from chat_service.core.limits import Limits


@dataclass(frozen=True, slots=True)
class StartInstance:
    """A server process begins; the first one gives the data its epoch.

    So does one that finds the data `restored`: what was numbered after the state that was kept is
    forgotten, and its numbers will be given again.
    """

    instance: str
    epoch: str
    limits: Limits
    default_room: str
    # SHA-256 of a code that was made for this start; taken while there is no admin.
    owner_code_hash: bytes = b""
    restored: bool = False


@dataclass(frozen=True, slots=True)
class Configure:
    """The limits that decisions use are to be these."""

    limits: Limits


@dataclass(frozen=True, slots=True)
class Prune:
    """A timer saw that a room holds more than it keeps: events up to `up_to_seq` may go.

    Also of a forgotten room, of which nothing is kept. Without effect on what is gone
    already. All of them go in one commit: who gives the order bounds how many.
    """

    room_id: int
    up_to_seq: int


@dataclass(frozen=True, slots=True)
class PruneAnswers:
    """A timer saw first answers that nobody can need any more: the oldest may go.

    At most `at_most` of those whose messages are gone and whose time is over.
    """

    at_most: int
