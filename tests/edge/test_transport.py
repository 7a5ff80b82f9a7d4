"""The listening server: its options, its address, its health."""

import asyncio
import socket
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_service.edge.gate import Gate
from chat_service.edge.limits import TransportLimits
from chat_service.edge.methods import CHAT
from chat_service.edge.transport import CannotListenError, Transport, options
from tests.edge.clients import PATIENCE, story
from tests.edge.planted import silent
from tests.held_ports import held_ports

OPTIONS = options(TransportLimits())

NEEDED = {
    # A second server on the port is an error, and does not share its calls by chance.
    "grpc.so_reuseport": 0,
    "grpc.max_receive_message_length": 64 * 1024,
    # Streams that are opened only to be reset cost little.
    "grpc.max_concurrent_streams": 32,
    # Who waits at the client for one of those streams is not refused when it gets it.
    "grpc.http.overload_protection": 0,
    # Connections that say nothing do not stay.
    "grpc.server_handshake_timeout_ms": 5_000,
    "grpc.max_connection_idle_ms": 5 * 60_000,
    # A peer that is frozen or gone is noticed within 45 s: the ping, and its timeout twice
    # over, for it is counted by the transport and by HTTP/2.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    # Clients may ping each 15 s, also while no call is open.
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.http2.min_ping_interval_without_data_ms": 15_000,
}


@pytest.mark.parametrize("name", NEEDED)
def test_options_that_are_needed(name: str) -> None:
    """Each option whose default has cost somebody a day is set."""
    assert dict(OPTIONS)[name] == NEEDED[name]


def test_lost_peer_is_noticed_in_time() -> None:
    """The time of the ping and the longer of its timeouts are at most the 45 s of the promise."""
    told = dict(OPTIONS)
    timeout_ms = max(told["grpc.keepalive_timeout_ms"], told["grpc.http2.ping_timeout_ms"])
    assert told["grpc.keepalive_time_ms"] + timeout_ms <= 45_000


def test_options_are_given_once() -> None:
    """No option contradicts another of the same name."""
    assert len(dict(OPTIONS)) == len(OPTIONS)


@story
async def test_busy_port_is_an_error() -> None:
    """A port that another listens on is refused with the address, by whoever holds it."""
    first = Transport([silent()], Gate())
    address = await first.listen("127.0.0.1", 0)
    port = int(address.rpartition(":")[2])
    with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}"):
        await Transport([silent()], Gate()).listen("127.0.0.1", port)
    await first.stop(0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{port}"):
            await Transport([silent()], Gate()).listen("127.0.0.1", port)


@story
async def test_port_can_be_used_again() -> None:
    """A port is free as soon as its server has stopped."""
    with held_ports() as port:
        for _ in range(3):
            transport = Transport([silent()], Gate())
            assert await transport.listen("127.0.0.1", port) == f"127.0.0.1:{port}"
            await transport.stop(0)


@story
async def test_ipv6_address() -> None:
    """An IPv6 address is told in brackets, and can be reached as it is told."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        # A machine without IPv6: that it cannot be bound is then told as for any address.
        with pytest.raises(CannotListenError, match=r"\[::1\]"):
            await Transport([silent()], Gate()).listen("::1", 0)
        return
    transport = Transport([silent()], Gate())
    address = await transport.listen("::1", 0)
    assert address.startswith("[::1]:")
    async with grpc.aio.insecure_channel(address) as channel:
        await stubs.ChatServiceStub(channel).ListRooms(pb.ListRoomsRequest(), timeout=PATIENCE)
    await transport.stop(0)


@story
async def test_health_changes_before_the_end() -> None:
    """Who watches is told NOT_SERVING when the stop begins, while calls are still answered."""
    transport = Transport([silent()], Gate())
    address = await transport.listen("127.0.0.1", 0)
    async with grpc.aio.insecure_channel(address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=CHAT.full_name))
        statuses = health_pb2.HealthCheckResponse
        async with asyncio.timeout(PATIENCE):
            assert (await watch.read()).status == statuses.SERVING
            await transport.say_not_serving()
            assert (await watch.read()).status == statuses.NOT_SERVING
            await stubs.ChatServiceStub(channel).ListRooms(pb.ListRoomsRequest())
        watch.cancel()
        # As soon as the watch has ended there, too.
        await transport.stop(PATIENCE)
