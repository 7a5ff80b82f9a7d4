"""Ways into private rooms: invitations of users, and codes."""

from pathlib import Path

from chat_protos.chat.v1 import chat_pb2 as pb
from tests.edge.clients import Server, place, refused, room_id, story
from tests.edge.rooms import asks, named, private_room


@story
async def test_invitation_waits_for_who_is_away(tmp_path: Path) -> None:
    """It is told after the welcome, until it is declined or taken back."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        bob = await server.joins("bob")
        den, attic = await private_room(alice), await private_room(alice, "attic")
        for one in (den, attic):
            await asks(alice, "InviteUser", room=room_id(one.room_id), user=named("bob"))
        chat = await bob.opens()
        await chat.until(lambda: chat.kinds().count("invitation") == 2 or None)
        assert [item.invitation.name for item in chat.items[-2:]] == ["attic", "den"]
        await asks(bob, "DeclineInvitation", room_id=den.room_id)
        await asks(bob, "DeclineInvitation", room_id=den.room_id)
        await asks(alice, "RevokeInvitation", room=room_id(attic.room_id), user=named("bob"))
        assert not (await asks(bob, "ListInvitations")).invitations
        for one in (den, attic):
            order = pb.JoinRoom(position=place(room_id(one.room_id)))
            refusal = await chat.refusal(await chat.order(join_room=order))
            assert refusal.reason == "ROOM_NOT_FOUND"


@story
async def test_hello_takes_no_invitation(tmp_path: Path) -> None:
    """A client that names a room which it has read before is not let in by that."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        target = room_id(den.room_id)
        await asks(alice, "InviteUser", room=target, user=named("bob"))
        chat = await bob.opens(place(target, after_seq=0))
        assert (await chat.refusal("hello")).reason == "ROOM_NOT_FOUND"
        await chat.item(lambda item: item.HasField("invitation"))
        await chat.joins(target)
        await (await bob.opens(place(target))).live(den.room_id)


@story
async def test_code_leads_into_a_private_room(tmp_path: Path) -> None:
    """The room need not be named; what is read begins where the reader comes in."""
    async with Server(tmp_path) as server:
        alice, bob, carol = await server.guests("alice", "bob", "carol")
        den = await private_room(alice)
        target = room_id(den.room_id)
        await alice.chat.joins(target)
        await alice.says("before", target)
        made = await asks(alice, "CreateRoomInvite", room=target, uses=1)
        assert (made.invite.uses_left, made.invite.creator.name) == (1, "alice")
        assert (await asks(alice, "ListRoomInvites", room=target)).invites == [made.invite]
        enter = pb.JoinRoom(invite_code=made.code, position=pb.RoomPosition(recent=10))
        ack = await bob.chat.ack(await bob.chat.order(join_room=enter))
        assert ack.room_id == den.room_id
        await bob.chat.live(den.room_id)
        await alice.says("after", target)
        await bob.hears("after")
        assert bob.chat.texts(den.room_id) == ["after"]
        refusal = await carol.chat.refusal(await carol.chat.order(join_room=enter))
        assert refusal.reason == "INVITE_INVALID"
        assert not (await asks(alice, "ListRoomInvites", room=target)).invites


@story
async def test_code_is_revoked(tmp_path: Path) -> None:
    """By its id, in its own room; the newest of several is told first."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den, attic = await private_room(alice), await private_room(alice, "attic")
        target = room_id(den.room_id)
        first, second = [await asks(alice, "CreateRoomInvite", room=target) for _ in range(2)]
        listed = (await asks(alice, "ListRoomInvites", room=target)).invites
        assert listed == [second.invite, first.invite]
        for wrong, invite_id in (
            (room_id(attic.room_id), first.invite.invite_id),
            (target, "i99"),
            (target, "nonsense"),
        ):
            refusal = await refused(
                asks(alice, "RevokeRoomInvite", room=wrong, invite_id=invite_id)
            )
            assert refusal.reason == "INVITE_NOT_FOUND"
        await asks(alice, "RevokeRoomInvite", room=target, invite_id=first.invite.invite_id)
        enter = pb.JoinRoom(invite_code=first.code)
        answer = await bob.chat.refusal(await bob.chat.order(join_room=enter))
        assert answer.reason == "INVITE_INVALID"
        await bob.chat.ack(await bob.chat.order(join_room=pb.JoinRoom(invite_code=second.code)))
