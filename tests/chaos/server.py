"""One real `chat-server` with one instance, to be killed, frozen and started again.

Each start takes the same port and the same data, so that clients find it again. Every process
is ended by its own number, whatever happens.
"""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil

from tests.chaos.faults import FAULTS
from tests.e2e.launched import Launched
from tests.held_ports import held_ports

ROOT = Path(__file__).parents[2]
PATCHED = Path(__file__).parent / "patched"


class Usage(NamedTuple):
    """What the instance uses, by the operating system."""

    # Seconds of user and system time since its start.
    cpu_s: float
    # Resident memory.
    rss_bytes: int
    descriptors: int
    threads: int


def waited_s(process: psutil.Process) -> float:
    """Return how long the main thread of a process has waited for a processor, in seconds.

    0 where the system does not tell.
    """
    try:
        return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


class Server:
    """A server; leaving the block kills whatever of it is still there.

    `flags` are those of `chat-server`; rates are not limited unless `rate_limits`.
    `fault` names a fault of `faults.FAULTS` for a negative control, and counts from the next
    start; `environment` adds variables. Methods block: in an event loop call those that wait
    by `asyncio.to_thread`.
    """

    def __init__(
        self,
        directory: Path,
        *flags: str,
        fault: str = "",
        rate_limits: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.fault = fault
        self.directory = directory
        self.address = ""
        # Seconds from the start of the last process to the moment when it listened.
        self.start_s = 0.0
        # How much of that launcher and instance waited for others to leave them a processor.
        self.start_waited_s = 0.0
        # What a server wrote to stderr that was asked to stop.
        self.log: list[str] = []
        self._flags = flags if rate_limits else (*flags, "--no-rate-limits")
        self._environment = dict(environment or {})
        self._launched: Launched | None = None
        self._data = Path()
        self._ports = ExitStack()
        self._port = 0
        self._instance: psutil.Process | None = None

    def __enter__(self) -> Self:
        self._port = self._ports.enter_context(held_ports())
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._ports:
            launched, self._launched = self._launched, None
            if launched is not None:
                self._let_go()
                launched.__exit__(kind, error, trace)

    @property
    def data(self) -> Path:
        """The directory of the instance."""
        return self._data

    @property
    def database(self) -> Path:
        """The data file."""
        return self._data / "chat.sqlite3"

    @property
    def launcher(self) -> Launched:
        """The command."""
        assert self._launched is not None, "the server does not run"
        return self._launched

    @property
    def instance(self) -> psutil.Process:
        """The process that serves."""
        assert self._instance is not None, "the server does not run"
        return self._instance

    def start(self) -> None:
        """Start the command, on the port and the data of the time before; wait for its line."""
        began = time.perf_counter()
        launched = self._launch()
        ((self._data, self.address),) = launched.addresses(1).items()
        self.start_s = time.perf_counter() - began
        self._find_instance()
        self.start_waited_s = waited_s(psutil.Process(launched.process.pid))
        self.start_waited_s += waited_s(self.instance)

    def start_in_vain(self, seconds: float) -> None:
        """Start the command, and kill all of it by SIGKILL so many seconds later."""
        launched = self._launch()
        time.sleep(seconds)
        launched.process.send_signal(signal.SIGSTOP)
        # By number: its arguments are not yet there when it has just been forked.
        for instance in psutil.Process(launched.process.pid).children():
            instance.kill()
        launched.process.kill()
        self._ended()

    def kill(self) -> None:
        """Kill the instance by SIGKILL, then the launcher, which gets no time to notice."""
        launcher = self.launcher.process
        launcher.send_signal(signal.SIGSTOP)
        self._kill_instance()
        launcher.kill()
        self._ended()

    def kill_instance(self) -> None:
        """Kill the instance by SIGKILL: the launcher starts it again, see `wait_again`."""
        self._kill_instance()

    def wait_again(self) -> None:
        """Wait until an instance that was killed listens again; `start_s` says how long."""
        began = time.perf_counter()
        launcher = psutil.Process(self.launcher.process.pid)
        before_s = waited_s(launcher)
        self.launcher.stderr.wait_for(lambda line: line.endswith(" listens again"))
        self.start_s = time.perf_counter() - began
        self._find_instance()
        self.start_waited_s = waited_s(launcher) - before_s + waited_s(self.instance)

    def freeze(self) -> None:
        """Stop the instance where it is."""
        self.instance.suspend()

    def thaw(self) -> None:
        """Let a frozen instance go on."""
        self.instance.resume()

    def terminate(self) -> int:
        """Ask for a clean stop and wait for it; return the exit status."""
        self.launcher.terminate()
        status = self.launcher.wait()
        self.log = self.launcher.stderr.rest()
        self._ended()
        return status

    def restart(self) -> None:
        """Stop cleanly and start again."""
        self.terminate()
        self.start()

    def usage(self) -> Usage:
        """Return what the instance uses now."""
        with self.instance.oneshot():
            times = self.instance.cpu_times()
            return Usage(
                times.user + times.system,
                self.instance.memory_info().rss,
                self.instance.num_fds(),
                self.instance.num_threads(),
            )

    def _launch(self) -> Launched:
        assert self._launched is None, "the server runs"
        self._launched = Launched(
            *("--port", str(self._port), "--data-dir", str(self.directory), *self._flags),
            environment=self._environment | self._patch(),
        )
        return self._launched

    def _patch(self) -> dict[str, str]:
        if not self.fault:
            # Whatever the tests themselves were started with.
            return {"CHAT_FAULT": ""}
        unknown = set(self.fault.split(",")) - FAULTS.keys()
        assert not unknown, f"no such fault: {unknown}"
        return {"CHAT_FAULT": self.fault, "PYTHONPATH": f"{PATCHED}{os.pathsep}{ROOT}"}

    def _find_instance(self) -> None:
        (self._instance,) = self.launcher.instances().values()

    def _kill_instance(self) -> None:
        self.instance.kill()
        self._instance = None

    def _ended(self) -> None:
        launched, self._launched = self.launcher, None
        self._let_go()
        launched.__exit__(None, None, None)

    def _let_go(self) -> None:
        # A stopped process cannot be told to end in any other way than SIGKILL, and its
        # launcher waits for it: so it is killed here where the test has not.
        if self._instance is not None and self._instance.is_running():
            self._instance.kill()
        self._instance = None
