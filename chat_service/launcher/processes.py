"""Fresh processes: how each kind is started, and how its end is waited for."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Protocol

from chat_service.config import AdminConfig, InstanceConfig
from chat_service.launcher.journal import Output

REAP_SECONDS = 2.0
"""How long a process may take to vanish after its socket closed before it is killed."""


class Process(Protocol):
    """What the launcher needs of `subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """The number of the process."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal; nothing happens if the process is gone."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the return code. Raises subprocess.TimeoutExpired."""


SpawnInstance = Callable[[InstanceConfig, socket.socket, int], Process]
SpawnAdmin = Callable[[AdminConfig, socket.socket, int], Process]


def spawn_instance(config: InstanceConfig, control: socket.socket, output: int) -> Process:
    """Start the process of an instance, which inherits `control` and no other descriptor.

    In a session of its own, so that the terminal's Ctrl+C reaches the launcher alone. What
    it writes goes to `output`: stdout is for the launcher's own lines, which programs read.
    Raises OSError where the system has no process to give.
    """
    return subprocess.Popen(
        [*_module("chat_service.instance"), str(control.fileno()), config.to_json()],
        pass_fds=[control.fileno()],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def spawn_admin(config: AdminConfig, link: socket.socket, output: int) -> Process:
    """Start the admin process, which inherits `link` and no other descriptor.

    With a console it has the terminal, in the session and the group of the launcher: others
    could not read its keys. Raises OSError where the system has no process to give.
    """
    # Ctrl+C reaches it too before it has taken the keys, and is the launcher's to handle:
    # what is blocked at its birth is so for its life.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(
            [*_module("chat_service.admin.process"), str(link.fileno()), config.to_json()],
            pass_fds=[link.fileno()],
            start_new_session=not config.console,
            stdin=None if config.console else subprocess.DEVNULL,
            stdout=None if config.console else output,
            stderr=output,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spawned(
    number: int, output: Output, spawn: Callable[[socket.socket, int], Process]
) -> tuple[socket.socket, Process]:
    """Start a process by `spawn` with one end of a pair of sockets; return the other end too.

    Raises OSError where the system has no process, or no socket, to give.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs, output(number) as descriptor:
            return ours, spawn(theirs, descriptor)
    except OSError:
        ours.close()
        raise


def reap(process: Process) -> int:
    """Wait for the end of a process that has closed its socket; return its return code."""
    try:
        return process.wait(REAP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


def _module(name: str) -> list[str]:
    return [sys.executable, "-P", "-m", name]
