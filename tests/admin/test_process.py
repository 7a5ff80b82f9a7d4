"""The admin process itself, started as the launcher starts it."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceStub
from chat_service.admin.process import main
from chat_service.link import Configured, Verb
from tests.admin.fake_launcher import FakeLauncher
from tests.admin.scene import PATIENCE, config_of, run, short_directory, until
from tests.admin.test_metrics import ONE, Page
from tests.admin.test_monitoring import get

if TYPE_CHECKING:
    from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceAsyncStub


# By default the next attempt to connect comes after a second, and a channel shares the
# connection of one before it, whose process may be gone.
CONNECTION = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.use_local_subchannel_pool", 1))


@dataclass
class Started:
    """A process, and what it has written to its log so far."""

    process: asyncio.subprocess.Process
    launcher: FakeLauncher
    stub: "AdminServiceAsyncStub"
    log: list[str]

    def asked(self) -> list[Verb]:
        """Return what the launcher was asked for."""
        return [ask.verb for ask in self.launcher.asks]

    async def logged(self, words: str) -> str:
        """Wait for a line that has these words, and return it."""
        await until(lambda: any(words in line for line in self.log))
        return next(line for line in self.log if words in line)

    async def ended(self) -> int:
        """Return the exit status."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@asynccontextmanager
async def a_process(
    directory: Path, terminal: int = subprocess.DEVNULL, **changes: Any
) -> AsyncIterator[Started]:
    """Start an admin process on a terminal, if one is given. Any: fields of its configuration."""
    async with FakeLauncher(directory) as launcher:
        descriptor = launcher.connection.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "chat_service.admin.process"),
            *(str(descriptor), config_of(directory, **changes).to_json()),
            pass_fds=[descriptor],
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        launcher.connection.close()
        log: list[str] = []

        async def read_log() -> None:
            assert process.stderr
            async for line in process.stderr:
                log.append(line.decode().rstrip("\n"))

        reading = asyncio.ensure_future(read_log())
        path = directory / "admin.sock"
        try:
            async with grpc.aio.insecure_channel(f"unix:{path}", options=CONNECTION) as channel:
                await asyncio.wait_for(_there(channel), PATIENCE)
                yield Started(process, launcher, AdminServiceStub(channel), log)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading


async def _there(channel: grpc.aio.Channel) -> None:
    stub: AdminServiceAsyncStub = AdminServiceStub(channel)
    await stub.ListInstances(pb.ListInstancesRequest(), wait_for_ready=True)


def test_life_of_a_process() -> None:
    """It serves on a socket of its owner, samples, logs figures, and ends with the link."""

    async def story() -> None:
        with short_directory() as name:
            directory = Path(name)
            async with a_process(directory, stats_interval_s=1) as started:
                mode = (directory / "admin.sock").stat().st_mode
                assert stat.S_ISSOCK(mode)
                assert stat.S_IMODE(mode) & 0o077 == 0
                instance = await started.launcher.serve(50051)
                instance.users = ["al"]
                await started.logged("figures server=127.0.0.1:50051 state=serving users=1 ")
                response = await started.stub.GetStatistics(pb.GetStatisticsRequest(port=50051))
                samples = response.instances[0].samples
                # One that was slow to answer once has no figures of that look.
                assert any(sample.memory_bytes > 1 << 20 for sample in samples)
                # The terminal's signals reach it too, and are the launcher's to handle.
                started.process.send_signal(signal.SIGINT)
                started.process.send_signal(signal.SIGHUP)
                await started.stub.Shutdown(pb.ShutdownRequest())
                started.launcher.end()
                assert await started.ended() == 0
                assert not (directory / "admin.sock").exists()

    run(story())


def test_killed_process_leaves_room_for_the_next() -> None:
    """The socket that kill -9 leaves is replaced by the next process, which SIGTERM ends."""

    async def story() -> None:
        with short_directory() as name:
            directory = Path(name)
            async with a_process(directory) as started:
                started.process.kill()
                await started.ended()
            assert (directory / "admin.sock").exists()
            async with a_process(directory) as started:
                started.process.terminate()
                assert await started.ended() == 0
            assert not (directory / "admin.sock").exists()

    run(story())


def test_metrics_come_and_go_with_the_configuration() -> None:
    """They are served where a reload says; the log keeps its form."""

    async def story() -> None:
        with short_directory() as name:
            directory = Path(name)
            async with a_process(directory, log_format="json") as started:
                await started.launcher.serve(50051)
                config = config_of(directory, metrics_port=0)
                started.launcher.tell(Configured(config.to_json()))
                line = await started.logged("metrics on http://")
                assert line.startswith("{")
                address = line.partition("http://")[2].partition("/")[0]
                status, text = await get(address, "/metrics")
                assert status == "200 OK"
                assert Page(text).value("chat_instance_up", ONE) == 1
                started.launcher.end()
                assert await started.ended() == 0

    run(story())


class Terminal:
    """A pseudo-terminal: what was written to it, and how it is set."""

    def __init__(self) -> None:
        self.person, self.program = os.openpty()
        termios.tcsetwinsize(self.program, (24, 80))
        self.before = termios.tcgetattr(self.program)
        self.written = b""
        asyncio.get_running_loop().add_reader(self.person, self._read)

    def types(self, keys: str) -> None:
        """Press keys."""
        os.write(self.person, keys.encode())

    def is_as_before(self) -> bool:
        """Tell whether it is set as it was, with the usual screen."""
        left = self.written.rfind(b"\x1b[?1049l") > self.written.rfind(b"\x1b[?1049h")
        return left and termios.tcgetattr(self.program) == self.before

    def leave(self) -> None:
        """Close the window."""
        asyncio.get_running_loop().remove_reader(self.person)
        os.close(self.person)
        os.close(self.program)

    def _read(self) -> None:
        self.written += os.read(self.person, 1 << 16)


def test_console_has_the_terminal_and_gives_it_back() -> None:
    """It shows the instances, does what is typed, and the end of the link leaves no trace."""

    async def story() -> None:
        terminal = Terminal()
        with short_directory() as name:
            async with a_process(Path(name), terminal.program, console=True) as started:
                await started.launcher.serve(50051)
                await until(lambda: b"50051" in terminal.written)
                assert termios.tcgetattr(terminal.program) != terminal.before
                terminal.types("start\r")
                await until(lambda: b"50052" in terminal.written)
                terminal.types("\x03")
                await until(lambda: Verb.SHUTDOWN in started.asked())
                terminal.types("\x03")
                await until(lambda: started.asked()[1:] == [Verb.SHUTDOWN] * 2)
                started.launcher.end()
                assert await started.ended() == 0
                await until(terminal.is_as_before)
                assert started.log == []
        terminal.leave()

    run(story())


def test_terminal_that_is_gone_stops_everything() -> None:
    """A window that is closed is a wish to stop, and no reason to die."""

    async def story() -> None:
        terminal = Terminal()
        with short_directory() as name:
            async with a_process(Path(name), terminal.program, console=True) as started:
                await started.launcher.serve(50051)
                await until(lambda: b"50051" in terminal.written)
                terminal.leave()
                await until(lambda: started.asked() == [Verb.SHUTDOWN])
                started.launcher.end()
                assert await started.ended() == 0

    run(story())


def test_sigterm_gives_the_terminal_back() -> None:
    """Whoever ends the process alone has a terminal that can be used."""

    async def story() -> None:
        terminal = Terminal()
        with short_directory() as name:
            async with a_process(Path(name), terminal.program, console=True) as started:
                await until(lambda: b"\x1b[?1049h" in terminal.written)
                started.process.terminate()
                assert await started.ended() == 0
                await until(terminal.is_as_before)
        terminal.leave()

    run(story())


def ended_at_once(directory: Path) -> "subprocess.CompletedProcess[str]":
    """Start a process that cannot begin; return how it ended."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        return subprocess.run(
            [
                *(sys.executable, "-P", "-m", "chat_service.admin.process"),
                *(str(theirs.fileno()), config_of(directory).to_json()),
            ],
            pass_fds=[theirs.fileno()],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def test_directory_that_is_gone_ends_it(tmp_path: Path) -> None:
    """What it cannot do without is told in the log, with status 1 for the launcher."""
    done = ended_at_once(tmp_path / "none")
    assert done.returncode == 1
    assert "the admin process broke and ends" in done.stderr
    assert str(tmp_path / "none") in done.stderr


def test_part_that_breaks_ends_all_of_it(tmp_path: Path) -> None:
    """Where the socket cannot be made nothing else stays, and what is in its place does."""
    (tmp_path / "admin.sock").mkdir()
    done = ended_at_once(tmp_path)
    assert done.returncode == 1
    assert "admin.sock cannot be made" in done.stderr
    assert (tmp_path / "admin.sock").is_dir()


@pytest.mark.parametrize("arguments", [[], ["x", "{}"], ["99999", "{}"], ["0"]])
def test_start_by_hand_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other arguments than the launcher's are one line and status 2."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("chat_service.admin.process: started by hand?")


def test_nothing_is_loaded_that_is_not_used() -> None:
    """Without a console and without a metrics port, neither's library is in memory."""
    program = (
        "import sys, chat_service.admin.process, chat_service.admin.wiring\n"
        "heavy = {'prompt_toolkit', 'prometheus_client', 'sqlite3', 'http.server'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == "[]\n"
