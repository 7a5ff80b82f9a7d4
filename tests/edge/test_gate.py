"""The gate: how many connections of an address may have calls open."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.config import ServerLimits
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.calls import Call
from chat_service.edge.gate import RETRY_MS, Gate
from chat_service.edge.limits import AddressLimits
from chat_service.edge.methods import CHAT
from tests.chaos.fuzz import methods
from tests.edge import http2
from tests.edge.clients import PATIENCE, Guest, Refusal, Server, hello, outcome, raw, story
from tests.edge.operator import Operated
from tests.edge.planted import Planted
from tests.edge.test_calls import serving

EVERYBODY = AddressLimits(exempt=())
FEW = AddressLimits(connections=3, exempt=())
BUSY = AddressLimits(calls=5, exempt=())
BEHIND = AddressLimits(connections=3, exempt=(), proxies=("127.0.0.1/32",))


def refusal_of(gate: Gate, network: str, peer: str) -> Rejection | None:
    """Return how a call that comes in now is refused; None if it is not."""
    try:
        with gate.passing(network, peer):
            return None
    except RefusedError as error:
        return error.rejection


# ----------------------------------------------------------------------- the counting


def test_connections_are_counted_and_not_calls() -> None:
    """A connection that is there may have many calls; one more connection is refused."""
    gate = Gate(FEW)
    with ExitStack() as open_calls:
        for peer in ("1", "2", "3"):
            for _ in range(50):
                open_calls.enter_context(gate.passing("192.0.2.7", peer))
        rejection = refusal_of(gate, "192.0.2.7", "4")
        assert rejection is not None
        assert rejection.reason is Reason.TOO_MANY_CONNECTIONS
        assert rejection.retry_after_ms == RETRY_MS
        assert refusal_of(gate, "192.0.2.7", "3") is None
        assert refusal_of(gate, "192.0.2.8", "4") is None
        assert gate.counts() == {"192.0.2.7": 3}
    assert gate.counts() == {}
    assert refusal_of(gate, "192.0.2.7", "4") is None


def test_calls_of_an_address_are_bounded_over_its_connections() -> None:
    """One too many is refused, on a connection that is there too, until another one ends."""
    gate = Gate(BUSY)
    with ExitStack() as open_calls:
        for peer in ("1", "2", "2", "2"):
            open_calls.enter_context(gate.passing("192.0.2.7", peer))
        with gate.passing("192.0.2.7", "3"):
            for peer in ("1", "4"):
                rejection = refusal_of(gate, "192.0.2.7", peer)
                assert rejection is not None
                assert rejection.reason is Reason.TOO_MANY_CONNECTIONS
            assert refusal_of(gate, "192.0.2.8", "1") is None
        assert refusal_of(gate, "192.0.2.7", "1") is None


def test_exempt_callers_are_not_counted() -> None:
    """Who has no network has no limit."""
    gate = Gate(FEW)
    with ExitStack() as open_calls:
        for number in range(500):
            open_calls.enter_context(gate.passing("", f"{number}"))
        assert gate.counts() == {}


def test_limit_that_changes_keeps_those_who_are_there() -> None:
    """A lower limit ends no call, and lets nobody in until there is room by it."""
    gate = Gate(FEW)
    with ExitStack() as open_calls:
        for peer in ("1", "2", "3"):
            open_calls.enter_context(gate.passing("192.0.2.7", peer))
        gate.change(replace(FEW, connections=1))
        assert refusal_of(gate, "192.0.2.7", "4") is not None
        assert refusal_of(gate, "192.0.2.7", "1") is None
    assert gate.counts() == {}


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5), st.booleans()), max_size=80))
def test_count_is_that_of_the_calls_that_are_open(steps: list[tuple[int, int, bool]]) -> None:
    """However calls come, are refused, and end: what is counted is what is open."""
    gate = Gate(FEW)
    opened: list[tuple[str, str, ExitStack]] = []
    for network, peer, ends in steps:
        if ends and opened:
            opened.pop(peer % len(opened))[2].close()
        else:
            here = {other for net, other, _ in opened if net == str(network)}
            stack = ExitStack()
            with suppress(RefusedError):
                stack.enter_context(gate.passing(str(network), str(peer)))
                assert str(peer) in here or len(here) < 3
                opened.append((str(network), str(peer), stack))
        counted = Counter(net for net, _ in {(net, other) for net, other, _ in opened})
        assert gate.counts() == counted
    for _, _, stack in opened:
        stack.close()
    assert gate.counts() == {}


# --------------------------------------------------------------------- over the wire


async def nothing_open(gate: Gate) -> None:
    """Wait until no call is counted any more."""

    async def closed() -> bool:
        return not gate.counts()

    await eventually(closed)


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if await is_so():
                return
            await asyncio.sleep(0.01)


async def answers(call: Any) -> bool:
    """Make a call; return whether it ends well. Any: each kind of call."""
    return await outcome(call) is None


@pytest.mark.parametrize("method", ["SignOut", "Chat", "Subscribe"])
@pytest.mark.usefixtures("loud_log")
@story
async def test_call_that_ends_is_counted_no_more(method: str) -> None:
    """Whether it ends well, is refused, fails, is cut, malformed, late, or loses its connection."""
    gate = Gate(EVERYBODY)
    began = asyncio.Event()

    async def wait(_: Call) -> None:
        began.set()
        await asyncio.Event().wait()

    async def refuse(_: Call) -> None:
        raise RefusedError(Rejection(Reason.OVERLOADED, "busy"))

    async def fail(_: Call) -> None:
        raise ValueError("a mistake")

    async def well(_: Call) -> Any:
        return pb.SignOutResponse() if method == "SignOut" else None

    acts: list[Callable[[Call], Awaitable[Any]]] = [well, refuse, fail]
    for act in acts:
        async with serving(Planted(act), gate) as channel:
            await outcome(raw(channel, method, b""))
            await nothing_open(gate)
    async with serving(Planted(wait), gate) as channel:
        if method != "Chat":
            await outcome(raw(channel, method, b"\xff"))
            await nothing_open(gate)
        for _ in range(3):
            began.clear()
            call = raw(channel, method, b"")
            ends = asyncio.create_task(outcome(call))
            await asyncio.wait_for(began.wait(), PATIENCE)
            assert gate.counts() == {"127.0.0.1": 1}
            call.cancel()
            await asyncio.gather(ends, return_exceptions=True)
            await nothing_open(gate)
        began.clear()
        ends = asyncio.create_task(outcome(raw(channel, method, b"")))
        await asyncio.wait_for(began.wait(), PATIENCE)
        await channel.close()
        await asyncio.gather(ends, return_exceptions=True)
        await nothing_open(gate)


async def every_call(channel: Any, guest: Guest) -> dict[str, grpc.aio.AioRpcError | None]:
    """Make a call of each kind and service. Any: of bytes, and of messages."""
    health: Any = health_pb2_grpc.HealthStub(channel)
    told: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    calls = {
        "Join": raw(channel, "Join", pb.JoinRequest(name="late").SerializeToString()),
        "ListRooms": raw(channel, "ListRooms", b"", token=guest.token),
        "malformed": raw(channel, "ListRooms", b"\xff", token=guest.token),
        "Chat": raw(channel, "Chat", hello("lobby").SerializeToString(), token=guest.token),
        "Subscribe": raw(channel, "Subscribe", b"", token=guest.token),
        "Check": health.Check(health_pb2.HealthCheckRequest()),
        "Watch": health.Watch(health_pb2.HealthCheckRequest()),
        "reflection": told.ServerReflectionInfo(asked),
    }
    return {name: await asyncio.wait_for(outcome(call), PATIENCE) for name, call in calls.items()}


@story
async def test_connection_beyond_the_128th_of_an_address(tmp_path: Path) -> None:
    """Whatever the 129th calls is refused at once; when another connection ends it is served."""
    limits = ServerLimits(addresses=EVERYBODY)
    async with Server(tmp_path, limits=limits) as server:
        alice = await server.guest("alice")
        others = []
        for _ in range(127):
            health: Any = health_pb2_grpc.HealthStub(server.channel())
            others.append(health.Watch(health_pb2.HealthCheckRequest()))
        for other in others:
            await asyncio.wait_for(other.read(), PATIENCE)
        late = server.channel()
        for name, error in (await every_call(late, alice)).items():
            assert error is not None, name
            refusal = Refusal.of(error)
            assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED, name
            assert (refusal.reason, refusal.retry_ms) == ("TOO_MANY_CONNECTIONS", RETRY_MS), name
        for path, method in methods().items():
            if not method.client_streaming:
                kind = late.unary_stream if method.server_streaming else late.unary_unary
                # Any: the stubs' types know messages only; here requests are bytes.
                call: Any = kind(path)
                error = await outcome(call(b"", timeout=PATIENCE))
                assert error is not None, path
                assert Refusal.of(error).reason == "TOO_MANY_CONNECTIONS", path
        await alice.says("those who were there go on")
        await alice.calls("ListRooms", pb.ListRoomsRequest())
        others[0].cancel()
        request = pb.JoinRequest(name="bob").SerializeToString()
        await eventually(lambda: answers(raw(late, "Join", request)))


@story
async def test_connection_that_is_cut_makes_room(tmp_path: Path) -> None:
    """A peer that vanishes without a word is counted no more once its connection is gone."""
    limits = ServerLimits(addresses=replace(FEW, connections=1))
    async with Server(tmp_path, limits=limits) as server:
        headers = http2.call_headers(f"/{CHAT.full_name}/Chat")
        request = pb.JoinRequest(name="alice").SerializeToString()
        channel = server.channel()
        async with http2.Connection(server.address) as connection:
            connection.send(http2.HEADERS, http2.END_HEADERS, 1, headers)
            await connection.flush()

            async def is_full() -> bool:
                error = await outcome(raw(channel, "ListRooms", b""))
                return error is not None and Refusal.of(error).reason == "TOO_MANY_CONNECTIONS"

            await eventually(is_full)
        await eventually(lambda: answers(raw(channel, "Join", request)))


# ----------------------------------------------------------------------- behind a proxy


def forwarded(*addresses: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that a proxy adds."""
    return tuple(("x-forwarded-for", address) for address in addresses)


@story
async def test_calls_behind_a_proxy_are_counted_by_their_address(tmp_path: Path) -> None:
    """All come by one connection: each address may have so many calls, whatever the others do."""
    async with Server(tmp_path, limits=ServerLimits(addresses=BEHIND)) as server:
        health: Any = health_pb2_grpc.HealthStub(server.channel())
        request = health_pb2.HealthCheckRequest()
        watches = []
        for address in ("192.0.2.7", "192.0.2.8"):
            for _ in range(3):
                watches.append(health.Watch(request, metadata=forwarded("1.2.3.4", address)))
                await asyncio.wait_for(watches[-1].read(), PATIENCE)
            error = await outcome(health.Check(request, metadata=forwarded("1.2.3.4", address)))
            assert error is not None
            assert Refusal.of(error).reason == "TOO_MANY_CONNECTIONS"
        assert await outcome(health.Check(request, metadata=forwarded("192.0.2.9"))) is None
        watches[0].cancel()
        await eventually(lambda: answers(health.Check(request, metadata=forwarded("192.0.2.7"))))


@story
async def test_rates_behind_a_proxy_go_by_the_address(tmp_path: Path) -> None:
    """New guests are counted by the address that the proxy tells, and by no other claim."""
    rates = replace(ServerLimits().rates, guests_burst=2)
    limits = ServerLimits(addresses=BEHIND, rates=rates)
    async with Server(tmp_path, rate_limits=True, limits=limits) as server:
        alice = Guest(server.address, server.channel(), pb.JoinResponse())

        async def joins(name: str, *addresses: str) -> grpc.aio.AioRpcError | None:
            call = alice.stub.Join(pb.JoinRequest(name=name), metadata=forwarded(*addresses))
            return await outcome(call)

        assert await joins("a", "192.0.2.7") is None
        assert await joins("b", "203.0.113.1, 192.0.2.7") is None
        error = await joins("c", "203.0.113.2", "192.0.2.7")
        assert error is not None
        assert Refusal.of(error).reason == "RATE_LIMITED"
        assert await joins("d", "192.0.2.8") is None
        # Without a proxy that is trusted, all are the one who calls.
        await server.changes_to(limits=replace(limits, addresses=replace(BEHIND, proxies=())))
        told = [await joins(f"e{number}", f"198.51.100.{number}") for number in range(3)]
        assert [error is None for error in told] == [True, True, False]


@story
async def test_operator_is_told_the_address_behind_a_proxy() -> None:
    """Who is connected is shown with the address of the client, not with that of the proxy."""
    async with Operated(limits=ServerLimits(addresses=BEHIND)) as server:
        joined = await server.joins("alice")
        metadata = (*joined.metadata, *forwarded("2001:DB8::7"))
        reading = joined.stub.Chat(metadata=metadata)
        await reading.write(hello("lobby"))
        await asyncio.wait_for(reading.read(), PATIENCE)
        async with server.operator() as operator:
            listing = await operator.calls("ListInstanceUsers")
        reading.cancel()
    (user,) = listing.users
    assert list(user.addresses) == ["2001:db8::7"]
