"""Transcripts after kill -9, again and again: what is in them is the history, line for line."""

import asyncio
import random
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_text import transcript
from tests.chaos.client import Client
from tests.chaos.disk import SmallDisk
from tests.chaos.figures import Figures
from tests.chaos.kills import CLIENTS, ROOM, Kills, storm
from tests.chaos.load import PATIENCE, settle, talk, until
from tests.chaos.record import Record
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

# Small enough that some kills meet a change of files.
FILE_SIZE = "64K"


def transcribing(directory: Path, fault: str = "") -> Server:
    """Return a server that has its data and its transcripts in a directory."""
    flags = ("--transcripts", str(directory / "texts"), "--transcripts-rotate-size", FILE_SIZE)
    return Server(directory / "data", *flags, fault=fault)


class Transcript:
    """What is on the disk of a room: all files, oldest first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def files(self) -> list[Path]:
        """All files of the room, the present one last."""
        old = self._directory.glob(f"{ROOM}@*.log")
        return [*sorted(old, key=_place), self._directory / f"{ROOM}.log"]

    @property
    def lines(self) -> list[str]:
        """All lines; a file that is just being renamed may be left out."""
        lines: list[str] = []
        for path in self.files:
            with suppress(FileNotFoundError):
                lines += path.read_bytes().decode().splitlines()
        return lines

    @property
    def said(self) -> list[str]:
        """All lines but those of joins and leaves."""
        return [line for line in self.lines if line[21:23] not in ("->", "<-")]

    @property
    def comings(self) -> list[str]:
        """Who joined and left, without the times."""
        return [line[21:] for line in self.lines if line[21:23] in ("->", "<-")]


def _place(path: Path) -> tuple[str, int]:
    """Give the place of `room@2026-11-20T13-50-48Z-2.log` in the order of files."""
    moment, _, number = path.stem.partition("@")[2].partition("Z")
    return moment, int(number.removeprefix("-") or 1)


async def history(address: str) -> list[str]:
    """Read the whole room by ListMessages, as the lines that it should have."""
    lines: list[str] = []
    async with grpc.aio.insecure_channel(address) as channel:
        calls = stubs.ChatServiceStub(channel)
        joined = await calls.Join(pb.JoinRequest(name="reader"), timeout=PATIENCE)
        token = (("authorization", f"Bearer {joined.token}"),)
        page = pb.ListMessagesRequest(
            room=pb.RoomTarget(room_name=ROOM), after_seq=0, page_size=1000
        )
        while True:
            found = await calls.ListMessages(page, metadata=token, timeout=PATIENCE)
            for event in found.events:
                lines += transcript.said(event.time_ms, event.author.name, event.message.text)
            page.page_token = found.next_page_token
            if not page.page_token:
                return lines


async def compared(
    server: Server, scale: Scale, chance: random.Random, *, kills: int, patience_s: float
) -> tuple[Record, Kills, list[str], Transcript]:
    """Let the storm pass; return the history too, and what was written when it had time."""
    record, passed, _ = await storm(server, scale, chance, kills_at_most=kills)
    told = await history(server.address)
    written = Transcript(server.directory.with_name("texts") / server.data.name)
    # Where it is waited for in vain, the comparison shows what is missing.
    with suppress(AssertionError):
        await until(lambda: len(written.said) >= len(told), "all is written", patience_s=patience_s)
    return record, passed, told, written


def test_transcript_is_the_history(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """After every kill -9 the transcript goes on without a hole and without a double."""
    with transcribing(tmp_path) as server:
        # From now on the data, and so the transcripts, are called as the port.
        server.restart()
        record, kills, told, written = asyncio.run(
            compared(server, scale, chance, kills=scale.kills, patience_s=PATIENCE)
        )
        assert server.terminate() == 0
    figures["kill -9"] = kills.count
    figures["posts acked"] = len(record.acked)
    figures["lines written"] = len(written.said)
    figures["files"] = len(written.files)
    record.verdict()
    assert written.said == told
    assert len(told) >= len(record.acked)
    # A kill may take a join with it that was not written yet; none comes twice.
    assert len(set(written.comings)) == len(written.comings) <= CLIENTS


async def through_a_full_disk(
    server: Server, disk: SmallDisk, written: Transcript, chance: random.Random
) -> tuple[Record, list[str]]:
    """Fill the disk of the transcripts while clients post; return the history too."""
    record = Record()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"t{number}", ROOM, record=record, chance=chance)
            )
            for number in range(2)
        ]

        async def posted(count: int) -> None:
            goal = len(record.acked) + count
            await until(lambda: len(record.acked) >= goal, "posts are acked")

        async def fill_and_make_room() -> None:
            await posted(100)
            disk.fill(leave=0)
            await asyncio.to_thread(told, server, "have to wait: its disk is full")
            await posted(200)
            disk.make_room()
            await asyncio.to_thread(told, server, "are written again")

        await talk(clients, 300, fill_and_make_room())
        await settle(clients)
        lines = await history(server.address)
        await until(lambda: len(written.said) >= len(lines), "all is written")
    return record, lines


def told(server: Server, what: str) -> None:
    """Wait for a line in the log."""
    server.launcher.stderr.wait_for(lambda line: line.endswith(what))


def test_full_disk_makes_a_transcript_late(
    tmp_path: Path, disk: SmallDisk, chance: random.Random, figures: Figures
) -> None:
    """Posts are taken all the while, and then all is there; a start minds as little."""
    texts = disk.directory / "texts"
    with Server(tmp_path, "--transcripts", str(texts)) as server:
        process = server.instance
        written = Transcript(texts / server.data.name)
        record, lines = asyncio.run(through_a_full_disk(server, disk, written, chance))
        assert server.instance == process
        assert process.is_running()
        server.terminate()
        assert written.said == lines
        disk.fill(leave=0)
        server.start()
        told(server, "have to wait: its disk is full")
        disk.make_room()
        told(server, "are written again")
        # Its data, and with it the directory of its transcripts, is called as its port now.
        written = Transcript(texts / server.data.name)
        asyncio.run(until(lambda: len(written.said) >= len(lines), "all is written"))
        server.terminate()
    figures["posts acked"] = len(record.acked)
    figures["lines written"] = len(lines)
    record.verdict()
    assert written.said == lines


def test_positions_that_are_ahead_of_their_text_are_noticed(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """The same storm finds holes where positions are committed before the text is there."""
    with transcribing(tmp_path, "positions-before-text") as server:
        server.restart()
        record, kills, told, written = asyncio.run(
            # A kill that meets a round between its beginning and its end does no harm.
            compared(server, BOUNDED, chance, kills=6, patience_s=1.0)
        )
        server.terminate()
    figures["kill -9"] = kills.count
    figures["lines missing"] = len(set(told) - set(written.said))
    # Chat itself keeps all that it promises.
    record.verdict()
    assert set(told) - set(written.said)
