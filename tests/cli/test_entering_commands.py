"""`chat_cli.entering_commands`: names, ids, codes, passwords and invitations lead into rooms."""

import asyncio

import pytest

from chat_cli import items as it
from chat_cli.entering_commands import entrance, join
from chat_cli.model import ByCode, ById, ByName, Entrance, Invitation, RoomInfo, RoomKind
from chat_cli.pending import JoinRoom
from chat_cli.ports import Secret
from chat_protos.chat.v1 import chat_pb2
from chat_protos.chat.v1 import rooms_pb2 as pb
from tests.cli.desk import run
from tests.cli.person import BOB, EIGHT, PLAN, connected, live, opened
from tests.cli.test_client import Seat
from tests.cli.test_room_commands import CODE, in_plan


def asked(room_id: str, name: str) -> chat_pb2.Invitation:
    """Make an invitation of bob's."""
    return chat_pb2.Invitation(
        room_id=room_id, name=name, inviter=chat_pb2.User(user_id="u2", name="bob")
    )


def test_an_invitation_is_taken_or_declined() -> None:
    """Alone it is the only one, else by its name or, of two of one name, by its id."""

    async def story() -> None:
        async with in_plan() as (anna, calls):

            def answer(*invitations: chat_pb2.Invitation) -> None:
                page = pb.ListInvitationsResponse(invitations=invitations)
                calls.answers("ListInvitations", page, page)

            assert await anna.types("/invites") == ["08:00 · Nobody invites you now."]
            assert "no such invitation" in (await anna.types("/accept"))[0]
            answer(asked("r8", "den"))
            assert (await anna.types("/invites"))[1].split() == [
                "den", "(private)", "r8", "from", "bob",
            ]  # fmt: skip
            assert await anna.types("/accept") == []
            assert anna.orders() == [JoinRoom(ById("r8"), 50)]
            answer(asked("r8", "den"), asked("r9", "Den"), asked("r10", "hut"))
            assert "r8 (from bob), r9 (from bob)" in (await anna.types("/accept den"))[0]
            await anna.types("/accept r9")
            assert anna.orders() == [JoinRoom(ById("r9"), 50)]
            answer(asked("r10", "hut"))
            assert await anna.types("/decline #Hut") == [
                "08:00 · The invitation to hut (private) is declined."
            ]
            assert calls.request() == pb.DeclineInvitationRequest(room_id="r10")

    run(story())


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("lobby", ByName("lobby")),
        ("#lobby", ByName("lobby")),
        ("r12", ById("r12")),
        ("#r12", ByName("r12")),
        ("r2d2", ByName("r2d2")),
        (f"code:{CODE}", ByCode(CODE)),
        ("CODE:short", ByCode("short")),
        (CODE, ByCode(CODE)),
        (f"#{CODE}", ByName(CODE)),
        ("a-very-long-name-of-a-room", ByName("a-very-long-name-of-a-room")),
    ],
)
def test_rooms_ids_and_codes_are_told_apart(word: str, target: Entrance) -> None:
    """A code that is pasted alone must not become the name of a room that everybody sees."""
    assert entrance(word) == target


def test_of_two_rooms_of_a_name_the_private_one_is_entered() -> None:
    """It is said, and the mark of public rooms leads to the other."""

    async def story() -> None:
        anna = Seat()
        anna.told(opened(PLAN), live(0, PLAN))
        assert await anna.types("/join Plan") == [
            "08:00 · now in plan (private)",
            "08:00 · /join #Plan goes to the public room of that name",
        ]
        assert anna.orders() == []
        await anna.types("/join #plan")
        assert anna.orders() == [JoinRoom(ByName("plan"), 50)]

    run(story())


def test_who_is_invited_to_a_room_of_that_name_is_reminded() -> None:
    """The public one is entered all the same: only /accept takes an invitation."""

    async def story() -> None:
        anna = Seat()
        anna.told(it.Invited(Invitation("r5", "plan", BOB, EIGHT)))
        (line,) = await anna.types("/join plan")
        assert "/accept goes there" in line
        assert anna.orders() == [JoinRoom(ByName("plan"), 50)]

    run(story())


def test_a_room_is_entered_by_its_password_which_is_seen_nowhere() -> None:
    """It is asked for; only a private room, named by its id, has one."""

    async def story() -> None:
        async with in_plan() as (anna, _):
            anna.screen.answers.put_nowait("sesame")
            shown = await anna.types("/join r12 password")
            assert anna.orders() == [JoinRoom(ById("r12"), 50, "sesame")]
            assert anna.screen.asked == [("The password of the room: ", Secret.ROOM_PASSWORD)]
            assert "entered by its id" in (await anna.types("/join den --password"))[0]
            assert not any("sesame" in line for line in shown)
            assert anna.screen.asking == 0

    run(story())


def test_an_open_room_whose_name_looks_like_a_code_is_entered_by_name() -> None:
    """It is known not to be one."""
    anna = connected()
    room = RoomInfo("r6", RoomKind.PUBLIC, "builds-of-the-month-2")
    assert entrance(room.name) == ByCode(room.name)
    anna.told(opened(room), live(0, room))
    join(anna.state, room.name)
    assert anna.state.current_label() == "#builds-of-the-month-2"
    assert anna.writes() == []


def test_a_room_behind_a_code_becomes_the_current_one() -> None:
    """As soon as the server says which it is."""

    async def story() -> None:
        anna = Seat()
        anna.client.enter_line(f"/join {CODE}")
        (order_id,) = anna.state.outbox.orders
        den = RoomInfo("r9", RoomKind.PRIVATE, "den")
        anna.told(it.Acked(order_id, "r9", 0, EIGHT, ""), opened(den), live(0, den))
        assert anna.state.current_label() == "den (private)"
        await asyncio.sleep(0)

    run(story())
