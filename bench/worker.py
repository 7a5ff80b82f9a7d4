"""Processes that make the load: started fresh, told what to do in lines of JSON.

Parent and child speak over the child's stdin and stdout, a line for a line. A child
whose stdin ends is no longer wanted and ends itself, so none outlives the benchmark.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psutil

from bench import interrupts
from bench.rpc import CallError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ROOT = Path(__file__).parent.parent

# A worker that does not end by itself in this time is killed.
END_S = 3.0

# Any: what JSON can hold.
Line = dict[str, Any]

Config = TypeVar("Config", bound="DataclassInstance")


class WorkerError(Exception):
    """A worker ended, or did not answer in time."""


class Lines:
    """Reads lines of JSON from a descriptor, which a selector can watch too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def read(self) -> list[Line] | None:
        """Return the lines that have come, none if one came in part; None at the end."""
        data = os.read(self._descriptor, 1 << 16)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]


def answer(line: Line) -> None:
    """Send a line to the parent, from within a worker."""
    print(json.dumps(line), flush=True)


def run(config: type[Config], work: Callable[[Config, Lines], None]) -> None:
    """Run this process as a worker: with its configuration and the lines of its parent.

    The configuration holds plain values only. What goes wrong on the way is told to the
    parent in one line. Raises TypeError where the parent sent another configuration.
    """
    # Ctrl+C reaches the whole group: the parent ends its workers in its turn.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(config(**json.loads(sys.argv[1])), Lines(sys.stdin.fileno()))
    except (CallError, OSError) as error:
        answer({"failed": str(error)})
        sys.exit(1)


class Worker:
    """A running worker process."""

    def __init__(self, module: str, config: "DataclassInstance") -> None:
        self.name = module.rpartition(".")[2]
        with interrupts.held():
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, json.dumps(asdict(config))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
            )
        assert self._process.stdout is not None
        self._lines = Lines(self._process.stdout.fileno())
        self._answers: list[Line] = []
        self._seen = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._process.stdout.close()

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used."""
        times = self._seen.cpu_times()
        return times.user + times.system

    def tell(self, **line: object) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(f"{self.name} has ended") from None

    def wait_answer(self, timeout_s: float) -> Line:
        """Return the next line. Raises WorkerError where none comes in time."""
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._lines, selectors.EVENT_READ)
            while not self._answers:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise WorkerError(f"{self.name} did not answer within {timeout_s:.0f} s")
                lines = self._lines.read()
                if lines is None:
                    raise WorkerError(f"{self.name} has ended")
                self._answers += lines
        line = self._answers.pop(0)
        if "failed" in line:
            raise WorkerError(f"{self.name}: {line['failed']}")
        return line

    def ask(self, timeout_s: float, **line: object) -> Line:
        """Send a line and return the answer. Raises WorkerError as `wait_answer`."""
        self.tell(**line)
        return self.wait_answer(timeout_s)
