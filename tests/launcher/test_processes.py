"""Fresh processes, and their end."""

import signal
import socket
import subprocess
import sys

import pytest

from chat_service.launcher import processes
from chat_service.launcher.journal import inherited
from chat_service.launcher.processes import Process, reap, spawned
from tests.launcher.fakes import PATIENCE


def sleeper() -> subprocess.Popen[bytes]:
    """Start a process that stays until it is killed."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_process_has_one_end() -> None:
    """The other end of the pair is returned; nobody else holds either."""

    def spawn(connection: socket.socket, _output: int) -> Process:
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); "
                "s.sendall(s.recv(3))",
                str(connection.fileno()),
            ],
            pass_fds=[connection.fileno()],
        )

    connection, process = spawned(1, inherited, spawn)
    with connection:
        connection.settimeout(PATIENCE)
        connection.sendall(b"abc")
        assert connection.recv(9) == b"abc"
        assert connection.recv(9) == b""
    assert reap(process) == 0


def test_failed_start_leaves_no_socket() -> None:
    """What was to be the process's end is closed, and so is ours."""
    ends = []

    def spawn(connection: socket.socket, _output: int) -> Process:
        ends.append(connection)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with pytest.raises(BlockingIOError):
        spawned(1, inherited, spawn)
    assert ends[0].fileno() == -1


def test_who_does_not_go_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its return code says so."""
    monkeypatch.setattr(processes, "REAP_SECONDS", 0.01)
    with sleeper() as process:
        assert reap(process) == -signal.SIGKILL
