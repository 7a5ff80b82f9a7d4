"""RoomService over the real transport: rooms that are more than a name."""

from pathlib import Path
from typing import Any

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.edge.limits import DEFAULT_RATES
from chat_service.wiring import Timing
from tests.edge.clients import Clock, Server, direct, place, refused, room, room_id, story
from tests.edge.rooms import asks, invites, named, private_room


@story
async def test_private_room_from_its_making_to_its_first_words(tmp_path: Path) -> None:
    """Its maker owns it, who is invited hears of it and enters, and both hear each other."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice, topic="ours", description="two\nlines")
        assert (den.kind, den.name, den.role) == (pb.ROOM_KIND_PRIVATE, "den", pb.ROLE_OWNER)
        assert (den.topic, den.description) == ("ours", "two\nlines")
        assert (den.history, den.has_password) == (pb.HISTORY_POLICY_FROM_JOIN, False)
        target = room_id(den.room_id)
        await alice.chat.joins(target)
        await asks(alice, "InviteUser", room=target, user=named("BOB"))
        told = (await bob.chat.item(lambda item: item.HasField("invitation"))).invitation
        assert (told.room_id, told.name, told.inviter.name) == (den.room_id, "den", "alice")
        assert (await asks(bob, "ListInvitations")).invitations == [told]
        await bob.chat.joins(target)
        opened = (await bob.chat.opened("den")).room
        assert (opened.role, opened.kind) == (pb.ROLE_MEMBER, pb.ROOM_KIND_PRIVATE)
        assert not (await asks(bob, "ListInvitations")).invitations
        await alice.says("psst", target)
        assert (await bob.hears("psst")).room_id == den.room_id
        await alice.chat.joined("bob", den.room_id)


@story
async def test_newcomer_reads_from_its_entry_on(tmp_path: Path) -> None:
    """What was said before is a gap, in streams, in history both ways, and after a return."""
    async with Server(tmp_path) as server:
        alice, bob, carol = await server.guests("alice", "bob", "carol")
        den = await private_room(alice)
        target = room_id(den.room_id)
        await alice.chat.joins(target)
        for number in range(3):
            await alice.says(f"before {number}", target)
        await asks(alice, "InviteUser", room=target, user=named("bob"))
        await bob.chat.joins(target, after_seq=1)
        gap = (await bob.chat.item(lambda item: item.gap.room_id == den.room_id)).gap
        assert (gap.after_seq, gap.first_seq) == (1, 4)
        await alice.says("after", target)
        await bob.hears("after")
        assert bob.chat.texts(den.room_id) == ["after"]
        # Any: fields of a request.
        starts: tuple[dict[str, Any], ...] = (
            {"after_seq": 0},
            {"before_seq": 0},
            {"before_seq": 4},
            {},
        )
        for start in starts:
            page = await bob.calls("ListMessages", pb.ListMessagesRequest(room=target, **start))
            seqs = [event.seq for event in page.events]
            assert (seqs, page.next_page_token) == ([] if start == {"before_seq": 4} else [4], "")
        reading = await bob.subscribes(pb.RoomPosition(room=target, recent=100))
        await reading.live(den.room_id)
        assert reading.texts(den.room_id) == ["after"]
        await reading.cancel()
        order = pb.LeaveRoom(room=target)
        await bob.chat.ack(await bob.chat.order(leave_room=order))
        await bob.chat.item(lambda item: item.closed.room_id == den.room_id)
        await alice.says("while away", target)
        await invites(alice, den, bob)
        page = await bob.calls("ListMessages", pb.ListMessagesRequest(room=target))
        assert not page.events
        refusal = await refused(carol.calls("ListMessages", pb.ListMessagesRequest(room=target)))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ROOM_NOT_FOUND")


@story
async def test_room_may_show_newcomers_everything(tmp_path: Path) -> None:
    """With the policy for all, who comes later reads what was said before."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice, history=pb.HISTORY_POLICY_ALL)
        target = room_id(den.room_id)
        await alice.posts("before", target)
        await asks(alice, "InviteUser", room=target, user=named("bob"))
        await bob.chat.joins(target, recent=10)
        await bob.hears("before")


# ------------------------------------------------------------------- entering and reading


@story
async def test_position_beyond_the_head_enters_no_private_room(tmp_path: Path) -> None:
    """Be it by an invitation or by a code: the order changes nothing, and may be repeated."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        target = room_id(den.room_id)
        code = (await asks(alice, "CreateRoomInvite", room=target)).code
        await asks(alice, "InviteUser", room=target, user=named("bob"))
        far = pb.RoomPosition(after_seq=7)
        for order in (
            pb.JoinRoom(position=pb.RoomPosition(room=target, after_seq=7)),
            pb.JoinRoom(position=far, invite_code=code),
        ):
            refusal = await bob.chat.refusal(await bob.chat.order(join_room=order))
            assert refusal.reason == "SEQ_OUT_OF_RANGE"
        assert len((await asks(bob, "ListInvitations")).invitations) == 1
        await bob.chat.ack(await bob.chat.order(join_room=pb.JoinRoom(invite_code=code)))


@story
async def test_hello_reads_all_joined_rooms(tmp_path: Path) -> None:
    """Each that is not named, with so many of its newest events; none where it is not asked."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        await invites(alice, den, bob)
        for number in range(4):
            await alice.posts(f"den {number}", room_id(den.room_id))
            await alice.posts(f"lobby {number}")
        window = await server.again(bob)
        chat = await window.dials()
        first = pb.Hello(rooms=[place("lobby", after_seq=3)], joined_recent=2)
        await chat.send(pb.ChatRequest(order_id="hello", hello=first))
        await chat.live(den.room_id)
        assert chat.texts(den.room_id) == ["den 2", "den 3"]
        await chat.hears("lobby 3")
        lobby = (await chat.opened("lobby")).room.room_id
        assert chat.texts(lobby) == ["lobby 3"]
        await chat.done()
        quiet = await window.opens()
        await window.posts("marker", room_id(den.room_id))
        await quiet.done()
        assert "opened" not in quiet.kinds()


@story
async def test_hello_for_members_enters_nothing(tmp_path: Path) -> None:
    """Who left meanwhile stays out and is told; where one is a member reading goes on."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        await bob.opens("lobby", "attic", "cellar")
        attic, cellar = [(await bob.chat.opened(name)).room.room_id for name in ("attic", "cellar")]
        await bob.says("one", "attic")
        await bob.says("cold", "cellar")
        window = await server.again(bob)
        await bob.chat.leaves("attic")
        chat = await window.dials()
        places = [
            place(room_id(attic), after_seq=1),
            place(room_id(cellar), after_seq=0),
            place("attic"),
            place(room_id(den.room_id)),
            place("nowhere"),
        ]
        first = pb.Hello(rooms=places, members_only=True)
        await chat.send(pb.ChatRequest(order_id="hello", hello=first))
        await chat.live(cellar)
        assert chat.texts(cellar) == ["cold"]
        told = [item.error for item in chat.items if item.HasField("error")]
        assert sorted((error.reason, error.room_id) for error in told) == [
            ("NOT_A_MEMBER", attic),
            ("NOT_A_MEMBER", attic),
            ("ROOM_NOT_FOUND", ""),
            ("ROOM_NOT_FOUND", den.room_id),
        ]
        assert all(error.order_id == "hello" for error in told)
        joined = await window.calls("ListRooms", pb.ListRoomsRequest(joined=True))
        assert [found.name for found in joined.rooms] == ["lobby", "cellar"]
        await chat.done()


@story
async def test_return_to_a_private_room_goes_on_where_it_was(tmp_path: Path) -> None:
    """A position behind one's own entry is resumed from, also after a restart of the server."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        target = room_id(den.room_id)
        await alice.posts("before", target)
        await invites(alice, den, bob)
        await alice.posts("one", target)
        await bob.hears("one")
        await bob.chat.cancel()
        await alice.posts("two", target)
        await server.restarts()
        bob = await server.again(bob)
        chat = await bob.opens(place(target, after_seq=2))
        await chat.live(den.room_id)
        assert chat.texts(den.room_id) == ["two"]
        assert "gap" not in chat.kinds()
        chat = await bob.opens(place(target, after_seq=0))
        await chat.live(den.room_id)
        assert chat.texts(den.room_id) == ["one", "two"]
        gap = (await chat.item(lambda item: item.HasField("gap"))).gap
        assert (gap.after_seq, gap.first_seq) == (0, 2)


@story
async def test_leaving_ends_every_reading_of_a_private_room(tmp_path: Path) -> None:
    """In all windows, and by Subscribe, which needs the membership there."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        target = room_id(den.room_id)
        await invites(alice, den, bob)
        window = await server.joins("bob", token=bob.token)
        chat = await window.opens(place(target))
        reading = await bob.subscribes(place(target), "lobby")
        await reading.live(den.room_id)
        await bob.chat.ack(await bob.chat.order(leave_room=pb.LeaveRoom(room=target)))
        for stream in (bob.chat, chat, reading):
            closed = (await stream.item(lambda item: item.HasField("closed"))).closed
            assert (closed.room_id, closed.reason) == (den.room_id, pb.CLOSE_REASON_LEFT)
        await alice.posts("alone", target)
        await alice.posts("to all")
        await reading.hears("to all")
        for stream in (bob.chat, chat, reading):
            assert "alone" not in stream.texts(den.room_id)


@story
async def test_presence_in_a_private_room(tmp_path: Path) -> None:
    """It is told as in public rooms, to its members alone, and is no news after a restart."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        target = room_id(den.room_id)
        await alice.chat.joins(target)
        await invites(alice, den, bob)
        await alice.chat.joined("bob", den.room_id)
        listing = await alice.calls("ListUsers", pb.ListUsersRequest(room=target))
        assert [user.name for user in listing.users] == ["alice", "bob"]
        assert (await asks(alice, "GetRoom", room=target)).room.present == 2
        await server.restarts()
        alice = await server.again(alice)
        chat = await alice.opens(place(target))
        shown = (await chat.item(lambda item: item.presence.room_id == den.room_id)).presence
        assert [user.name for user in shown.joined] == ["alice", "bob"]
        refusal = await refused(
            (await server.joins("carol")).calls("ListUsers", pb.ListUsersRequest(room=target))
        )
        assert refusal.reason == "ROOM_NOT_FOUND"


# ---------------------------------------------------------------------------- what there is


@story
async def test_members_are_listed_by_name(tmp_path: Path) -> None:
    """Page by page, with their roles, in public rooms and private ones."""
    async with Server(tmp_path) as server:
        guests = await server.guests("dora", "Bob", "alice", "carl")
        den = await private_room(guests[0])
        target = room_id(den.room_id)
        await invites(guests[0], den, *guests[1:])
        await asks(guests[0], "SetRole", room=target, user=named("alice"), role=pb.ROLE_MODERATOR)
        for where in (target, room("lobby")):
            names: list[str] = []
            roles: dict[str, int] = {}
            token = ""
            while True:
                page = await asks(
                    guests[1], "ListMembers", room=where, page_size=3, page_token=token
                )
                names += [member.user.name for member in page.members]
                roles |= {member.user.name: member.role for member in page.members}
                token = page.next_page_token
                if not token:
                    break
            assert names == ["alice", "Bob", "carl", "dora"]
            special = {name: role for name, role in roles.items() if role != pb.ROLE_MEMBER}
            expected = {"alice": pb.ROLE_MODERATOR, "dora": pb.ROLE_OWNER}
            assert special == (expected if where is target else {})
        await guests[3].signs_out()
        page = await asks(guests[1], "ListMembers", room=target)
        assert [member.user.name for member in page.members] == ["alice", "Bob", "dora"]


@story
async def test_members_of_a_direct_message_are_listed(tmp_path: Path) -> None:
    """Those who are still here, for its members alone."""
    async with Server(tmp_path) as server:
        alice, bob, carol = await server.guests("alice", "bob", "carol")
        direct_id = (await alice.posts("psst", direct("bob", "carol"))).room_id
        await carol.signs_out()
        page = await asks(bob, "ListMembers", room=room_id(direct_id))
        assert [member.user.name for member in page.members] == ["alice", "bob"]
        dave = await server.joins("dave")
        refusal = await refused(asks(dave, "ListMembers", room=room_id(direct_id)))
        assert refusal.reason == "ROOM_NOT_FOUND"


@story
async def test_joined_rooms_are_listed_in_the_order_of_joining(tmp_path: Path) -> None:
    """Public and private ones, page by page, with one's own role; no direct messages."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.posts("psst", direct("bob"))
        await alice.chat.joins("zoo")
        await private_room(alice, "attic")
        await alice.chat.joins("barn")
        for size in (1, 2, 100):
            rooms: list[pb.Room] = []
            token = ""
            while True:
                page = await alice.calls(
                    "ListRooms", pb.ListRoomsRequest(joined=True, page_size=size, page_token=token)
                )
                rooms += page.rooms
                token = page.next_page_token
                if not token:
                    break
            assert [one.name for one in rooms] == ["lobby", "zoo", "attic", "barn"]
        owner = pb.ROLE_OWNER
        assert [one.role for one in rooms] == [pb.ROLE_MEMBER, owner, owner, owner]
        mine = await bob.calls("ListRooms", pb.ListRoomsRequest(joined=True))
        assert [one.name for one in mine.rooms] == ["lobby"]
        other = await refused(
            alice.calls("ListRooms", pb.ListRoomsRequest(joined=True, page_token="am9pbmVk"))
        )
        assert other.reason == "PAGE_INVALID"


@story
async def test_archived_room_is_listed_where_it_is_asked_for(tmp_path: Path) -> None:
    """It is read and entered by its name all the same, and nothing is said in it."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice", "barn")
        barn = room("barn")
        changed = (await asks(alice, "UpdateRoom", room=barn, archived=True)).room
        assert (changed.archived, changed.head_seq) == (True, 1)
        event = await alice.chat.event(lambda event: event.HasField("change"))
        assert (event.change.archived, event.author.name) == (True, "alice")
        assert not event.change.HasField("name")
        for archived, names in ((False, ["lobby"]), (True, ["barn", "lobby"])):
            page = await alice.calls("ListRooms", pb.ListRoomsRequest(archived=archived))
            assert [one.name for one in page.rooms] == names
        refusal = await refused(alice.posts("hi", barn))
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "ROOM_ARCHIVED",
        )
        await server.guest("bob", "barn")
        await server.restarts()
        alice = await server.again(alice)
        page = await alice.calls("ListRooms", pb.ListRoomsRequest())
        assert [one.name for one in page.rooms] == ["lobby"]
        await asks(alice, "UpdateRoom", room=barn, archived=False, name="Stable")
        page = await alice.calls("ListRooms", pb.ListRoomsRequest())
        assert [one.name for one in page.rooms] == ["lobby", "Stable"]


@story
async def test_slow_mode_tells_how_long_to_wait(tmp_path: Path) -> None:
    """The refusal of a post has the delay, in a call and in a stream; its id may be repeated."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.chat.joins("barn")
        await bob.chat.joins("barn")
        await asks(alice, "UpdateRoom", room=room("barn"), slow_mode_ms=3_600_000)
        first = await bob.posts("one", "barn", "m1")
        refusal = await refused(bob.posts("two", "barn"))
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "SLOW_MODE",
        )
        assert refusal.retry_ms is not None
        assert 3_500_000 < refusal.retry_ms <= 3_600_000
        error = await bob.chat.refusal(await bob.chat.posts("two", "barn"))
        assert (error.reason, error.retry_after_ms > 3_500_000) == ("SLOW_MODE", True)
        assert (await bob.posts("one", "barn", "m1")).seq == first.seq
        await alice.posts("three", "barn")
        await alice.posts("four", "barn")


@story
async def test_request_that_names_nothing_known(tmp_path: Path) -> None:
    """A kind, a role, a room or a user that is not said, or that nobody knows yet."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        lobby = room("lobby")
        # Any: fields of requests.
        calls: tuple[tuple[str, dict[str, Any], str, str], ...] = (
            ("CreateRoom", {"name": "x"}, "FIELD_INVALID", "kind"),
            ("CreateRoom", {"name": "x", "kind": 77}, "FIELD_INVALID", "kind"),
            ("CreateRoom", {"name": "x", "kind": 1, "history": 9}, "FIELD_INVALID", "history"),
            ("CreateRoom", {"kind": 3}, "ROOM_NAME_INVALID", "name"),
            ("SetRole", {"room": lobby, "user": named("alice")}, "FIELD_INVALID", "role"),
            ("SetRole", {"room": lobby, "role": 1}, "TARGET_MISSING", "user"),
            ("GetRoom", {}, "TARGET_MISSING", "room"),
            ("UpdateRoom", {"room": lobby}, "FIELD_INVALID", "room"),
            ("ListMembers", {"room": lobby, "page_size": -1}, "PAGE_INVALID", "page_size"),
            ("ListMembers", {"room": lobby, "page_token": "x"}, "PAGE_INVALID", "page_token"),
        )
        for method, fields, reason, field in calls:
            refusal = await refused(asks(alice, method, **fields))
            assert (refusal.code, refusal.reason, refusal.fields) == (
                grpc.StatusCode.INVALID_ARGUMENT,
                reason,
                (field,),
            )


@story
async def test_calls_about_rooms_cost_what_orders_cost(tmp_path: Path) -> None:
    """Changes cost as much as messages; new rooms and passwords as much as entering a room."""
    clock = Timing(rate_s=Clock().seconds)
    async with Server(tmp_path, rate_limits=True, timing=clock) as server:
        alice = await server.joins("alice", into="barn")
        for number in range(DEFAULT_RATES.joins_burst):
            den = await private_room(alice, f"r{number}")
        refusal = await refused(asks(alice, "CreateRoom", name="x", kind=pb.ROOM_KIND_PRIVATE))
        assert refusal.reason == "RATE_LIMITED"
        locks = asks(alice, "UpdateRoom", room=room_id(den.room_id), password="open sesame")
        assert (await refused(locks)).retry_ms == 5000
        for number in range(1, DEFAULT_RATES.sends_burst):
            await asks(alice, "UpdateRoom", room=room("barn"), slow_mode_ms=number)
        barn = room("barn")
        # Any: fields of requests.
        calls: tuple[tuple[str, dict[str, Any]], ...] = (
            ("UpdateRoom", {"room": barn, "slow_mode_ms": 99}),
            ("SetRole", {"room": barn, "user": named("alice"), "role": pb.ROLE_MODERATOR}),
            ("RevokeInvitation", {"room": barn, "user": named("alice")}),
            ("DeclineInvitation", {"room_id": "r1"}),
            ("RevokeRoomInvite", {"room": barn, "invite_id": "i1"}),
        )
        for method, fields in calls:
            refusal = await refused(asks(alice, method, **fields))
            assert (refusal.reason, refusal.retry_ms) == ("RATE_LIMITED", 200), method


# ----------------------------------------------------------------------------- passwords


def found_in(directory: Path, *words: str) -> list[Path]:
    """Return the files that hold one of the words."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if any(word.encode() in path.read_bytes() for word in words)]


@story
async def test_password_opens_a_private_room(tmp_path: Path) -> None:
    """By its id; a wrong one is answered as a room that there is not; it is stored nowhere."""
    secret, other = "open sesame 1", "open barley 2"
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice, password=secret)
        assert den.has_password
        target = room_id(den.room_id)

        def enter(where: pb.RoomTarget, password: str) -> pb.JoinRoom:
            return pb.JoinRoom(position=place(where), password=password)

        told = []
        for where in (target, room_id("r99")):
            order = await bob.chat.order(join_room=enter(where, other))
            error = await bob.chat.refusal(order)
            error.order_id = ""
            told.append(str(error).replace(where.room_id, "ID"))
        assert told[0] == told[1]
        assert "ROOM_NOT_FOUND" in told[0]
        await bob.chat.ack(await bob.chat.order(join_room=enter(target, secret)))
        await bob.chat.live(den.room_id)
        await asks(alice, "UpdateRoom", room=target, password=other)
        carol = await server.guest("carol")
        order = await carol.chat.order(join_room=enter(target, secret))
        assert (await carol.chat.refusal(order)).reason == "ROOM_NOT_FOUND"
        # What is asked behind the password is answered behind it.
        join = await carol.chat.order(join_room=enter(target, other))
        post = await carol.chat.posts("in", target)
        await carol.chat.ack(join)
        await carol.chat.ack(post)
        assert not (await asks(alice, "UpdateRoom", room=target, password="")).room.has_password
        dave = await server.guest("dave")
        order = await dave.chat.order(join_room=enter(target, other))
        assert (await dave.chat.refusal(order)).reason == "ROOM_NOT_FOUND"
    assert not found_in(tmp_path, secret, other)


@story
async def test_room_password_that_there_cannot_be(tmp_path: Path) -> None:
    """Too short, or of a public room; and only owners are asked for the work of a hash."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice)
        await invites(alice, den, bob)
        target = room_id(den.room_id)
        short = await refused(asks(alice, "UpdateRoom", room=target, password="short"))
        assert (short.reason, short.fields) == ("PASSWORD_INVALID", ("password",))
        kind = pb.ROOM_KIND_PRIVATE
        short = await refused(asks(alice, "CreateRoom", name="x", kind=kind, password="short"))
        assert short.reason == "PASSWORD_INVALID"
        refusal = await refused(asks(bob, "UpdateRoom", room=target, password="short"))
        assert refusal.reason == "ROLE_NEEDED"
        kind = pb.ROOM_KIND_PUBLIC
        public = {"name": "hall", "kind": kind, "password": "long enough"}
        refusal = await refused(asks(alice, "CreateRoom", **public))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ("password",))


@story
async def test_position_beyond_the_head_is_told_to_who_knows_the_password(tmp_path: Path) -> None:
    """And to nobody else."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        den = await private_room(alice, password="open sesame")
        far = place(room_id(den.room_id), after_seq=7)
        for password, reason in (
            ("", "ROOM_NOT_FOUND"),
            ("a wrong one", "ROOM_NOT_FOUND"),
            ("open sesame", "SEQ_OUT_OF_RANGE"),
        ):
            order = await bob.chat.order(join_room=pb.JoinRoom(position=far, password=password))
            assert (await bob.chat.refusal(order)).reason == reason
