"""A running server that goes by another configuration, with people connected."""

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.config import InstanceConfig, ServerLimits, Transcripts
from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.limits import Limits
from chat_service.edge.gate import Gate
from chat_service.edge.limits import LoginLimits, PasswordLimits, Rates
from chat_service.edge.logins import Logins
from chat_service.edge.pace import Pace
from chat_service.edge.passwords import Passwords
from chat_service.live import Live
from chat_service.log.reserve import DiskReserve
from chat_service.retention import Keep, Retention
from chat_service.wiring import Timing
from tests.edge.clients import PATIENCE, Clock, Server, room, story
from tests.service.test_server import held_up

GENEROUS = ServerLimits(rates=Rates(sends_burst=1000, sends_per_second=1000.0))


@story
async def test_limits_change_for_who_is_connected(tmp_path: Path) -> None:
    """An open stream goes by the new limits, who signs in is told them, a restart keeps them."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await alice.says("x" * 100)
        core = Limits(text_bytes=50, rooms_per_user=1)
        await server.changes_to(limits=ServerLimits(core=core))
        order = await alice.chat.posts("x" * 100)
        assert (await alice.chat.refusal(order)).reason == "TEXT_INVALID"
        await alice.says("x" * 50)
        order = await alice.chat.order(
            join_room=pb.JoinRoom(position=pb.RoomPosition(room=room("den")))
        )
        assert (await alice.chat.refusal(order)).reason == "TOO_MANY_ROOMS"
        told = (await server.joins("bob")).joined.limits
        assert (told.text_bytes, told.rooms_per_user) == (50, 1)
        await server.changes_to(limits=ServerLimits())
        await alice.says("x" * 100)


@story
async def test_rates_change_for_who_is_connected(tmp_path: Path) -> None:
    """Rates hold, rise, and are off as soon as it is said; who signs in is told them."""
    clock = Clock()
    timing = replace(Timing(), rate_s=clock.seconds)
    async with Server(tmp_path, rate_limits=True, timing=timing) as server:
        alice = await server.guest("alice")
        for number in range(Rates().sends_burst):
            await alice.says(f"{number}")
        order = await alice.chat.posts("too fast")
        assert (await alice.chat.refusal(order)).reason == "RATE_LIMITED"
        await server.changes_to(rate_limits=False)
        await alice.says("any rate")
        assert (await server.joins("bob")).joined.limits.send_burst == 0
        await server.changes_to(rate_limits=True)
        order = await alice.chat.posts("again too fast")
        assert (await alice.chat.refusal(order)).reason == "RATE_LIMITED"
        await server.changes_to(limits=GENEROUS)
        told = (await server.joins("carol")).joined.limits
        assert (told.send_burst, told.send_rate) == (1000, 1000.0)
        clock.now += 1
        for number in range(100):
            await alice.says(f"fast {number}")


@story
async def test_retention_changes(tmp_path: Path) -> None:
    """Rooms let go of what they need not keep any more, without a restart."""
    async with Server(tmp_path, timing=Timing(look_s=0.002)) as server:
        alice = await server.guest("alice")
        for number in range(30):
            await alice.says(f"{number}")
        listing = await alice.calls("ListMessages", pb.ListMessagesRequest(room=room("lobby")))
        assert len(listing.events) == 30
        await server.changes_to(retention=Retention(Keep(max_messages=10)))
        async with asyncio.timeout(PATIENCE):
            while len(listing.events) > 10:
                await asyncio.sleep(0.005)
                request = pb.ListMessagesRequest(room=room("lobby"))
                listing = await alice.calls("ListMessages", request)
        assert sorted(event.seq for event in listing.events) == list(range(21, 31))


@story
async def test_disk_reserve_changes(tmp_path: Path) -> None:
    """A reserve larger than the disk refuses posts at once, and a smaller one takes them again."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await alice.says("before")
        await server.changes_to(disk_reserve=1 << 60)
        order = await alice.chat.posts("full")
        assert (await alice.chat.refusal(order)).reason == "STORAGE_FULL"
        await server.changes_to(disk_reserve=0)
        await alice.says("after")


@story
async def test_transcripts_change(tmp_path: Path) -> None:
    """Files are rotated by the new size; the directory stays until a restart."""
    texts = tmp_path / "texts"
    async with Server(tmp_path / "data", transcripts=Transcripts(texts)) as server:
        alice = await server.guest("alice")
        other = Transcripts(tmp_path / "elsewhere", rotate_bytes=4096)
        await server.changes_to(transcripts=other)
        async with asyncio.timeout(PATIENCE):
            while not any("@" in name for name in os.listdir(texts)):
                await alice.says("x" * 1000)
                await asyncio.sleep(0.02)
        assert not (tmp_path / "elsewhere").exists()


@story
async def test_what_needs_a_restart_stays(tmp_path: Path) -> None:
    """Other differences change nothing: neither the address nor what streams were promised."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        limits = ServerLimits()
        calls = replace(limits.calls, unacked_posts=1, max_page_items=1, page_items=1)
        await server.changes_to(port=1, limits=replace(limits, calls=calls), data_dir=Path("/no"))
        told = (await server.joins("bob")).joined.limits
        assert (told.unacked_posts, told.page_size) == (256, 1000)
        await alice.says("still here")


@story
async def test_time_of_a_stop_changes(tmp_path: Path) -> None:
    """A stop that a reader holds up takes as long as was said last, and no longer."""
    async with Server(tmp_path, limits=replace(ServerLimits(), drain_s=1000.0)) as server:
        await server.changes_to(limits=replace(ServerLimits(), drain_s=0.5))
        async with held_up(server):
            await server.ends()


def logged(data_dir: Path) -> int:
    """Return how many events the log has of whatever kind."""
    with closing(sqlite3.connect(data_dir / "chat.sqlite3")) as connection:
        query = "SELECT value FROM counters WHERE name = 'position'"
        found: int = connection.execute(query).fetchone()[0]
        return found


@story
async def test_limits_are_logged_once_for_each_change(tmp_path: Path) -> None:
    """What decisions go by is logged when it changed, at a start or while it runs, and then not."""
    other, last = (ServerLimits(core=Limits(text_bytes=size)) for size in (50, 60))

    async def logs(limits: ServerLimits, *reloads: ServerLimits) -> int:
        """Run a server once, with these reloads; return how many events that logged."""
        before = logged(tmp_path)
        async with Server(tmp_path, limits=limits) as server:
            for reload in reloads:
                await server.changes_to(limits=reload)
        return logged(tmp_path) - before

    async with Server(tmp_path):
        pass
    usual = await logs(ServerLimits())
    assert await logs(other) == usual + 1
    assert await logs(other, other, other) == usual
    assert await logs(other, last, last) == usual + 1
    assert await logs(last) == usual
    async with Server(tmp_path, limits=last) as server:
        alice = await server.guest("alice")
        assert alice.joined.limits.text_bytes == 60
        order = await alice.chat.posts("x" * 61)
        assert (await alice.chat.refusal(order)).reason == "TEXT_INVALID"


class _Forgetful:
    """Stands in for the journal and the pruning: refuses the first orders."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.stored: list[Limits] = []
        self.retention = Retention()

    async def order(self, command: cmd.Command) -> Answer:
        assert isinstance(command, cmd.Configure)
        if self.refusals:
            self.refusals -= 1
            raise RefusedError(Rejection(Reason.STORAGE_FULL, "the disk is full"))
        self.stored.append(command.limits)
        return Answer()


@story
async def test_limits_are_stored_when_the_disk_has_room_again() -> None:
    """While the log takes nothing it is asked again, with what was said last."""
    journal = _Forgetful(refusals=3)
    # The stand-in keeps what is used of two contracts.
    stand_in: Any = journal
    reserve = DiskReserve(lambda: (1, 1), None)
    logins = Logins(LoginLimits(account_failures=1))
    passwords = Passwords(PasswordLimits(min_chars=1))
    live = Live(
        journal=stand_in,
        pace=Pace(on=True),
        logins=logins,
        passwords=passwords,
        gate=Gate(),
        reserve=reserve,
        pruning=stand_in,
        transcripts=None,
        drain_s=10.0,
        try_again_s=0.001,
    )
    changes: asyncio.Queue[InstanceConfig] = asyncio.Queue()
    following = asyncio.create_task(live.follow(changes))
    config = InstanceConfig("127.0.0.1", 1, Path("/data"), "info", True)
    first, last = (
        replace(config, limits=ServerLimits(core=Limits(text_bytes=size))) for size in (1, 2)
    )
    changes.put_nowait(first)
    changes.put_nowait(last)
    await asyncio.wait_for(changes.join(), PATIENCE)
    assert journal.stored == [last.limits.core]
    assert logins.limits == last.limits.logins
    assert passwords.limits == last.limits.passwords
    passwords.close()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
