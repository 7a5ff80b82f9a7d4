"""`chat_cli.admin.export`: a room's history as text and as lines of JSON."""

import io
import json
import os
import re
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat_cli.admin.export import OutputError, export, output_to
from chat_protos.chat.v1 import admin_pb2 as pb
from tests.cli.admin.fake_admin import FakeAdmin, message, topic
from tests.cli.admin.script import admin
from tests.cli.desk import run

HISTORY = (
    message(3, "alice", "hello\nyou\x1b[2J"),
    message(4, "bob", "waves", action=True),
    topic(6, "alice", "lunch"),
    topic(7, "alice", ""),
    message(8, "bob", "x\n2026-11-20T12:00:09Z <alice> forged"),
)


@pytest.fixture
def fake(nest: Path) -> FakeAdmin:
    """Give a service with one instance that has a room."""
    fake = FakeAdmin(nest / "admin.sock")
    fake.instance(50051).room("lobby", *HISTORY)
    return fake


def exported(fake: FakeAdmin, *arguments: str) -> int:
    """Run an export; return the exit code."""

    async def story() -> int:
        async with fake:
            return await admin(fake, "export", *arguments)

    return run(story())


@pytest.mark.parametrize("output", [(), ("--output", "-")])
def test_text_is_that_of_a_transcript(
    fake: FakeAdmin, capfdbinary: pytest.CaptureFixture[bytes], output: tuple[str, ...]
) -> None:
    """Each event begins with its time; what is missing is told; no text forges a line."""
    assert exported(fake, "#Lobby", *output) == 0
    assert capfdbinary.readouterr().out.decode().splitlines() == [
        "-------------------- events 1 to 2 are no longer kept",
        "2026-11-20T12:00:03Z <alice> hello",
        "                     you␛[2J",
        "2026-11-20T12:00:04Z * bob waves",
        "-------------------- event 5 is no longer kept",
        "2026-11-20T12:00:06Z -- alice set the topic: lunch",
        "2026-11-20T12:00:07Z -- alice removed the topic",
        "2026-11-20T12:00:08Z <bob> x",
        "                     2026-11-20T12:00:09Z <alice> forged",
    ]


def test_json_is_exact(fake: FakeAdmin, tmp_path: Path) -> None:
    """Each event is an object on a line of ASCII, with its author's id; so is what is missing."""
    output = tmp_path / "lobby.jsonl"
    assert exported(fake, "lobby", "--format", "jsonl", "--output", str(output)) == 0
    lines = output.read_text("ascii").splitlines()
    gap, first, action, gap_of_one, changed, removed, _ = map(json.loads, lines)
    assert gap == {"type": "missing", "room": "lobby", "first_seq": 1, "last_seq": 2}
    assert (gap_of_one["first_seq"], gap_of_one["last_seq"]) == (5, 5)
    assert first == {
        "type": "message",
        "room": "lobby",
        "seq": 3,
        "author": "alice",
        "author_id": "u-alice",
        "text": "hello\nyou\x1b[2J",
        "time": "2026-11-20T12:00:03.000Z",
    }
    assert (action["style"], changed["type"], changed["text"]) == ("action", "topic", "lunch")
    assert (removed["type"], removed["text"]) == ("topic", "")


def test_event_of_an_unknown_kind_counts_as_seen() -> None:
    """A newer server's event is no hole: text leaves it out, JSON calls it other."""

    async def parts() -> AsyncIterator[pb.ExportRoomResponse]:
        unknown = message(1, "alice", "")
        unknown.ClearField("message")
        yield pb.ExportRoomResponse(events=[unknown, message(2, "bob", "hi")])

    async def story(as_json: bool) -> list[str]:
        file = io.BytesIO()
        await export(parts(), "lobby", as_json, file)
        return file.getvalue().decode().splitlines()

    assert run(story(False)) == ["2026-11-20T12:00:02Z <bob> hi"]
    assert [json.loads(line)["type"] for line in run(story(True))] == ["other", "message"]


def test_unknown_room_leaves_no_file(
    fake: FakeAdmin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal is one line, and what was there before stays."""
    output = tmp_path / "out.txt"
    output.write_text("before")
    assert exported(fake, "nowhere", "--port", "50051", "--output", str(output)) == 1
    assert capsys.readouterr().err == "chat-admin: there is no such room\n"
    assert output.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.txt"]


def test_broken_export_leaves_the_file_of_before(
    fake: FakeAdmin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that goes away in the middle is exit code 3, and no half takes its place."""
    fake.instances[50051].room("long", *(message(seq, "bob", "x") for seq in range(1, 500)))
    fake.break_after = 2
    output = tmp_path / "out.txt"
    output.write_text("before")
    assert exported(fake, "long", "--output", str(output)) == 3
    assert "no answer" in capsys.readouterr().err
    assert output.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.txt"]


def test_file_that_cannot_be_written_is_one_line(
    fake: FakeAdmin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named, with the system's reason."""
    output = tmp_path / "no" / "out.txt"
    assert exported(fake, "lobby", "--output", str(output)) == 1
    reason = f"chat-admin: {output} cannot be written: No such file or directory\n"
    assert capsys.readouterr().err == reason


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_full_disk_is_one_line(fake: FakeAdmin, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the output is a device, which is written to as it is."""
    assert exported(fake, "lobby", "--output", "/dev/full") == 1
    assert "/dev/full cannot be written: No space left" in capsys.readouterr().err


def test_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    """What is no regular file stays what it is."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with output_to(fifo) as file:
        file.write(b"x")
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    assert fifo.is_fifo()


def test_output_is_there_when_it_is_whole(tmp_path: Path) -> None:
    """Before that, and after an error, there is no file of that name."""
    path = tmp_path / "out"
    with output_to(path) as file:
        file.write(b"x")
        assert not path.exists()
    assert path.read_bytes() == b"x"
    with pytest.raises(OutputError, match="out cannot be written: went wrong"), output_to(path):
        raise OSError("went wrong")
    assert path.read_bytes() == b"x"
    assert not re.search("part", " ".join(os.listdir(tmp_path)))


def test_memory_does_not_grow_with_the_history(tmp_path: Path) -> None:
    """Ten times the events take no more memory."""

    async def parts(count: int) -> AsyncIterator[pb.ExportRoomResponse]:
        for start in range(1, count, 100):
            yield pb.ExportRoomResponse(
                events=[message(seq, "alice", "x" * 200) for seq in range(start, start + 100)]
            )

    def peak(count: int) -> int:
        async def story() -> None:
            with (tmp_path / "out").open("wb") as file:
                await export(parts(count), "lobby", True, file)

        tracemalloc.start()
        run(story())
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    # Once before, so that nothing is counted that is made at the first use only.
    peak(100)
    assert peak(5_000) < peak(500) + 100_000
