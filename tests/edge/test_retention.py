"""Retention on a real server: what is gone is a gap, never a hole, and nobody else notices."""

import asyncio
import random
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.retention import KEEP_ALL, Keep, Retention
from chat_service.wiring import Timing
from tests.edge.clients import (
    PATIENCE,
    Guest,
    Reading,
    Server,
    direct,
    place,
    refused,
    room,
    room_id,
    story,
)


def keeps(count: int) -> Retention:
    """Return the retention of rooms that keep so many events."""
    return Retention(Keep(max_messages=count))


async def history(guest: Guest, target: pb.RoomTarget, **start: int) -> list[int]:
    """Return the seqs of all pages of a room's history."""
    found: list[int] = []
    token = ""
    while True:
        request = pb.ListMessagesRequest(room=target, page_size=7, page_token=token, **start)
        page = await guest.calls("ListMessages", request)
        found += [event.seq for event in page.events]
        token = page.next_page_token
        if not token:
            return found


async def keeps_from(guest: Guest, target: pb.RoomTarget, first_seq: int) -> None:
    """Wait until the first event that a room keeps is this one."""
    async with asyncio.timeout(PATIENCE):
        while (await history(guest, target, after_seq=0))[:1] != [first_seq]:
            pass


async def fills(guest: Guest, count: int) -> None:
    """Say so many things in the lobby."""
    orders = [await guest.chat.posts(f"{number}") for number in range(1, count + 1)]
    await guest.chat.ack(orders[-1])


@pytest.mark.parametrize("kind", ["chat", "subscribe"])
@story
async def test_resume_from_before_what_is_kept(tmp_path: Path, kind: str) -> None:
    """The gap names where the reader was and what is kept, which then comes, then the marker."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await fills(alice, 50)
        for retention in (keeps(10), KEEP_ALL):
            server.retention = retention
            await server.restarts()
            alice = await server.again(alice)
            await alice.opens("lobby")
            await keeps_from(alice, room("lobby"), 41)
            lobby = (await alice.chat.opened("lobby")).room.room_id
            for after_seq, gap, first in (
                (0, (0, 41), 41),
                (39, (39, 41), 41),
                (40, None, 41),
                (45, None, 46),
                (50, None, 51),
            ):
                position = place("lobby", after_seq=after_seq)
                reading: Reading
                if kind == "chat":
                    reading = await alice.opens(position)
                else:
                    reading = await alice.subscribes(position)
                assert (await reading.live(lobby)).seq == 50
                assert (await reading.opened("lobby")).after_seq == after_seq
                assert [event.seq for event in reading.events(lobby)] == list(range(first, 51))
                gaps = [item.gap for item in reading.items if item.HasField("gap")]
                assert [(told.after_seq, told.first_seq) for told in gaps] == [gap] * bool(gap)
                if gap:
                    assert reading.kinds().index("gap") == reading.kinds().index("opened") + 1
                await reading.cancel()


@story
async def test_who_has_read_nothing_has_no_gap(tmp_path: Path) -> None:
    """Recent events, and direct messages from their beginning, begin with what is kept."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await fills(alice, 20)
        for number in range(20):
            ack = await alice.chat.says(f"psst {number}", direct("bob"))
        server.retention = keeps(5)
        await server.restarts()
        alice, bob = await server.again(alice), await server.again(bob)
        await alice.opens("lobby")
        for target in (room("lobby"), room_id(ack.room_id)):
            await keeps_from(alice, target, 16)
        chat = await bob.opens(place("lobby", recent=1000))
        lobby = (await chat.opened("lobby")).room.room_id
        for each in (lobby, ack.room_id):
            await chat.live(each)
            assert [event.seq for event in chat.events(each)] == [16, 17, 18, 19, 20]
        opened = [item.opened for item in chat.items if item.HasField("opened")]
        assert [(told.after_seq, told.room.head_seq) for told in opened] == [(15, 20)] * 2
        assert "gap" not in chat.kinds()


@story
async def test_history_ends_where_nothing_is_kept(tmp_path: Path) -> None:
    """Reading over the beginning of what is kept is no error, in either direction."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await fills(alice, 50)
        server.retention = keeps(20)
        await server.restarts()
        alice = await server.again(alice)
        await alice.opens("lobby")
        lobby = room("lobby")
        await keeps_from(alice, lobby, 31)
        assert await history(alice, lobby) == list(range(50, 30, -1))
        assert await history(alice, lobby, after_seq=0) == list(range(31, 51))
        assert await history(alice, lobby, after_seq=33) == list(range(34, 51))
        assert await history(alice, lobby, before_seq=35) == [34, 33, 32, 31]
        assert await history(alice, lobby, before_seq=31) == []
        assert await history(alice, lobby, before_seq=9) == []
        beyond = pb.ListMessagesRequest(room=lobby, after_seq=51)
        refusal = await refused(alice.calls("ListMessages", beyond))
        assert refusal.code is grpc.StatusCode.OUT_OF_RANGE


@story
async def test_retry_of_a_message_that_is_gone(tmp_path: Path) -> None:
    """It gets its first answer, also after a restart, and is not said again."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        first = await alice.chat.says("hello", client_msg_id="m-1")
        await fills(alice, 20)
        server.retention = keeps(5)
        await server.restarts()
        alice = await server.again(alice)
        await alice.opens("lobby")
        await keeps_from(alice, room("lobby"), 17)
        again = await alice.chat.says("hello", client_msg_id="m-1")
        assert (again.seq, again.time_ms) == (first.seq, first.time_ms)
        assert again.duplicate
        assert (await alice.chat.says("more")).seq == 22


@story
async def test_readers_who_drop_while_the_room_is_pruned(tmp_path: Path) -> None:
    """With pruning at every moment: events and gaps together leave nothing out and repeat nothing.

    Who is live all the time has no gap at all.
    """
    total = 600
    timing = Timing(look_s=0.002)
    async with Server(tmp_path, timing=timing, retention=keeps(40)) as server:
        alice, steady = await server.guests("alice", "steady")
        lobby = (await alice.chat.opened("lobby")).room.room_id
        chance = random.Random(7)

        async def talk() -> None:
            for number in range(1, total + 1):
                order = await alice.chat.posts(f"{number}")
                if number % 20 == 0:
                    await alice.chat.ack(order)

        async def drops(number: int) -> int:
            reader = await server.joins(f"reader{number}")
            seen = gaps = 0
            while seen < total:
                position = place("lobby", after_seq=seen)
                reading: Reading
                if chance.random() < 0.5:
                    reading = await reader.opens(position)
                else:
                    reading = await reader.subscribes(position)
                await reading.live(lobby)
                wanted = min(total, seen + chance.randint(1, 150))
                if chance.random() < 0.7:
                    await reading.until(lambda: _end(reading.items) >= wanted or None)  # noqa: B023 # awaited here
                await reading.cancel()
                for item in reading.items:
                    if item.HasField("gap"):
                        assert item.gap.after_seq == seen
                        assert item.gap.first_seq > seen + 1
                        seen = item.gap.first_seq - 1
                        gaps += 1
                    elif item.HasField("event"):
                        assert item.event.seq == seen + 1
                        assert item.event.message.text == f"{item.event.seq}"
                        seen += 1
            return gaps

        await asyncio.gather(*(drops(number) for number in range(4)), talk())
        events = await steady.chat.head(lobby, total)
        assert [event.seq for event in events] == list(range(1, total + 1))
        assert "gap" not in steady.chat.kinds()
        await keeps_from(alice, room("lobby"), total - 39)
        late = await (await server.joins("late")).subscribes(place("lobby", after_seq=1))
        await late.live(lobby)
        assert "gap" in late.kinds()


def _end(items: list[pb.StreamItem]) -> int:
    """Return the last seq that a reader of one room has come to."""
    ends = [max(item.event.seq, item.live.seq, item.gap.first_seq - 1) for item in items]
    return max(ends, default=0)
