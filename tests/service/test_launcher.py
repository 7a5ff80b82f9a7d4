"""The launcher's loop, with processes that are threads of the test holding real sockets."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from chat_service.config import InstanceConfig
from chat_service.launcher import Launcher

PATIENCE = 20.0
"""Seconds after which a test that waits in vain gives up."""


class FakeClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeProcess:
    """A process that obeys the launcher's contract; the test tells it what to do."""

    def __init__(self, config: InstanceConfig, control: socket.socket) -> None:
        self.config = config
        self.signals: Queue[int] = Queue()
        self._control = control.dup()
        self._control.settimeout(PATIENCE)
        self._returncode: Queue[int] = Queue()

    def report(self, **line: str) -> None:
        self._control.sendall(json.dumps(line).encode() + b"\n")

    def report_in_pieces(self, **line: str) -> None:
        """Report in two writes."""
        text = json.dumps(line).encode() + b"\n"
        self._control.sendall(text[:5])
        self._control.sendall(text[5:])

    def listen(self) -> None:
        self.report(ready=self.config.address)

    def wait_for_release(self) -> None:
        assert self._control.recv(1) == b""

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


class Running:
    """A launcher that runs in a thread, and what the test sees of it."""

    def __init__(self, instances: int, clock: Callable[[], float] = time.monotonic) -> None:
        configs = [
            InstanceConfig("127.0.0.1", 50051 + place, Path(f"/data/{place}"), "info", True)
            for place in range(instances)
        ]
        self.spawned: Queue[FakeProcess] = Queue()
        # What spawning answers instead of a process, once for each.
        self.errors: Queue[OSError] = Queue()
        self._signals, launchers_end = socket.socketpair()
        self._status: Queue[int] = Queue()
        self.lines: Queue[str] = Queue()
        self._launcher = Launcher(
            configs, launchers_end, spawn=self._spawn, clock=clock, announce=self.lines.put
        )

        def run() -> None:
            with launchers_end:
                self._status.put(self._launcher.run())

        self._thread = threading.Thread(target=run, daemon=True)

    def _spawn(self, config: InstanceConfig, control: socket.socket) -> FakeProcess:
        if not self.errors.empty():
            raise self.errors.get()
        process = FakeProcess(config, control)
        self.spawned.put(process)
        return process

    def start(self) -> None:
        self._thread.start()

    def next_process(self) -> FakeProcess:
        return self.spawned.get(timeout=PATIENCE)

    def next_line(self) -> str:
        return self.lines.get(timeout=PATIENCE)

    def signal(self) -> None:
        self._signals.send(bytes([signal.SIGTERM]))

    def status(self) -> int:
        status = self._status.get(timeout=PATIENCE)
        self._thread.join(PATIENCE)
        return status

    def close(self) -> None:
        self._signals.close()


@pytest.fixture
def one() -> Iterator[Running]:
    """Give a launcher of one instance, not yet started."""
    running = Running(1)
    yield running
    running.close()


@pytest.fixture
def two() -> Iterator[Running]:
    """Give a launcher of two instances, not yet started."""
    running = Running(2)
    yield running
    running.close()


def test_instances_are_announced_and_drained(two: Running) -> None:
    """Each instance is announced when it listens; a signal lets all drain before the exit."""
    two.start()
    first, second = two.next_process(), two.next_process()
    second.report_in_pieces(ready="127.0.0.1:50052")
    assert two.next_line() == "listening on 127.0.0.1:50052 (data in /data/1)"
    first.listen()
    assert two.next_line() == "listening on 127.0.0.1:50051 (data in /data/0)"
    two.signal()
    first.wait_for_release()
    second.wait_for_release()
    first.exit(0)
    second.exit(0)
    assert two.status() == 0


def test_crash_is_logged_and_restarted(one: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A process that is gone is replaced on its port, with one line for each of the two."""
    caplog.set_level("INFO")
    one.start()
    process = one.next_process()
    process.listen()
    process.exit(-signal.SIGKILL)
    again = one.next_process()
    assert again.config == process.config
    again.listen()
    again.exit(0)
    last = one.next_process()
    one.signal()
    last.wait_for_release()
    last.exit(0)
    assert one.status() == 0
    assert caplog.messages[:2] == [
        "instance 127.0.0.1:50051 was ended by SIGKILL; next start at once",
        "instance 127.0.0.1:50051 listens again",
    ]


def test_failed_start_is_told_once(two: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of an instance that cannot start goes to stderr, and the others are let go."""
    two.start()
    first, second = two.next_process(), two.next_process()
    second.report(failed="cannot listen on 127.0.0.1:50052: address already in use")
    first.wait_for_release()
    second.exit(1)
    first.exit(0)
    assert two.status() == 1
    assert two.lines.empty()
    assert capsys.readouterr().err == (
        "chat-server: cannot listen on 127.0.0.1:50052: address already in use\n"
    )


def test_system_without_processes_is_told(two: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a process cannot be started the reason is told, and none is left."""
    two.errors.put(BlockingIOError(11, "Resource temporarily unavailable"))
    two.start()
    other = two.next_process()
    other.wait_for_release()
    other.exit(0)
    assert two.status() == 1
    assert "no process for 127.0.0.1:50051: " in capsys.readouterr().err


def test_second_signal_is_passed_on(one: Running) -> None:
    """A second signal reaches the draining process as SIGTERM."""
    one.start()
    process = one.next_process()
    process.listen()
    one.signal()
    process.wait_for_release()
    one.signal()
    assert process.signals.get(timeout=PATIENCE) == signal.SIGTERM
    process.exit(0)
    assert one.status() == 0


def test_hanging_process_is_killed_in_time() -> None:
    """A process that does not end is killed when the time for the stop is over."""
    clock = FakeClock()
    running = Running(1, clock)
    running.start()
    process = running.next_process()
    running.signal()
    process.wait_for_release()
    clock.now += 9.5
    # Anything that is read makes the loop look at the clock again.
    process.listen()
    assert process.signals.get(timeout=PATIENCE) == signal.SIGKILL
    process.exit(-signal.SIGKILL)
    assert running.status() == 0
    running.close()


def test_process_that_only_closes_its_socket_is_killed(one: Running) -> None:
    """A process that lets go of its socket but lives is ended, so that its port is free."""
    one.start()
    process = one.next_process()
    process.listen()
    process.close_but_stay()
    assert process.signals.get(timeout=PATIENCE) == signal.SIGKILL
    last = one.next_process()
    one.signal()
    last.wait_for_release()
    last.exit(0)
    assert one.status() == 0


def test_reader_of_the_lines_may_go(tmp_path: Path) -> None:
    """When nobody reads stdout any more the servers go on, and the end is clean."""
    program = (
        "from chat_service.launcher import announce\n"
        "announce('one'); input(); announce('two'); announce('three')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"one\n"
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0
