"""The console of the real `chat-server` in a real terminal, with real clients connected."""

import hashlib
import json
import os
import re
import signal
import ssl
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.e2e.client_terminal import Terminal
from tests.e2e.launched import PATIENCE
from tests.e2e.window import Window
from tests.held_ports import held_ports

ENTER_ALTERNATE_SCREEN = b"\x1b[?1049h"

SCRIPTS = Path(sysconfig.get_path("scripts"))


class Console(Window):
    """A running `chat-server` in a window of its own."""

    def __init__(self, data_dir: Path, *arguments: str, columns: int = 100, rows: int = 30) -> None:
        self.data_dir = data_dir
        # Every process of the launcher that was ever seen.
        self.known: set[psutil.Process] = set()
        taste = ("NO_COLOR", "GRPC_VERBOSITY")
        plain = {name: value for name, value in os.environ.items() if name not in taste}
        super().__init__(
            str(SCRIPTS / "chat-server"),
            *("--data-dir", str(data_dir), "--stats-interval", "1", *arguments),
            environment=plain | {"TERM": "xterm-256color"},
            columns=columns,
            rows=rows,
        )

    def row(self, port: int) -> str:
        """Return the row of the table that is about an instance; empty if there is none."""
        return next((row for row in self.rows() if re.match(rf"\S*:{port} ", row)), "")

    def shows_of(self, port: int, *texts: str) -> None:
        """Wait until the row of an instance holds each text."""
        self.until(lambda: all(text in self.row(port) for text in texts))

    def processes(self) -> dict[str, psutil.Process]:
        """Return the processes that the launcher has started, by their data directory's name."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            self.known.add(child)
            try:
                command = child.cmdline()
            except psutil.Error:
                # It has just ended.
                continue
            # One that has just been forked has the command of the launcher.
            if any(part.startswith("chat_service.") for part in command):
                found[Path(json.loads(command[-1])["data_dir"]).name] = child
        return found

    def admin(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `chat-admin` for the same servers."""
        return subprocess.run(
            [str(SCRIPTS / "chat-admin"), "--data-dir", str(self.data_dir), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )


@contextmanager
def console(
    tmp_path: Path, instances: int, *more: str, columns: int = 100, rows: int = 30
) -> Iterator[tuple[Console, int]]:
    """Give a console with so many instances, and the port of the first; none is left behind."""
    with held_ports(instances + 2) as port:
        arguments = ("--port", str(port), "--instances", str(instances), *more)
        with Console(tmp_path / "data", *arguments, columns=columns, rows=rows) as server:
            server.shows(f"{instances} of {instances} serving", "help")
            server.processes()
            yield server, port
        gone, alive = psutil.wait_procs(server.known, timeout=PATIENCE)
        assert not alive, (gone, alive)


def client(tmp_path: Path, port: int, name: str) -> Terminal:
    """Open a window with a client."""
    target = f"localhost:{port}"
    return Terminal(tmp_path / name, "--target", target, "--name", name)


def test_five_instances_from_start_to_shutdown(tmp_path: Path) -> None:
    """An operator sees who is there, speaks, kicks, adds, removes, loses and gets back servers."""
    with console(tmp_path, 5) as (server, port):
        first, second, third, added = port, port + 1, port + 2, port + 5
        with client(tmp_path, first, "ann") as ann, client(tmp_path, first, "bob") as bob:
            ann.sees("in #lobby")
            bob.sees("in #lobby")
            server.until(lambda: server.row(first).split()[7:8] == ["2"])

            server.enters("say tea is ready")
            ann.sees("-- the operator: tea is ready")
            bob.sees("-- the operator: tea is ready")
            server.shows("said to 2 clients")

            server.processes()[str(second)].kill()
            server.until(lambda: re.search(r"● serving .* 1$", server.row(second)) is not None)

            server.enters("start")
            server.shows(f"127.0.0.1:{added} serves")
            server.shows_of(added, "serving")
            server.enters(f"start {third}")
            server.shows(f"there is an instance on port {third} already")
            server.enters(f"stop {third}")
            server.shows(f"127.0.0.1:{third} has stopped")
            server.shows_of(third, "stopped")
            assert str(third) not in server.processes()

            server.enters(f"users {first}")
            server.shows("ann ", "bob ")
            server.enters(f"kick {first} BOB too loud")
            bob.sees("You were removed by the operator: too loud")
            ann.sees("bob left")
            # The same from a script, at the same time.
            listed = server.admin("instances", "--json")
            states = {
                one["port"]: one["state"] for one in map(json.loads, listed.stdout.split("\n")[:-1])
            }
            assert states == {port + n: "stopped" if n == 2 else "serving" for n in range(6)}
            assert server.admin("say", "--port", str(first), "from a script").returncode == 0
            ann.sees("-- the operator: from a script")

            # The question counts those of the last look.
            server.until(lambda: server.row(first).split()[7:8] == ["1"])
            server.enters("shutdown")
            server.shows("1 person is connected. Stop everything?")
            server.enters("y")
            assert server.ends() == 0
            ann.sees("the server was stopped")
    assert not list((tmp_path / "data").rglob("*.sock"))


def test_works_at_sixty_by_fifteen_and_survives_resizes(tmp_path: Path) -> None:
    """In a small window nothing is cut off; a window too small says so, and comes back."""
    with console(tmp_path, 1, columns=60, rows=15) as (server, port):
        server.shows_of(port, "serving")
        server.enters("open")
        server.shows(f"chat-cli --target localhost:{port} --name NAME")
        server.resizes(20, 5)
        server.shows("too small")
        server.resizes(140, 40)
        server.shows("RESTARTS", f"127.0.0.1:{port}")
        server.enters("stats")
        server.shows("users", "memory", "MiB")


def test_certificate_is_shown_to_whoever_starts_servers(tmp_path: Path) -> None:
    """What was printed before the console took the terminal, to be told to those who connect."""
    with console(tmp_path, 1, "--host", "0.0.0.0", columns=140) as (server, _):
        certificate = (tmp_path / "data" / "tls" / "cert.pem").read_text()
        shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
        server.shows("certificate SHA-256 " + ":".join(re.findall("..", shown)))


@pytest.mark.parametrize("how", ["ctrl-c", "ctrl-d", "terminated", "closed"])
def test_every_way_out_ends_everything(tmp_path: Path, how: str) -> None:
    """Keys, a signal and a closed window stop the servers, with status 0."""
    with console(tmp_path, 2) as (server, _):
        if how == "ctrl-c":
            server.types("\x03")
        elif how == "ctrl-d":
            server.types("\x04")
        elif how == "terminated":
            server.signals(signal.SIGTERM)
        else:
            server.close()
        assert server.ends() == 0


def test_console_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """Whoever loses the console gets another one; the servers and their clients go on."""
    with console(tmp_path, 1) as (server, port), client(tmp_path, port, "ann") as ann:
        ann.sees("in #lobby")
        before = server.processes()
        before["data"].kill()
        # What is typed before it takes the keys is not for it.
        server.until(lambda: server.raw.count(ENTER_ALTERNATE_SCREEN) == 2)
        assert server.processes()["data"] != before["data"]
        server.enters("users")
        server.shows("ann ")
        assert server.processes()[str(port)] == before[str(port)]
        assert ann.count("disconnected") == 0


def test_log_is_followed_and_kept(tmp_path: Path) -> None:
    """What instances log stands in the console while it is followed, and in the file."""
    with console(tmp_path, 1) as (server, port):
        server.enters("logs")
        server.shows("following")
        with client(tmp_path, port, "ann") as ann:
            ann.sees("in #lobby")
            server.shows("signed in", "user=ann")
        server.types("\x1b")
        server.shows("no longer following the log")
    assert "signed in" in (tmp_path / "data" / "chat-server.log").read_text()
