"""What the launcher and the admin process say to each other: lines of JSON. Pure.

The launcher holds the instances, and never imports grpc; the admin process has the console,
the AdminService and the figures. Between them is one pair of sockets.

    launcher -> admin    InstanceNews    an instance is new, or something about it changed
                         InstanceGone    an instance is no more: it could not be added
                         LogLine         a line of the log (only while there is a console)
                         Shown           a line for the operator (the same)
                         Answer          what became of an Ask
                         Configured      what the admin process is told, after a reload
                         Stopping        everything stops
    admin -> launcher    Ask             start, stop, restart, reload, shutdown

The end of the file means to the admin process that the launcher is gone: it ends. To the
launcher it means that the admin process is gone: it starts another one.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class LinkError(Exception):
    """A line that this side does not understand."""


class InstanceState(StrEnum):
    """Where an instance is in its life; as in the contract of AdminService."""

    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class InstanceNews:
    """All that the launcher knows of one instance; takes the place of what was said before."""

    # 1, 2, 3 …; stays the same over restarts, is never used again.
    number: int
    # As `127.0.0.1:50051`; with port 0 while the system has not chosen one.
    address: str
    port: int
    state: InstanceState
    # Since when it is in this state, in ms since 1970.
    since_ms: int
    # How often its process ended by itself and was started again.
    restarts: int
    # 0: it has none.
    pid: int
    data_dir: str
    # Why it does not serve, in one line; empty if it does, or was stopped as asked.
    problem: str = ""


@dataclass(frozen=True, slots=True)
class InstanceGone:
    """An instance is no more: it was new, and could not start. Comes before the Answer."""

    # As in its news.
    number: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that an instance (0: the launcher or the admin process) wrote to its log."""

    number: int
    line: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A line that the console shows to whoever sits there, and that no file may have."""

    line: str
    # The line shown before whose place it takes; empty: none.
    instead: str = ""


class Verb(StrEnum):
    """What the admin process may ask for."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    RELOAD = "reload"
    SHUTDOWN = "shutdown"


class Refusal(StrEnum):
    """Why an Ask is refused. The value is the reason that travels in ErrorInfo."""

    NONE = ""
    PORT_INVALID = "PORT_INVALID"
    INSTANCE_EXISTS = "INSTANCE_EXISTS"
    INSTANCE_NOT_FOUND = "INSTANCE_NOT_FOUND"
    INSTANCE_NOT_RUNNING = "INSTANCE_NOT_RUNNING"
    INSTANCE_FAILED = "INSTANCE_FAILED"
    TOO_MANY_INSTANCES = "TOO_MANY_INSTANCES"
    CONFIGURATION_INVALID = "CONFIGURATION_INVALID"
    STOPPING = "STOPPING"


@dataclass(frozen=True, slots=True)
class Ask:
    """A wish of the operator, answered by one Answer of the same number."""

    number: int
    verb: Verb
    # Of START: 0 is the one after the highest. Of STOP: 0 is every instance that runs.
    # Of RESTART: which. Of the others: 0.
    port: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an Ask; comes when it is done, not when it has begun."""

    # Of the Ask.
    number: int
    refusal: Refusal = Refusal.NONE
    # Of a refusal: one line for the person.
    line: str = ""
    # The instances that it was about, by number.
    instances: tuple[int, ...] = ()
    # Of RELOAD: keys whose new values hold now, and those that need a restart of the whole.
    applied: tuple[str, ...] = ()
    after_restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Configured:
    """What the admin process is told from now on: `AdminConfig.to_json()`."""

    config: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """The launcher stops everything; the admin process ends with the end of the file."""


Message = InstanceNews | InstanceGone | LogLine | Shown | Ask | Answer | Configured | Stopping

_KINDS: dict[str, type[Message]] = {
    kind.__name__: kind
    for kind in (InstanceNews, InstanceGone, LogLine, Shown, Ask, Answer, Configured, Stopping)
}
_ENUMS: dict[str, type[StrEnum]] = {"state": InstanceState, "verb": Verb, "refusal": Refusal}


def replace_line(lines: list[str], line: str, instead: str) -> None:
    """Put a line in the place of another one; at the end where that is not there."""
    if instead in lines:
        lines[lines.index(instead)] = line
    else:
        lines.append(line)


def encode(message: Message) -> bytes:
    """Return the line, with its end."""
    return json.dumps({"is": type(message).__name__} | asdict(message)).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read what `encode` wrote. Raises LinkError where the line is anything else."""
    try:
        # Any: what was JSON may be anything.
        fields: dict[str, Any] = json.loads(line)
        kind = _KINDS[fields.pop("is")]
        for name, value in fields.items():
            if name in _ENUMS:
                fields[name] = _ENUMS[name](value)
            elif isinstance(value, list):
                fields[name] = tuple(value)
        return kind(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LinkError(f"not a line of the link: {error}") from None
