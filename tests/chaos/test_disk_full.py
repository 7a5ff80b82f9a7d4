"""A full disk: posts are refused and nothing is half-written, people come and go and read.

On a real small file system, which takes the right to mount one.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.client import Client
from tests.chaos.disk import M, SmallDisk
from tests.chaos.figures import Figures
from tests.chaos.load import PATIENCE, settle, talk, until
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.scale import Scale
from tests.chaos.server import Server
from tests.e2e.launched import Launched

RESERVE = 8 * M
CLIENTS = 6
RATE = 300
# The last of a reserve, and more guests than it has room for.
LAST = 64 << 10
GUESTS = 3000


class Patient(Client):
    """A client that has one post under way, so that order is kept, and asks again soon."""

    @property
    def has_room(self) -> bool:
        """Whether another post may be under way."""
        return self.unanswered == 0

    def _take_error(self, error: pb.Error) -> None:
        assert error.retry_after_ms >= 1000, "it does not say when to try again"
        error.retry_after_ms = 100
        super()._take_error(error)


class People:
    """The clients of a scenario, and calls beside theirs."""

    def __init__(self, server: Server, chance: random.Random, stack: AsyncExitStack) -> None:
        self.record = Record()
        self.clients: list[Client] = []
        self._server = server
        self._chance = chance
        self._stack = stack
        self._channel = grpc.aio.insecure_channel(server.address)
        self.calls = stubs.ChatServiceStub(self._channel)
        stack.push_async_callback(self._channel.close)

    async def come(self, name: str) -> Client:
        """Sign somebody in who reads from the beginning."""
        client = Patient(
            self._server.address, name, "disk", record=self.record, chance=self._chance
        )
        self.clients.append(await self._stack.enter_async_context(client))
        return client

    async def are_refused(self) -> None:
        """Have everybody post until all were told that the disk is full."""
        before = {client: client.refusals["STORAGE_FULL"] for client in self.clients}

        def all_are() -> bool:
            others = [c for c, count in before.items() if c.refusals["STORAGE_FULL"] == count]
            for client in others:
                # The post before may have met the last of the room.
                if client.has_room:
                    client.say()
            return not others

        await until(all_are, "all are refused")

    async def post_some(self, count: int = 100) -> None:
        """Wait until so many more posts are acknowledged."""
        before = len(self.record.acked)
        await until(lambda: len(self.record.acked) >= before + count, "posts are acked")

    async def reads_all(self, client: Client, head: int) -> None:
        """Wait until a client has read all up to a seq."""
        await until(lambda: client.position >= head, "all is read")

    async def history(self, token: str, room_id: str) -> list[int]:
        """Read the whole room by ListMessages; return each seq."""
        seqs: list[int] = []
        page = pb.ListMessagesRequest(room=pb.RoomTarget(room_id=room_id), after_seq=0)
        while True:
            found = await self.calls.ListMessages(page, metadata=bearer(token), timeout=PATIENCE)
            seqs += [event.seq for event in found.events]
            if not found.next_page_token:
                return seqs
            page.page_token = found.next_page_token

    async def spend_the_reserve(self, turn: int) -> int:
        """Sign guests in until there is no room for one more; return how many."""
        for number in range(GUESTS):
            call = self.calls.Join(pb.JoinRequest(name=f"g{turn}-{number}"), timeout=PATIENCE)
            code = await call.code()
            if code is not grpc.StatusCode.OK:
                assert code is grpc.StatusCode.RESOURCE_EXHAUSTED, await call.details()
                return number
        raise AssertionError("the disk is never full")


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that says who calls."""
    return (("authorization", f"Bearer {token}"),)


async def full_and_back(
    server: Server, disk: SmallDisk, rounds: int, chance: random.Random, figures: Figures
) -> Record:
    """Fill the disk while clients post, look at what still works, and make room again."""
    async with AsyncExitStack() as stack:
        people = People(server, chance, stack)
        for number in range(CLIENTS):
            await people.come(f"d{number}")
        watcher = await people.calls.Join(pb.JoinRequest(name="watcher"), timeout=PATIENCE)
        guests = 0

        async def rounds_of_it() -> None:
            nonlocal guests
            for turn in range(rounds):
                await people.post_some()
                disk.fill(leave=RESERVE - M)
                await people.are_refused()
                acked, head = len(people.record.acked), max(people.record.heads.values())
                # In the reserve people come, read all, and go.
                late = await people.come(f"late{turn}")
                joined = await people.calls.Join(
                    pb.JoinRequest(name=f"short{turn}"), timeout=PATIENCE
                )
                await people.calls.SignOut(
                    pb.SignOutRequest(), metadata=bearer(joined.token), timeout=PATIENCE
                )
                await people.reads_all(late, head)
                await people.are_refused()
                # Once it is spent too, what is stored is still read.
                disk.fill(leave=LAST)
                guests += await people.spend_the_reserve(turn)
                room_id = people.clients[0].room_id
                assert await people.history(watcher.token, room_id) == list(range(1, head + 1))
                assert len(people.record.acked) == acked, "something was acked on a full disk"
                disk.make_room()
                await people.post_some()

        await talk(people.clients, RATE, rounds_of_it())
        await settle(people.clients)
        figures["times that the disk was full"] = rounds
        figures["posts acked"] = len(people.record.acked)
        figures["refusals"] = sum(c.refusals["STORAGE_FULL"] for c in people.clients)
        figures["guests until the reserve was spent"] = guests
        assert guests > 0
        return people.record


def test_full_disk_refuses_posts_and_recovers(
    disk: SmallDisk, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Posts wait, everything else goes on in the reserve, and the same process takes up posts."""
    data = disk.directory / "data"
    with Server(data, "--disk-reserve", str(RESERVE)) as server:
        process = server.instance
        record = asyncio.run(full_and_back(server, disk, scale.disk_rounds, chance, figures))
        assert server.instance == process
        assert process.is_running()
        assert server.terminate() == 0
        record.compare_stored(server.database)
    record.verdict()
    told = [line for line in server.log if " disk" in line]
    assert len(told) == 2 * scale.disk_rounds, told


async def until_the_end(
    server: Server, disk: SmallDisk, chance: random.Random, *, refuses: bool
) -> Record:
    """Fill the disk to its last byte while clients post; make room again."""
    async with AsyncExitStack() as stack:
        people = People(server, chance, stack)
        for number in range(CLIENTS):
            await people.come(f"z{number}")

        async def fill() -> None:
            await people.post_some()
            disk.fill(leave=0)
            if refuses:
                await people.are_refused()
            else:
                # More than fit into what the log has of the disk already.
                await people.post_some(300)
            disk.make_room()
            await people.post_some()

        await talk(people.clients, 10 * RATE, fill())
        await settle(people.clients)
        return people.record


@pytest.mark.full_only
def test_disk_that_is_full_without_a_reserve(
    disk: SmallDisk, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """With no reserve a commit meets the end of the disk: nothing of it is stored or acked."""
    for turn in range(scale.disk_rounds):
        data = disk.directory / str(turn)
        with Server(data, "--disk-reserve", "0") as server:
            record = asyncio.run(until_the_end(server, disk, chance, refuses=True))
            assert server.terminate() == 0
            record.compare_stored(server.database)
        record.verdict()
    figures["times that the disk was full"] = scale.disk_rounds
    figures["posts acked in the last of them"] = len(record.acked)


@pytest.mark.full_only
def test_acks_on_a_full_disk_are_noticed(
    disk: SmallDisk, chance: random.Random, figures: Figures
) -> None:
    """A server that acknowledges what a full disk did not take has lost it."""
    data = disk.directory / "data"
    with Server(data, "--disk-reserve", "0", fault="deaf-to-errors") as server:
        record = asyncio.run(until_the_end(server, disk, chance, refuses=False))
        server.terminate()
        record.compare_stored(server.database)
    figures["breaches found"] = dict(record.breaches)
    assert record.breaches["lost"]
    with pytest.raises(BrokenPromiseError):
        record.verdict()


def refused_start(data: Path) -> str:
    """Start a server that must not come up; return its one line."""
    with Launched("--port", "0", "--data-dir", data) as launched:
        assert launched.wait() == 1
        lines = [line for line in launched.stderr.rest() if line.startswith("chat-server: ")]
    (line,) = lines
    return line


def test_start_on_a_full_disk(disk: SmallDisk, chance: random.Random, figures: Figures) -> None:
    """In the reserve a server starts and lets people read; on a disk without room it says so."""
    data = disk.directory / "data"
    disk.fill(leave=0)
    first = refused_start(data)
    assert "disk is full" in first, first
    disk.make_room()

    async def start_again(server: Server) -> None:
        async with AsyncExitStack() as stack:
            people = People(server, chance, stack)
            await people.come("first")
            await talk(people.clients, RATE, people.post_some(20))
            await settle(people.clients)
            await asyncio.to_thread(server.kill)
            disk.fill(leave=RESERVE - M)
            await asyncio.to_thread(server.start)
            await people.come("second")

            async def meet_the_reserve() -> None:
                await people.are_refused()
                disk.make_room()
                await people.post_some(20)

            await talk(people.clients, RATE, meet_the_reserve())
            await settle(people.clients)
            people.record.verdict()

    with Server(data, "--disk-reserve", str(RESERVE)) as server:
        asyncio.run(start_again(server))
        assert server.terminate() == 0
    disk.fill(leave=0)
    again = refused_start(data)
    assert "disk is full" in again, again
    figures["a new server"] = first.replace(str(disk.directory), "…")
    figures["a server with data"] = again.replace(str(disk.directory), "…")


def test_start_on_a_read_only_disk(disk: SmallDisk, chance: random.Random) -> None:
    """A disk that may not be written is named in one line; afterwards all is as it was."""
    data = disk.directory / "data"

    async def posts(server: Server) -> Record:
        async with AsyncExitStack() as stack:
            people = People(server, chance, stack)
            await people.come("r0")
            await talk(people.clients, RATE, people.post_some(20))
            await settle(people.clients)
            return people.record

    with Server(data) as server:
        record = asyncio.run(posts(server))
        assert server.terminate() == 0
        disk.allow("ro")
        assert refused_start(data) == (
            f"chat-server: data directory {data} cannot be used: Read-only file system; "
            "name another one with --data-dir"
        )
        disk.allow("rw")
        server.start()
        assert server.terminate() == 0
        record.compare_stored(server.database)
    record.verdict()
