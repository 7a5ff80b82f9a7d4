"""The last sample of each instance as a line of the log."""

import json
import logging

import pytest

from chat_service.admin.figures import fields, log_figures
from chat_service.admin.samples import Reading, Totals, Usage
from chat_service.link import InstanceState
from chat_service.logs import JsonFormatter, TextFormatter
from tests.admin.scene import Scene, a_fleet, run


def looked_at(scene: Scene, usage: Usage | None, *totals: Totals | None) -> None:
    """Give the first instance a reading a second."""
    place = scene.fleet.places.at(50051)
    for second, each in enumerate(totals):
        place.history.add(Reading(second, second * 1000, place.news.pid, usage, each))


def test_line_tells_the_figures(caplog: pytest.LogCaptureFixture) -> None:
    """Each instance has a line with all that is known of it, as text and as JSON."""
    caplog.set_level(logging.INFO)

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            scene.launcher.now(2, state=InstanceState.WAITING, restarts=3, problem="was killed")
            await scene.knows(50051)
            looked_at(
                scene,
                Usage(1.0, 48 << 20, 5),
                Totals(2, 4, 1, 0, 0),
                Totals(2, 4, 1, 10, 250),
            )
            log_figures(scene.fleet.places)

    run(story())
    first, second = caplog.records
    assert TextFormatter("admin").format(first).partition(" figures ")[2] == (
        "server=127.0.0.1:50051 state=serving users=2 rooms=1 messages_in_per_s=10.0 "
        "messages_out_per_s=250.0 connections=5 cpu_percent=0.0 memory_mib=48.0 restarts=0"
    )
    line = json.loads(JsonFormatter("admin").format(second))
    assert {name: line[name] for name in ("server", "state", "restarts", "problem")} == {
        "server": "127.0.0.1:50052",
        "state": "waiting",
        "restarts": 3,
        "problem": "was killed",
    }
    assert "users" not in line


def test_what_is_not_known_is_not_told() -> None:
    """No figures of a silent instance, no process of one that cannot be looked at."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            looked_at(scene, Usage(1.0, 1 << 20, 5), None)
            told = fields(scene.fleet.places.at(50051))
            assert "users" not in told
            assert told["memory_mib"] == 1.0
            assert told["problem"]
            looked_at(scene, None, Totals(2, 4, 1, 0, 0))
            told = fields(scene.fleet.places.at(50051))
            assert told["users"] == 2
            assert "memory_mib" not in told

    run(story())
