"""Posts at a rate, and waits that end."""

import asyncio
import random

import pytest

from tests.chaos.client import UNACKED, Client
from tests.chaos.load import settle, talk, until
from tests.chaos.record import Record
from tests.edge.clients import story


def client(record: Record) -> Client:
    """Return a client that has never been started: what it says stays with it."""
    return Client("", "quiet", "room", record=record, chance=random.Random(0))


@story
async def test_talk_goes_round() -> None:
    """Clients post in turn until the work is done, none more than may be under way."""
    clients = [client(Record()) for _ in range(3)]
    work = asyncio.ensure_future(
        until(lambda: clients[0].unanswered >= 20, "the first has posted twenty")
    )
    await talk(clients, 1000, work)
    counts = [one.unanswered for one in clients]
    assert max(counts) - min(counts) <= 1
    full = asyncio.ensure_future(
        until(lambda: not any(one.has_room for one in clients), "none has room")
    )
    await talk(clients, 50_000, full)
    assert [one.unanswered for one in clients] == [UNACKED] * 3


@story
async def test_talk_raises_what_the_work_raises() -> None:
    """Work that fails ends the talk."""

    async def fails() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await talk([client(Record())], 100, fails())


@story
async def test_wait_in_vain_ends() -> None:
    """What does not come to be is named."""
    with pytest.raises(AssertionError, match="pigs fly"):
        await until(lambda: False, "pigs fly", patience_s=0.02)


@story
async def test_settling_in_vain_is_a_breach() -> None:
    """Whoever has no answer, or was not told what others were, is named in the record."""
    record = Record()
    mute, deaf, well = client(record), client(record), client(Record())
    mute.say()
    deaf.room_id = "r2"
    record.heads["r2"] = 1
    await settle([mute, deaf, well], patience_s=0.02)
    assert record.breaches == {"silent": 2}
    assert not well.record.breaches
