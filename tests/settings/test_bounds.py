"""Servers at the bounds of their settings: whatever the table allows, people can chat."""

from dataclasses import replace
from pathlib import Path

import pytest

from chat_service.config import ServerLimits
from chat_service.settings.checks import conflicts
from chat_service.settings.kinds import Count, Value
from chat_service.settings.launch import launch_config
from chat_service.settings.measures import Size, Span
from chat_service.settings.setting import defaults
from chat_service.settings.table import SETTINGS
from tests.edge.clients import Server, place, story


def at(bound: str) -> ServerLimits:
    """Return the figures of a server, each at its lowest or highest, times only at the latter."""
    values: dict[str, Value] = {key: setting.default for key, setting in SETTINGS.items()}
    for key, setting in SETTINGS.items():
        is_figure = setting.field.startswith("limits.")
        match setting.kind:
            case Count() | Size() if is_figure:
                values[key] = getattr(setting.kind, bound)
            # Not the shortest times: a machine that stands still for a moment would be cut.
            case Span() if is_figure and bound == "high":
                span_ms, unit_ms = setting.kind.high_ms, setting.kind.unit_ms
                values[key] = span_ms if unit_ms == 1 else span_ms / unit_ms
    return launch_config(values, {}, has_direct=False).limits


@pytest.mark.parametrize("bound", ["low", "high"])
@story
async def test_people_chat_at_the_bounds(tmp_path: Path, bound: str) -> None:
    """With every figure at its lowest, or highest, messages are stored, told, and caught up on."""
    limits = at(bound)
    if bound == "high":
        # A request that names all rooms of a user would be larger than the largest.
        core = replace(limits.core, rooms_per_user=500, directs_per_user=500)
        limits = replace(limits, core=core)
    assert list(conflicts(replace(defaults(), limits=limits))) == []
    async with Server(tmp_path, limits=limits) as server:
        alice, bob = await server.guests("al", "bo")
        for _ in range(30):
            await alice.says("x")
        await bob.chat.head("r1", 30)
        late = await bob.subscribes(place("lobby", after_seq=0))
        events = await late.head("r1", 30)
        assert [event.seq for event in events] == list(range(1, 31))


@story
async def test_who_resumes_is_not_cut_with_the_smallest_queue(tmp_path: Path) -> None:
    """A reader far behind gets all, page by page, however little may wait for it."""
    smallest = SETTINGS["queues.reader_bytes"].kind
    largest = SETTINGS["limits.text_bytes"].kind
    assert isinstance(smallest, Size)
    assert isinstance(largest, Size)
    limits = ServerLimits()
    hub = replace(limits.hub, queue_bytes=smallest.low, ring_events=1)
    core = replace(limits.core, text_bytes=largest.high)
    async with Server(tmp_path, limits=replace(limits, hub=hub, core=core)) as server:
        alice = await server.guest("alice")
        for size in [largest.high] * 40 + [500] * 1100:
            await alice.chat.posts("x" * size)
        await alice.chat.head("r1", 1140)
        late = await (await server.joins("late")).subscribes(place("lobby", after_seq=0))
        assert len(await late.head("r1", 1140)) == 1140
