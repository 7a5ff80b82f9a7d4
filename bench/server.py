"""The server under load: started as a person starts it, watched from outside."""

import os
import selectors
import signal
import subprocess
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import psutil

from bench import interrupts

COMMAND = Path(sysconfig.get_path("scripts")) / "chat-server"

START_S = 30.0
# The server promises to be gone in 10 s.
STOP_S = 15.0

READY = "listening on "

# A server allows 32 calls on a connection, and counts one for a moment after it was
# answered; all sign-ins of a process are calls on one.
SIGN_INS = 16


class ServerError(Exception):
    """The server did not start."""


class Server(Protocol):
    """What the workloads need of a server, whatever kind it is: it runs inside a block."""

    address: str
    # The name of the wire that it speaks.
    wire: str
    # How many sign-ins a process of readers should have under way at once.
    at_once: int
    # From exec until it accepts.
    start_s: float

    def __enter__(self) -> Self:
        """Start it. Raises ServerError where that fails."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, by force if need be."""
        ...

    def cpu_seconds(self) -> float:
        """Return the CPU time that its process has used."""
        ...

    def resident_bytes(self) -> int:
        """Return the memory that its process holds."""
        ...


class Watched:
    """A server whose process is watched until the block is left, which stops it."""

    # The process that does the work.
    _seen: psutil.Process

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used, with all its threads."""
        times = self._seen.cpu_times()
        return times.user + times.system

    def resident_bytes(self) -> int:
        """Return the memory that the process holds."""
        return self._seen.memory_info().rss

    def _stop(self) -> None:
        raise NotImplementedError


class ChatServer(Watched):
    """One `chat-server` with one instance. Leaving the block stops it, by force if need be."""

    def __init__(self, directory: Path, options: Sequence[str] = ()) -> None:
        self._directory = directory
        # Of the command line, beside those that every run has.
        self._options = options
        self.address = ""
        self.wire = "chat"
        self.at_once = SIGN_INS
        self._launcher: subprocess.Popen[bytes] | None = None
        # From exec to the line that says that it accepts.
        self.start_s = 0.0

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            began = time.perf_counter()
            launcher = self._start()
            line = self._wait_line(launcher, began + START_S)
            self.start_s = time.perf_counter() - began
            self.address = line.removeprefix(READY).split()[0]
            (self._seen,) = [
                child
                for child in psutil.Process(launcher.pid).children()
                if "chat_service.instance" in child.cmdline()
            ]
        except BaseException:
            self._stop()
            raise
        return self

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._directory / "stderr.txt").open("ab") as stderr, interrupts.held():
            self._launcher = subprocess.Popen(
                [
                    COMMAND,
                    "--port=0",
                    "--no-rate-limits",
                    "--log-level=warning",
                    f"--data-dir={self._directory}",
                    *self._options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # Ctrl+C is for the benchmark, which stops the server in its turn.
                process_group=0,
            )
        return self._launcher

    def _wait_line(self, launcher: subprocess.Popen[bytes], deadline: float) -> str:
        """Return the line of readiness. Raises ServerError where it does not come."""
        assert launcher.stdout is not None
        descriptor = launcher.stdout.fileno()
        text = b""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in text:
                if not selector.select(max(0.0, deadline - time.perf_counter())):
                    raise ServerError(f"the server did not start within {START_S:.0f} s")
                part = os.read(descriptor, 4096)
                if not part:
                    raise ServerError(f"the server did not start: {self.complaints()}")
                text += part
        line = text.decode().partition("\n")[0]
        if not line.startswith(READY):
            raise ServerError(f"the server's first line was not expected: {line}")
        return line

    def complaints(self) -> str:
        """Return what the server has written to stderr."""
        return (self._directory / "stderr.txt").read_text(errors="replace").strip()

    def _stop(self) -> None:
        """Stop the processes, by force where the gentle way does not work."""
        launcher = self._launcher
        if launcher is None:
            return
        assert launcher.stdout is not None
        try:
            children = psutil.Process(launcher.pid).children()
        except psutil.NoSuchProcess:
            children = []
        launcher.send_signal(signal.SIGTERM)
        try:
            launcher.wait(STOP_S)
        except BaseException:
            launcher.kill()
            launcher.wait()
            raise
        finally:
            for child in children:
                # Compares the time of its start too, so no other process is met.
                if child.is_running():
                    child.kill()
            launcher.stdout.close()
