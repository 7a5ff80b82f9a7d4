"""The thread that writes transcripts: a real log, real files, and disks that fail."""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from chat_service.config import StartError, Transcripts
from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.events import RoomEvent
from chat_service.core.model import Style
from chat_service.core.state import State
from chat_service.transcripts import notes, writer
from chat_service.transcripts.book import PAGE_EVENTS
from chat_service.transcripts.files import Calls
from chat_service.transcripts.positions import FILE
from tests.core.scene import post
from tests.log.subject import DEADLINE_S
from tests.transcripts.disks import DeadDisk, FullDisk, StuckDisk
from tests.transcripts.scene import AT_NOON, NOON, Scene, talk, until


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Begin with new data and no transcripts."""
    return Scene(tmp_path)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as a warning or worse, each one line."""
    found = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert not any("\n" in line for line in found)
    return found


# ------------------------------------------------------------------- what is written


def test_file_grows_while_people_talk(scene: Scene) -> None:
    """What is said is there soon, while the server runs."""
    with scene.writes():
        scene.joins("alice")
        for text in ("one", "two"):
            scene.says("alice", text)
            scene.shows(f"{AT_NOON} <alice> {text}")


def test_everything_stands_where_it_happened(scene: Scene) -> None:
    """Messages, actions, topics, joins and leaves come in their order, each in its room."""
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "hi")
        scene.joins("bob")
        scene.says("bob", "waves", style=Style.ACTION)
        scene.joins("bob", "tea")
        scene.says("bob", "two\nlines", room="tea")
        scene.sets_topic("alice", "lunch")
        scene.leaves("alice")
        scene.joins("alice")
        scene.goes("bob")
        scene.says("alice", "bye")
        scene.goes("alice")
    assert scene.lines() == [
        f"{AT_NOON} {entry}"
        for entry in (
            "-> alice joined",
            "<alice> hi",
            "-> bob joined",
            "* bob waves",
            "-- alice set the topic: lunch",
            "<- alice left",
            "-> alice joined",
            "<- bob left",
            "<alice> bye",
            "<- alice left",
        )
    ]
    assert scene.lines("tea") == [
        f"{AT_NOON} -> bob joined",
        f"{AT_NOON} <bob> two",
        "                     lines",
        f"{AT_NOON} <- bob left",
    ]


def test_who_leaves_in_the_commit_of_a_message_leaves_behind_it(scene: Scene) -> None:
    """The order within a commit is kept: first the last words, then the leave."""
    with scene.writes():
        scene.joins("alice")
        session = scene.session("alice")
        scene.log.ask_all(post(session, "lobby", "bye"), cmd.EndSession(session))
    assert scene.lines()[-2:] == [f"{AT_NOON} <alice> bye", f"{AT_NOON} <- alice left"]


def test_direct_messages_are_not_written(scene: Scene) -> None:
    """Only public rooms have a transcript; one without any event has no file."""
    with scene.writes():
        scene.joins("alice", "")
        scene.joins("bob", "tea")
        session = scene.session("alice")
        scene.log.ok(cmd.PostMessage(session, cmd.Direct(("bob",)), Style.TEXT, "psst", "d", b"h"))
    assert scene.names() == ["tea.log"]
    assert "psst" not in scene.path("tea").read_text()


def test_files_are_for_their_owner_alone(scene: Scene) -> None:
    """Directories have the mode 0700, files 0600, whatever the umask is."""
    before = os.umask(0)
    try:
        with scene.writes():
            scene.joins("alice")
    finally:
        os.umask(before)
    assert scene.directory.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in scene.directory.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"lobby.log", FILE} <= modes.keys()


# ----------------------------------------------------------------- stops and starts


def test_restart_goes_on_without_a_hole_or_a_double(scene: Scene) -> None:
    """Each start continues behind what the one before has written."""
    for number in range(3):
        with scene.writes():
            scene.joins(f"guest{number}")
            scene.says(f"guest{number}", "hi", "there")
    assert scene.history() == talk(scene.lines())
    assert len(scene.history()) == 6


def test_what_was_said_without_transcripts_is_made_up_for(scene: Scene) -> None:
    """Also the first start writes all that is kept; it takes several turns."""
    scene.log.ok(cmd.StartInstance("here", scene.epoch, scene.limits, "lobby"))
    scene.joins("alice")
    for number in range(6):
        scene.says("alice", *(f"{number} {n}" for n in range(900)))
    scene.reopens()
    with scene.writes():
        pass
    assert scene.lines() == scene.history()
    scene.says("alice", "between")
    scene.reopens()
    with scene.writes():
        pass
    assert scene.lines() == scene.history()
    assert len(scene.lines()) == 5401


def test_text_that_was_not_committed_is_cut_off(scene: Scene) -> None:
    """What a crash left behind the recorded size goes, and is written again."""
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one")
    with scene.path().open("a") as file:
        file.write(f"{AT_NOON} <alice> t")
    with scene.writes():
        scene.says("alice", "two")
    assert talk(scene.lines()) == scene.history()
    assert scene.names() == ["lobby.log"]


def test_death_at_any_call_leaves_neither_a_hole_nor_a_double(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever write or sync is the last one, the next start continues exactly."""
    monkeypatch.setattr(writer, "GATHER_S", 0.0)
    survived = False
    for calls in range(200):
        scene = Scene(tmp_path / str(calls), rotate_bytes=100)
        with scene.writes():
            scene.joins("alice")
            scene.says("alice", "zero")
        disk = DeadDisk(calls)
        scene.calls = disk.calls
        with scene.writes():
            for text in ("one", "two"):
                before = disk.left
                scene.says("alice", *(f"{text} {n}" for n in range(3)))
                disk.wait_below(before - 1)
        survived = disk.left >= 0
        scene.calls = Calls()
        with scene.writes():
            scene.says("alice", "last")
        assert talk(scene.whole()) == scene.history(), f"after {calls} calls"
        if survived:
            break
    assert survived
    assert calls > 5


def test_other_data_begins_anew(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Where the data was replaced, all that was written of the old is set aside."""
    with scene.writes():
        scene.joins("alice")
        scene.joins("alice", "tea")
        scene.says("alice", "old")
    scene.begins("epoch-2")
    with scene.writes():
        scene.joins("bob", "coffee")
        scene.joins("bob")
        scene.says("bob", "new")
    assert scene.names() == [
        "coffee.log",
        "lobby.log",
        "lobby@2026-11-20T13-50-48.000Z.log",
        "tea@2026-11-20T13-50-48.000Z.log",
    ]
    assert scene.lines() == [f"{AT_NOON} -> bob joined", f"{AT_NOON} <bob> new"]
    assert "old" in (scene.directory / "lobby@2026-11-20T13-50-48.000Z.log").read_text()
    (line,) = warnings(caplog)
    assert "other data" in line


def test_older_data_begins_anew(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Where a backup took the place of the data, its rooms are behind their transcripts."""
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one", "two", "three")
    scene.begins(scene.epoch)
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one")
    assert talk(scene.lines()) == scene.history() == [f"{AT_NOON} <alice> one"]
    assert len(scene.names()) == 2
    (line,) = warnings(caplog)
    assert "ahead of the data" in line


def test_events_that_are_no_longer_kept_are_named(scene: Scene) -> None:
    """What retention took before it was written is told in a line; so is a room that is empty."""
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "1")
    scene.says("alice", *"23456")
    scene.prunes(1, 4)
    scene.reopens()
    with scene.writes():
        pass
    missing = "-------------------- events 2 to 4 are no longer kept"
    assert scene.lines()[2:] == [missing, f"{AT_NOON} <alice> 5", f"{AT_NOON} <alice> 6"]
    scene.says("alice", "7")
    scene.prunes(1, 7)
    scene.reopens()
    with scene.writes():
        pass
    assert scene.lines()[5:] == ["-------------------- event 7 is no longer kept"]


# ------------------------------------------------------------------------- new files


def test_full_file_is_set_aside(tmp_path: Path) -> None:
    """A file of the size is renamed when more is said, and so many are kept."""
    scene = Scene(tmp_path, rotate_bytes=100, keep_files=2)
    with scene.writes():
        scene.joins("alice")
    for number in range(12):
        with scene.writes():
            scene.log.now_ms = NOON + number * 1000
            scene.says("alice", f"number {number}")
    whole = talk(scene.whole())
    assert len(scene.names()) == 3
    assert whole == scene.history()[-len(whole) :]
    assert all(100 <= (scene.directory / name).stat().st_size < 150 for name in scene.names()[1:])


def test_long_catch_up_is_parted_into_files(tmp_path: Path) -> None:
    """Files of one moment are told apart, and hold everything in order."""
    scene = Scene(tmp_path, rotate_bytes=20_000)
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", *("x" * 100 for _ in range(1000)))
    names = scene.names()
    assert len(names) >= 5
    assert "lobby@2026-11-20T13-50-48.001Z.log" in names
    sizes = [(scene.directory / name).stat().st_size for name in names if "@" in name]
    assert max(sizes) < 20_000 + PAGE_EVENTS * 150
    assert talk(scene.whole()) == scene.history()


def test_old_file_is_set_aside(tmp_path: Path) -> None:
    """A file that began so long ago is renamed when more is said."""
    scene = Scene(tmp_path, rotate_age_s=60)
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one")
    for seconds in (59, 60):
        with scene.writes():
            scene.log.now_ms = NOON + seconds * 1000
            scene.says("alice", str(seconds))
    assert talk(scene.whole()) == scene.history()
    assert scene.names() == ["lobby.log", "lobby@2026-11-20T13-51-48.000Z.log"]
    assert scene.lines() == ["2026-11-20T13:51:48Z <alice> 60"]


def test_sizes_can_change_while_it_runs(scene: Scene) -> None:
    """A reload has the next text begin a file; where files are is settled by the start."""
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one")
        scene.shows(f"{AT_NOON} <alice> one")
        scene.writer.adopt(Transcripts(scene.directory / "elsewhere", rotate_bytes=1))
        scene.says("alice", "two")
        scene.shows(f"{AT_NOON} <alice> two")
    assert scene.names() == ["lobby.log", "lobby@2026-11-20T13-50-48.000Z.log"]
    assert talk(scene.whole()) == scene.history()


# ----------------------------------------------------------------- files of somebody else


def removed(path: Path) -> None:
    """Delete it."""
    path.unlink()


def emptied(path: Path) -> None:
    """Truncate it, as a program that rotates logs may."""
    path.write_bytes(b"")


def edited(path: Path) -> None:
    """Save something longer in its place."""
    path.write_text("#" * 10_000)


def made_a_directory(path: Path) -> None:
    """Put a directory in its place."""
    path.unlink()
    path.mkdir()


def made_a_link(path: Path) -> None:
    """Put a link to another file in its place."""
    path.unlink()
    path.with_name("target").write_text("precious\n")
    path.symlink_to("target")


def made_a_pipe(path: Path) -> None:
    """Put a pipe that nobody reads in its place."""
    path.unlink()
    os.mkfifo(path)


CHANGES = (removed, emptied, edited, made_a_directory, made_a_link, made_a_pipe)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("running", [True, False])
def test_file_that_somebody_changed_begins_anew(
    scene: Scene, caplog: pytest.LogCaptureFixture, change: Callable[[Path], None], running: bool
) -> None:
    """What is in its place is set aside and never written to; the log has a note."""
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one")
        if running:
            scene.shows(f"{AT_NOON} <alice> one")
            change(scene.path())
            scene.says("alice", "two")
    if not running:
        change(scene.path())
        with scene.writes():
            scene.says("alice", "two")
    assert scene.lines() == [f"{AT_NOON} <alice> two"]
    (line,) = warnings(caplog)
    assert str(scene.path()) in line
    assert "begins anew" in line
    assert len(list(scene.directory.glob("lobby@*"))) == (change is not removed)
    if change is made_a_link:
        assert scene.path("target").with_suffix("").read_text() == "precious\n"


def test_foreign_file_is_set_aside(scene: Scene) -> None:
    """A file that was there before the first transcript keeps what it has."""
    scene.directory.mkdir(parents=True)
    scene.path().write_text("my diary\n")
    with scene.writes():
        scene.joins("alice")
    assert scene.lines() == [f"{AT_NOON} -> alice joined"]
    assert (scene.directory / "lobby@2026-11-20T13-50-48.000Z.log").read_text() == "my diary\n"


def test_damaged_positions_begin_anew(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Without positions nothing is known of the files: they stay, and all is written anew."""
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one")
    (scene.directory / FILE).write_bytes(b"no database at all" * 100)
    with scene.writes():
        scene.says("alice", "two")
    assert scene.lines() == scene.history()
    assert scene.names() == ["lobby.log", "lobby@2026-11-20T13-50-48.000Z.log"]
    (line,) = warnings(caplog)
    assert "damaged" in line


# --------------------------------------------------------------------- disks in trouble


def test_full_disk_makes_it_late_and_is_told_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries again until there is room; then everything is there, joins and leaves too."""
    caplog.set_level(logging.INFO)
    disk = FullDisk(room=100)
    scene.calls = disk.calls
    with scene.writes():
        scene.joins("alice")
        scene.says("alice", "one", "two", "three", "four")
        scene.joins("bob")
        disk.wait_refusals(3)
        scene.says("bob", "five")
        scene.goes("bob")
        disk.room = 1 << 30
        until(lambda: "written again" in caplog.text, "it is well")
    assert talk(scene.lines()) == scene.history()
    assert scene.lines()[0] == f"{AT_NOON} -> alice joined"
    assert scene.lines()[-3:] == [
        f"{AT_NOON} -> bob joined",
        f"{AT_NOON} <bob> five",
        f"{AT_NOON} <- bob left",
    ]
    (line,) = warnings(caplog)
    assert line == f"transcripts in {scene.directory} have to wait: its disk is full"
    assert caplog.text.count("written again") == 1


def test_joins_that_do_not_fit_any_more_are_counted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing can be written the oldest joins and leaves go, and a line says how many."""
    monkeypatch.setattr(notes, "MAX_COMINGS", 3)
    disk = FullDisk(room=0)
    scene.calls = disk.calls
    with scene.writes():
        scene.joins("alice")
        for number in range(4):
            scene.joins(f"guest{number}")
            disk.wait_refusals(1)
        disk.room = 1 << 30
    assert scene.lines() == [
        "-------------------- 2 joins and leaves are missing",
        *(f"{AT_NOON} -> guest{number} joined" for number in (1, 2, 3)),
    ]


def test_disk_that_does_not_answer_holds_up_nobody(scene: Scene) -> None:
    """Posts are answered and a stop comes to its end; the next start writes the rest."""
    disk = StuckDisk()
    scene.calls = disk.calls
    with scene.writes(for_s=0.01):
        scene.joins("alice")
        assert disk.is_stuck.wait(10)
        scene.says("alice", *(f"text {n}" for n in range(500)))
    disk.goes_on.set()
    scene.ends()
    scene.calls = Calls()
    with scene.writes():
        pass
    assert talk(scene.lines()) == scene.history()
    assert len(scene.history()) == 500


def test_room_that_cannot_be_read_ends_alone(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the log is damaged its transcript ends, with a line in the log; others go on."""
    read_after = scene.log.log.read_after

    def damaged(room_id: int, after_seq: int, *, count: int, max_bytes: int) -> list[RoomEvent]:
        if room_id == 1:
            raise RefusedError(Rejection(Reason.STORAGE_DAMAGED, "it cannot be read"))
        return read_after(room_id, after_seq, count=count, max_bytes=max_bytes)

    scene.log.log.read_after = damaged  # type: ignore[method-assign] # a log in trouble
    with scene.writes():
        scene.joins("alice")
        scene.joins("alice", "tea")
        scene.says("alice", "one")
        scene.says("alice", "two", room="tea")
        scene.says("alice", "three")
    assert scene.lines("tea")[-1] == f"{AT_NOON} <alice> two"
    assert warnings(caplog) == [
        "the transcript of lobby ends here: STORAGE_DAMAGED: it cannot be read"
    ]


# ------------------------------------------------------------------------- bad starts


def test_stop_is_noticed_whenever_it_comes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop that comes just when the thread begins a round is not slept through."""

    class Interrupted(threading.Event):
        stop: threading.Thread | None = None
        was_set = threading.Event()

        def set(self) -> None:
            super().set()
            self.was_set.set()

        def clear(self) -> None:
            if self.stop is None:
                self.was_set.clear()
                self.stop = threading.Thread(target=scene.writer.close, args=(DEADLINE_S,))
                self.stop.start()
                assert self.was_set.wait(DEADLINE_S)
            super().clear()

    class InterruptedNotes(notes.Notes):
        def __init__(self, state: State) -> None:
            super().__init__(state)
            self.woken = Interrupted()
            self.woken.set()

    monkeypatch.setattr(writer, "Notes", InterruptedNotes)
    scene.start()
    scene.ends()
    scene.reopens()


def start_error(scene: Scene) -> str:
    """Start in vain; return the line that says why."""
    with pytest.raises(StartError) as cannot:
        scene.start()
    scene.writer.close(0)
    line = str(cannot.value)
    assert "\n" not in line
    return line


def test_directory_that_cannot_be_used_is_one_line(scene: Scene) -> None:
    """A file in the place of the directory, for one, keeps the server from starting."""
    scene.directory.parent.mkdir()
    scene.directory.write_text("")
    line = start_error(scene)
    assert line == f"transcript directory {scene.directory} cannot be used: File exists"


def test_directory_of_another_process_is_refused(scene: Scene, tmp_path: Path) -> None:
    """Two servers that would write the same files are told apart at once."""
    other = Scene(tmp_path / "other")
    other.settings = replace(other.settings, directory=scene.directory)
    with scene.writes():
        assert "another process writes there" in start_error(other)


def test_positions_of_a_newer_version_are_refused(scene: Scene) -> None:
    """They are left as they are."""
    scene.directory.mkdir(parents=True)
    with closing(sqlite3.connect(scene.directory / FILE)) as connection:
        connection.execute("PRAGMA user_version = 2")
    before = (scene.directory / FILE).read_bytes()
    assert "newer version" in start_error(scene)
    assert (scene.directory / FILE).read_bytes() == before


def test_full_disk_keeps_no_server_from_starting(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A crash on a full disk must not end in a server that cannot come back."""
    with scene.writes():
        scene.joins("alice")
    disk = FullDisk(room=0)
    disk.sync_fails = True
    scene.begins("epoch-2")
    scene.calls = disk.calls
    with scene.writes():
        scene.joins("bob")
        disk.wait_refusals(2)
        disk.sync_fails, disk.room = False, 1 << 30
    assert scene.lines() == [f"{AT_NOON} -> bob joined"]
    assert "its disk is full" in warnings(caplog)[-1]
