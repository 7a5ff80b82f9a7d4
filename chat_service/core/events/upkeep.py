"""What the server itself did, and its timers."""

from dataclasses import dataclass

from chat_service.core.limits import Limits


@dataclass(frozen=True, slots=True)
class EpochBegan:
    """The data began, or goes on from an older state of it: `epoch` names its life."""

    time_ms: int
    epoch: str
    rules_version: int


@dataclass(frozen=True, slots=True)
class Configured:
    """The limits that decisions use are these from now on."""

    time_ms: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class InstanceStarted:
    """A server process began: what it left attached is detached, and all that it has lives on.

    The sessions of guests until `until_ms` at least, those of accounts until
    `account_until_ms`.
    """

    time_ms: int
    instance: str
    until_ms: int
    account_until_ms: int


@dataclass(frozen=True, slots=True)
class RoomForgotten:
    """A direct message or private room whose members are all gone is not reachable any more.

    `left_seq` is the newest of its events, which are still stored; 0 if none is.
    """

    time_ms: int
    room_id: int
    left_seq: int


@dataclass(frozen=True, slots=True)
class RoomPruned:
    """Events of a room before `first_seq` are no longer kept."""

    time_ms: int
    room_id: int
    first_seq: int


@dataclass(frozen=True, slots=True)
class AnswersPruned:
    """First answers from before `before_ms` whose messages are gone are forgotten.

    The `at_most` oldest of them, by time, user and client_msg_id.
    """

    time_ms: int
    before_ms: int
    at_most: int
