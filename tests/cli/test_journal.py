"""`chat_cli.journal`: one file for each process, and what the dead leave goes to one finder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chat_cli import records
from chat_cli.journal import Journal, find_orphans
from chat_cli.model import ByName
from chat_cli.pending import PendingPost
from tests.cli.desk import DEADLINE


def line(number: int) -> bytes:
    """Make the line of a message."""
    return records.pending(PendingPost(f"p-{number}", ByName("lobby"), "hi", False, None))


def left(directory: Path, *numbers: int, kind: str = "window") -> None:
    """Leave messages as a process does that was killed."""
    journal = Journal.create(directory, kind)
    journal.append(b"".join(map(line, numbers)))
    journal.leave()


def test_a_living_process_keeps_its_own(tmp_path: Path) -> None:
    """Nobody finds it, not even itself; a dead one's goes to one, with its lines."""
    journal = Journal.create(tmp_path / "o", "window")
    journal.append(line(1))
    assert find_orphans(tmp_path / "o", "window") == []
    journal.leave()
    (orphan,) = find_orphans(tmp_path / "o", "window")
    assert list(orphan.contents.posts) == ["p-1"]
    assert find_orphans(tmp_path / "o", "window") == []
    orphan.remove()
    assert list((tmp_path / "o").iterdir()) == []


def test_kinds_are_kept_apart(tmp_path: Path) -> None:
    """A window does not find what a script left."""
    left(tmp_path, 1, kind="send")
    assert find_orphans(tmp_path, "window") == []
    assert len(find_orphans(tmp_path, "send")) == 1


def test_an_orphan_whose_finder_dies_is_found_again(tmp_path: Path) -> None:
    """Until it is removed it belongs to whoever lives."""
    left(tmp_path, 1)
    (orphan,) = find_orphans(tmp_path, "window")
    orphan.leave()
    (again,) = find_orphans(tmp_path, "window")
    assert list(again.contents.posts) == ["p-1"]


def test_removing_leaves_nothing(tmp_path: Path) -> None:
    """Neither file nor lock nor what a broken replacement left."""
    journal = Journal.create(tmp_path, "window")
    (path,) = tmp_path.glob("*.jsonl")
    path.with_suffix(".new").write_bytes(b"{")
    journal.remove()
    left(tmp_path, 1)
    (path,) = tmp_path.glob("*.jsonl")
    path.with_suffix(".new").write_bytes(b"{")
    find_orphans(tmp_path, "window")[0].remove()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Afterwards lines are written behind the new content."""
    journal = Journal.create(tmp_path, "window")
    journal.append(line(1) * 50)
    journal.replace(records.head() + line(2))
    assert journal.size == len(records.head() + line(2))
    journal.append(line(3))
    journal.sync()
    journal.leave()
    (orphan,) = find_orphans(tmp_path, "window")
    assert list(orphan.contents.posts) == ["p-2", "p-3"]


def test_a_file_with_damage_is_set_aside(tmp_path: Path) -> None:
    """What could be read is given, the file stays under another name."""
    left(tmp_path, 1)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b"nonsense\n" + line(2))
    (orphan,) = find_orphans(tmp_path, "window")
    assert list(orphan.contents.posts) == ["p-1", "p-2"]
    orphan.remove()
    assert list(tmp_path.iterdir()) == [orphan.aside]
    assert b"nonsense" in orphan.aside.read_bytes()
    assert find_orphans(tmp_path, "window") == []


def test_what_is_no_file_is_damage(tmp_path: Path) -> None:
    """A directory in the place of a file, and a file of any size, end nothing."""
    (tmp_path / "window-dir.jsonl").mkdir()
    with (tmp_path / "window-huge.jsonl").open("wb") as huge:
        huge.truncate(2**33)
    found = find_orphans(tmp_path, "window")
    assert [orphan.contents.damaged for orphan in found] == [1, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_nobody_else_can_read(tmp_path: Path) -> None:
    """Directories are 0700 and files 0600, whatever the umask, also when replaced."""
    old = os.umask(0)
    try:
        journal = Journal.create(tmp_path / "a" / "b" / "c", "window")
        journal.replace(records.head())
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert (tmp_path / "a" / "b" / "c").stat().st_mode & 0o777 == 0o700
    journal.remove()


def test_each_orphan_goes_to_one_of_many(tmp_path: Path) -> None:
    """Processes that look at the same time share what there is; each message has one finder."""
    for number in range(30):
        left(tmp_path, number)
    program = (
        "import sys; from pathlib import Path; from chat_cli.journal import find_orphans\n"
        "sys.stdin.readline()\n"
        "found = find_orphans(Path(sys.argv[1]), 'window')\n"
        "print(*(id for one in found for id in one.contents.posts), flush=True)\n"
        "sys.stdin.readline()\n"
        "for one in found: one.remove()\n"
    )
    finders = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    taken: list[str] = []
    try:
        for _ in range(2):
            for finder in finders:
                assert finder.stdin
                finder.stdin.write("\n")
                finder.stdin.flush()
            if not taken:
                for finder in finders:
                    assert finder.stdout
                    taken += finder.stdout.readline().split()
        for finder in finders:
            finder.communicate(timeout=DEADLINE)
    finally:
        for finder in finders:
            finder.kill()
            finder.wait()
    assert sorted(taken) == sorted(f"p-{number}" for number in range(30))
    assert list(tmp_path.iterdir()) == []
