"""History, rooms and users, page by page."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import chain
from pathlib import Path
from typing import Any

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.model import RoomKind
from chat_service.edge.ids import room_text
from chat_service.edge.lists import Lists
from chat_service.edge.sessions import Sessions
from tests.edge.clients import PATIENCE, Guest, Server, direct, place, refused, room, room_id, story
from tests.edge.scene import Between, Scene, call_from


async def pages(guest: Guest, method: str, **fields: Any) -> AsyncIterator[Any]:
    """Yield each page of a list. Any: each method has its own messages."""
    kind = getattr(pb, f"{method}Request")
    token = ""
    while True:
        page = await guest.calls(method, kind(page_token=token, **fields))
        yield page
        token = page.next_page_token
        if not token:
            return


async def seqs(guest: Guest, **fields: Any) -> list[list[int]]:
    """Return the seqs of each page of the lobby's history."""
    fields = {"room": room("lobby")} | fields
    found = pages(guest, "ListMessages", **fields)
    return [[event.seq for event in page.events] async for page in found]


async def writer(server: Server, count: int) -> Guest:
    """Return somebody who has said something so many times."""
    alice = await server.guest("alice")
    orders = [await alice.chat.posts(f"message {number}") for number in range(1, count + 1)]
    for order in orders[-1:]:
        await alice.chat.ack(order)
    return alice


# -------------------------------------------------------------------------- messages


class Archive:
    """A private room in which olga said something, and alice who asks for it."""

    def __init__(self) -> None:
        self.scene = scene = Scene()
        self.olga, self.alice = scene.joins("olga"), scene.joins("alice")
        opened = cmd.CreateRoom(self.olga.session_id, "den", RoomKind.PRIVATE)
        self.den = cmd.RoomById(scene.does(opened).room_id)
        self.enters()
        self.said = scene.says(self.olga, "a secret", self.den).seq

    def enters(self) -> None:
        """Let alice in."""
        guest = cmd.UserById(self.alice.user_id)
        self.scene.does(cmd.InviteUser(self.olga.session_id, self.den, guest))
        self.scene.does(cmd.JoinRoom(self.alice.session_id, self.den))

    def kicks(self) -> None:
        """Remove alice."""
        member = cmd.UserById(self.alice.user_id)
        self.scene.does(cmd.KickMember(self.olga.session_id, self.den, member, ""))

    async def asked(self, happens: Callable[[], object]) -> pb.ListMessagesResponse:
        """Ask for the history; something happens when it was read and is not answered yet."""
        scene = self.scene
        lists = Lists(
            log=scene.log,
            directory=scene.directory,
            hub=scene.hub,
            streams=scene.streams,
            sessions=Sessions(scene.directory, scene.journal, scene.clock.ms),
            readers=Between(happens),
        )
        target = pb.RoomTarget(room_id=room_text(self.den.room_id))
        call = call_from("ipv4:127.0.0.1:1", "alice")
        return await lists.list_messages(pb.ListMessagesRequest(room=target), call)


@story
async def test_what_is_deleted_while_it_is_read_is_not_told() -> None:
    """The page has the tombstone: its reader has been told of the deletion already."""
    archive = Archive()
    delete = cmd.DeleteMessage(archive.olga.session_id, archive.den, archive.said, "")
    page = await archive.asked(lambda: archive.scene.does(delete))
    assert [event.WhichOneof("body") for event in page.events] == ["deletion", "tombstone"]


@story
async def test_who_is_removed_while_a_page_is_read_is_not_told() -> None:
    """It is answered as somebody who asks only now."""
    archive = Archive()
    with pytest.raises(RefusedError) as refusal:
        await archive.asked(archive.kicks)
    assert refusal.value.rejection.reason is Reason.ROOM_NOT_FOUND


@story
async def test_who_comes_back_while_a_page_is_read_has_what_it_may_read_now() -> None:
    """Nothing that was said before it came back."""
    archive = Archive()

    def goes_and_comes() -> None:
        archive.kicks()
        archive.enters()

    assert not (await archive.asked(goes_and_comes)).events


@story
async def test_whose_session_ends_while_a_page_is_read_is_not_told() -> None:
    """The token is not valid when it is answered."""
    archive = Archive()
    end = cmd.EndSession(archive.alice.session_id)
    with pytest.raises(RefusedError) as refusal:
        await archive.asked(lambda: archive.scene.does(end))
    assert refusal.value.rejection.reason is Reason.TOKEN_INVALID


@story
async def test_history_without_a_start_is_the_newest_first(tmp_path: Path) -> None:
    """Unset, a page begins at the end and goes back; the pages together are everything, once."""
    async with Server(tmp_path) as server:
        alice = await writer(server, 25)
        assert await seqs(alice, page_size=10) == [
            list(range(25, 15, -1)),
            list(range(15, 5, -1)),
            list(range(5, 0, -1)),
        ]
        assert await seqs(alice) == [list(range(25, 0, -1))]
        assert await seqs(alice, page_size=25) == [list(range(25, 0, -1))]
        assert await seqs(alice, page_size=24) == [list(range(25, 1, -1)), [1]]


@story
async def test_history_in_both_directions(tmp_path: Path) -> None:
    """From a seq on or back from it, the seq itself not included."""
    async with Server(tmp_path) as server:
        alice = await writer(server, 12)
        assert await seqs(alice, after_seq=0, page_size=5) == [
            [1, 2, 3, 4, 5],
            [6, 7, 8, 9, 10],
            [11, 12],
        ]
        assert await seqs(alice, after_seq=10) == [[11, 12]]
        assert await seqs(alice, after_seq=12) == [[]]
        assert await seqs(alice, before_seq=4) == [[3, 2, 1]]
        assert await seqs(alice, before_seq=1) == [[]]
        assert await seqs(alice, before_seq=0, page_size=1000) == [list(range(12, 0, -1))]
        assert await seqs(alice, before_seq=999) == [list(range(12, 0, -1))]
        refusal = await refused(seqs(alice, after_seq=13))
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.OUT_OF_RANGE,
            "SEQ_OUT_OF_RANGE",
        )


@story
async def test_history_holds_what_happened(tmp_path: Path) -> None:
    """An event in history is the very event that was told live."""
    async with Server(tmp_path) as server:
        alice = await writer(server, 2)
        topic = pb.SetTopic(room=room("lobby"), topic="tea")
        await alice.chat.ack(await alice.chat.order(set_topic=topic))
        lobby = (await alice.chat.opened("lobby")).room.room_id
        told = await alice.chat.head(lobby, 3)
        page = await alice.calls(
            "ListMessages", pb.ListMessagesRequest(room=room_id(lobby), after_seq=0)
        )
        assert list(page.events) == told
        assert page.events[2].topic.topic == "tea"


@story
async def test_pages_hold_still_while_people_talk(tmp_path: Path) -> None:
    """What is said between two pages moves nothing in them."""
    async with Server(tmp_path) as server:
        alice = await writer(server, 6)
        back = pages(alice, "ListMessages", room=room("lobby"), page_size=3)
        on = pages(alice, "ListMessages", room=room("lobby"), page_size=4, after_seq=0)
        first_back, first_on = await anext(back), await anext(on)
        await alice.says("in between")
        assert [event.seq for event in first_back.events] == [6, 5, 4]
        assert [event.seq for event in (await anext(back)).events] == [3, 2, 1]
        assert [event.seq for event in first_on.events] == [1, 2, 3, 4]
        assert [event.seq for event in (await anext(on)).events] == [5, 6, 7]


@story
async def test_large_pages_are_bounded_in_bytes(tmp_path: Path) -> None:
    """A page ends at 1 MiB of text, whatever its size, and the next goes on from there."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        for number in range(300):
            await alice.posts(f"{number:04}" * 1024)
        found = await seqs(alice, after_seq=0, page_size=1000)
        assert [len(page) for page in found] == [256, 44]
        assert list(chain(*found)) == list(range(1, 301))
        back = await seqs(alice, page_size=1000)
        assert list(chain(*back)) == list(range(300, 0, -1))


@story
async def test_size_of_a_page(tmp_path: Path) -> None:
    """Zero is a hundred; more than a thousand is a thousand."""
    async with Server(tmp_path) as server:
        alice = await writer(server, 1005)
        for asked, given in ((0, 100), (1001, 1000), (2**31 - 1, 1000)):
            page = await anext(pages(alice, "ListMessages", room=room("lobby"), page_size=asked))
            assert len(page.events) == given


@story
async def test_history_needs_no_membership(tmp_path: Path) -> None:
    """Anybody may read a public room; a direct message only its members, by either name of it."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.says("hello")
        secret = (await alice.says("psst", direct("bob"))).room_id
        reader = await server.joins("reader")
        assert await seqs(reader) == [[1]]
        for target in (room_id(secret), direct("alice")):
            assert await seqs(bob, room=target) == [[1]]
        quiet = await refused(seqs(reader, room=direct("bob")))
        assert quiet.reason == "ROOM_NOT_FOUND"


# ----------------------------------------------------------------------------- rooms


@story
async def test_rooms_are_listed_by_name(tmp_path: Path) -> None:
    """Each public room is listed once, in order whatever the case, as it is now."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        for name in ("Zoo", "attic", "Kitchen"):
            await alice.chat.joins(name)
        await bob.chat.joins(direct("alice"))
        topic = pb.SetTopic(room=room("attic"), topic="dust")
        await alice.chat.ack(await alice.chat.order(set_topic=topic))
        listed = (await bob.calls("ListRooms", pb.ListRoomsRequest())).rooms
        told = [(one.name, one.topic, one.head_seq, one.present) for one in listed]
        assert told == [
            ("attic", "dust", 1, 1),
            ("Kitchen", "", 0, 1),
            ("lobby", "", 0, 2),
            ("Zoo", "", 0, 1),
        ]
        assert {one.kind for one in listed} == {pb.ROOM_KIND_PUBLIC}
        in_pages = [
            [one.name for one in page.rooms] async for page in pages(bob, "ListRooms", page_size=3)
        ]
        assert in_pages == [["attic", "Kitchen", "lobby"], ["Zoo"]]
        exact = pages(bob, "ListRooms", page_size=4)
        assert [len(page.rooms) async for page in exact] == [4]


# ----------------------------------------------------------------------------- users


def shown(answer: pb.ListUsersResponse) -> list[tuple[str, bool]]:
    """Return the users of a page, and whether each is connected."""
    return [(user.name, user.connected) for user in answer.users]


@story
async def test_all_users_of_the_server(tmp_path: Path) -> None:
    """Users are listed by name whatever the case, with whether they have a stream."""
    async with Server(tmp_path) as server:
        for name in ("carol", "Bob", "dave"):
            await server.joins(name)
        alice = await server.guest("alice")
        everybody = await alice.calls("ListUsers", pb.ListUsersRequest())
        assert shown(everybody) == [
            ("alice", True),
            ("Bob", False),
            ("carol", False),
            ("dave", False),
        ]
        found = pages(alice, "ListUsers", page_size=3)
        assert [len(page.users) async for page in found] == [3, 1]


@story
async def test_users_of_a_room(tmp_path: Path) -> None:
    """Those present are listed; who dropped a moment ago is there, but not connected."""
    async with Server(tmp_path) as server:
        alice, bob, carol = await server.guests("alice", "Bob", "carol")
        await carol.chat.joins("attic")
        await server.guest("dave", place("attic"))
        lobby = pb.ListUsersRequest(room=room("lobby"))
        await bob.chat.cancel()
        await carol.chat.leaves("lobby")
        async with asyncio.timeout(PATIENCE):
            # The server notices the end of a call when its own time comes.
            while (answer := await alice.calls("ListUsers", lobby)).users[-1].connected:
                continue
        assert shown(answer) == [("alice", True), ("Bob", False)]
        attic = pages(alice, "ListUsers", room=room("attic"), page_size=1)
        assert [shown(page) async for page in attic] == [[("carol", True)], [("dave", True)]]


@story
async def test_users_of_a_direct_message(tmp_path: Path) -> None:
    """Its members are listed for its members, whether they are connected or not."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        bob = await server.joins("Bob")
        await alice.chat.joins(direct("bob"))
        for target in (direct("bob"), direct("ALICE", "bob")):
            answer = await alice.calls("ListUsers", pb.ListUsersRequest(room=target))
            assert shown(answer) == [("alice", True), ("Bob", False)]
        await bob.signs_out()
        window = await server.joins("", token=alice.token)
        rooms = await window.opens()
        opened = await rooms.item(lambda item: item.HasField("opened"))
        left = pb.ListUsersRequest(room=room_id(opened.opened.room.room_id))
        assert shown(await alice.calls("ListUsers", left)) == [("alice", True)]
