"""Order in rooms over the wire: calls of moderators, and streams that are open meanwhile."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1.accounts_pb2 import UserTarget
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
from tests.edge.order import asks
from tests.edge.rooms import invites, named, private_room

FOREVER_MS = 2**53 - 1


async def closed(reading: Reading, number: str) -> pb.RoomClosed:
    """Wait until a stream reads a room no longer; nothing of the room may come behind that."""
    item = await reading.item(lambda item: item.closed.room_id == number)
    at = reading.items.index(item)
    assert not any(item.event.room_id == number for item in reading.items[at:])
    return item.closed


async def second_window(server: Server, guest: Guest, *places: pb.RoomPosition | str) -> Guest:
    """Open a further session of somebody, which reads rooms."""
    window = await server.joins(guest.name, token=guest.token)
    await (await window.opens(*places)).begun()
    return window


def holds(directory: Path, text: bytes) -> bool:
    """Whether a text is in any file of a directory."""
    return any(text in path.read_bytes() for path in directory.rglob("*") if path.is_file())


@story
async def test_kick_is_felt_in_every_window(tmp_path: Path) -> None:
    """All Chat streams of the victim stop reading, and say why; coming back is allowed."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guest("alice", "pub"), await server.guest("bob", "pub")
        window = await second_window(server, bob, "pub")
        number = (await bob.chat.opened("pub")).room.room_id
        await asks(alice, "KickMember", room=room("pub"), user=named("BOB"), reason="too loud")
        await alice.says("he is gone", "pub")
        for one in (bob, window):
            told = await closed(one.chat, number)
            assert (told.reason, told.text, told.by.name) == (
                pb.CLOSE_REASON_REMOVED,
                "too loud",
                "alice",
            )
        event = await alice.chat.event(lambda event: event.HasField("removal"))
        assert (event.author.name, event.removal.user.name) == ("alice", "bob")
        await bob.chat.joins("pub")
        await bob.chat.until(lambda: bob.chat.kinds().count("live") == 2 or None)
        await alice.says("welcome back", "pub")
        await bob.hears("welcome back")


@story
async def test_ban_keeps_out_of_every_way_in(tmp_path: Path) -> None:
    """No order and no call reaches the room, by name or id, until the ban is lifted."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guest("alice", "pub"), await server.guest("bob", "pub")
        number = (await bob.chat.opened("pub")).room.room_id
        script = await bob.subscribes(place("pub", after_seq=0))
        await script.begun()
        answer = await asks(
            alice,
            "BanMember",
            room=room("pub"),
            user=UserTarget(user_id=bob.user_id),
            duration_ms=3_600_000,
            reason="spam",
        )
        for reading in (bob.chat, script):
            told = await closed(reading, number)
            assert (told.reason, told.text, told.until_ms) == (
                pb.CLOSE_REASON_BANNED,
                "spam",
                answer.until_ms,
            )
        for target in (room("PUB"), room_id(number)):
            for call in (
                bob.posts("let me in", target),
                bob.calls("ListMessages", pb.ListMessagesRequest(room=target)),
                bob.calls("ListUsers", pb.ListUsersRequest(room=target)),
            ):
                refusal = await refused(call)
                assert (refusal.code, refusal.reason, refusal.metadata["until_ms"]) == (
                    grpc.StatusCode.PERMISSION_DENIED,
                    "BANNED_FROM_ROOM",
                    str(answer.until_ms),
                )
            again = await bob.subscribes(place(target))
            end = await again.end()
            assert end is not None
            assert end.reason == "BANNED_FROM_ROOM"
            order = await bob.chat.order(join_room=pb.JoinRoom(position=place(target)))
            assert (await bob.chat.refusal(order)).reason == "BANNED_FROM_ROOM"
        await asks(alice, "UnbanMember", room=room("pub"), user=named("bob"))
        await bob.chat.joins("pub")


@story
async def test_mute_is_told_and_holds(tmp_path: Path) -> None:
    """The user reads on and says nothing, neither by order nor by call, nor as a topic."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guest("alice", "pub"), await server.guest("bob", "pub")
        number = (await bob.chat.opened("pub")).room.room_id
        answer = await asks(
            alice, "MuteMember", room=room("pub"), user=named("bob"), reason="noise"
        )
        assert answer.until_ms == FOREVER_MS
        notice = (await bob.chat.item(lambda item: item.HasField("notice"))).notice
        assert (notice.kind, notice.room_id, notice.until_ms, notice.text) == (
            pb.NOTICE_KIND_MUTED,
            number,
            FOREVER_MS,
            "you may not speak in pub: noise",
        )
        assert (await refused(bob.posts("but", "pub"))).reason == "MUTED"
        assert (await bob.chat.refusal(await bob.chat.posts("but", "pub"))).reason == "MUTED"
        topic = pb.SetTopic(room=room("pub"), topic="but")
        order = await bob.chat.order(set_topic=topic)
        assert (await bob.chat.refusal(order)).reason == "MUTED"
        await alice.says("listen", "pub")
        await bob.hears("listen")
        await asks(alice, "UnmuteMember", room=room("pub"), user=named("bob"))
        await bob.chat.item(lambda item: item.notice.kind == pb.NOTICE_KIND_UNMUTED)
        await bob.says("thanks", "pub")


@story
async def test_deleted_message_is_gone_everywhere(tmp_path: Path) -> None:
    """From history both ways, from a replay from the log or from memory, also after a restart."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guest("alice", "pub"), await server.guest("bob", "pub")
        seqs = [(await bob.says(f"said {n}", "pub")).seq for n in range(3)]
        answer = await asks(
            alice, "DeleteMessage", room=room("pub"), seq=seqs[1], reason="not here"
        )
        event = await bob.chat.event(lambda event: event.HasField("deletion"))
        assert (event.seq, event.author.name) == (answer.seq, "alice")
        assert (event.deletion.seq, event.deletion.author.name, event.deletion.reason) == (
            seqs[1],
            "bob",
            "not here",
        )
        own = await asks(bob, "DeleteMessage", room=room("pub"), seq=seqs[2])
        assert own.seq == answer.seq + 1
        repeated = await asks(bob, "DeleteMessage", room=room("pub"), seq=seqs[2])
        assert repeated.seq == 0

        async def all_that_is_told() -> list[list[pb.RoomEvent]]:
            pub = room("pub")
            forward = await alice.calls(
                "ListMessages", pb.ListMessagesRequest(room=pub, after_seq=0)
            )
            backward = await alice.calls("ListMessages", pb.ListMessagesRequest(room=pub))
            script = await alice.subscribes(place("pub", after_seq=0))
            replayed = await script.head(event.room_id, own.seq)
            await script.cancel()
            return [list(forward.events), list(backward.events)[::-1], replayed]

        for _ in range(2):
            for events in await all_that_is_told():
                bodies = [one.WhichOneof("body") for one in events]
                assert bodies[-5:] == [
                    "message",
                    "tombstone",
                    "tombstone",
                    "deletion",
                    "deletion",
                ]
                stone = events[-4]
                assert (stone.seq, stone.author.name) == (seqs[1], "bob")
                told = b"".join(one.SerializeToString() for one in events)
                assert b"said 0" in told
                assert b"said 1" not in told
                assert b"said 2" not in told
            await server.restarts()
            alice = await server.again(alice)
    assert holds(tmp_path, b"said 0")
    assert not holds(tmp_path, b"said 1")


@story
async def test_own_message_of_a_direct_room(tmp_path: Path) -> None:
    """Each takes back its own; the other reads of it."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        ack = await alice.says("secret", direct("bob"))
        refusal = await refused(asks(bob, "DeleteMessage", room=room_id(ack.room_id), seq=ack.seq))
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "ROLE_NEEDED",
        )
        await asks(alice, "DeleteMessage", room=direct("bob"), seq=ack.seq)
        await bob.chat.event(lambda event: event.deletion.seq == ack.seq)
        missing = await refused(asks(alice, "DeleteMessage", room=direct("bob"), seq=99))
        assert (missing.code, missing.reason, missing.fields) == (
            grpc.StatusCode.NOT_FOUND,
            "MESSAGE_NOT_FOUND",
            ("seq",),
        )


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("KickMember", {"user": named("bob")}),
    ("BanMember", {"user": named("bob")}),
    ("UnbanMember", {"user": named("bob")}),
    ("MuteMember", {"user": named("bob")}),
    ("UnmuteMember", {"user": named("bob")}),
    ("DeleteMessage", {"seq": 1}),
    ("ListRestrictions", {}),
    ("ListAuditEntries", {}),
]


@story
async def test_private_room_is_unknown_to_outsiders(tmp_path: Path) -> None:
    """Each call about it is refused word for word as one about no room; members need a role."""
    async with Server(tmp_path) as server:
        alice, bob, eve = await server.guests("alice", "bob", "eve")
        den = await private_room(alice)
        await invites(alice, den, bob)
        await alice.says("secret", room_id(den.room_id))
        for method, fields in CALLS:
            there, nowhere = [
                await refused(asks(eve, method, room=room_id(number), **fields))
                for number in (den.room_id, "r999")
            ]
            assert there == nowhere, method
            assert (there.code, there.reason) == (grpc.StatusCode.NOT_FOUND, "ROOM_NOT_FOUND")
            member = await refused(asks(bob, method, room=room_id(den.room_id), **fields))
            assert (member.code, member.reason) == (
                grpc.StatusCode.PERMISSION_DENIED,
                "ROLE_NEEDED",
            ), method


@story
async def test_removed_from_a_private_room(tmp_path: Path) -> None:
    """Afterwards it is unknown to the user by every call, and its open Subscribe is closed."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        await invites(alice, den, bob)
        script = await bob.subscribes(place(room_id(den.room_id), after_seq=0))
        await script.live(den.room_id)
        await asks(alice, "KickMember", room=room_id(den.room_id), user=named("bob"))
        for reading in (bob.chat, script):
            assert (await closed(reading, den.room_id)).reason == pb.CLOSE_REASON_REMOVED
        await alice.says("alone", room_id(den.room_id))
        for call in (
            bob.posts("hello?", room_id(den.room_id)),
            bob.calls("ListMessages", pb.ListMessagesRequest(room=room_id(den.room_id))),
            asks(bob, "ListRestrictions", room=room_id(den.room_id)),
        ):
            assert (await refused(call)).reason == "ROOM_NOT_FOUND"
        order = pb.JoinRoom(position=place(room_id(den.room_id)))
        refusal = await bob.chat.refusal(await bob.chat.order(join_room=order))
        assert refusal.reason == "ROOM_NOT_FOUND"


@story
async def test_what_is_asked_for_is_looked_at(tmp_path: Path) -> None:
    """Nobody named, no room named, nobody there, a long reason, a negative duration."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice", "pub")
        await server.guest("bob", "pub")
        pub = room("pub")
        for fields, reason, field in (
            ({"room": pub}, "TARGET_MISSING", "user"),
            ({"user": named("bob")}, "TARGET_MISSING", "room"),
            ({"room": pub, "user": named("zoe")}, "USER_NOT_FOUND", "user"),
            ({"room": pub, "user": UserTarget(user_id="u0")}, "USER_NOT_FOUND", "user"),
            ({"room": pub, "user": UserTarget(user_id="bob")}, "USER_NOT_FOUND", "user"),
            ({"room": pub, "user": named("bob"), "reason": "x" * 391}, "FIELD_INVALID", "reason"),
            (
                {"room": pub, "user": named("bob"), "duration_ms": -1},
                "FIELD_INVALID",
                "duration_ms",
            ),
        ):
            refusal = await refused(asks(alice, "BanMember", **fields))
            assert (refusal.reason, refusal.fields) == (reason, (field,))
        itself = await refused(asks(alice, "KickMember", room=pub, user=named("alice")))
        assert (itself.code, itself.reason) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "ROLE_TOO_HIGH",
        )


@story
async def test_call_without_a_token(tmp_path: Path) -> None:
    """Every call of the service needs a token; none is lost in the table of methods."""
    async with Server(tmp_path) as server:
        nobody = Guest(server.address, server.channel(), pb.JoinResponse())
        for method, fields in CALLS:
            for token in ("", "nonsense"):
                nobody.joined.token = token
                refusal = await refused(asks(nobody, method, room=room("lobby"), **fields))
                assert refusal.code is grpc.StatusCode.UNAUTHENTICATED, method


@pytest.mark.parametrize("rate_limits", [False, True])
@story
async def test_orders_of_moderators_have_the_pace_of_messages(
    tmp_path: Path, *, rate_limits: bool
) -> None:
    """A moderator's orders cost what messages cost: the burst, and then the rate."""
    async with Server(tmp_path, rate_limits=rate_limits) as server:
        alice = await server.guest("alice", "pub")
        await server.guest("bob", "pub")
        calls = [asks(alice, "MuteMember", room=room("pub"), user=named("bob")) for _ in range(120)]
        outcomes = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
        limited = [one for one in outcomes if isinstance(one, grpc.aio.AioRpcError)]
        assert bool(limited) is rate_limits
        assert all(one.code() is grpc.StatusCode.RESOURCE_EXHAUSTED for one in limited)
