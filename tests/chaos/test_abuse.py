"""Hostile clients of a real server: each case is refused as it should be, and others go on.

Somebody who was connected before is answered all the while. The server's memory and its
open files are as before afterwards, or nearly so.
"""

import asyncio
import gzip
import itertools
import struct
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.control import CALM_BEATS, MANY_BEATS, Control
from tests.chaos.figures import Figures
from tests.chaos.load import until
from tests.chaos.scale import Scale
from tests.chaos.server import Server
from tests.edge import http2

MIB = 1 << 20
SERVICE = "/chat.v1.ChatService"
PATIENCE = 20.0
OWN = (("grpc.use_local_subchannel_pool", 1),)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes((0, 0, 0, http2.SETTINGS, 0, 0, 0, 0, 0))

# Open files that the transport keeps from its first connections on.
OF_ITS_OWN = 3

_numbers = itertools.count()

# An attack, given the address of the server.
Attack = Callable[[str], Awaitable[None]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, scale: Scale) -> Iterator[Server]:
    """Give a server without rates, in which nothing may go wrong."""
    environment = {
        "CHAT_SERVER_CONNECTIONS_HANDSHAKE_TIMEOUT": "1s",
        "CHAT_SERVER_CONNECTIONS_IDLE_TIMEOUT": "1s",
    }
    if not scale.full:
        environment["CHAT_SERVER_CONNECTIONS_HELLO_TIMEOUT"] = "1s"
    yield from without_errors(Server(tmp_path_factory.mktemp("abuse"), environment=environment))


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, scale: Scale) -> Iterator[Server]:
    """Give a server with the usual rates, from which no address is exempt."""
    environment = {"CHAT_SERVER_ADDRESSES_EXEMPT": ""}
    if not scale.full:
        # A second of grace for what is on its way is long for a test.
        environment["CHAT_SERVER_RATES_STRIKE_AFTER"] = "100ms"
    directory = tmp_path_factory.mktemp("flood")
    yield from without_errors(Server(directory, rate_limits=True, environment=environment))


def without_errors(server: Server) -> Iterator[Server]:
    """Give a server, and see afterwards that its log has no mistake."""
    with server:
        yield server
        assert server.terminate() == 0
    log = "\n".join(server.log)
    assert "Traceback" not in log
    assert " ERROR " not in log


def attacked(server: Server, attack: Attack, figures: Figures, scale: Scale) -> None:
    """Let an attack run beside somebody who was there before, and note what it cost."""

    async def run() -> Control:
        async with Control(
            server.address, calm_beats=MANY_BEATS if scale.full else CALM_BEATS
        ) as control:
            before = server.usage()
            await attack(server.address)
            await control.lives(0.1)
            after = server.usage()
        figures["memory, MiB more"] = (after.rss_bytes - before.rss_bytes) / MIB
        return control

    asyncio.run(run()).check(figures, full=scale.full)


def bearer(joined: pb.JoinResponse) -> tuple[tuple[str, str], ...]:
    """Return the metadata of who has signed in."""
    return (("authorization", f"Bearer {joined.token}"),)


# ------------------------------------------------------------------------------ bombs


def bomb(encoding: str, mib: int) -> bytes:
    """Return a gRPC message that is so large when it is unpacked, and is below 64 KiB."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    packed = pack(bytes(mib * MIB), 9)
    assert len(packed) < 64 * 1024
    return b"\x01" + struct.pack(">I", len(packed)) + packed


async def status_of_bomb(address: str, method: str, encoding: str, message: bytes) -> bytes:
    """Send a packed message on a connection of its own; return the headers of the answer."""
    async with http2.Connection(address) as connection:
        headers = http2.call_headers(f"{SERVICE}/{method}") + http2.literal(
            "grpc-encoding", encoding
        )
        connection.send(http2.HEADERS, http2.END_HEADERS, 1, headers)
        parts = [message[at : at + 16_384] for at in range(0, len(message), 16_384)]
        for part in parts[:-1]:
            connection.send(http2.DATA, 0, 1, part)
        connection.send(http2.DATA, http2.END_STREAM, 1, parts[-1])
        await connection.flush()
        told = b""
        while True:
            frame = await connection.receive(http2.HEADERS, http2.RST_STREAM)
            told += frame.payload
            if frame.kind == http2.RST_STREAM or frame.flags & http2.END_STREAM:
                return told


def test_requests_that_unpack_to_a_thousand_times_their_size(
    server: Server, scale: Scale, figures: Figures
) -> None:
    """Compressed requests are refused before they are unpacked, and cost no memory."""
    bombs = {
        (encoding, mib): bomb(encoding, mib) for encoding in ("gzip", "deflate") for mib in (10, 60)
    }

    async def attack(address: str) -> None:
        for _ in range(scale.bombs):
            for (encoding, _mib), message in bombs.items():
                for method in ("Join", "Chat"):
                    told = await status_of_bomb(address, method, encoding, message)
                    # RESOURCE_EXHAUSTED, as a literal of HPACK.
                    assert b"\x0bgrpc-status\x018" in told, told
                    assert b"larger than max" in told, told

    attacked(server, attack, figures, scale)
    figures["bombs"] = scale.bombs * 2 * len(bombs)
    more = figures["memory, MiB more"]
    assert isinstance(more, float)
    assert more < 4


# ---------------------------------------------------------------------- the transport


def test_streams_that_are_reset_as_fast_as_they_are_opened(
    server: Server, scale: Scale, figures: Figures
) -> None:
    """A connection that opens calls only to cancel them neither starves others nor fills memory."""
    counts: list[float] = []

    async def attack(address: str) -> None:
        headers = http2.call_headers(f"{SERVICE}/Chat")
        began = time.perf_counter()
        sent = 0
        async with http2.Connection(address) as connection:
            # Whether the server cuts such a connection off is its own affair.
            with suppress(ConnectionError):
                while time.perf_counter() - began < scale.attack_s:
                    for _ in range(250):
                        stream = 2 * sent + 1
                        connection.send(http2.HEADERS, http2.END_HEADERS, stream, headers)
                        cancel = struct.pack(">I", http2.CANCEL)
                        connection.send(http2.RST_STREAM, 0, stream, cancel)
                        sent += 1
                    await connection.flush()
                    # 25,000 a second.
                    await asyncio.sleep(max(0.0, began + sent / 25_000 - time.perf_counter()))
        counts.append(sent / (time.perf_counter() - began))

    attacked(server, attack, figures, scale)
    figures["resets a second"] = counts[0]
    more = figures["memory, MiB more"]
    assert isinstance(more, float)
    assert more < 20


def test_streams_that_never_say_hello(server: Server, scale: Scale, figures: Figures) -> None:
    """Two hundred streams that say nothing all end at the deadline."""
    told: Counter[grpc.StatusCode] = Counter()

    async def attack(address: str) -> None:
        channels = [grpc.aio.insecure_channel(address, options=OWN) for _ in range(8)]
        # Any: a call of grpc.aio is generic in messages.
        calls: list[Any] = []
        for number in range(200):
            calls.append(stubs.ChatServiceStub(channels[number % 8]).Chat(timeout=PATIENCE))
        told.update(await asyncio.gather(*(call.code() for call in calls)))
        details = {await call.details() for call in calls}
        assert len(details) == 1, details
        assert details.pop().startswith("no hello within ")
        for channel in channels:
            await channel.close()

    attacked(server, attack, figures, scale)
    assert told == {grpc.StatusCode.DEADLINE_EXCEEDED: 200}


def test_connections_that_say_nothing(server: Server, scale: Scale, figures: Figures) -> None:
    """Connections that are silent from the first byte on, or after the first, are all closed."""

    async def attack(address: str) -> None:
        host, _, port = address.rpartition(":")
        before = server.usage().descriptors
        opened = []
        for greeting in (b"", b"PRI", PREFACE, PREFACE + SETTINGS):
            for _ in range(scale.silent):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(greeting)
                opened.append((reader, writer))
        figures["connections at most"] = len(opened)
        async with asyncio.timeout(PATIENCE):
            for reader, writer in opened:
                with suppress(ConnectionError):
                    while await reader.read(1 << 16):
                        pass
                writer.close()
        await until(
            lambda: server.usage().descriptors <= before + OF_ITS_OWN,
            "the server has closed them all",
        )

    attacked(server, attack, figures, scale)


# ----------------------------------------------------------------------------- floods


def test_flood_of_messages(limited: Server, figures: Figures) -> None:
    """Who sends on whatever it is told loses the stream; others hear the burst and 5 a second."""
    heard: list[float] = []

    async def attack(address: str) -> None:
        async with (
            grpc.aio.insecure_channel(address, options=OWN) as mine,
            grpc.aio.insecure_channel(address, options=OWN) as theirs,
        ):
            flooding, reading = stubs.ChatServiceStub(mine), stubs.ChatServiceStub(theirs)
            flooder = await flooding.Join(pb.JoinRequest(name="speaker", room="flood"))
            reader = await reading.Join(pb.JoinRequest(name="reader"))
            place = pb.RoomPosition(room=pb.RoomTarget(room_name="flood"))
            listening = reading.Subscribe(
                pb.SubscribeRequest(rooms=[place]), metadata=bearer(reader)
            )

            async def listen() -> None:
                async for frame in listening:
                    heard.extend(time.monotonic() for item in frame.items if item.HasField("event"))

            ears = asyncio.create_task(listen())
            # Any: a call of grpc.aio is generic in messages.
            chat: Any = flooding.Chat(metadata=bearer(flooder))
            await chat.write(pb.ChatRequest(hello=pb.Hello(rooms=[place])))
            began = time.monotonic()
            number = 0
            with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
                while time.monotonic() - began < PATIENCE:
                    number += 1
                    post = pb.Post(room=place.room, text="!", client_msg_id=f"{number}")
                    await chat.write(pb.ChatRequest(post=post))
                    await asyncio.sleep(0.01)
            took_s = time.monotonic() - began
            figures["the stream was cut after, s"] = took_s
            figures["sent until then"] = number
            figures["heard by others"] = len(heard)
            assert 20 <= len(heard) <= 20 + 5 * took_s + 1
            listening.cancel()
            await asyncio.gather(ears, return_exceptions=True)

    attacked_by_people(limited, attack, figures)
    # Its status may be lost to a client that goes on sending.
    cut = limited.launcher.stderr.wait_for(lambda line: "stream cut" in line)
    assert "method=Chat reason=RATE_IGNORED" in cut


def attacked_by_people(server: Server, attack: Attack, figures: Figures) -> None:
    """Let an attack run on a server whose rates hold, and see that others can still talk."""

    async def run() -> None:
        async with grpc.aio.insecure_channel(server.address, options=OWN) as channel:
            stub = stubs.ChatServiceStub(channel)
            joined = await stub.Join(pb.JoinRequest(name=f"calm{next(_numbers)}"), timeout=PATIENCE)
            await attack(server.address)
            post = pb.Post(
                room=pb.RoomTarget(room_name="lobby"), text="still here", client_msg_id="1"
            )
            began = time.monotonic()
            await stub.PostMessage(
                pb.PostMessageRequest(post=post), metadata=bearer(joined), timeout=5.0
            )
            figures["an answer after it took, ms"] = (time.monotonic() - began) * 1000

    asyncio.run(run())


def test_flood_of_rooms(limited: Server, scale: Scale, figures: Figures) -> None:
    """Thousands of new rooms are refused: an address opens ten, and a user is in a hundred."""
    counts: list[int] = []

    async def attack(address: str) -> None:
        async with grpc.aio.insecure_channel(address, options=OWN) as channel:
            stub = stubs.ChatServiceStub(channel)
            flooder = await stub.Join(pb.JoinRequest(name="flooder"))
            refused: Counter[str] = Counter()
            # Any: a call of grpc.aio is generic in messages.
            chat: Any = stub.Chat(metadata=bearer(flooder))
            await chat.write(pb.ChatRequest(hello=pb.Hello()))

            async def open_rooms() -> None:
                with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
                    for number in range(scale.rooms):
                        place = pb.RoomPosition(room=pb.RoomTarget(room_name=f"r{number}"))
                        await chat.write(
                            pb.ChatRequest(
                                order_id=f"{number}", join_room=pb.JoinRoom(position=place)
                            )
                        )
                    await chat.done_writing()

            opening = asyncio.create_task(open_rooms())
            with suppress(grpc.aio.AioRpcError):
                async for frame in chat:
                    for item in frame.items:
                        refused[item.error.reason] += item.HasField("error")
            await opening
            listing = await stub.ListRooms(
                pb.ListRoomsRequest(page_size=1000), metadata=bearer(flooder)
            )
            counts.append(len(listing.rooms))
            figures["refusals until the stream was cut"] = dict(+refused)
            assert (+refused).keys() == {"RATE_LIMITED"}
            assert len(listing.rooms) == 11

    attacked_by_people(limited, attack, figures)
    figures["rooms afterwards"] = counts[0]


# Any: each kind of call.
async def ends(call: Any) -> str:
    """Return the name of the status of a call."""
    with suppress(grpc.aio.AioRpcError):
        await call
    code: grpc.StatusCode = await call.code()
    return code.name


# The last, since it leaves no room for guests of others.
def test_flood_of_guests(limited: Server, scale: Scale, figures: Figures) -> None:
    """Of a thousand new guests of an address the burst comes in, and a few more as time passes."""
    told: Counter[str] = Counter()

    async def attack(address: str) -> None:
        began = time.monotonic()
        async with grpc.aio.insecure_channel(address, options=OWN) as channel:
            stub = stubs.ChatServiceStub(channel)
            for number in range(scale.guests):
                told[await ends(stub.Join(pb.JoinRequest(name=f"g{number}")))] += 1
        # Some of the burst have come before.
        assert 10 <= told["OK"] <= 20 + (time.monotonic() - began) / 3

    attacked_by_people(limited, attack, figures)
    figures["guests that came, by how it ended"] = dict(told)
    assert told.keys() == {"OK", "RESOURCE_EXHAUSTED"}
