"""Peers that fall silent without a word: a program that is stopped, a network that drops all.

Nothing is sent to them meanwhile, so only the pings of the transport can tell. In the small
size these come 1 s after the last word instead of 30, and the grace of presence is shorter.
"""

import asyncio
import json
import math
import os
import random
import sysconfig
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.frozen import Stopped
from tests.chaos.insight import Watched
from tests.chaos.load import PATIENCE, until
from tests.chaos.record import Record
from tests.chaos.relay import Relay
from tests.chaos.scale import Scale
from tests.chaos.server import Server
from tests.edge.clients import Guest

NOTICED_S = 45.0
"""Source: the service's guarantees."""
GRACE_S = 30.0
"""How long somebody who is gone counts as present. Source: docs/protocol.md."""

CLIENT = str(Path(sysconfig.get_path("scripts")) / "chat-cli")

ROOM = "dead"
DEAD = ("stopped", "unheard")


@dataclass
class Result:
    """What was seen of two peers that fell silent."""

    # From their silence until the server had let go of their streams, and until it was told
    # that they had left.
    noticed_s: float = math.inf
    left_s: float = math.inf
    # How often each was told to have left, and to have come, since they were silent.
    left: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)
    # How the streams of the two ended, and what they missed.
    ends: list[object] = field(default_factory=list)
    breaches: list[object] = field(default_factory=list)


async def fall_silent(server: Watched, patience_s: float) -> Result:
    """Stop one reader and cut the network of another; wait until both are told to have left.

    Then let both come back.
    """
    result = Result()
    record = Record()
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
        joined = await stubs.ChatServiceStub(channel).Join(pb.JoinRequest(name="observer"))
        observer = Guest(server.address, channel, joined)
        chat = await observer.opens(ROOM)
        stopped = stack.enter_context(Stopped(server.address, DEAD[0], ROOM))
        await asyncio.to_thread(stopped.told, position=0)
        relay = await stack.enter_async_context(Relay(server.address))
        unheard = Client(
            server.address, DEAD[1], ROOM, record=record, chance=random.Random(1), relay=relay
        )
        await stack.enter_async_context(unheard)
        await until(lambda: unheard.is_live, "the other is live")
        room_id = unheard.room_id
        for name in DEAD:
            await chat.joined(name, room_id)
        before = len(chat.items)
        stopped.process.suspend()
        relay.silence()
        began = time.monotonic()

        def told(of: Counter[str]) -> bool:
            result.left.clear()
            result.came.clear()
            for item in chat.items[before:]:
                result.left.update(user.name for user in item.presence.left)
                result.came.update(user.name for user in item.presence.joined)
            return of.keys() >= set(DEAD)

        while time.monotonic() < began + patience_s and math.isinf(result.left_s):
            if (await server.holding()).subscriptions == 1:
                result.noticed_s = min(result.noticed_s, time.monotonic() - began)
            if told(result.left):
                result.left_s = time.monotonic() - began
            await asyncio.sleep(0.05)
        if math.isinf(result.left_s):
            return result
        said = await chat.says("where were you?", ROOM)
        relay.speak()
        stopped.process.resume()
        seen = await asyncio.to_thread(stopped.told, position=said.seq)
        await until(lambda: unheard.position == said.seq, "the other is back")
        await until(lambda: told(result.came), "both are told to be back")
        result.ends = [seen["ends"], dict(unheard.ends)]
        result.breaches = [seen["breaches"], dict(record.breaches)]
    return result


def test_silent_peers_are_noticed_and_told_once(
    tmp_path: Path, scale: Scale, figures: Figures
) -> None:
    """Whoever is frozen or unheard is let go of, is told once to have left, and comes back."""
    faults = () if scale.full else ("quick-keepalive",)
    noticed_s, grace_s = (NOTICED_S, GRACE_S) if scale.full else (12.0, 1.0)
    with Watched(tmp_path, *faults) as server:
        result = asyncio.run(fall_silent(server, noticed_s + grace_s + 10.0))
    figures["seconds until both were noticed"] = result.noticed_s
    figures["seconds until both were told to have left"] = result.left_s
    figures["told to have left"] = dict(result.left)
    figures["told to have come back"] = dict(result.came)
    figures["how their streams ended"] = result.ends
    assert result.noticed_s < noticed_s
    assert grace_s < result.left_s < noticed_s + grace_s + 5.0
    assert result.left == result.came == Counter(DEAD)
    assert result.breaches == [{}, {}]


def test_peers_that_are_never_noticed_are_found_out(tmp_path: Path, figures: Figures) -> None:
    """A server without pings holds on to silent peers, and does not pass."""
    with Watched(tmp_path, "quick-keepalive", "no-keepalive") as server:
        result = asyncio.run(fall_silent(server, 3.0))
    figures["seconds until both were noticed"] = result.noticed_s
    assert math.isinf(result.noticed_s)


@pytest.mark.full_only
@pytest.mark.parametrize("kind", ["network", "server"])
def test_client_of_people_notices_silence(tmp_path: Path, figures: Figures, kind: str) -> None:
    """`chat-cli` takes a silent server for dead in time, tries again, and misses nothing."""
    with Server(tmp_path) as server:
        silent_s = asyncio.run(silence(server, kind))
    figures["seconds of silence until it tried again"] = silent_s
    assert silent_s < NOTICED_S


async def silence(server: Server, kind: str) -> float:
    """Fall silent to a client that only reads; return after how many seconds it tried again."""
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(Relay(server.address))
        record = Record()
        sender = Client(server.address, "sender", ROOM, record=record, chance=random.Random(1))
        await stack.enter_async_context(sender)
        environment = dict(os.environ, HOME=str(server.directory))
        reader = await asyncio.create_subprocess_exec(
            *(CLIENT, "tail", "--json", "--since", "0"),
            *("--target", relay.address, "--name", "reader", "--room", ROOM),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        assert reader.stdout is not None

        async def hears(chosen: str) -> None:
            assert reader.stdout is not None
            line = await asyncio.wait_for(reader.stdout.readline(), PATIENCE)
            assert chosen in json.loads(line)["text"]

        try:
            await hears(sender.say())
            connections = len(relay.ends)
            relay.silence()
            if kind == "server":
                server.freeze()
            began = time.monotonic()
            missed = sender.say()
            await until(lambda: len(relay.ends) > connections, "it tries again")
            silent_s = time.monotonic() - began
            if kind == "server":
                server.thaw()
            relay.speak()
            await hears(missed)
            await hears(sender.say())
        finally:
            reader.kill()
            await reader.wait()
    return silent_s
