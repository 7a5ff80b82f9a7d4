"""Messages between some, over gRPC: for all of them, for nobody else, and never lost."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from tests.edge.clients import Guest, Server, direct, place, refused, room_id, story


@story
async def test_both_hear_it_and_nobody_else(tmp_path: Path) -> None:
    """A direct message opens by itself for its receiver; a bystander gets no item of it."""
    async with Server(tmp_path) as server:
        alice, bob, carol = await server.guests("alice", "bob", "carol")
        ack = await alice.says("psst", direct("bob"))
        heard = await bob.hears("psst")
        await alice.hears("psst")
        assert (heard.room_id, heard.seq, heard.author.name) == (ack.room_id, 1, "alice")
        opened = await bob.chat.item(lambda item: item.opened.room.room_id == ack.room_id)
        shown = opened.opened.room
        assert (shown.kind, shown.name) == (pb.ROOM_KIND_DIRECT, "")
        assert {member.name for member in shown.members} == {"alice", "bob"}
        assert (await bob.says("yes?", direct("ALICE"))).room_id == ack.room_id
        await alice.hears("yes?")
        await alice.says("for all")
        await carol.hears("for all")
        assert ack.room_id not in str(carol.chat.items)


@story
async def test_message_to_several(tmp_path: Path) -> None:
    """The members make the room, in whatever order and case they are named, oneself or not."""
    async with Server(tmp_path) as server:
        alice, bob, carol = await server.guests("alice", "bob", "carol")
        ack = await alice.says("three of us", direct("bob", "carol"))
        for guest in (alice, bob, carol):
            await guest.hears("three of us")
        same = [
            await alice.says("1", direct("CAROL", "Bob")),
            await bob.says("2", direct("alice", "carol")),
            await carol.says("3", direct("carol", "bob", "alice", "bob")),
        ]
        assert {one.room_id for one in same} == {ack.room_id}
        assert (await alice.says("two of us", direct("bob"))).room_id != ack.room_id
        await bob.hears("two of us")
        await carol.hears("3")
        assert carol.chat.texts(ack.room_id) == ["three of us", "1", "2", "3"]


@story
async def test_message_waits_for_who_is_away(tmp_path: Path) -> None:
    """Who was away is brought every direct message from its beginning, also after a restart."""
    async with Server(tmp_path) as server:
        bob = await server.joins("bob")
        alice = await server.guest("alice")
        secret = (await alice.says("are you there?", direct("bob"))).room_id
        await alice.says("call me", direct("bob"))
        chat = await bob.opens()
        await chat.live(secret)
        assert chat.texts(secret) == ["are you there?", "call me"]
        await chat.cancel()
        await alice.says("still waiting", direct("bob"))
        await server.restarts()
        chat = await (await server.again(bob)).opens(place(room_id(secret), after_seq=2))
        await chat.live(secret)
        assert chat.texts(secret) == ["still waiting"]


@story
async def test_every_window_gets_it(tmp_path: Path) -> None:
    """All windows of a user read a direct message, of the receiver and of the sender."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        windows = []
        for guest in (alice, bob):
            window = await server.joins("", token=guest.token)
            await window.opens()
            windows.append(window)
        await alice.says("psst", direct("bob"))
        for guest in (alice, bob, *windows):
            await guest.hears("psst")


@story
async def test_later_guest_of_the_name_sees_nothing(tmp_path: Path) -> None:
    """A direct message belongs to the people, not to their names."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        old = (await alice.says("for the first bob", direct("bob"))).room_id
        await bob.hears("for the first bob")
        await bob.signs_out()
        refusal = await alice.chat.refusal(await alice.chat.posts("bob?", direct("bob")))
        assert (refusal.code, refusal.reason) == (5, "USER_NOT_FOUND")
        gone = await alice.chat.refusal(await alice.chat.posts("bob?", room_id(old)))
        assert (gone.code, gone.reason) == (5, "RECIPIENTS_GONE")
        second = await server.guest("bob")
        new = (await alice.says("for the second bob", direct("bob"))).room_id
        assert new != old
        await second.hears("for the second bob")
        assert second.chat.texts(old) == []
        for call in calls_about(second, old):
            assert (await refused(call())).reason == "ROOM_NOT_FOUND"
        # Alice keeps what was said; the one who is gone is listed by the old name.
        history = await alice.calls("ListMessages", pb.ListMessagesRequest(room=room_id(old)))
        assert [event.message.text for event in history.events] == ["for the first bob"]
        window = await server.joins("", token=alice.token)
        chat = await window.opens()
        opened = await chat.item(lambda item: item.opened.room.room_id == old)
        assert {member.user_id for member in opened.opened.room.members} == {
            alice.user_id,
            bob.user_id,
        }


def calls_about(guest: Guest, secret: str) -> list[Callable[[], Awaitable[Any]]]:
    """Return each unary call that names a room, for a room by its id."""
    target = room_id(secret)
    post = pb.Post(room=target, text="hi", client_msg_id="x1")
    return [
        lambda: guest.calls("ListMessages", pb.ListMessagesRequest(room=target)),
        lambda: guest.calls("ListUsers", pb.ListUsersRequest(room=target)),
        lambda: guest.calls("PostMessage", pb.PostMessageRequest(post=post)),
    ]


@story
async def test_for_others_it_does_not_exist(tmp_path: Path) -> None:
    """Whatever a stranger tries with the id, the answer is that of a room that never was.

    Those whom it belongs to notice nothing.
    """
    async with Server(tmp_path) as server:
        alice, bob, mallory = await server.guests("alice", "bob", "mallory")
        secret = (await alice.says("psst", direct("bob"))).room_id
        await bob.hears("psst")
        for hidden, unknown in zip(
            calls_about(mallory, secret), calls_about(mallory, "r999"), strict=True
        ):
            refusal = await refused(hidden())
            assert refusal.code is grpc.StatusCode.NOT_FOUND
            assert refusal == await refused(unknown())
        for number in (secret, "r999"):
            reading = await mallory.subscribes(place(room_id(number), after_seq=0))
            ended = await reading.end()
            assert ended is not None
            assert (ended.reason, reading.items) == ("ROOM_NOT_FOUND", [])
        answers = []
        for number in (secret, "r999"):
            target = room_id(number)
            position = pb.JoinRoom(position=place(target, after_seq=0))
            for order in (
                {"join_room": position},
                {"leave_room": pb.LeaveRoom(room=target)},
                {"set_topic": pb.SetTopic(room=target, topic="x")},
                {"post": pb.Post(room=target, text="x", client_msg_id="x2")},
            ):
                refused_order = await mallory.chat.refusal(await mallory.chat.order(**order))
                refused_order.ClearField("order_id")
                refused_order.ClearField("room_id")
                answers.append(refused_order)
        assert answers[:4] == answers[4:]
        resumed = await mallory.opens(place(room_id(secret), after_seq=0))
        error = (await resumed.item(lambda item: item.HasField("error"))).error
        assert (error.code, error.reason, error.room_id) == (5, "ROOM_NOT_FOUND", secret)
        rooms = await mallory.calls("ListRooms", pb.ListRoomsRequest())
        assert [one.name for one in rooms.rooms] == ["lobby"]
        await alice.says("undisturbed", direct("bob"))
        await bob.hears("undisturbed")
        assert not resumed.texts(secret)


@pytest.mark.parametrize(
    ("names", "reason", "facts"),
    [
        ([], "FIELD_INVALID", {}),
        (["alice"], "FIELD_INVALID", {}),
        (["bob"] * 16, "FIELD_INVALID", {}),
        (["nobody"], "USER_NOT_FOUND", {"names": "nobody"}),
        (["bob", "nobody", "x y", ""], "USER_NOT_FOUND", {"names": "nobody,x y,"}),
        (["n" * 5000], "USER_NOT_FOUND", {"names": "n" * 32}),
    ],
)
@story
async def test_receivers_that_cannot_be_reached(
    tmp_path: Path, names: list[str], reason: str, facts: dict[str, str]
) -> None:
    """Nobody, oneself alone, too many, or somebody who is not there: refused, with who it was."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        refusal = await alice.chat.refusal(await alice.chat.posts("hi", direct(*names)))
        assert (refusal.reason, dict(refusal.metadata)) == (reason, facts)
        await alice.says("still fine", direct("bob"))
        await bob.hears("still fine")
