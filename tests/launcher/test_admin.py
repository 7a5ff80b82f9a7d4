"""The admin process as the launcher sees it, with a console: terminal, screen and log."""

import logging
import os
import pty
import selectors
import socket
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from chat_service import link
from chat_service.config import AdminConfig
from chat_service.launcher.admin import AdminProcess, Screen
from chat_service.launcher.journal import Journal, LogFile
from chat_service.launcher.outbox import MAX_LOG_LINES
from chat_service.posix import Terminal
from tests.launcher.fakes import FakeAdmin, FakeClock, launch

NEWS = link.InstanceNews(
    1, "127.0.0.1:50051", 50051, link.InstanceState.SERVING, 1000, 0, 77, "/data/50051"
)


class Scene:
    """An admin process with a console, and all around it."""

    def __init__(self, directory: Path) -> None:
        self.master, self.slave = pty.openpty()
        self.selector = selectors.DefaultSelector()
        self.clock = FakeClock()
        self.shown: list[str] = []
        self.processes: Queue[FakeAdmin] = Queue()
        self.asked: list[link.Ask] = []
        self.forgotten = 0
        self.journal = Journal(LogFile(directory / "log"), self.shown.append)
        self.admin = AdminProcess(
            launch(1).admin_config(True),
            self.selector,
            spawn=self._spawn,
            clock=self.clock,
            output=self.journal.output(self.selector),
            screen=Screen(self.journal, Terminal.at(os.ttyname(self.slave))),
            asked=self.asked.append,
            forgotten=self._forget,
        )

    def _spawn(self, config: AdminConfig, connection: socket.socket, output: int) -> FakeAdmin:
        os.write(output, b"it begins\n")
        process = FakeAdmin(config, connection)
        self.processes.put(process)
        return process

    def _forget(self) -> None:
        self.forgotten += 1

    def run(self) -> None:
        """Do all that can be done now."""
        self.admin.flush()
        while ready := self.selector.select(0) if self.selector.get_map() else []:
            for key, events in ready:
                key.data(events)
            self.admin.flush()

    def begin(self) -> FakeAdmin:
        """Begin the process, which takes the terminal as a console does."""
        self.admin.begin()
        tty.setraw(self.slave)
        self.run()
        return self.processes.get_nowait()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Give an admin process that has not begun."""
    scene = Scene(tmp_path)
    yield scene
    scene.admin.no_more()
    scene.admin.kill()
    scene.journal.close()
    scene.selector.close()
    os.close(scene.master)
    os.close(scene.slave)


def hear(process: FakeAdmin, count: int) -> list[link.Message | None]:
    """Return what it is told next."""
    return [process.hear() for _ in range(count)]


def test_console_has_the_screen_and_hears_the_log(scene: Scene) -> None:
    """What was logged before it began is told too; from then on no line is shown beside it."""
    scene.journal.add(1, "before")
    scene.admin.tell(NEWS)
    process = scene.begin()
    scene.journal.add(1, "while")
    scene.run()
    assert hear(process, 4) == [
        NEWS,
        link.LogLine(1, "before"),
        link.LogLine(0, "it begins"),
        link.LogLine(1, "while"),
    ]
    assert scene.shown == ["before"]


def test_line_for_the_operator_is_in_no_file(scene: Scene, tmp_path: Path) -> None:
    """Every console is shown it, also the next one; neither log nor screen has it."""
    scene.admin.show("the code is K7QM")
    first = scene.begin()
    assert hear(first, 1) == [link.Shown("the code is K7QM")]
    scene.admin.show("and another")
    first.exit(1)
    scene.run()
    scene.admin.tick(scene.clock.now)
    scene.run()
    second = scene.processes.get_nowait()
    assert hear(second, 2) == [link.Shown("the code is K7QM"), link.Shown("and another")]
    scene.admin.show("the code was used", instead="the code is K7QM")
    scene.run()
    shown = next(told for told in iter(second.hear, None) if isinstance(told, link.Shown))
    assert shown == link.Shown("the code was used", "the code is K7QM")
    second.exit(1)
    scene.run()
    scene.clock.now += 60
    scene.admin.tick(scene.clock.now)
    scene.run()
    third = scene.processes.get_nowait()
    assert hear(third, 2) == [link.Shown("the code was used"), link.Shown("and another")]
    scene.journal.close()
    assert "K7QM" not in (tmp_path / "log").read_text() + "".join(scene.shown)


@pytest.mark.parametrize(("returncode", "cleared"), [(0, False), (-9, True), (1, True)])
def test_terminal_is_put_back(scene: Scene, returncode: int, cleared: bool) -> None:
    """Keys are read as before however it ended; the screen is cleared if that was badly."""
    before = termios.tcgetattr(scene.slave)
    scene.begin().exit(returncode)
    scene.run()
    assert termios.tcgetattr(scene.slave) == before
    os.set_blocking(scene.master, False)
    try:
        told = os.read(scene.master, 1000)
    except BlockingIOError:
        told = b""
    assert (b"\x1b[?1049l" in told) is cleared
    scene.journal.add(1, "after")
    assert scene.shown[-1] == "after"


def test_next_one_is_told_everything(scene: Scene) -> None:
    """It hears of all instances and of the last lines, and answers of nobody else."""
    scene.admin.tell(NEWS)
    first = scene.begin()
    scene.admin.say(link.Answer(7))
    scene.admin.tell(NEWS)
    gone = link.InstanceNews(2, "", 0, link.InstanceState.STARTING, 0, 0, 0, "/data/2")
    scene.admin.tell(gone)
    scene.admin.say(link.InstanceGone(2))
    first.exit(1)
    scene.run()
    assert scene.forgotten == 1
    assert scene.admin.begin_at == scene.clock.now
    scene.admin.tick(scene.clock.now)
    scene.run()
    second = scene.processes.get_nowait()
    assert hear(second, 3) == [
        NEWS,
        link.LogLine(0, "it begins"),
        link.LogLine(0, "it begins"),
    ]
    scene.admin.end()
    assert second.read_line() == b""


def test_one_that_hangs_costs_nothing(scene: Scene) -> None:
    """The newest of each instance waits for it, and a bounded part of the log."""
    process = scene.begin()
    for number in range(8 * MAX_LOG_LINES):
        scene.admin.tell(NEWS)
        scene.journal.add(1, "x" * 100)
        if number % 100 == 0:
            scene.run()
    lines = 0
    process.hear()
    scene.admin.end()
    while process.hear() is not None:
        lines += 1
        scene.run()
    # What the socket took, and what is bounded.
    assert lines < 5 * MAX_LOG_LINES


def test_new_configuration_is_told_once(scene: Scene) -> None:
    """Who runs hears of it only if it is another one."""
    process = scene.begin()
    assert hear(process, 1) == [link.LogLine(0, "it begins")]
    scene.admin.configure(process.config)
    scene.admin.say(link.Answer(1))
    new = AdminConfig.from_json(process.config.to_json().replace("5.0", "7.0"))
    scene.admin.configure(new)
    scene.run()
    assert hear(process, 2) == [link.Answer(1), link.Configured(new.to_json())]


def test_clean_end_waits_for_nothing_else(scene: Scene) -> None:
    """It hears all that waits, then the end of the file; no other one follows."""
    process = scene.begin()
    scene.admin.say(link.Stopping())
    scene.admin.end()
    assert hear(process, 3) == [link.LogLine(0, "it begins"), link.Stopping(), None]
    process.exit(0)
    scene.run()
    assert not scene.admin.alive
    assert scene.admin.begin_at is None
    scene.admin.begin()
    assert not scene.admin.alive


@pytest.mark.parametrize("is_killed", [False, True])
def test_warning_is_of_one_that_broke(
    scene: Scene, caplog: pytest.LogCaptureFixture, *, is_killed: bool
) -> None:
    """One that breaks at the end is warned of; to one that did not come to its end nobody is."""
    process = scene.begin()
    scene.admin.end()
    if is_killed:
        scene.admin.kill()
    else:
        process.exit(1)
        scene.run()
    assert not scene.admin.alive
    warned = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert bool(warned) is not is_killed
