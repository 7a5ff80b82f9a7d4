"""Lines of the log, from every process to file, screen and console."""

import logging
import os
import selectors
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_service.launcher import journal
from chat_service.launcher.journal import (
    FULL_FILES,
    MAX_LINE_BYTES,
    MAX_UNWRITTEN,
    RECENT_LINES,
    Journal,
    LogFile,
    ScreenLines,
)
from chat_service.link import LogLine
from tests.launcher.fakes import wait_until


class Scene:
    """A journal, and where its lines go."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "chat-server.log"
        self.shown: list[str] = []
        self.heard: list[LogLine] = []
        self.selector = selectors.DefaultSelector()
        self.journal = Journal(LogFile(self.path), self.shown.append)
        self.journal.listener = self.heard.append
        self.output = self.journal.output(self.selector)

    def run(self) -> None:
        """Read what the pipes hold now."""
        while self.selector.get_map() and (ready := self.selector.select(0)):
            for key, events in ready:
                key.data(events)

    def written(self) -> list[str]:
        """End the journal; return what is in its file."""
        self.journal.close()
        return self.path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Give a journal whose lines go to lists and to a file."""
    scene = Scene(tmp_path)
    yield scene
    scene.journal.close()
    scene.selector.close()


def test_line_goes_to_file_console_and_screen(scene: Scene) -> None:
    """While no console has the screen a line is shown there too."""
    scene.journal.add(0, "one")
    scene.journal.on_screen = False
    scene.journal.add(2, "two")
    assert scene.shown == ["one"]
    assert scene.heard == [LogLine(0, "one"), LogLine(2, "two")]
    assert list(scene.journal.recent) == scene.heard
    assert scene.written() == ["one", "two"]


def test_only_recent_lines_are_kept(scene: Scene) -> None:
    """A console that begins is told the last ones."""
    for number in range(RECENT_LINES + 5):
        scene.journal.add(1, str(number))
    assert len(scene.journal.recent) == RECENT_LINES
    assert scene.journal.recent[0].line == "5"


def test_processes_write_whole_lines(scene: Scene) -> None:
    """What a process writes in pieces comes as lines, and its last words without an end too."""
    with scene.output(3) as descriptor:
        os.write(descriptor, b"first li")
        scene.run()
        assert scene.heard == []
        os.write(descriptor, b"ne\nsecond \xff line\n\nlast")
        scene.run()
    scene.run()
    assert scene.heard == [
        LogLine(3, line) for line in ("first line", "second \\xff line", "", "last")
    ]
    assert not scene.selector.get_map()


def test_line_without_an_end_comes_in_parts(scene: Scene) -> None:
    """A process gone wild fills no memory here."""
    with scene.output(1) as descriptor:
        for _ in range(10):
            os.write(descriptor, b"x" * MAX_LINE_BYTES)
            scene.run()
    scene.run()
    assert len(scene.heard) >= 10
    assert "".join(line.line for line in scene.heard) == "x" * 10 * MAX_LINE_BYTES


def test_own_log_takes_the_same_way(scene: Scene) -> None:
    """What the launcher itself logs is a line of number 0."""
    handler = logging.StreamHandler(scene.journal.stream())
    handler.emit(logging.makeLogRecord({"msg": "from here"}))
    assert scene.heard == [LogLine(0, "from here")]


def test_file_is_for_its_owner_and_goes_on(tmp_path: Path) -> None:
    """Another start writes on where the last one ended."""
    path = tmp_path / "log"
    for line in ("one", "two"):
        file = LogFile(path)
        file.write(line)
        file.close()
    assert path.read_text(encoding="utf-8") == "one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_full_file_makes_room(tmp_path: Path) -> None:
    """A few full files are kept, the oldest goes."""
    path = tmp_path / "log"
    file = LogFile(path, max_bytes=100)
    for number in range(50):
        file.write(f"line {number:03}")
    file.close()
    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["log", *(f"log.{n + 1}" for n in range(FULL_FILES))]
    assert all(each.stat().st_size <= 100 for each in files)
    lines = [line for each in (files[2], files[1], files[0]) for line in each.open()]
    first = int(lines[0].split()[1])
    assert lines == [f"line {number:03}\n" for number in range(first, 50)]


def test_disk_that_fails_costs_lines_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is raised and nothing printed; when the disk is well again, lines are written."""
    path = tmp_path / "gone" / "log"
    file = LogFile(path)
    for _ in range(100):
        file.write("lost")
    path.parent.mkdir()

    def written() -> bool:
        file.write("written")
        return path.exists() and "written" in path.read_text(encoding="utf-8")

    wait_until(written)
    file.close()
    assert capsys.readouterr().err == ""


def test_disk_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are taken at once and do not gather without bound, nor is the end held up."""
    monkeypatch.setattr(journal, "CLOSE_SECONDS", 0.01)
    path = tmp_path / "log"
    # Opening it for writing waits for a reader.
    os.mkfifo(path)
    file = LogFile(path)
    for number in range(2 * MAX_UNWRITTEN):
        file.write(str(number))
    file.close()
    with open(os.open(path, os.O_RDONLY), encoding="utf-8") as reader:
        lines = [next(reader) for _ in range(10)]
    assert lines == [f"{number}\n" for number in range(10)]


def test_terminal_that_stands_still_holds_nobody_up() -> None:
    """Lines for it wait, and are let go of when a console has it by the time that it goes on."""
    reader, writer = os.pipe()
    lines = ScreenLines(writer)
    text = "x" * 1000
    for _ in range(2 * MAX_UNWRITTEN):
        lines.write(text)
    lines.wanted = lambda: False
    received = b""
    while len(received) < len(text) + 1:
        received += os.read(reader, 1 << 20)
    lines.close()
    os.close(writer)
    while more := os.read(reader, 1 << 20):
        received += more
    os.close(reader)
    assert set(received.decode().splitlines()) == {text}
    assert received.count(b"\n") < MAX_UNWRITTEN / 10


def test_terminal_that_is_gone_costs_lines_only() -> None:
    """Who writes lines does not notice."""
    reader, writer = os.pipe()
    os.close(reader)
    lines = ScreenLines(writer)
    lines.write("nobody reads this")
    lines.close()
    os.close(writer)
