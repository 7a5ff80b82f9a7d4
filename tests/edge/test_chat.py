"""Signing in and out, posting alone, reading alone."""

import asyncio
import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.limits import GUEST_GRACE_MS, RENEWAL_MS
from chat_service.edge.chat import ChatMethods
from chat_service.edge.limits import DEFAULT_RATES, CallLimits
from chat_service.edge.sessions import Sessions
from chat_service.wiring import Timing
from tests.edge.clients import (
    Clock,
    Guest,
    Refusal,
    Server,
    direct,
    hello,
    place,
    refused,
    room,
    room_id,
    story,
)
from tests.edge.scene import Scene, call_from, within

SILENT_S = (GUEST_GRACE_MS + RENEWAL_MS) / 1000
"""After this many seconds without a stream or a call a guest is over for sure."""


async def users(guest: Guest) -> list[str]:
    """Return the names of all users."""
    answer = await guest.calls("ListUsers", pb.ListUsersRequest())
    return [user.name for user in answer.users]


def status(refusal: Refusal) -> tuple[grpc.StatusCode, str]:
    """Return what tells refusals apart."""
    return refusal.code, refusal.reason


# --------------------------------------------------------------------------- signing in


@story
async def test_what_a_new_guest_is_told(tmp_path: Path) -> None:
    """Join gives a secret, an identity, the epoch, the limits, and the room that was asked for."""
    async with Server(tmp_path) as server:
        alice = await server.joins("Alice", into="Attic")
        joined = alice.joined
        assert len(base64.urlsafe_b64decode(joined.token + "=")) == 32
        assert joined.user.name == "Alice"
        assert joined.user.user_id
        assert joined.session_id
        assert joined.epoch
        assert (joined.room.name, joined.room.kind) == ("Attic", pb.ROOM_KIND_PUBLIC)
        assert joined.limits == pb.Limits(
            text_bytes=4096,
            text_lines=100,
            name_bytes=32,
            room_name_bytes=64,
            topic_bytes=390,
            rooms_per_user=100,
            recipients=15,
            client_id_bytes=64,
            unacked_posts=256,
            page_size=1000,
            reason_bytes=390,
            description_bytes=2000,
            password_min_chars=8,
            password_max_chars=256,
        )
        bob = await server.joins("bob")
        assert not bob.joined.HasField("room")
        assert bob.joined.epoch == joined.epoch
        assert len({joined.token, bob.token}) == len({alice.user_id, bob.user_id}) == 2


@story
async def test_joining_a_room_is_not_being_there(tmp_path: Path) -> None:
    """Who has joined but reads nothing is present nowhere, and nobody is told."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await server.joins("bob", into="lobby")
        await alice.says("anybody?")
        await alice.hears("anybody?")
        present = await alice.calls("ListUsers", pb.ListUsersRequest(room=room("lobby")))
        assert [user.name for user in present.users] == ["alice"]


@story
async def test_taken_name(tmp_path: Path) -> None:
    """A name is one user's, whatever the case; reserved names are nobody's."""
    async with Server(tmp_path) as server:
        await server.joins("alice")
        for name, reason in (
            ("alice", "NAME_TAKEN"),
            ("ALICE", "NAME_TAKEN"),
            ("Admin", "NAME_RESERVED"),
            ("SYSTEM", "NAME_RESERVED"),
        ):
            refusal = await refused(server.joins(name))
            assert status(refusal) == (grpc.StatusCode.ALREADY_EXISTS, reason)
            assert refusal.fields == ("name",)
            assert refusal.retry_ms is None


@story
async def test_refused_guest_leaves_nothing(tmp_path: Path) -> None:
    """When the room of a Join is refused, no user was made: the name is still free."""
    async with Server(tmp_path) as server:
        refusal = await refused(server.joins("alice", into=".hidden"))
        assert status(refusal) == (grpc.StatusCode.INVALID_ARGUMENT, "ROOM_NAME_INVALID")
        assert refusal.fields == ("room",)
        alice = await server.joins("alice")
        assert await users(alice) == ["alice"]


@story
async def test_further_session_of_the_same_user(tmp_path: Path) -> None:
    """With a valid token Join opens another session; the name may be left out, not changed."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        for name in ("alice", "ALICE", ""):
            window = await server.joins(name, token=alice.token)
            assert window.joined.user == alice.joined.user
            assert window.token != alice.token
            assert window.joined.session_id != alice.joined.session_id
        refusal = await refused(server.joins("bob", token=alice.token))
        assert status(refusal) == (grpc.StatusCode.INVALID_ARGUMENT, "NAME_INVALID")
        assert refusal.fields == ("name",)
        assert await users(alice) == ["alice"]


@story
async def test_joining_with_a_bad_token_makes_no_guest(tmp_path: Path) -> None:
    """A token that is sent must be valid; it is never taken for none."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        for token in ("garbage", alice.token[:-1], alice.token + "x", alice.token.upper()):
            refusal = await refused(server.joins("bob", token=token))
            assert status(refusal) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
        assert await users(alice) == ["alice"]


@story
async def test_identity_outlives_a_restart(tmp_path: Path) -> None:
    """After a restart the token is the same user's, and the name still taken."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice", into="attic")
        await server.restarts()
        again = await server.again(alice)
        window = await server.joins("", token=alice.token)
        assert window.joined.user == alice.joined.user
        assert window.joined.epoch == alice.joined.epoch
        assert (await refused(server.joins("Alice"))).reason == "NAME_TAKEN"
        chat = await again.opens("attic")
        assert (await chat.opened("attic")).room.room_id == alice.joined.room.room_id
        await again.says("back", room("attic"))


@story
async def test_many_sessions_of_a_user_are_bounded(tmp_path: Path) -> None:
    """A user without an account has at most a hundred sessions."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        join = pb.JoinRequest()
        for _ in range(3):
            await asyncio.gather(*(alice.calls("Join", join) for _ in range(33)))
        refusal = await refused(alice.calls("Join", join))
        assert status(refusal) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_SESSIONS")


# -------------------------------------------------------------------------- signing out


@story
async def test_name_is_free_at_once(tmp_path: Path) -> None:
    """Signing out of the last session ends the user; the next of that name is another."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        window = await server.joins("", token=alice.token)
        await alice.signs_out()
        assert (await refused(server.joins("alice"))).reason == "NAME_TAKEN"
        await window.signs_out()
        other = await server.joins("alice")
        assert other.user_id != alice.user_id
        for gone in (alice, window):
            refusal = await refused(users(gone))
            assert status(refusal) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


@story
async def test_signing_out_ends_the_streams(tmp_path: Path) -> None:
    """Every stream of the session ends, others of the user do not, and leaving is told at once."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        lobby = (await alice.chat.opened("lobby")).room.room_id
        await alice.chat.joined("bob", lobby)
        window = await server.joins("", token=bob.token)
        reading = await bob.subscribes("lobby")
        await reading.begun()
        other = await window.subscribes("lobby")
        await other.begun()
        await bob.signs_out()
        for stream in (bob.chat, reading):
            refusal = await stream.end()
            assert refusal is not None
            assert status(refusal) == (grpc.StatusCode.UNAUTHENTICATED, "SESSION_ENDED")
        assert (await alice.chat.left("bob", lobby)).total == 1
        await alice.says("still there?")
        await other.hears("still there?")


@story
async def test_silent_guest_is_over(tmp_path: Path) -> None:
    """Ten minutes after the last call, not before, a guest's token is void and its name free."""
    clock = Clock()
    async with Server(
        tmp_path, timing=replace(Timing(), wall_ms=clock.ms, rate_s=clock.seconds)
    ) as server:
        alice = await server.joins("alice")
        clock.now += GUEST_GRACE_MS / 1000
        assert await users(alice) == ["alice"]
        # A post is stored behind what the call before it had noted.
        await alice.posts("I am here")
        clock.now += GUEST_GRACE_MS / 1000
        assert (await refused(server.joins("alice"))).reason == "NAME_TAKEN"
        clock.now += SILENT_S
        for call in (users(alice), server.joins("alice", token=alice.token)):
            refusal = await refused(call)
            assert status(refusal) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
        chat = await (await server.again(alice)).dials()
        await chat.send(hello())
        ended = await chat.end()
        assert ended is not None
        assert ended.reason == "TOKEN_INVALID"
        other = await server.joins("alice")
        assert other.user_id != alice.user_id


@story
async def test_stream_keeps_its_guest(tmp_path: Path) -> None:
    """While a Chat stream is open its guest is not over, however silent; a restart is no end."""
    clock = Clock()
    async with Server(
        tmp_path, timing=replace(Timing(), wall_ms=clock.ms, rate_s=clock.seconds)
    ) as server:
        alice = await server.guest("alice")
        clock.now += 10 * SILENT_S
        await alice.says("still here")
        assert await alice.chat.done() is None
        clock.now += 0.9 * GUEST_GRACE_MS / 1000
        await server.restarts()
        clock.now += 0.9 * GUEST_GRACE_MS / 1000
        again = await server.again(alice)
        assert (await again.posts("and back")).seq == 2


# ----------------------------------------------------------------- rates, by address


def methods(scene: Scene) -> ChatMethods:
    """Return the calls of a server without a transport."""
    sessions = Sessions(scene.directory, scene.journal, scene.clock.ms)
    parts = {"directory": scene.directory, "hub": scene.hub, "streams": scene.streams}
    return ChatMethods(
        journal=scene.journal,
        pace=scene.pace,
        sessions=sessions,
        entrance=scene.entrance(),
        doors=scene.doors,
        clock=scene.clock.seconds,
        limits=CallLimits(hello_s=1.0),
        **parts,  # type: ignore[arg-type] # a dictionary does not remember whose part is which
    )


async def signs_in(scene: Scene, name: str, peer: str, into: str = "") -> pb.JoinResponse:
    """Sign somebody in from an address."""
    request = pb.JoinRequest(name=name, room=into)
    joining = asyncio.create_task(methods(scene).join(request, call_from(peer)))
    await asyncio.sleep(0)
    scene.commits()
    return await within(joining)


@story
async def test_new_guests_of_an_address_are_paced() -> None:
    """Too many new guests from one network are refused with a delay; other networks are not."""
    scene = Scene(rate_limits=True)
    for number in range(DEFAULT_RATES.guests_burst):
        await signs_in(scene, f"guest{number}", f"ipv4:192.0.2.1:{number}")
    with pytest.raises(RefusedError) as too_many:
        await signs_in(scene, "late", "ipv4:192.0.2.1:99")
    rejection = too_many.value.rejection
    assert (rejection.reason, rejection.retry_after_ms) == (Reason.RATE_LIMITED, 3000)
    await signs_in(scene, "neighbour", "ipv4:192.0.2.2:1")
    scene.clock.now += 3.001
    await signs_in(scene, "late", "ipv4:192.0.2.1:99")
    for number in range(3 * DEFAULT_RATES.guests_burst):
        await signs_in(scene, f"local{number}", "ipv4:127.0.0.1:1")


@story
async def test_new_rooms_of_an_address_are_paced() -> None:
    """Too many new rooms are refused at the Join as well; rooms that exist are free to enter."""
    scene = Scene(rate_limits=True)
    for number in range(DEFAULT_RATES.rooms_burst):
        await signs_in(scene, f"guest{number}", "ipv4:192.0.2.1:1", f"room{number}")
    with pytest.raises(RefusedError) as too_many:
        await signs_in(scene, "late", "ipv4:192.0.2.1:1", "another")
    rejection = too_many.value.rejection
    assert (rejection.reason, rejection.retry_after_ms) == (Reason.RATE_LIMITED, 360_000)
    assert (await signs_in(scene, "late", "ipv4:192.0.2.1:1", "room0")).room.name == "room0"


# ------------------------------------------------------------------------ posting alone


@story
async def test_posting_needs_no_presence_and_makes_no_notice(tmp_path: Path) -> None:
    """A script's message is there for all, and nobody is told that the script came or went."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        robot = await server.joins("robot")
        posted = await robot.posts("built in 3 s")
        heard = await alice.hears("built in 3 s")
        assert (heard.room_id, heard.seq, heard.time_ms) == (
            posted.room_id,
            posted.seq,
            posted.time_ms,
        )
        assert heard.author.name == "robot"
        await robot.posts("bye")
        await alice.hears("bye")
        told = [u.name for item in alice.chat.items for u in item.presence.joined]
        assert "robot" not in told
        present = await alice.calls("ListUsers", pb.ListUsersRequest(room=room("lobby")))
        assert [user.name for user in present.users] == ["alice"]


@story
async def test_repeated_post_gets_the_first_answer(tmp_path: Path) -> None:
    """A retry has no second effect, also when the server was restarted in between."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        first = await alice.posts("once", client_msg_id="m1")
        assert not first.duplicate
        again = await alice.posts("once", client_msg_id="m1")
        await server.restarts()
        alice = await server.again(alice)
        later = await alice.posts("once", client_msg_id="m1")
        for answer in (again, later):
            assert answer == pb.PostMessageResponse(
                room_id=first.room_id, seq=first.seq, time_ms=first.time_ms, duplicate=True
            )
        # The same in a stream: it is one message, however it is sent.
        await alice.opens("lobby")
        ack = await alice.chat.says("once", client_msg_id="m1")
        assert (ack.seq, ack.duplicate) == (first.seq, True)
        refusal = await refused(alice.posts("twice", client_msg_id="m1"))
        assert status(refusal) == (grpc.StatusCode.ALREADY_EXISTS, "ID_REUSED")
        assert refusal.fields == ("client_msg_id",)
        assert (await alice.posts("next")).seq == 2


@story
async def test_rate_of_posts(tmp_path: Path) -> None:
    """Posts share the user's rate with the stream; repeated ones cost nothing."""
    clock = Clock()
    timing = replace(Timing(), rate_s=clock.seconds)
    async with Server(tmp_path, rate_limits=True, timing=timing) as server:
        alice = await server.guest("alice")
        for _ in range(2 * DEFAULT_RATES.sends_burst):
            await alice.posts("once", client_msg_id="m1")
        await alice.says("in the stream")
        for number in range(DEFAULT_RATES.sends_burst - 2):
            await alice.posts(f"{number}")
        refusal = await refused(alice.posts("too fast"))
        assert status(refusal) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        assert refusal.retry_ms == 200
        clock.now += 0.21
        await alice.posts("later")


@story
async def test_lost_ack_is_made_good_by_a_retry(tmp_path: Path) -> None:
    """A message whose ack was lost with its stream is stored once, whatever stopped meanwhile."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.chat.posts("did it arrive?", client_msg_id="m1")
        heard = await bob.hears("did it arrive?")
        await alice.chat.cancel()
        await server.restarts()
        alice, bob = await server.again(alice), await server.again(bob)
        await alice.opens("lobby")
        ack = await alice.chat.says("did it arrive?", client_msg_id="m1")
        assert (ack.seq, ack.duplicate) == (heard.seq, True)
        chat = await bob.opens(place("lobby", after_seq=0))
        await alice.says("it did")
        await chat.hears("it did")
        assert chat.texts(ack.room_id) == ["did it arrive?", "it did"]


@story
async def test_retry_key_is_the_users_own(tmp_path: Path) -> None:
    """A later guest of the same name has no retry keys of the former."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        await alice.posts("mine", client_msg_id="m1")
        await alice.signs_out()
        other = await server.joins("alice")
        answer = await other.posts("mine", client_msg_id="m1")
        assert (answer.seq, answer.duplicate) == (2, False)


# ------------------------------------------------------------------------ reading alone


@story
async def test_subscribing_is_not_being_there(tmp_path: Path) -> None:
    """A listener gets what it missed and what comes, and is neither seen nor told of anybody."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        await alice.says("one")
        listener = await server.joins("listener")
        reading = await listener.subscribes(place("lobby", after_seq=0))
        await reading.begun()
        bob = await server.guest("bob")
        lobby = (await bob.chat.opened("lobby")).room.room_id
        await alice.chat.joined("bob", lobby)
        await alice.says("two")
        await reading.hears("two")
        assert reading.kinds() == ["welcome", "opened", "event", "live", "event"]
        assert reading.items[0].welcome.user == pb.User(user_id=listener.user_id, name="listener")
        told = {u.name for item in alice.chat.items for u in item.presence.joined}
        assert "listener" not in told


@pytest.mark.parametrize("moment", range(8))
@story
async def test_listener_who_goes_away_leaves_nothing(moment: int) -> None:
    """A write that fails and a cancel that follows leave nothing, whatever lies between them."""
    scene = Scene()
    scene.joins("alice")
    before = asyncio.all_tasks()

    class Listening:
        """A context whose client may go away; see `grpc.aio.ServicerContext`."""

        is_gone = False

        async def write(self, _: bytes) -> None:
            if self.is_gone:
                raise grpc.aio.InternalError("the client is gone")

    # Any: a context of grpc.aio is generic in messages.
    context: Any = Listening()
    request = pb.SubscribeRequest(rooms=[place("lobby")])
    served = asyncio.create_task(
        methods(scene).subscribe(request, call_from("ipv4:127.0.0.1:1", "alice"), context)
    )
    for _ in range(10):
        await asyncio.sleep(0)
        scene.timers.step()
    assert len(scene.streams.all()) == 1
    context.is_gone = True
    scene.says(scene.joins("bob"), "hi")
    for _ in range(moment):
        await asyncio.sleep(0)
    served.cancel()
    await asyncio.gather(served, return_exceptions=True)
    assert (scene.streams.all(), scene.hub.subscriptions) == ([], [])
    for _ in range(10):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@story
async def test_several_rooms_in_one_subscribe(tmp_path: Path) -> None:
    """Each room is opened and brought up to date, public or direct."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.says("hello")
        secret = (await alice.says("psst", direct("bob"))).room_id
        reading = await bob.subscribes(
            place("lobby", after_seq=0), place(direct("alice"), after_seq=0)
        )
        await reading.live(secret)
        assert reading.texts(secret) == ["psst"]
        assert await reading.hears("hello")
        await alice.says("more", room_id(secret))
        await reading.hears("more")


@story
async def test_rooms_that_cannot_be_subscribed(tmp_path: Path) -> None:
    """What is not there, is beyond its head, or is named twice, fails the call with its reason."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        lobby = (await alice.chat.opened("lobby")).room.room_id
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        for places, code, reason, field in (
            ([], invalid, "FIELD_INVALID", "rooms"),
            (["lobby"] * 101, invalid, "FIELD_INVALID", "rooms"),
            (["lobby", "LOBBY"], invalid, "FIELD_INVALID", "rooms"),
            ([place("lobby"), place(room_id(lobby))], invalid, "FIELD_INVALID", "rooms"),
            ([pb.RoomPosition()], invalid, "TARGET_MISSING", "room"),
            (["nowhere"], grpc.StatusCode.NOT_FOUND, "ROOM_NOT_FOUND", "room"),
            ([place(direct("bob"))], grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND", ""),
        ):
            reading = await alice.subscribes(*places)
            refusal = await reading.end()
            assert refusal is not None
            assert status(refusal) == (code, reason)
            assert not field or refusal.fields == (field,)
            assert reading.items == []
        reading = await alice.subscribes(place("lobby", after_seq=1))
        refusal = await reading.end()
        assert refusal is not None
        assert status(refusal) == (grpc.StatusCode.OUT_OF_RANGE, "SEQ_OUT_OF_RANGE")
        assert refusal.metadata == {"room_id": lobby}


@story
async def test_subscribe_streams_do_not_replace_each_other(tmp_path: Path) -> None:
    """A session may read by many Subscribe streams beside its one Chat stream."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        readings = [await alice.subscribes("lobby") for _ in range(5)]
        for reading in readings:
            await reading.begun()
        await alice.says("to all")
        for reading in readings:
            await reading.hears("to all")
        await alice.hears("to all")
