"""The command `chat-server` as a person starts it, and what is seen of it."""

import json
import os
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import IO, Self

import psutil

COMMAND = str(Path(sysconfig.get_path("scripts")) / "chat-server")

PATIENCE = 120.0
"""Seconds after which a test that waits in vain gives up.

Longer than programs wait by themselves, such as clients half a minute between two tries, on a
machine that has much else to do.
"""


class Lines:
    """What a program writes, line by line, as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        # All that has been read so far.
        self.seen: list[str] = []
        self._stream = stream
        self._queue: Queue[str | None] = Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, fits: Callable[[str], bool]) -> str:
        """Return the next line that fits. Raises AssertionError when it does not come."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._queue.get(timeout=deadline - time.monotonic())
            except (Empty, ValueError):
                line = None
            assert line is not None, f"waited in vain; seen: {self.seen}"
            self.seen.append(line)
            if fits(line):
                return line

    def rest(self) -> list[str]:
        """Return all lines, once nobody can write any more."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"still open; seen: {self.seen}"
        while (line := self._queue.get(timeout=PATIENCE)) is not None:
            self.seen.append(line)
        return self.seen


class Launched:
    """A running `chat-server`; leaving the block kills whatever of it is still there.

    `environment` is added to that of the tests.
    """

    def __init__(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # As in a terminal: Ctrl+C goes to the whole group of the command.
            process_group=0,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdout = Lines(self.process.stdout)
        self.stderr = Lines(self.process.stderr)
        self._known: set[psutil.Process] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self._known.update(psutil.Process(self.process.pid).children())
        self.process.kill()
        self.process.wait()
        for instance in self._known:
            # Compares the time of birth too: never somebody else's process of that number.
            if instance.is_running():
                instance.kill()
        if error is not None:
            # Shown by pytest beside the failure.
            print("stderr of chat-server:", *self.stderr.rest(), sep="\n")

    def addresses(self, count: int) -> dict[Path, str]:
        """Wait until so many instances listen; return the address of each data directory."""
        found = {}
        for _ in range(count):
            line = self.stdout.wait_for(lambda line: line.startswith("listening on "))
            address, data = line.removeprefix("listening on ").removesuffix(")").split(" (data in ")
            found[Path(data)] = address
        return found

    def instances(self) -> dict[Path, psutil.Process]:
        """Return the processes that run now, by their data directory."""
        found = {}
        for child, command in self._children():
            if "chat_service.instance" in command:
                found[Path(json.loads(command[-1])["data_dir"])] = child
        return found

    def admin(self) -> psutil.Process:
        """Wait for the admin process."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for child, command in self._children():
                if "chat_service.admin.process" in command:
                    return child
            time.sleep(0.01)
        raise AssertionError("there is no admin process")

    def _children(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        if self.process.poll() is None:
            for child in psutil.Process(self.process.pid).children():
                self._known.add(child)
                # One that has just been killed has no command any more.
                with suppress(psutil.NoSuchProcess):
                    yield child, child.cmdline()

    def wait(self) -> int:
        """Return the exit status, once the command has ended."""
        return self.process.wait(PATIENCE)

    def terminate(self) -> None:
        """Ask it to stop, as a service supervisor does."""
        self.process.send_signal(signal.SIGTERM)
