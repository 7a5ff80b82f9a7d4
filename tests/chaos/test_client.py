"""The client of the scenarios: it resumes and resends as told, and hides no mistake."""

import random
from pathlib import Path

import pytest

from tests.chaos.client import Client, Drop
from tests.chaos.load import settle, until
from tests.chaos.record import Record
from tests.chaos.relay import Relay
from tests.edge.clients import Clock, Server, story
from tests.edge.ticking import ticking


@pytest.mark.parametrize("how", list(Drop))
@story
async def test_client_comes_back(tmp_path: Path, chance: random.Random, how: Drop) -> None:
    """However it is torn from its stream, it resumes, and what it posts meanwhile is sent."""
    record = Record()
    async with Server(tmp_path) as server, Relay(server.address) as relay:
        torn = Client("", "torn", "room", record=record, chance=chance, relay=relay)
        other = Client(server.address, "other", "room", record=record, chance=chance)
        async with torn, other:
            torn.say()
            await settle([torn, other])
            await until(lambda: torn.is_live, "it is live")
            assert torn.drop(how)
            torn.say()
            other.say()
            await until(lambda: torn.welcomes == 2, "it is back")
            await settle([torn, other])
    record.verdict()
    assert (len(record.acked), record.deliveries) == (3, 6)
    assert (other.welcomes, other.ends) == (1, {"cancelled": 1})


@story
async def test_client_waits_as_long_as_told(tmp_path: Path, chance: random.Random) -> None:
    """Posts over the rate are sent again after the delay, in their order."""
    record, clock = Record(), Clock()
    async with Server(tmp_path, rate_limits=True, timing=ticking(clock)) as server:
        eager = Client(server.address, "eager", "room", record=record, chance=chance)
        async with eager:
            for _ in range(23):
                eager.say()
            await until(lambda: bool(eager.refusals["RATE_LIMITED"]), "the burst is spent")
            assert len(record.acked) == 20
            clock.now += 1.0
            await settle([eager])
            assert not eager.ends
    record.verdict()
    assert len(record.acked) == 23


@story
async def test_copies_get_one_answer_each(tmp_path: Path, chance: random.Random) -> None:
    """A client that sends each post three times gets two answers that say duplicate."""
    record = Record()
    async with Server(tmp_path) as server:
        client = Client(server.address, "again", "room", record=record, chance=chance, copies=3)
        async with client:
            for _ in range(5):
                client.say()
            await until(lambda: record.duplicates == 10, "all copies are answered")
            await settle([client])
    record.verdict()
    assert len(record.acked) == 5


@story
async def test_refusal_without_a_remedy_is_a_breach(tmp_path: Path, chance: random.Random) -> None:
    """A client with a position that the server does not have has found a loss."""
    record = Record()
    async with Server(tmp_path) as server:
        client = Client(server.address, "ahead", "room", record=record, chance=chance)
        client.position = 7
        async with client:
            await until(lambda: bool(record.breaches), "it is noticed")
    assert (record.breaches, client.refusals) == ({"lost": 1}, {"SEQ_OUT_OF_RANGE": 1})


class Broken(Record):
    """A record with a mistake of its own."""

    def hear(self, *_: object, **__: object) -> int:
        raise ZeroDivisionError


@story
async def test_mistake_of_the_harness_is_raised(tmp_path: Path, chance: random.Random) -> None:
    """A checker that breaks does not look like a promise that holds."""
    record = Broken()
    async with Server(tmp_path) as server:
        client = Client(server.address, "blind", "room", record=record, chance=chance)
        await client.join()
        client.start()
        client.say()
        await until(lambda: client.welcomes > 1, "it was told, and came back")
        with pytest.raises(ZeroDivisionError):
            await client.close()
