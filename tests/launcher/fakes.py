"""Processes that are threads of the test holding real sockets, and the launcher that runs them."""

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import Queue

from chat_service import link
from chat_service.codes import code_hash
from chat_service.config import AdminConfig, ConfigError, InstanceConfig, LaunchConfig
from chat_service.launcher.admin import Screen
from chat_service.launcher.launcher import Launcher
from chat_service.launcher.reload import Configuration

PATIENCE = 60.0
"""Seconds after which a test that waits in vain gives up, also on a busy machine."""


OWNER_CODE = "K7QM-3XZD-P9RT-WB2H"


def started(config: InstanceConfig) -> InstanceConfig:
    """Return what the process of an instance is told, which has the code for its first admin."""
    return replace(config, owner_code_hash=code_hash(OWNER_CODE).hex())


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for something that another thread or process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class FakeClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeProcess:
    """A process that obeys the launcher's contract; the test tells it what to do."""

    def __init__(self, control: socket.socket) -> None:
        self.pid = 77
        self.signals: Queue[int] = Queue()
        self._control = control.dup()
        self._control.settimeout(PATIENCE)
        self._unread = b""
        self._returncode: Queue[int] = Queue()

    def write(self, data: bytes) -> None:
        self._control.sendall(data)

    def read_line(self) -> bytes:
        """Return the next line from the launcher; empty at the end of the file."""
        while b"\n" not in self._unread:
            received = self._control.recv(4096)
            if not received:
                assert self._unread == b""
                return b""
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def wait_for_release(self) -> None:
        while self.read_line():
            pass

    def exit(self, returncode: int) -> None:
        self._returncode.put(returncode)
        self._control.close()

    def close_but_stay(self) -> None:
        self._control.close()

    def send_signal(self, sig: int, /) -> None:
        self.signals.put(sig)
        if sig == signal.SIGKILL:
            self._returncode.put(-sig)

    def wait(self, timeout: float | None = None) -> int:
        if timeout is not None and self._returncode.empty():
            raise subprocess.TimeoutExpired("fake", timeout)
        return self._returncode.get(timeout=PATIENCE)


class FakeInstance(FakeProcess):
    """The process of an instance."""

    def __init__(self, config: InstanceConfig, control: socket.socket) -> None:
        super().__init__(control)
        self.config = config

    def report(self, **line: str | bool) -> None:
        self.write(json.dumps(line).encode() + b"\n")

    def listen(self, *, owner_code: bool = False) -> None:
        self.report(ready=self.config.address, owner_code=owner_code)


class FakeAdmin(FakeProcess):
    """The admin process."""

    def __init__(self, config: AdminConfig, control: socket.socket) -> None:
        super().__init__(control)
        self.config = config

    def hear(self) -> link.Message | None:
        """Return the next message of the launcher; None at the end of the file."""
        line = self.read_line()
        return link.decode(line) if line else None

    def hear_answer(self) -> link.Answer:
        """Return the next answer, whatever comes before it."""
        while not isinstance(message := self.hear(), link.Answer):
            assert message is not None
        return message

    def ask(self, number: int, verb: link.Verb, port: int = 0) -> None:
        self.write(link.encode(link.Ask(number, verb, port)))


def launch(instances: int) -> LaunchConfig:
    """Return the configuration of a launch."""
    return LaunchConfig("127.0.0.1", 50051, instances, Path("/data"))


class Running:
    """A launcher that runs in a thread, and what the test sees of it."""

    def __init__(
        self,
        instances: int,
        clock: Callable[[], float] = time.monotonic,
        screen: Screen | None = None,
    ) -> None:
        self.config = launch(instances)
        # What is written now, and has not been read.
        self.written: LaunchConfig | ConfigError = self.config
        # What may not be read while a server runs that was started with the former.
        self.forbidden: tuple[LaunchConfig, LaunchConfig] | None = None
        self.instances: Queue[FakeInstance] = Queue()
        self.admins: Queue[FakeAdmin] = Queue()
        # What spawning answers instead of a process, once for each.
        self.errors: Queue[OSError] = Queue()
        self._signals, launchers_end = socket.socketpair()
        self._status: Queue[int] = Queue()
        self.lines: Queue[str] = Queue()
        self.terminal_gone = False
        self._launcher = Launcher(
            Configuration(self.config, self._reread, self._changes, self._check),
            launchers_end,
            screen=screen,
            terminal_gone=lambda: self.terminal_gone,
            spawn=self._spawn,
            spawn_admin=self._spawn_admin,
            clock=clock,
            wall_ms=lambda: 5000,
            announce=self.lines.put,
            owner_code=OWNER_CODE,
        )

        def run() -> None:
            with launchers_end:
                self._status.put(self._launcher.run())

        self._thread = threading.Thread(target=run, daemon=True)

    def _spawn(self, config: InstanceConfig, control: socket.socket, output: int) -> FakeInstance:
        del output
        if not self.errors.empty():
            raise self.errors.get()
        process = FakeInstance(config, control)
        self.instances.put(process)
        return process

    def _spawn_admin(self, config: AdminConfig, control: socket.socket, output: int) -> FakeAdmin:
        del output
        if not self.errors.empty():
            raise self.errors.get()
        process = FakeAdmin(config, control)
        self.admins.put(process)
        return process

    def _reread(self) -> LaunchConfig:
        if isinstance(self.written, ConfigError):
            raise self.written
        return self.written

    @staticmethod
    def _changes(old: LaunchConfig, new: LaunchConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
        applied = ("log.level",) if old.log_level != new.log_level else ()
        after = ("server.host",) if old.host != new.host else ()
        return applied, after

    def _check(self, started: LaunchConfig, new: LaunchConfig) -> None:
        if (started, new) == self.forbidden:
            raise ConfigError("not with what runs")

    def start(self) -> None:
        self._thread.start()

    def next_process(self) -> FakeInstance:
        return self.instances.get(timeout=PATIENCE)

    def next_admin(self) -> FakeAdmin:
        return self.admins.get(timeout=PATIENCE)

    def serving(self) -> tuple[list[FakeInstance], FakeAdmin]:
        """Start, let all listen, and return all processes."""
        self.start()
        instances = [self.next_process() for _ in range(self.config.instances)]
        for instance in instances:
            instance.listen()
        return instances, self.next_admin()

    def next_line(self) -> str:
        return self.lines.get(timeout=PATIENCE)

    def write(self, **changes: str) -> None:
        """Change what is written."""
        self.written = replace(self.config, **changes)  # type: ignore[arg-type]  # of these types

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._signals.send(bytes([number]))

    def status(self) -> int:
        status = self._status.get(timeout=PATIENCE)
        self._thread.join(PATIENCE)
        return status

    def stop(self, *processes: FakeProcess) -> None:
        """Stop everything; these are all processes that run, in the order of their end."""
        self.signal()
        for process in processes:
            process.wait_for_release()
            process.exit(0)
        assert self.status() == 0

    def close(self) -> None:
        self._signals.close()
