"""The loop that carries out the rules: it starts processes, hears them, and waits.

Between the launcher and each instance is one pair of sockets. The instance writes one line of
JSON on it: {"ready": "127.0.0.1:50051", "owner_code": true} where it took the code for its first
admin, which it does while it has none, or {"failed": "why, in one line"}; and {"owner_code": false}
when that code was used, or is good no more for another reason. The launcher writes
{"config": {…}} when the configuration has changed. The end of the file that the instance reads
means "drain and exit", and comes also when the launcher is killed; the end of the file that the
launcher reads means that the process is gone. No sibling inherits either socket.

The link to the admin process is such a pair too, with the lines of `chat_service.link`.
"""

import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from chat_service import link
from chat_service.codes import code_hash, new_code
from chat_service.config import ConfigError, InstanceConfig, LaunchConfig
from chat_service.launcher import actions as do
from chat_service.launcher.admin import END_SECONDS, AdminProcess, Screen
from chat_service.launcher.channel import Channel
from chat_service.launcher.journal import inherited, show
from chat_service.launcher.processes import (
    Process,
    SpawnAdmin,
    SpawnInstance,
    reap,
    spawn_admin,
    spawn_instance,
    spawned,
)
from chat_service.launcher.reload import Configuration
from chat_service.launcher.supervisor import STOPPING_LINE, Supervisor

log = logging.getLogger(__name__)


def announce(line: str) -> None:
    """Print a line on stdout at once."""
    try:
        print(line, flush=True)
    except OSError:
        # Whoever read the lines has gone, or the terminal has, which is no reason for the
        # servers to stop; from here on, and when the interpreter flushes at its end, they go
        # nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass(frozen=True, slots=True)
class _Child:
    process: Process
    channel: Channel
    # What was in force when it was started.
    started: LaunchConfig


def wall_clock_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Launcher:
    """One run of all instances, and of the admin process.

    `signal_bytes` gives the number of each signal as a byte. `screen` is where a console
    shows, if there is one. `terminal_gone` tells on SIGHUP whether that is why. `clock` gives
    seconds that never go back, `wall_ms` milliseconds since 1970, `announce` gets each line
    for stdout. `owner_code` is what makes whoever registers with it the admin of an instance
    that has none, for as long as this run lasts.
    """

    def __init__(
        self,
        configuration: Configuration,
        signal_bytes: socket.socket,
        *,
        screen: Screen | None = None,
        terminal_gone: Callable[[], bool] = lambda: False,
        spawn: SpawnInstance = spawn_instance,
        spawn_admin: SpawnAdmin = spawn_admin,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = wall_clock_ms,
        announce: Callable[[str], None] = announce,
        owner_code: str = "",
    ) -> None:
        self._configuration = configuration
        self._signals = signal_bytes
        self._console = screen is not None
        self._terminal_gone = terminal_gone
        self._spawn = spawn
        self._clock = clock
        self._wall_ms = wall_ms
        self._announce = announce
        self._owner_code = owner_code or new_code()
        # The instances of each line that tells it, as they are now.
        self._owner_code_told: list[tuple[str, ...]] = []
        self._selector = selectors.DefaultSelector()
        self._output = screen.journal.output(self._selector) if screen else inherited
        self._children: dict[int, _Child] = {}
        self._supervisor = Supervisor(configuration.now)
        self._admin = AdminProcess(
            configuration.now.admin_config(self._console),
            self._selector,
            spawn=spawn_admin,
            clock=clock,
            output=self._output,
            screen=screen,
            asked=self._asked,
            forgotten=self._supervisor.forget_asks,
        )

    def run(self) -> int:
        """Return the exit status once no process is left."""
        with self._selector:
            self._selector.register(self._signals, selectors.EVENT_READ, self._signalled)
            try:
                self._show_certificate()
                self._perform(self._supervisor.start())
                while not self._supervisor.done:
                    self._step(self._deadline())
                self._end_admin()
                self._hear_last_lines()
            finally:
                # If this loop itself breaks, the end of these files still ends the children.
                for child in self._children.values():
                    child.channel.close()
                self._admin.kill()
        return self._supervisor.status

    def _end_admin(self) -> None:
        self._admin.end()
        deadline = self._clock() + END_SECONDS
        while self._admin.alive and self._clock() < deadline:
            self._step(deadline)
        self._admin.kill()

    def _hear_last_lines(self) -> None:
        # What is left are pipes whose writers are gone.
        while len(self._selector.get_map()) > 1 and (ready := self._selector.select(0)):
            for key, events in ready:
                key.data(events)

    def _deadline(self) -> float | None:
        times = (self._supervisor.deadline, self._admin.begin_at)
        return min((time for time in times if time is not None), default=None)

    def _step(self, deadline: float | None) -> None:
        timeout = None if deadline is None else max(0.0, deadline - self._clock())
        for key, events in self._selector.select(timeout):
            key.data(events)
        now = self._clock()
        self._perform(self._supervisor.tick(now))
        self._admin.tick(now)
        self._admin.flush()

    def _signalled(self, _events: int) -> None:
        for number in self._signals.recv(64):
            if number != signal.SIGHUP:
                self._stop()
            elif not self._terminal_gone():
                self._reload()
            elif not self._supervisor.stopping:
                self._stop()

    def _stop(self) -> None:
        if self._supervisor.done:
            # Only the admin process is left, and who is in a hurry need not wait for it.
            self._admin.kill()
        self._perform(self._supervisor.stop(self._clock()))

    def _asked(self, ask: link.Ask) -> None:
        if ask.verb is link.Verb.RELOAD:
            self._admin.say(replace(self._reload(), number=ask.number))
        else:
            self._perform(self._supervisor.ask(ask, self._clock()))

    def _reload(self) -> link.Answer:
        if self._supervisor.stopping:
            return link.Answer(0, link.Refusal.STOPPING, STOPPING_LINE)
        try:
            started = dict.fromkeys(child.started for child in self._children.values())
            applied, after_restart = self._configuration.reload(started)
        except ConfigError as error:
            log.warning("the configuration stays as it was: %s", error)
            return link.Answer(0, link.Refusal.CONFIGURATION_INVALID, str(error))
        config = self._configuration.now
        logging.getLogger().setLevel(config.log_level.upper())
        self._perform(self._supervisor.configure(config))
        self._admin.configure(config.admin_config(self._console))
        told = [f"now: {', '.join(applied)}"] if applied else []
        told += [f"after a restart: {', '.join(after_restart)}"] if after_restart else []
        log.info("read the configuration again; %s", "; ".join(told) or "nothing changed")
        return link.Answer(0, applied=applied, after_restart=after_restart)

    def _hear(self, place: int, line: bytes) -> None:
        now = self._clock()
        try:
            match json.loads(line):
                case {"ready": str(address), **rest}:
                    taken = rest.get("owner_code") is True
                    self._perform(self._supervisor.ready(place, address, now, owner_code=taken))
                case {"owner_code": False}:
                    self._perform(self._supervisor.owner_code_void(place))
                case {"failed": str(why)}:
                    self._perform(self._supervisor.failed(place, why, now))
                case _:
                    raise ValueError("neither ready nor failed, nor of a code")
        except ValueError as error:
            log.warning("from instance %d: %s", place, error)

    def _reap(self, place: int) -> None:
        returncode = reap(self._children.pop(place).process)
        self._perform(self._supervisor.exited(place, returncode, self._clock()))

    def _perform(self, actions: Sequence[do.Action]) -> None:
        todo = deque(actions)
        while todo:
            match todo.popleft():
                case do.Start(place, config):
                    todo.extend(self._start(place, config))
                case do.Configure(place, config):
                    self._configure(place, config)
                case do.Release(place):
                    if place in self._children:
                        self._children[place].channel.end_now()
                case do.Send(place, number):
                    if place in self._children:
                        self._children[place].process.send_signal(number)
                case do.Announce(line):
                    self._announce(line)
                case do.TellOwnerCode(addresses):
                    self._tell_owner_code(addresses)
                case do.TellOwnerCodeVoid(address):
                    self._tell_owner_code_void(address)
                case do.Refuse(line):
                    show(f"chat-server: {line}")
                case do.Log(line, warning):
                    log.log(logging.WARNING if warning else logging.INFO, line)
                case do.Attend():
                    self._admin.begin()
                case do.Tell() as told:
                    self._tell(told)
                case do.Say(message):
                    self._admin.say(message)

    def _show_certificate(self) -> None:
        """Let a console show what was printed before it took the terminal."""
        if fingerprint := self._configuration.now.tls.fingerprint:
            self._admin.show(f"certificate SHA-256 {fingerprint}")

    def _tell_owner_code(self, addresses: tuple[str, ...]) -> None:
        line = self._owner_code_line(addresses)
        # A console that is there already has the terminal.
        if not (self._console and self._admin.alive):
            self._announce(line)
        self._admin.show(line)
        self._owner_code_told.append(addresses)

    def _tell_owner_code_void(self, address: str) -> None:
        """Let no console say any more that the code is good there."""
        for number, told in enumerate(self._owner_code_told):
            if address in told:
                left = tuple(each for each in told if each != address)
                self._admin.show(self._owner_code_line(left), instead=self._owner_code_line(told))
                self._owner_code_told[number] = left

    def _owner_code_line(self, addresses: tuple[str, ...]) -> str:
        if not addresses:
            return "the one-time code for the first admin was used, or is good no more"
        return (
            f"no admin yet on {', '.join(addresses)}: whoever registers there with the one-time "
            f"code {self._owner_code} is the admin (in chat-cli: /register --owner)"
        )

    def _start(self, place: int, config: InstanceConfig) -> list[do.Action]:
        spawn = partial(self._spawn, self._with_code(config))
        try:
            connection, process = spawned(place, self._output, spawn)
        except OSError as error:
            line = f"no process for {config.address}: {error}"
            return self._supervisor.not_started(place, line, self._clock())
        channel = Channel(
            connection,
            self._selector,
            heard=lambda line: self._hear(place, line),
            gone=lambda: self._reap(place),
        )
        self._children[place] = _Child(process, channel, self._configuration.now)
        return []

    def _with_code(self, config: InstanceConfig) -> InstanceConfig:
        return replace(config, owner_code_hash=code_hash(self._owner_code).hex())

    def _configure(self, place: int, config: InstanceConfig) -> None:
        if place in self._children:
            told = json.loads(self._with_code(config).to_json())
            line = json.dumps({"config": told}).encode() + b"\n"
            channel = self._children[place].channel
            channel.outbox.put_latest("config", line)
            channel.flush()

    def _tell(self, told: do.Tell) -> None:
        before = self._admin.known(told.place)
        same = before is not None and before.state is told.state
        child = self._children.get(told.place)
        self._admin.tell(
            link.InstanceNews(
                number=told.place,
                address=told.address,
                port=told.port,
                state=told.state,
                since_ms=before.since_ms if before is not None and same else self._wall_ms(),
                restarts=told.restarts,
                pid=child.process.pid if child else 0,
                data_dir=told.data_dir,
                problem=told.problem,
            )
        )
