"""The recorded calls: they are read back as they were made, and a cut keeps what was synced."""

import os
import random
import re
import subprocess
import sys
from errno import EIO
from pathlib import Path

import pytest

from tests.chaos.journal import Call, Commits, Disk, Journal, Kind, parse

PROGRAM = """
import os, sys
directory = sys.argv[1]
file = os.open(f"{directory}/chat-wal", os.O_RDWR | os.O_CREAT)
os.pwrite(file, b"one", 0)
os.lseek(file, 3, os.SEEK_SET)
os.write(file, b"two")
os.fsync(file)
os.ftruncate(file, 2)
os.fdatasync(file)
os.fsync(os.open(directory, os.O_RDONLY))
os.unlink(f"{directory}/chat-wal")
os.write(os.open(f"{directory}-not", os.O_WRONLY | os.O_CREAT), b"elsewhere")
"""


def call(kind: Kind, name: str = "a", offset: int = 0, data: bytes = b"", at: int = 0) -> Call:
    """Make a call that took no time."""
    return Call(kind, name, offset, data, at, at)


def write(data: bytes, offset: int = 0, name: str = "a", at: int = 0) -> Call:
    """Make a write."""
    return call(Kind.WRITE, name, offset, data, at)


def disk(*calls: Call) -> Disk:
    """Make a disk after some calls."""
    made = Disk()
    for one in calls:
        made.apply(one)
    return made


MADE = (call(Kind.CREATE), write(b"old!"), call(Kind.SYNC), call(Kind.SYNC_DIRECTORY, "dir"))


@pytest.mark.needs_program("cc")
def test_calls_are_recorded(tmp_path: Path) -> None:
    """Each call on a file of the directory is there, in order, with its bytes; others are not."""
    directory = tmp_path / "data"
    directory.mkdir()
    journal = Journal(tmp_path, directory)
    environment = os.environ | journal.environment
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(directory)], env=environment, check=True, timeout=60
    )
    calls = journal.calls()
    assert [(c.kind, c.name, c.offset, c.data) for c in calls] == [
        (Kind.CREATE, "chat-wal", 0, b""),
        (Kind.WRITE, "chat-wal", 0, b"one"),
        (Kind.WRITE, "chat-wal", 3, b"two"),
        (Kind.SYNC, "chat-wal", 0, b""),
        (Kind.TRUNCATE, "chat-wal", 2, b""),
        (Kind.SYNC, "chat-wal", 0, b""),
        (Kind.SYNC_DIRECTORY, "data", 0, b""),
        (Kind.UNLINK, "chat-wal", 0, b""),
    ]
    times = [time for c in calls for time in (c.begin_ns, c.end_ns)]
    assert times == sorted(times)


@pytest.mark.needs_program("cc")
def test_calls_fail_on_demand(tmp_path: Path) -> None:
    """A sync of one kind of file fails as long as the test wants."""
    directory = tmp_path / "data"
    directory.mkdir()
    journal = Journal(tmp_path, directory)
    environment = os.environ | journal.environment
    command = [sys.executable, "-c", PROGRAM, str(directory)]
    journal.breaks(Kind.SYNC, "-wal", EIO)
    failed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "OSError: [Errno 5]" in failed.stderr
    journal.mends()
    subprocess.run(command, env=environment, check=True, timeout=60)


def test_record_that_was_cut_off() -> None:
    """A record whose writer was killed ends with its last whole call."""
    head = b"".join(
        n.to_bytes(size, sys.byteorder)
        for n, size in ((ord("w"), 4), (4, 4), (3, 8), (7, 8), (1, 8), (2, 8))
    )
    whole = head + b"/d/a" + b"xyz"
    (first,) = parse(whole + whole[:-1])
    assert first == Call(Kind.WRITE, "a", 7, b"xyz", 1, 2)
    assert list(parse(whole[:20])) == []


def test_only_what_was_synced_survives() -> None:
    """Bytes after the last sync, and files whose directory was not synced, are gone."""
    after = (
        write(b"new", offset=2),
        call(Kind.CREATE, "b"),
        write(b"b", name="b"),
        call(Kind.SYNC, "b"),
    )
    assert disk(*MADE, *after).survivors() == {"a": b"old!"}
    assert disk(*MADE, *after, call(Kind.SYNC)).survivors() == {"a": b"olnew"}
    whole = disk(*MADE, *after, call(Kind.SYNC_DIRECTORY, "dir"))
    assert whole.survivors() == {"a": b"old!", "b": b"b"}
    assert disk(*MADE, call(Kind.UNLINK)).survivors() == {"a": b"old!"}
    assert disk(*MADE, call(Kind.TRUNCATE, offset=6)).survivors() == {"a": b"old!"}


def test_torn_writes_are_any_part_by_sectors() -> None:
    """Of unsynced writes, also the one under way, each sector is there or is not."""
    made = disk(*MADE, write(b"x" * 1000, offset=24))
    found = {
        content
        for seed in range(200)
        for content in made.torn(write(b"y" * 4), random.Random(seed)).values()
    }
    first, second = b"x" * 488, b"x" * 512
    old, new = b"old!" + bytes(20), b"yyyy" + bytes(20)
    assert {old + first + second, new + first + second, b"old!", b"yyyy", old + first} <= found
    assert new + bytes(488) + second in found
    assert all(len(content) in (4, 512, 1024) for content in found)


def test_removed_file_that_is_back_is_as_it_was() -> None:
    """A write into the file that took its name is not found in it."""
    made = disk(*MADE, call(Kind.UNLINK), call(Kind.CREATE))
    under_way = write(b"new", offset=2)
    found = {
        content
        for seed in range(50)
        for content in made.torn(under_way, random.Random(seed)).values()
    }
    assert found == {b"old!", b"", b"\x00\x00new"}


def test_posts_of_a_transaction_are_durable_with_its_sync() -> None:
    """A sync keeps what was committed before it, and no transaction without its last frame."""
    frame, last = bytes(24), bytes(4) + b"\x00\x00\x00\x09" + bytes(16)
    calls = [
        write(bytes(32), name="w-wal", at=1),
        write(frame, 32, "w-wal", at=2),
        write(b"..p1-1....", 56, "w-wal", at=3),
        call(Kind.SYNC, "w-wal", at=4),
        write(last, 4152, "w-wal", at=5),
        write(b"..p1-2....", 4176, "w-wal", at=6),
        call(Kind.SEND, "", data=b"p1-1....", at=7),
        call(Kind.SYNC, "w-wal", at=8),
        write(last, 8272, "w-wal", at=9),
        write(b"..p1-3....", 8296, "w-wal", at=10),
    ]
    commits = Commits(calls, re.compile(rb"(p[0-9]+-[0-9]+)\.{4}"))
    assert commits.durable_ns == {"p1-1": 8, "p1-2": 8}
    assert commits.left_ns == {"p1-1": 7}
    assert (commits.count, commits.syncs) == (2, 2)
