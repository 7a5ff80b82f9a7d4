"""What the rules answer with: orders to the launcher's loop, one dataclass each. Pure."""

import signal
from dataclasses import dataclass
from typing import TypeAlias

from chat_service import link
from chat_service.config import InstanceConfig


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process for the place."""

    place: int
    config: InstanceConfig


@dataclass(frozen=True, slots=True)
class Configure:
    """Tell the process of the place what its configuration is now."""

    place: int
    config: InstanceConfig


@dataclass(frozen=True, slots=True)
class Release:
    """Let the process of the place drain and exit: end the file it reads from the launcher."""

    place: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a signal to the process of the place."""

    place: int
    number: signal.Signals


@dataclass(frozen=True, slots=True)
class Announce:
    """Print a line on stdout."""

    line: str


@dataclass(frozen=True, slots=True)
class TellOwnerCode:
    """Tell the operator the code by which the first admin registers with these instances."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TellOwnerCodeVoid:
    """Tell the operator that the code is good no more with this instance, of which it was told."""

    address: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Print a line on stderr: why nothing was started."""

    line: str


@dataclass(frozen=True, slots=True)
class Log:
    """Write a line to the log."""

    line: str
    # Whether it is a warning and not mere news.
    warning: bool = True


@dataclass(frozen=True, slots=True)
class Attend:
    """Begin the admin process: everything that was to be started listens."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Let the admin process know how a place is now."""

    place: int
    address: str
    port: int
    state: link.InstanceState
    restarts: int
    data_dir: str
    problem: str


@dataclass(frozen=True, slots=True)
class Say:
    """Say this to the admin process."""

    message: link.Answer | link.InstanceGone | link.Stopping


Action: TypeAlias = (
    Start
    | Configure
    | Release
    | Send
    | Announce
    | TellOwnerCode
    | TellOwnerCodeVoid
    | Refuse
    | Log
    | Attend
    | Tell
    | Say
)
