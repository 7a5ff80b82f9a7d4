"""Starts the instances, watches them, and leaves none behind.

Each instance is a fresh process in a session of its own, so that the terminal's Ctrl+C
reaches the launcher alone. Between the two is one pair of sockets. The instance writes
one line of JSON on it: {"ready": "127.0.0.1:50051"} or {"failed": "why, in one line"}.
The launcher writes nothing: the end of the file that the instance reads means "drain and
exit", and comes also when the launcher is killed; the end of the file that the launcher
reads means that the process is gone. No sibling inherits either socket.

Never imports grpc: a process that has started gRPC's threads should not start others.
What is to be done is decided in `supervisor`; here it is carried out, in one loop.
Signals only wake that loop.
"""

import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from chat_service import supervisor as rules
from chat_service.config import InstanceConfig, LaunchConfig
from chat_service.logs import configure_logging

log = logging.getLogger(__name__)

REAP_SECONDS = 2.0
"""How long a process may take to vanish after its socket closed before it is killed."""

MAX_REPORT_BYTES = 16 * 1024
"""Longer than any report, so that a process gone wild fills no memory here."""


class Process(Protocol):
    """What the launcher needs of `subprocess.Popen`."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal; nothing happens if the process is gone."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the return code. Raises subprocess.TimeoutExpired."""


Spawn = Callable[[InstanceConfig, socket.socket], Process]


def spawn_instance(config: InstanceConfig, control: socket.socket) -> subprocess.Popen[bytes]:
    """Start the process of an instance, which inherits `control` and no other descriptor.

    Raises OSError where the system has no process to give.
    """
    command = [sys.executable, "-P", "-m", "chat_service.instance"]
    return subprocess.Popen(
        [*command, str(control.fileno()), config.to_json()],
        pass_fds=[control.fileno()],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        # stdout is for the launcher's own lines, which programs read.
        stdout=sys.stderr.fileno(),
    )


def run(config: LaunchConfig) -> int:
    """Run the instances until SIGINT or SIGTERM; return the exit status."""
    configure_logging(config.log_level, "launcher", config.log_format)
    with _signals() as signals:
        return Launcher(config.instance_configs(), signals).run()


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Give a socket on which each SIGINT and SIGTERM is one byte."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        previous_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        numbers = (signal.SIGINT, signal.SIGTERM)
        # A handler has to be there for the byte to be written; the loop does the work.
        previous = [signal.signal(number, lambda *_: None) for number in numbers]
        try:
            yield reader
        finally:
            for number, handler in zip(numbers, previous, strict=True):
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous_fd)


def announce(line: str) -> None:
    """Print a line on stdout at once."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Whoever read the lines has gone, which is no reason for the servers to stop; from
        # here on, and when the interpreter flushes at its end, they go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Child:
    """A process, and the launcher's end of its socket."""

    def __init__(self, place: int, process: Process, control: socket.socket) -> None:
        self.place = place
        self.process = process
        self.control = control
        self.unread = b""


class Launcher:
    """One run of all instances.

    `signals` is readable when a stop is asked for, one byte for each time. `clock` gives
    seconds that never go back, `announce` gets each line for stdout.
    """

    def __init__(
        self,
        configs: Sequence[InstanceConfig],
        signals: socket.socket,
        *,
        spawn: Spawn = spawn_instance,
        clock: Callable[[], float] = time.monotonic,
        announce: Callable[[str], None] = announce,
    ) -> None:
        self._supervisor = rules.Supervisor(configs)
        self._signals = signals
        self._spawn = spawn
        self._clock = clock
        self._announce = announce
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Return the exit status once no process is left."""
        with self._selector:
            self._selector.register(self._signals, selectors.EVENT_READ)
            try:
                self._perform(self._supervisor.start())
                while not self._supervisor.done:
                    self._step()
            finally:
                # If this loop itself breaks, the end of these files still ends the children.
                for child in self._children.values():
                    child.control.close()
        return self._supervisor.status

    def _step(self) -> None:
        deadline = self._supervisor.deadline
        timeout = None if deadline is None else max(0.0, deadline - self._clock())
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, _Child):
                self._perform(self._hear(key.data))
            else:
                for _number in self._signals.recv(64):
                    self._perform(self._supervisor.stop(self._clock()))
        self._perform(self._supervisor.tick(self._clock()))

    def _hear(self, child: _Child) -> list[rules.Action]:
        try:
            received = child.control.recv(MAX_REPORT_BYTES)
        except ConnectionResetError:
            received = b""
        if not received:
            return self._reap(child)
        actions: list[rules.Action] = []
        *lines, child.unread = (child.unread + received)[:MAX_REPORT_BYTES].split(b"\n")
        for line in lines:
            report = json.loads(line)
            if "ready" in report:
                actions += self._supervisor.ready(child.place, report["ready"], self._clock())
            else:
                actions += self._supervisor.failed(child.place, report["failed"], self._clock())
        return actions

    def _reap(self, child: _Child) -> list[rules.Action]:
        self._selector.unregister(child.control)
        child.control.close()
        del self._children[child.place]
        try:
            returncode = child.process.wait(REAP_SECONDS)
        except subprocess.TimeoutExpired:
            child.process.send_signal(signal.SIGKILL)
            returncode = child.process.wait()
        return self._supervisor.exited(child.place, returncode, self._clock())

    def _perform(self, actions: Sequence[rules.Action]) -> None:
        todo = deque(actions)
        while todo:
            match todo.popleft():
                case rules.Start(place, config):
                    todo.extend(self._start(place, config))
                case rules.Release(place):
                    with suppress(OSError):
                        self._children[place].control.shutdown(socket.SHUT_WR)
                case rules.Send(place, number):
                    self._children[place].process.send_signal(number)
                case rules.Announce(line):
                    self._announce(line)
                case rules.Refuse(line):
                    print(f"chat-server: {line}", file=sys.stderr, flush=True)
                case rules.Log(line, warning):
                    log.log(logging.WARNING if warning else logging.INFO, line)

    def _start(self, place: int, config: InstanceConfig) -> list[rules.Action]:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = self._spawn(config, theirs)
            except OSError as error:
                ours.close()
                line = f"no process for {config.address}: {error}"
                return self._supervisor.not_started(place, line, self._clock())
        child = self._children[place] = _Child(place, process, ours)
        self._selector.register(ours, selectors.EVENT_READ, child)
        return []
