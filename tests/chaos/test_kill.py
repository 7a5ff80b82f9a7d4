"""Kill storm: kill -9 of the real server again and again, while clients post."""

import asyncio
import random
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from tests.chaos.figures import Figures
from tests.chaos.kills import storm
from tests.chaos.record import BrokenPromiseError
from tests.chaos.scale import BOUNDED, Scale
from tests.chaos.server import Server

READY_S = 5.0
"""The longest that a start after a crash may take, as promised, where nothing else runs."""


def test_kills_lose_nothing_that_was_acknowledged(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """After every kill -9 all that was acknowledged is there, and every retry has one effect."""
    with Server(tmp_path) as server:
        record, kills, acked = asyncio.run(
            storm(
                server,
                scale,
                chance,
                kills_at_most=scale.kills,
                acked_at_least=0 if scale.full else scale.kill_acked,
            )
        )
        assert server.terminate() == 0
        record.compare_stored(server.database)
    figures["kill -9"] = kills.count
    figures["kills that met acks since the last one"] = sum(b > a for a, b in pairwise([0, *acked]))
    figures["posts acked"] = len(record.acked)
    figures["posts acked before the last kill"] = acked[-1]
    figures["retries that had been stored"] = record.duplicates
    figures["events delivered"] = record.deliveries
    figures["median start after a kill, s"] = median(kills.starts_s)
    figures["longest start after a kill, s"] = max(kills.starts_s)
    figures["the same without waits for a processor"] = [median(kills.own_s), max(kills.own_s)]
    figures["breaches"] = sum(record.breaches.values())
    record.verdict()
    assert acked[-1] >= scale.kill_acked
    if scale.full:
        assert max(kills.own_s) <= READY_S


def test_kills_notice_acks_that_came_too_early(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """The same storm finds losses where acks are sent before the commit."""
    with Server(tmp_path, fault="ack-before-commit") as server:
        # The first kill may come before the first ack.
        record, kills, _ = asyncio.run(storm(server, BOUNDED, chance, kills_at_most=20))
        server.terminate()
        record.compare_stored(server.database)
    figures["kill -9"] = kills.count
    figures["posts acked"] = len(record.acked)
    figures["breaches found"] = dict(record.breaches)
    assert record.breaches["lost"]
    with pytest.raises(BrokenPromiseError):
        record.verdict()
