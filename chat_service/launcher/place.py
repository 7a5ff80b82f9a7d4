"""One instance, whichever process fills it now. Pure; times are seconds of a steady clock.

STARTING ──ready──▶ SERVING ──exited──▶ WAITING ──time──▶ STARTING …
    │                  │
    └──────stop────────┴──▶ STOPPING ──exited──▶ STOPPED ──asked──▶ STARTING …
"""

import enum
import signal
from dataclasses import dataclass

from chat_service.config import InstanceConfig
from chat_service.launcher.actions import Tell
from chat_service.link import InstanceState

STEADY_SECONDS = 10.0
"""Whoever has listened for so long gets a restart at once when it falls."""

MAX_DELAY_SECONDS = 30.0
"""The longest wait before a restart."""

KILL_SHARE = 0.95
"""How much of its time a stop may take before the rest is killed: leaves some to be gone."""


class Cause(enum.Enum):
    """Why a process is started, which decides what its failure means."""

    # With the launcher: if it fails, so does the whole launch.
    LAUNCH = enum.auto()
    # An operator asked for it: if it fails, the operator is told, and that was it.
    WISH = enum.auto()
    # The one before ended by itself: if it fails, it is tried again later.
    RECOVERY = enum.auto()


@dataclass(slots=True)
class Place:
    """Where an instance is in its life."""

    # 1, 2, 3 …, never used again.
    number: int
    config: InstanceConfig
    cause: Cause
    state: InstanceState = InstanceState.STARTING
    # Whether an instance has ever listened here.
    proven: bool = False
    # When the present process began to listen.
    serving_since: float = 0.0
    # The wait before the last restart; None before the first.
    delay: float | None = None
    restart_at: float = 0.0
    # How often a process that ended by itself was replaced.
    restarts: int = 0
    # When the present process is killed if it is still there; None: nobody waits for its end.
    kill_at: float | None = None
    # Whether the next process is wanted as soon as the present one is gone.
    again: bool = False
    # Whether it took the code for its first admin, and whether the operator was told so.
    owner_code_taken: bool = False
    owner_code_told: bool = False
    # Why the present process said it cannot start.
    failure: str | None = None
    # Why it does not serve; empty if it does, or was stopped as asked.
    problem: str = ""

    @property
    def alive(self) -> bool:
        """Whether it has a process."""
        return self.state not in (InstanceState.WAITING, InstanceState.STOPPED)

    @property
    def name(self) -> str:
        """What lines call it."""
        return f"instance {self.config.address if self.config.port else self.config.data_dir}"

    @property
    def deadline(self) -> float | None:
        """When something has to be done for it; None: it waits for no time."""
        return self.restart_at if self.state is InstanceState.WAITING else self.kill_at

    def begin(self, cause: Cause) -> None:
        """Have a new process from now on."""
        self.state, self.cause, self.again = InstanceState.STARTING, cause, False
        if cause is Cause.RECOVERY:
            self.restarts += 1
        else:
            self.delay, self.problem = None, ""

    def serve(self, now: float) -> None:
        """Listen."""
        self.state, self.cause, self.proven = InstanceState.SERVING, Cause.RECOVERY, True
        self.serving_since, self.problem = now, ""

    def drain(self, now: float) -> None:
        """Be asked to end; a second time puts nothing off."""
        self.state = InstanceState.STOPPING
        if self.kill_at is None:
            self.kill_at = now + KILL_SHARE * self.config.limits.drain_s

    def stop(self, problem: str = "") -> None:
        """Have no process and wait for nothing."""
        self.state, self.problem = InstanceState.STOPPED, problem

    def fall(self, what: str, now: float) -> str:
        """Wait for the restart; return the line that tells of it."""
        serving = self.state is InstanceState.SERVING
        self.delay = restart_delay(self.delay, now - self.serving_since if serving else 0.0)
        self.restart_at = now + self.delay
        self.state = InstanceState.WAITING
        when = f"in {self.delay:g} s" if self.delay else "at once"
        self.problem = f"{what}; next start {when}"
        return f"{self.name} {self.problem}"

    def told(self) -> Tell:
        """Return how it is, for those who look at it."""
        return Tell(
            self.number,
            self.config.address,
            self.config.port,
            self.state,
            self.restarts,
            str(self.config.data_dir),
            self.problem,
        )


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
