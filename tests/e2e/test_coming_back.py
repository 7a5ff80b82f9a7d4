"""A window that was away comes back to where its person is now, with the server itself."""

import asyncio
from pathlib import Path

from tests.cli.desk import Desk, run
from tests.edge import order, rooms
from tests.edge.clients import Server, room
from tests.edge.rooms import named


async def offline(desk: Desk) -> None:
    """Lose the connection of a window, as a laptop that sleeps does."""
    await desk.crash()
    desk.state.reachable = False


def online(desk: Desk) -> None:
    """Go on where `offline` ended."""
    desk._running = asyncio.create_task(desk.session.run())


def test_a_window_that_missed_a_kick_takes_nobody_out(tmp_path: Path) -> None:
    """Whoever came back on purpose in another window stays; whoever did not stays out."""

    async def story() -> None:
        async with Server(tmp_path / "server") as server:
            bob = await server.guest("bob", "dev")
            away = Desk(server.address, "anna", tmp_path / "state", "dev", "away")
            near = Desk(server.address, "anna", tmp_path / "state", "dev", "near")
            async with away:
                await away.settled()
                async with near:
                    await near.settled()
                    await offline(away)
                    kick = {"room": room("dev"), "user": named("anna"), "reason": "spam"}
                    await order.asks(bob, "KickMember", **kick)
                    await near.sees("bob removed you from #dev: spam")
                    near.types("/join dev")
                    await near.settled()
                    online(away)
                    await away.sees("bob removed anna: spam")
                    await away.sees("back, ")
                    near.types("still here")
                    await away.sees("still here")
                    assert near.state.current_label() == away.state.current_label() == "#dev"
                    await offline(away)
                    await order.asks(bob, "KickMember", **kick)
                    await near.sees("bob removed you from #dev: spam", 2)
                    online(away)
                    await away.sees("You are not in #dev any more.")
                    await away.sees("bob removed you from #dev: spam")
                    members = await rooms.asks(bob, "ListMembers", room=room("dev"))
                    assert [member.user.name for member in members.members] == ["bob"]

    run(story())
