"""The rules by which instances are started, restarted and stopped.

Pure: it is told what happened and when, and answers with what is to be done. Processes,
sockets, signals and clocks are the launcher's. Times are seconds of any steady clock.

A place is one of the N instances, whichever process fills it now:

    STARTING ──ready──▶ SERVING ──exited──▶ WAITING ──tick──▶ STARTING …
        └──────exited (not at the first start)──┘

Once it stops, for whatever reason, each place goes to ENDED and stays there.
"""

import enum
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from chat_service.config import InstanceConfig

STEADY_SECONDS = 10.0
"""Whoever has listened for so long gets a restart at once when it falls."""

MAX_DELAY_SECONDS = 30.0
"""The longest wait before a restart."""

KILL_SECONDS = 9.5
"""How long a stop may take before the rest is killed: leaves time to be gone within 10 s."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process for the place."""

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
class Refuse:
    """Print a line on stderr: why nothing was started."""

    line: str


@dataclass(frozen=True, slots=True)
class Log:
    """Write a line to the log."""

    line: str
    # Whether it is a warning and not mere news.
    warning: bool = True


Action: TypeAlias = Start | Release | Send | Announce | Refuse | Log


class Phase(enum.Enum):
    """Where a place is in its life."""

    STARTING = enum.auto()
    SERVING = enum.auto()
    WAITING = enum.auto()
    ENDED = enum.auto()


@dataclass(slots=True)
class _Place:
    config: InstanceConfig
    phase: Phase = Phase.STARTING
    # Whether it has ever listened: until then a failure is the failure of the whole launch.
    proven: bool = False
    # When the present process began to listen.
    serving_since: float = 0.0
    # The wait before the last restart; None before the first.
    delay: float | None = None
    restart_at: float = 0.0
    # Why the present process said it cannot start.
    failure: str | None = None

    @property
    def alive(self) -> bool:
        return self.phase in (Phase.STARTING, Phase.SERVING)


class Supervisor:
    """Decides about all places. Each method returns what is to be done now, in order."""

    def __init__(self, configs: Sequence[InstanceConfig]) -> None:
        self._places = [_Place(config) for config in configs]
        self._stopping = False
        self._kill_at: float | None = None
        # The launcher's exit status.
        self.status = 0

    @property
    def done(self) -> bool:
        """Whether it has stopped and no process is left."""
        return all(place.phase is Phase.ENDED for place in self._places)

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do; None: nothing waits for a time."""
        times = [place.restart_at for place in self._places if place.phase is Phase.WAITING]
        if self._kill_at is not None:
            times.append(self._kill_at)
        return min(times, default=None)

    def start(self) -> list[Action]:
        """Begin: every place gets its first process."""
        return [Start(number, place.config) for number, place in enumerate(self._places)]

    def ready(self, number: int, address: str, now: float) -> list[Action]:
        """Learn that the process of a place listens on `address`."""
        place = self._places[number]
        if self._stopping:
            return []
        port = int(address.rpartition(":")[2])
        place.config = replace(place.config, port=port)
        place.phase = Phase.SERVING
        place.serving_since = now
        if place.proven:
            return [Log(f"{_name(place)} listens again", warning=False)]
        place.proven = True
        return [Announce(f"listening on {address} (data in {place.config.data_dir})")]

    def failed(self, number: int, line: str, now: float) -> list[Action]:
        """Learn why the process of a place cannot start; it will exit by itself."""
        place = self._places[number]
        place.failure = line
        if self._stopping or place.proven:
            return []
        return self._give_up(line, now)

    def not_started(self, number: int, line: str, now: float) -> list[Action]:
        """Learn that the system gave no process for a place, and why."""
        self._places[number].failure = line
        return self.exited(number, 1, now)

    def exited(self, number: int, returncode: int, now: float) -> list[Action]:
        """Learn that the process of a place is gone; `returncode` as of `subprocess`."""
        place = self._places[number]
        serving, place.phase = place.phase is Phase.SERVING, Phase.ENDED
        failure, place.failure = place.failure, None
        how = describe_exit(returncode)
        if self._stopping:
            return [] if returncode == 0 or failure else [Log(f"{_name(place)} {how}")]
        if not place.proven:
            return self._give_up(failure or f"{_name(place)} {how} before it listened", now)
        place.phase = Phase.WAITING
        place.delay = restart_delay(place.delay, now - place.serving_since if serving else 0.0)
        place.restart_at = now + place.delay
        what = f"cannot start again: {failure}" if failure else how
        when = f"in {place.delay:g} s" if place.delay else "at once"
        return [Log(f"{_name(place)} {what}; next start {when}"), *self.tick(now)]

    def stop(self, now: float) -> list[Action]:
        """Learn that a signal asks to stop; a further one asks to be quick about it."""
        if not self._stopping:
            news = Log("stopping; a second signal makes it quick", warning=False)
            return [news, *self._end_all(now)]
        return self._send_all(signal.SIGTERM)

    def tick(self, now: float) -> list[Action]:
        """Do what its time has come for."""
        actions: list[Action] = []
        for number, place in enumerate(self._places):
            if place.phase is Phase.WAITING and place.restart_at <= now:
                place.phase = Phase.STARTING
                actions.append(Start(number, place.config))
        if self._kill_at is not None and self._kill_at <= now:
            self._kill_at = None
            actions += self._send_all(signal.SIGKILL)
        return actions

    def _give_up(self, line: str, now: float) -> list[Action]:
        self.status = 1
        return [Refuse(line), *self._end_all(now)]

    def _end_all(self, now: float) -> list[Action]:
        self._stopping = True
        self._kill_at = now + KILL_SECONDS
        for place in self._places:
            if place.phase is Phase.WAITING:
                place.phase = Phase.ENDED
        return [Release(number) for number, place in enumerate(self._places) if place.alive]

    def _send_all(self, number: signal.Signals) -> list[Action]:
        return [Send(index, number) for index, place in enumerate(self._places) if place.alive]


def restart_delay(last: float | None, served: float) -> float:
    """Return how long to wait before a restart.

    `last` is the wait before the restart that came before, None if there was none;
    `served` is for how long the process listened, 0 if it never did. The first restart,
    and each after a steady run, is at once; then 1, 2, 4 … seconds.
    """
    if last is None or served >= STEADY_SECONDS:
        return 0.0
    return min(max(1.0, last * 2), MAX_DELAY_SECONDS)


def describe_exit(returncode: int) -> str:
    """Say how a process ended, given the return code of `subprocess`."""
    if returncode >= 0:
        return f"ended with exit status {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def _name(place: _Place) -> str:
    where = place.config.address if place.config.port else str(place.config.data_dir)
    return f"instance {where}"
