"""A relay passes everything on, until it is cut or silent."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.relay import Relay
from tests.edge.clients import PATIENCE, story


@asynccontextmanager
async def echo() -> AsyncIterator[str]:
    """Give the address of a server that sends back what it reads."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def dial(relay: Relay) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a relay."""
    host, _, port = relay.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def hear(reader: asyncio.StreamReader, count: int) -> bytes:
    """Read so many bytes."""
    return await asyncio.wait_for(reader.readexactly(count), PATIENCE)


@story
async def test_bytes_are_passed_on() -> None:
    """More bytes than all buffers hold come back as they were sent."""
    sent = bytes(range(256)) * 40_000
    async with echo() as address, Relay(address) as relay:
        reader, writer = await dial(relay)
        writer.write(sent)
        assert await hear(reader, len(sent)) == sent
        writer.close()


@story
async def test_cut_drops_every_connection() -> None:
    """A cut ends what is open, and nothing that is opened later."""
    async with echo() as address, Relay(address) as relay:
        reader, writer = await dial(relay)
        writer.write(b"a")
        await hear(reader, 1)
        relay.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await hear(reader, 1)
        writer.close()
        reader, writer = await dial(relay)
        writer.write(b"b")
        assert await hear(reader, 1) == b"b"
        writer.close()


@story
async def test_silence_holds_everything_back() -> None:
    """A silent relay passes nothing on and closes nothing; what it held back comes later."""
    async with echo() as address, Relay(address) as relay:
        reader, writer = await dial(relay)
        writer.write(b"a")
        await hear(reader, 1)
        relay.silence()
        later, also = await dial(relay)
        writer.write(b"b")
        also.write(b"c")
        for one in (reader, later):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(one.readexactly(1), 0.05)
        relay.speak()
        assert await hear(reader, 1) == b"b"
        assert await hear(later, 1) == b"c"
        writer.close()
        also.close()


@story
async def test_target_that_is_not_there_ends_the_call() -> None:
    """Where nobody listens, the caller is let go instead of waiting."""
    # Held, or somebody else may come to listen there.
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        async with Relay(f"127.0.0.1:{held.getsockname()[1]}") as relay:
            reader, writer = await dial(relay)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await hear(reader, 1)
            writer.close()
