"""The crowd itself: it lives without a fault on a good server, and notices a bad one."""

import asyncio
import random
from pathlib import Path

from tests.chaos.crowd import Crowd, Habits
from tests.chaos.server import Server

HABITS = Habits(
    people=10, rooms=2, rooms_each=1, posts=200, losses=10, moves=5, looks=10, farewells=2
)


async def visit(server: Server, chance: random.Random) -> Crowd:
    """Have a crowd come, live for a second or until the first fault, and go."""
    crowd = Crowd(server.address, HABITS, chance)
    await crowd.gather()
    await crowd.live(1.0)
    await crowd.disperse()
    await crowd.check_acked()
    return crowd


def test_crowd_finds_no_fault_with_a_good_server(tmp_path: Path, chance: random.Random) -> None:
    """All come back after every loss, are answered, and miss nothing."""
    with Server(tmp_path) as server:
        crowd = asyncio.run(visit(server, chance))
    assert crowd.faults == []
    assert crowd.acked
    assert crowd.delivered > len(crowd.acked)


def test_crowd_notices_a_lost_event(tmp_path: Path, chance: random.Random) -> None:
    """One event in 25 that live readers are not told is a hole that somebody sees."""
    with Server(tmp_path, fault="lost-frame") as server:
        crowd = asyncio.run(visit(server, chance))
    assert any(" went from " in fault for fault in crowd.faults), crowd.faults
