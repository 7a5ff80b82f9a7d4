"""What every call goes through, and what a hostile client gets."""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.calls import Call
from chat_service.edge.gate import Gate
from chat_service.edge.methods import CHAT, streaming_service
from chat_service.edge.tally import Tally
from tests.edge import http2
from tests.edge.clients import (
    PATIENCE,
    Refusal,
    Server,
    outcome,
    raw,
    story,
)
from tests.edge.planted import UNARY, Planted

SECRET = "/home/secret path"


@asynccontextmanager
async def serving(methods: Planted, gate: Gate | None = None) -> AsyncIterator[grpc.aio.Channel]:
    """Serve planted methods, and give a connection to them."""
    server = grpc.aio.server()
    streaming_service(methods, Tally(), gate or Gate()).add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(0)


@pytest.mark.parametrize(
    ("metadata", "token"),
    [
        ((), ""),
        ((("authorization", "Bearer abc"),), "abc"),
        ((("authorization", "bearer abc"),), "abc"),
        ((("authorization", "Bearer   abc  "),), "abc"),
        ((("authorization", "Bearer"),), ""),
        ((("authorization", ""),), ""),
        ((("authorization", "Basic abc"),), ""),
        ((("authorization", "abc"),), ""),
        ((("x-token", "abc"),), ""),
        ((("authorization-bin", b"Bearer abc"),), ""),
    ],
)
@story
async def test_token_of_a_call(metadata: tuple[tuple[str, str | bytes], ...], token: str) -> None:
    """The token is what follows Bearer in the authorization; anything else is none."""
    seen: list[Call] = []

    async def look(call: Call) -> pb.ListRoomsResponse:
        seen.append(call)
        return pb.ListRoomsResponse()

    async with serving(Planted(look)) as channel:
        request = pb.ListRoomsRequest()
        await stubs.ChatServiceStub(channel).ListRooms(request, metadata=metadata)
    (call,) = seen
    assert call.token == token
    assert call.peer.startswith("ipv4:127.0.0.1:")


# ------------------------------------------------------------------- mistakes of ours


@pytest.mark.parametrize("method", [*UNARY, "Chat", "Subscribe"])
@story
async def test_mistake_of_ours_is_not_told(method: str, loud_log: pytest.LogCaptureFixture) -> None:
    """A mistake is INTERNAL with an id; the id and the text are in the log, the text only there."""

    async def fail(_: Call) -> None:
        raise ValueError(SECRET)

    async with serving(Planted(fail)) as channel:
        error = await outcome(raw(channel, method, b""))
    assert error is not None
    refusal = Refusal.of(error)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    text, _, incident = refusal.message.partition("id=")
    assert text == "internal error, "
    assert len(incident) == 8
    assert SECRET not in repr(error) + str(error.trailing_metadata())
    (record,) = (record for record in loud_log.records if record.levelno >= logging.ERROR)
    assert vars(record)["fields"]["id"] == incident
    assert record.exc_info is not None
    assert SECRET in str(record.exc_info[1])


@pytest.mark.parametrize("method", [*UNARY, "Chat", "Subscribe"])
@story
async def test_refusal_is_no_mistake(method: str) -> None:
    """A refusal that is raised anywhere in a call is its status, and nothing for the log."""

    async def refuse(_: Call) -> None:
        raise RefusedError(Rejection(Reason.OVERLOADED, "busy", retry_after_ms=1500))

    async with serving(Planted(refuse)) as channel:
        error = await outcome(raw(channel, method, b""))
    assert error is not None
    refusal = Refusal.of(error)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "OVERLOADED")
    assert refusal.retry_ms == 1500


@pytest.mark.parametrize("method", ["Chat", "Subscribe"])
@story
async def test_stream_ends_with_what_it_returns(method: str) -> None:
    """A stream that returns a rejection ends with it; one that returns none ends well."""
    endings = iter([Rejection(Reason.SLOW_READER, "too slow", retry_after_ms=9), None])

    async def end(_: Call) -> Rejection | None:
        return next(endings)

    async with serving(Planted(end)) as channel:
        error = await outcome(raw(channel, method, b""))
        assert error is not None
        assert Refusal.of(error).reason == "SLOW_READER"
        assert await outcome(raw(channel, method, b"")) is None


@pytest.mark.parametrize("method", ["SignOut", "Chat", "Subscribe"])
@story
async def test_caller_who_goes_away(method: str) -> None:
    """A call that is cancelled ends its handler, without a word in the log."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait(_: Call) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(Planted(wait)) as channel:
        call = raw(channel, method, b"")
        reading = asyncio.create_task(outcome(call))
        await asyncio.wait_for(began.wait(), PATIENCE)
        call.cancel()
        await asyncio.wait_for(ended.wait(), PATIENCE)
        await asyncio.gather(reading, return_exceptions=True)


@story
async def test_write_to_a_client_that_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    """What the transport could not write is noted in one line, and is no mistake of ours."""
    caplog.set_level(logging.INFO)

    async def write(_: Call) -> None:
        raise grpc.aio.InternalError("Failed grpc_call_start_batch")

    async with serving(Planted(write)) as channel:
        error = await outcome(raw(channel, "Chat", b""))
    assert error is not None
    assert Refusal.of(error).reason == "INTERNAL"
    (record,) = (record for record in caplog.records if record.message == "a write failed")
    assert vars(record)["fields"]["error"] == "Failed grpc_call_start_batch"


# -------------------------------------------------------------- what the transport bears


@story
async def test_metadata_without_measure(tmp_path: Path) -> None:
    """Metadata that is too large is refused by the transport; the server goes on."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        request = pb.ListRoomsRequest()
        cases = {
            "17 KB": (("x-large", "x" * 17 * 1024),),
            "1,000 keys": tuple((f"x-key-{number}", "value") for number in range(1000)),
        }
        for name, metadata in cases.items():
            error = await outcome(
                alice.stub.ListRooms(request, metadata=(*alice.metadata, *metadata))
            )
            assert error is not None, name
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, name
        # Between 8 and 16 KB it is refused by chance.
        error = await outcome(
            alice.stub.ListRooms(request, metadata=(*alice.metadata, ("x-large", "x" * 12 * 1024)))
        )
        assert error is None or error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await alice.says("still here")
        await bob.hears("still here")


@story
async def test_stream_above_the_limit_waits_at_the_client(tmp_path: Path) -> None:
    """The 33rd stream of a connection waits for one of the 32 to end; other connections do not."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        readings = [await alice.subscribes("lobby") for _ in range(31)]
        for reading in readings:
            await reading.begun()
        with pytest.raises(grpc.aio.AioRpcError) as waited:
            await alice.stub.ListRooms(pb.ListRoomsRequest(), metadata=alice.metadata, timeout=0.3)
        assert waited.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        late = await alice.subscribes("lobby")
        await bob.says("while it waits")
        assert late.items == []
        await readings[0].cancel()
        await late.begun()
        await alice.hears("while it waits")


@story
async def test_more_calls_at_once_than_streams(tmp_path: Path) -> None:
    """However many calls one connection makes at once, they take turns, and none is refused."""
    async with Server(tmp_path) as server:
        alice = await server.joins("alice")
        for _ in range(5):
            request = pb.ListRoomsRequest()
            answers = await asyncio.gather(*(alice.calls("ListRooms", request) for _ in range(150)))
            assert len(answers) == 150


@story
async def test_pings_that_never_end(tmp_path: Path) -> None:
    """A client that pings more often than the keepalive allows is told to calm down and cut off."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        async with http2.Connection(server.address) as connection:
            connection.send(http2.PING, payload=b"12345678")
            answer = await connection.receive(http2.PING, http2.GOAWAY)
            assert (answer.kind, answer.flags, answer.payload) == (
                http2.PING,
                http2.ACK,
                b"12345678",
            )
            # More than the one that begins the count and the two that are borne.
            for _ in range(3):
                connection.send(http2.PING, payload=bytes(8))
            goaway = await connection.receive(http2.GOAWAY)
            _, code = struct.unpack(">II", goaway.payload[:8])
            assert (code, goaway.payload[8:]) == (http2.ENHANCE_YOUR_CALM, b"too_many_pings")
        await alice.says("still here")
        await bob.hears("still here")


@story
async def test_streams_that_are_opened_only_to_be_reset(tmp_path: Path) -> None:
    """Thousands of calls that are cancelled as they begin leave the server answering others."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        headers = http2.call_headers(f"/{CHAT.full_name}/Chat")
        async with http2.Connection(server.address) as connection:
            for number in range(3000):
                stream = 2 * number + 1
                connection.send(http2.HEADERS, http2.END_HEADERS, stream, headers)
                connection.send(http2.RST_STREAM, 0, stream, struct.pack(">I", http2.CANCEL))
                if number % 100 == 0:
                    await connection.flush()
                    await alice.says(f"{number}")
        await bob.hears("2900")


@story
async def test_bytes_that_are_not_http(tmp_path: Path) -> None:
    """A connection that speaks something else is closed; others are unharmed."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        host, _, port = server.address.rpartition(":")
        for greeting in (b"GET / HTTP/1.1\r\n\r\n", b"NICK alice\r\n", bytes(range(256)) * 64):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(greeting)
            try:
                while await asyncio.wait_for(reader.read(1 << 16), PATIENCE):
                    pass
            except ConnectionResetError:
                pass
            writer.close()
        await alice.says("still here")
        await bob.hears("still here")


@story
async def test_method_that_does_not_exist(tmp_path: Path) -> None:
    """A method or a service of the future is UNIMPLEMENTED."""
    async with Server(tmp_path) as server:
        channel = server.channel()
        for path in (f"/{CHAT.full_name}/Shout", "/chat.v2.ChatService/Join", "/nonsense"):
            call: Any = channel.unary_unary(path)
            error = await outcome(call(b""))
            assert error is not None
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED


# ------------------------------------------------------------------- health, reflection


@story
async def test_health_is_answered(tmp_path: Path) -> None:
    """The server and the chat service are SERVING; another service is not known."""
    async with Server(tmp_path) as server:
        health: Any = health_pb2_grpc.HealthStub(server.channel())
        for service in ("", CHAT.full_name):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await health.Check(health_pb2.HealthCheckRequest(service="other"))
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


@story
async def test_reflection_tells_of_the_contract(tmp_path: Path) -> None:
    """A client without stubs learns the services, and the messages of the chat service."""
    async with Server(tmp_path) as server:
        channel: Any = server.channel()
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=CHAT.full_name),
        ]
        services, file = [answer async for answer in stub.ServerReflectionInfo(iter(asked))]
        names = {service.name for service in services.list_services_response.service}
        assert names >= {CHAT.full_name, "grpc.health.v1.Health"}
        described = file.file_descriptor_response.file_descriptor_proto
        assert pb.DESCRIPTOR.serialized_pb in described
