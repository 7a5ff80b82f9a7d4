"""`chat_cli.lookups`: what is looked up by itself; commands that look up are in `test_client`."""

from chat_cli import items as it
from chat_cli.model import FOREVER_MS, Body, Removed, RoomEvent
from tests.cli.desk import run
from tests.cli.person import ANNA, BOB, CAROL, EIGHT, said
from tests.cli.test_client import Seat

OUT = it.Refused(9, "NOT_A_MEMBER", "no member", order_id="hello", room_id="r1")
TOLD = [
    "08:00 · You are not in #lobby any more.",
    "08:00 · You are in no room now. /join NAME enters one.",
]


async def comes_back_out(*bodies: Body, fails: bool = False) -> list[str]:
    """Come back to a room that one is out of; give what is shown. Event 1 was read before."""
    anna = Seat()
    anna.told(said(1, "bob", "hi"))
    anna.connection.events = [
        RoomEvent("r1", seq, EIGHT, BOB, body) for seq, body in enumerate(bodies, start=1)
    ]
    anna.connection.fails = fails
    anna.told(OUT)
    return await anna.waits()


def test_who_removed_one_meanwhile_is_looked_up() -> None:
    """By whom, why and until when, as it is told to who is there."""
    removed = "08:00 · bob removed you from #lobby: spam"
    banned = "08:00 · bob banned you from #lobby for ever"
    first, ban = Removed(ANNA, "spam"), Removed(ANNA, "", True, FOREVER_MS)

    async def story() -> None:
        assert await comes_back_out(first, first) == [*TOLD, removed]
        assert await comes_back_out(first, first, ban) == [*TOLD, banned]

    run(story())


def test_nothing_is_said_of_what_cannot_be_found_out() -> None:
    """A removal that was read before, that of others, or no answer: one may have left elsewhere."""
    first = Removed(ANNA, "spam")

    async def story() -> None:
        assert await comes_back_out(first, Removed(CAROL)) == TOLD
        assert await comes_back_out() == TOLD
        assert await comes_back_out(first, first, fails=True) == TOLD

    run(story())
