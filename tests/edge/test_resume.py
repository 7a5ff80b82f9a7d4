"""No hole and no double, over gRPC: after a drop, after a restart, behind, and in a crowd."""

import asyncio
import random
import shutil
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_service.hub.limits import DEFAULT_LIMITS
from tests.edge.clients import (
    Chat,
    Guest,
    Reading,
    Server,
    bearer,
    hello,
    place,
    refused,
    room_id,
    story,
)

LARGE = "x" * 4000
"""A text of which a few hundred are more than the ring of a room holds."""


async def fills(guest: Guest, count: int, text: str = "") -> list[str]:
    """Say something so many times; return all the texts."""
    texts = [f"{number}{text}" for number in range(1, count + 1)]
    for number, one in enumerate(texts, start=1):
        await guest.chat.posts(one)
        # A hundred at once are well within what a reader may be behind.
        if number % 100 == 0 or number == count:
            await guest.hears(one)
    return texts


async def lobby_of(guest: Guest) -> str:
    """Return the id of the lobby."""
    return (await guest.chat.opened("lobby")).room.room_id


def contiguous(events: list[pb.RoomEvent], after_seq: int) -> bool:
    """Whether events follow a seq one after the other."""
    return [event.seq for event in events] == list(
        range(after_seq + 1, after_seq + 1 + len(events))
    )


@pytest.mark.parametrize("kind", ["chat", "subscribe"])
@story
async def test_resume_from_the_log_and_the_ring(tmp_path: Path, kind: str) -> None:
    """From wherever one begins, what is missing comes, then the live marker, then what happens."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        lobby = await lobby_of(alice)
        texts = await fills(alice, 600, LARGE)
        # The room holds the newest events alone; the older ones are read in pages.
        assert sum(map(len, texts)) > 2 * DEFAULT_LIMITS.ring_bytes
        for after_seq in (0, 1, 300, 500, 599, 600):
            bob = await server.joins(f"bob{after_seq}")
            position = place("lobby", after_seq=after_seq)
            reading: Reading
            if kind == "chat":
                reading = await bob.opens(position)
            else:
                reading = await bob.subscribes(position)
            assert (await reading.live(lobby)).seq == 600
            assert (await reading.opened("lobby")).after_seq == after_seq
            events = reading.events(lobby)
            assert contiguous(events, after_seq)
            assert [event.message.text for event in events] == texts[after_seq:]
            await reading.cancel()


@story
async def test_beginning_with_recent_events(tmp_path: Path) -> None:
    """Who was never there begins with as many of the newest events as asked, at most 1,000."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        lobby = await lobby_of(alice)
        await fills(alice, 1003)
        for recent in (0, 1, 7, 1000, 1001, 2**32 - 1):
            bob = await server.joins(f"bob{recent}")
            chat = await bob.opens(place("lobby", recent=recent))
            await chat.live(lobby)
            first = 1003 - min(recent, 1000)
            assert (await chat.opened("lobby")).after_seq == first
            events = chat.events(lobby)
            assert contiguous(events, first)
            assert len(events) == min(recent, 1000)


@story
async def test_resume_after_a_restart(tmp_path: Path) -> None:
    """What was acknowledged before the stop is there after it, for all, in the same order."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        lobby = await lobby_of(bob)
        texts = await fills(alice, 50)
        await bob.chat.head(lobby, 20)
        seen = bob.chat.events(lobby)
        await bob.chat.cancel()
        epoch = bob.chat.items[0].welcome.epoch
        await server.restarts()
        alice, bob = await server.again(alice), await server.again(bob)
        await alice.opens("lobby")
        await alice.says("after the restart")
        chat = await bob.opens(place(room_id(lobby), after_seq=seen[-1].seq), epoch=epoch)
        await chat.hears("after the restart")
        assert "reset" not in chat.kinds()
        seen += chat.events(lobby)
        assert contiguous(seen, 0)
        assert [event.message.text for event in seen] == [*texts, "after the restart"]


@pytest.mark.parametrize("told", [True, False])
@story
async def test_who_has_seen_more_than_restored_data_misses_nothing(
    tmp_path: Path, *, told: bool
) -> None:
    """Told of it, a server begins another epoch; else what took the seen numbers is not heard."""
    async with Server(tmp_path / "data") as server:
        alice = await server.guest("alice")
        await fills(alice, 3)
    shutil.copy(tmp_path / "data" / "chat.sqlite3", tmp_path / "copy")
    async with Server(tmp_path / "data") as server:
        bob = await server.guest("bob")
        epoch = bob.joined.epoch
        await fills(bob, 2)
    shutil.copy(tmp_path / "copy", tmp_path / "data" / "chat.sqlite3")
    if told:
        (tmp_path / "data" / "restored").touch()
    async with Server(tmp_path / "data") as server:
        carol = await server.guest("carol")
        lobby = await lobby_of(carol)
        texts = await fills(carol, 2)
        dora = await server.joins("dora")
        reading = await dora.opens(place("lobby", after_seq=5, recent=2), epoch=epoch)
        await reading.live(lobby)
        heard = [event.message.text for event in reading.events(lobby)]
        assert ("reset" in reading.kinds(), heard) == ((True, texts) if told else (False, []))
        now = carol.joined.epoch
    async with Server(tmp_path / "data") as server:
        assert (await server.joins("emma")).joined.epoch == now


@pytest.mark.parametrize("kind", ["chat", "subscribe"])
@story
async def test_positions_of_another_epoch_are_void(tmp_path: Path, kind: str) -> None:
    """With the epoch of other data the stream begins with a reset, and with recent events."""
    async with Server(tmp_path / "old") as old, Server(tmp_path / "new") as new:
        stranger = await old.joins("stranger")
        alice = await new.guest("alice")
        lobby = await lobby_of(alice)
        await fills(alice, 10)
        bob = await new.joins("bob")
        position = place("lobby", after_seq=7, recent=4)
        epoch = stranger.joined.epoch
        assert epoch != bob.joined.epoch
        reading: Reading
        if kind == "chat":
            reading = await bob.opens(position, place("attic", after_seq=99), epoch=epoch)
        else:
            reading = await bob.subscribes(position, epoch=epoch)
        await reading.live(lobby)
        assert reading.kinds()[:3] == ["welcome", "reset", "opened"]
        assert reading.items[1].reset.epoch == bob.joined.epoch
        assert [event.seq for event in reading.events(lobby)] == [7, 8, 9, 10]
        # The same epoch, or none, is no reset.
        for known in ("", bob.joined.epoch):
            again = await bob.opens(position, epoch=known)
            await again.live(lobby)
            assert "reset" not in again.kinds()
            assert [event.seq for event in again.events(lobby)] == [8, 9, 10]


@story
async def test_position_beyond_the_head(tmp_path: Path) -> None:
    """In a Chat it is an error about the room, and the other rooms are read; a Subscribe fails."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        lobby = await lobby_of(alice)
        await alice.says("one")
        bob = await server.joins("bob")
        chat = await bob.opens(place("lobby", after_seq=2), place("attic"))
        error = (await chat.item(lambda item: item.HasField("error"))).error
        assert (error.order_id, error.code, error.reason) == ("hello", 11, "SEQ_OUT_OF_RANGE")
        assert error.room_id == lobby
        await chat.opened("attic")
        order = pb.JoinRoom(position=place("lobby", after_seq=2))
        order_id = await chat.order(join_room=order)
        again = (await chat.item(lambda item: item.error.order_id == order_id)).error
        assert (again.code, again.reason, again.room_id) == (11, "SEQ_OUT_OF_RANGE", lobby)
        await chat.joins("lobby", after_seq=1)
        await chat.live(lobby)
        reading = await bob.subscribes(place("lobby", after_seq=2))
        refusal = await reading.end()
        assert refusal is not None
        assert refusal.code is grpc.StatusCode.OUT_OF_RANGE
        assert refusal.metadata == {"room_id": lobby}
        assert reading.items == []


@story
async def test_many_forced_drops(tmp_path: Path) -> None:
    """Readers that drop again and again while people talk miss nothing and get nothing twice."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        lobby = await lobby_of(alice)
        total = 600
        texts = [f"{number}" for number in range(total)]
        chance = random.Random(4)

        async def talk() -> None:
            for text in texts:
                order = await alice.chat.posts(text)
                if len(text) % 3 == 0:
                    await alice.chat.ack(order)

        async def drops(number: int) -> list[pb.RoomEvent]:
            reader = await server.joins(f"reader{number}")
            seen: list[pb.RoomEvent] = []
            while len(seen) < total:
                position = place("lobby", after_seq=len(seen))
                reading: Reading
                if chance.random() < 0.5:
                    reading = await reader.opens(position)
                else:
                    reading = await reader.subscribes(position)
                wanted = min(total, len(seen) + chance.randint(1, 150))
                events = await reading.head(lobby, wanted)
                await reading.cancel()
                seen += events
            return seen

        *lists, _ = await asyncio.gather(*(drops(number) for number in range(4)), talk())
        for seen in lists:
            assert seen is not None
            assert contiguous(seen, 0)
            assert [event.message.text for event in seen] == texts


@story
async def test_crowd_sees_one_order(tmp_path: Path) -> None:
    """Fifty who talk at once and ten who read: ten equal lists, without hole or double.

    The messages of each sender keep the order in which they were sent.
    """
    senders, messages, readers = 50, 40, 10
    async with Server(tmp_path) as server:
        listening: list[Reading] = []
        for number in range(readers):
            reader = await server.joins(f"reader{number}")
            if number % 2:
                listening.append(await reader.opens("lobby"))
            else:
                listening.append(await reader.subscribes("lobby"))
            await listening[-1].begun()
        talking = [await server.joins(f"sender{number}") for number in range(senders)]
        chats = [await sender.opens() for sender in talking]

        async def talk(chat: Chat, name: str) -> None:
            for number in range(messages):
                order = await chat.posts(f"{name} {number}")
            await chat.ack(order)

        await asyncio.gather(
            *(talk(chat, sender.name) for chat, sender in zip(chats, talking, strict=True))
        )
        lobby = (await listening[0].opened("lobby")).room.room_id
        lists = [await reading.head(lobby, senders * messages) for reading in listening]
        assert contiguous(lists[0], 0)
        assert len(lists[0]) == senders * messages
        assert all(events == lists[0] for events in lists[1:])
        for sender in talking:
            own = [e.message.text for e in lists[0] if e.author.user_id == sender.user_id]
            assert own == [f"{sender.name} {number}" for number in range(messages)]
        assert [event.time_ms for event in lists[0]] == sorted(e.time_ms for e in lists[0])


@story
async def test_reader_that_takes_nothing(tmp_path: Path) -> None:
    """A frozen reader loses its stream with a reason; the others hear everything; it can resume."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        lobby = await lobby_of(bob)
        frozen = await server.joins("frozen")
        # As little as a client can buffer, so that the test need not send much.
        channel = server.channel(("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024))
        call = stubs.ChatServiceStub(channel).Chat(metadata=bearer(frozen.token))
        await call.write(hello("lobby"))
        first = await call.read()
        assert isinstance(first, pb.ChatResponse)
        texts = await fills(alice, 700, LARGE)
        await bob.chat.head(lobby, 700)
        assert bob.chat.texts(lobby) == texts
        items = list(first.items)

        async def reads_on() -> None:
            while (frame := await call.read()) is not grpc.aio.EOF:
                assert isinstance(frame, pb.ChatResponse)
                items.extend(frame.items)

        refusal = await refused(reads_on())
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "SLOW_READER",
        )
        assert refusal.retry_ms
        seen = [item.event for item in items if item.HasField("event")]
        assert contiguous(seen, 0)
        assert len(seen) < 700
        chat = await frozen.opens(place("lobby", after_seq=len(seen)))
        await chat.live(lobby)
        seen += chat.events(lobby)
        assert contiguous(seen, 0)
        assert [event.message.text for event in seen] == texts
