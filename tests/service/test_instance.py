"""The process of one instance, with a server that the test gives."""

import asyncio
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import grpc
import pytest

from chat_protos.chat.v1 import admin_pb2, admin_pb2_grpc
from chat_service.config import InstanceConfig, ServerLimits, StartError
from chat_service.instance import Control, run
from chat_service.posix import lock_directory

PATIENCE = 20.0
"""Seconds after which a test that waits in vain gives up."""


@dataclass(frozen=True)
class Scene:
    """What a server is given to serve with."""

    stop: asyncio.Event
    hurry: asyncio.Event
    ready: Callable[[str, bool], None]
    owner_code_void: Callable[[], None]
    changes: asyncio.Queue[InstanceConfig]


class Launcher:
    """The launcher's end of the socket, and what an instance that runs here did."""

    def __init__(self, data_dir: Path) -> None:
        self.connection, self._instances_end = socket.socketpair()
        self.connection.settimeout(PATIENCE)
        self.config = InstanceConfig("127.0.0.1", 0, data_dir, "info", True)
        # Every time limit that the instance set for itself.
        self.limits: list[float] = []

    def run(self, serve: Callable[[Scene], Awaitable[None]]) -> int:
        """Run an instance with this server to its end and return its exit status."""

        async def enter(
            config: InstanceConfig,
            *,
            stop: asyncio.Event,
            hurry: asyncio.Event,
            ready: Callable[[str, bool], None],
            owner_code_void: Callable[[], None],
            admin_socket: str | None,
            changes: asyncio.Queue[InstanceConfig],
        ) -> None:
            assert config is self.config
            assert admin_socket == "admin.sock"
            assert Path.cwd() == self.config.data_dir
            scene = Scene(stop, hurry, ready, owner_code_void, changes)
            await asyncio.wait_for(serve(scene), PATIENCE)

        with self._instances_end:
            control = Control(self._instances_end)
            return run(self.config, control, serve=enter, die_within=self.limits.append)

    def reports(self) -> list[dict[str, str | bool]]:
        """Return all that the instance told, once it has ended."""
        with self.connection.makefile("rb") as stream:
            return [json.loads(line) for line in stream]


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launcher]:
    """Give the launcher's side; log and directory of the test process are put back afterwards."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    side = Launcher(tmp_path / "50051")
    with side.connection:
        yield side
    root.handlers[:] = handlers
    root.setLevel(level)


async def serve_until_stop(scene: Scene) -> None:
    """Serve as the real server does, with nothing to drain."""
    scene.ready("127.0.0.1:41234", False)
    await scene.stop.wait()


def test_ready_is_reported_and_end_of_file_stops(launcher: Launcher) -> None:
    """The bound address is reported; the end of the file lets the instance stop with 0."""
    launcher.connection.shutdown(socket.SHUT_WR)
    assert launcher.run(serve_until_stop) == 0
    assert launcher.reports() == [{"ready": "127.0.0.1:41234", "owner_code": False}]


def test_code_that_is_good_no_more_is_reported(launcher: Launcher) -> None:
    """After the readiness that said that it was taken."""

    async def serve_an_owner(scene: Scene) -> None:
        scene.ready("127.0.0.1:41234", True)
        scene.owner_code_void()
        await scene.stop.wait()

    launcher.connection.shutdown(socket.SHUT_WR)
    assert launcher.run(serve_an_owner) == 0
    assert launcher.reports() == [
        {"ready": "127.0.0.1:41234", "owner_code": True},
        {"owner_code": False},
    ]


def test_launcher_that_is_gone_stops(launcher: Launcher) -> None:
    """An instance whose launcher was killed stops too, though nobody hears its reports."""
    launcher.connection.close()
    assert launcher.run(serve_until_stop) == 0


def test_port_that_is_taken_leaves_nothing(launcher: Launcher) -> None:
    """Who cannot listen is told so before the data directory is made."""

    async def never(_: Scene) -> None:
        raise AssertionError

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        launcher.config = replace(launcher.config, port=port)
        assert launcher.run(never) == 1
    assert launcher.reports() == [
        {"failed": f"cannot listen on 127.0.0.1:{port}: the port is in use"}
    ]
    assert not launcher.config.data_dir.exists()


def test_stop_sets_the_last_moment(launcher: Launcher) -> None:
    """From the moment of the stop on the instance has ten seconds, whatever hangs."""

    async def serve(scene: Scene) -> None:
        scene.ready("127.0.0.1:41234", False)
        assert launcher.limits == []
        launcher.connection.shutdown(socket.SHUT_WR)
        await scene.stop.wait()
        assert launcher.limits == [ServerLimits().drain_s]

    assert launcher.run(serve) == 0


def test_sigterm_stops_and_a_second_hurries(launcher: Launcher) -> None:
    """One SIGTERM begins the drain, another one during the drain cuts it short."""

    async def serve(scene: Scene) -> None:
        signal.raise_signal(signal.SIGTERM)
        await scene.stop.wait()
        assert not scene.hurry.is_set()
        signal.raise_signal(signal.SIGTERM)
        await scene.hurry.wait()

    assert launcher.run(serve) == 0


def test_sigterm_hurries_a_drain_that_the_launcher_began(launcher: Launcher) -> None:
    """After the end of the file the first SIGTERM already means: now."""

    async def serve(scene: Scene) -> None:
        launcher.connection.shutdown(socket.SHUT_WR)
        await scene.stop.wait()
        signal.raise_signal(signal.SIGTERM)
        await scene.hurry.wait()

    assert launcher.run(serve) == 0


def test_configuration_is_passed_on(launcher: Launcher, capsys: pytest.CaptureFixture[str]) -> None:
    """What the launcher tells is given to the server; the log's level follows, its form stays."""
    first = replace(launcher.config, disk_reserve=7)
    second = replace(launcher.config, disk_reserve=8, log_level="debug", log_format="json")
    lines = [
        json.dumps({"config": json.loads(config.to_json())}).encode() + b"\n"
        for config in (first, second)
    ]

    async def serve(scene: Scene) -> None:
        scene.ready("127.0.0.1:41234", False)
        launcher.connection.sendall(lines[0] + lines[1][:7])
        assert await scene.changes.get() == first
        launcher.connection.sendall(lines[1][7:])
        assert await scene.changes.get() == second
        logging.getLogger("chat_service.server").debug("hello")
        launcher.connection.shutdown(socket.SHUT_WR)
        await scene.stop.wait()

    assert launcher.run(serve) == 0
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.endswith("DEBUG 127.0.0.1:41234 hello")


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"config": {}}', b'{"config": 1}', b"\xff"])
def test_nonsense_of_the_launcher_is_logged(
    launcher: Launcher, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """What is not understood changes nothing, and the end of the file is still seen."""
    launcher.connection.sendall(line + b"\n")
    launcher.connection.shutdown(socket.SHUT_WR)

    async def serve(scene: Scene) -> None:
        await scene.stop.wait()
        assert scene.changes.empty()

    assert launcher.run(serve) == 0
    assert "the launcher told what is not understood" in caplog.text


def test_what_hinders_the_start_is_reported(launcher: Launcher) -> None:
    """A server that cannot start has its line passed on, and the status is 1."""

    async def serve(scene: Scene) -> None:
        assert not scene.stop.is_set()
        raise StartError("cannot listen on 127.0.0.1:50051: address already in use")

    assert launcher.run(serve) == 1
    assert launcher.reports() == [
        {"failed": "cannot listen on 127.0.0.1:50051: address already in use"}
    ]
    assert launcher.limits == [ServerLimits().drain_s]


def test_directory_in_use_is_reported(launcher: Launcher) -> None:
    """An instance whose data is in use reports which directory, and serves nothing."""

    async def serve(scene: Scene) -> None:
        raise AssertionError(scene)

    held = lock_directory(launcher.config.data_dir)
    assert launcher.run(serve) == 1
    os.close(held)
    assert launcher.reports() == [
        {"failed": f"data directory {launcher.config.data_dir} is in use by another process"}
    ]


def test_broken_server_is_logged(launcher: Launcher, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody expected is in the log with its traceback, and the status is 1."""

    async def serve(scene: Scene) -> None:
        scene.ready("127.0.0.1:41234", False)
        raise ZeroDivisionError("a defect")

    assert launcher.run(serve) == 1
    assert "ZeroDivisionError: a defect" in capsys.readouterr().err


def test_log_names_the_port_that_was_chosen(
    launcher: Launcher, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once the address is known, each line of the log has it."""

    async def serve(scene: Scene) -> None:
        scene.ready("127.0.0.1:41234", False)
        logging.getLogger("chat_service.server").info("hello")

    assert launcher.run(serve) == 0
    assert capsys.readouterr().err.endswith("INFO 127.0.0.1:41234 hello\n")


@pytest.mark.parametrize("arguments", [[], ["x", "{}"], ["99", "{}"], ["0"]])
def test_started_by_hand_is_one_line(arguments: list[str]) -> None:
    """Somebody who starts the module without a launcher gets one line and status 2."""
    done = subprocess.run(
        [sys.executable, "-m", "chat_service.instance", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("chat_service.instance: started by hand? ")
    assert done.stderr.count("\n") == 1


class Started:
    """A real instance as a process of its own, with the launcher's end of its socket."""

    def __init__(self, config: InstanceConfig) -> None:
        self.connection, theirs = socket.socketpair()
        self.connection.settimeout(PATIENCE)
        arguments = (str(theirs.fileno()), config.to_json())
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chat_service.instance", *arguments],
                pass_fds=(theirs.fileno(),),
            )
        self._reports = self.connection.makefile("rb")

    def __enter__(self) -> Self:
        report = json.loads(self._reports.readline())
        assert "ready" in report, report
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reports.close()
        self.connection.close()

    def ends(self) -> int:
        """Stop it as a launcher does; return the exit status."""
        self.connection.shutdown(socket.SHUT_WR)
        return self.process.wait(PATIENCE)


def test_operator_reaches_a_real_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket is private, wherever the data is; what a killed process left is no obstacle."""
    data_dir = tmp_path / ("a-directory-with-a-very-long-name" * 4) / "50051"
    config = InstanceConfig("127.0.0.1", 0, data_dir, "info", True)
    assert len(str(data_dir)) > 108
    for killed in (True, False):
        with Started(config) as instance:
            monkeypatch.chdir(data_dir)
            assert stat.S_IMODE(Path("admin.sock").stat().st_mode) & 0o077 == 0
            with grpc.insecure_channel("unix:admin.sock") as channel:
                response = admin_pb2_grpc.AdminServiceStub(channel).GetFigures(
                    admin_pb2.GetFiguresRequest(), timeout=PATIENCE
                )
            assert "chat_messages" in [figure.name for figure in response.figures]
            if not killed:
                assert instance.ends() == 0
        assert Path("admin.sock").exists() == killed
