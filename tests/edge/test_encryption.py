"""What clients of a listening server are shown, and which TLS it speaks."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import grpc
import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_service.edge.encryption import Encryption
from chat_service.edge.gate import Gate
from chat_service.edge.limits import TransportLimits
from chat_service.edge.transport import Transport
from tests.authority import Issued, issue
from tests.edge.clients import PATIENCE, story
from tests.edge.planted import silent

NAME = "chat.example"


def shown(issued: Issued) -> Encryption:
    """Return what shows a certificate."""
    return Encryption(issued.pem, issued.key)


@asynccontextmanager
async def listening(encryption: Encryption) -> AsyncIterator[str]:
    """Serve on loopback; give the address."""
    transport = Transport([silent()], Gate())
    address = await transport.listen("127.0.0.1", 0, encryption)
    try:
        yield address
    finally:
        await transport.stop(0)


def channel(address: str, trusted: Issued) -> grpc.aio.Channel:
    """Open a channel of its own that trusts one certificate."""
    return grpc.aio.secure_channel(
        address,
        grpc.ssl_channel_credentials(root_certificates=trusted.pem),
        options=(("grpc.ssl_target_name_override", NAME), ("grpc.use_local_subchannel_pool", 1)),
    )


async def call(over: grpc.aio.Channel) -> None:
    """Call something. Raises AioRpcError."""
    await stubs.ChatServiceStub(over).ListRooms(pb.ListRoomsRequest(), timeout=PATIENCE)


async def reaches(address: str, trusted: Issued) -> bool:
    """Tell whether who trusts this certificate alone can call."""
    async with channel(address, trusted) as over:
        try:
            await call(over)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False
    return True


@story
async def test_calls_are_encrypted() -> None:
    """Who trusts the certificate can call; who trusts another, or speaks plain text, cannot."""
    one, other = issue(NAME), issue(NAME)
    async with listening(shown(one)) as address:
        assert await reaches(address, one)
        assert not await reaches(address, other)
        async with grpc.aio.insecure_channel(address) as over:
            with pytest.raises(grpc.aio.AioRpcError):
                await call(over)


@story
async def test_change_is_for_new_connections() -> None:
    """From a change on new connections are shown the new one, and open ones go on."""
    old, new, newest = issue(NAME), issue(NAME), issue(NAME)
    encryption = shown(old)
    async with listening(encryption) as address, channel(address, old) as opened:
        await call(opened)
        encryption.change(new.pem, new.key)
        assert await reaches(address, new)
        assert not await reaches(address, old)
        await call(opened)
        # Of two changes the last one counts, also if nobody came in between.
        encryption.change(old.pem, old.key)
        encryption.change(newest.pem, newest.key)
        for _ in range(2):
            assert await reaches(address, newest)
        assert not await reaches(address, old)
        await call(opened)


@story
async def test_what_does_not_fit_is_left_aside() -> None:
    """A key of another certificate ends nothing: the one before is shown on."""
    old, new = issue(NAME), issue(NAME)
    encryption = shown(old)
    async with listening(encryption) as address:
        encryption.change(new.pem, old.key)
        assert await reaches(address, old)
        assert await reaches(address, old)
        encryption.change(new.pem, new.key)
        assert await reaches(address, new)


@story
async def test_silent_connection_does_not_stay() -> None:
    """Who connects and begins no handshake is let go of after its time."""
    limits = TransportLimits(handshake_ms=100)
    transport = Transport([silent()], Gate(), limits)
    address = await transport.listen("127.0.0.1", 0, shown(issue(NAME)))
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with closing(writer):
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    await transport.stop(0)


async def speaks(address: str, version: ssl.TLSVersion) -> bool:
    """Tell whether a handshake in one version alone succeeds."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_alpn_protocols(["h2"])
    # OpenSSL itself would not ask for less than 1.2 with its usual ciphers.
    client.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = client.maximum_version = version
    host, port = address.split(":")
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, int(port), ssl=client)
    except (ssl.SSLError, ConnectionError):
        return False
    with closing(writer):
        return True


VERSIONS = (
    ssl.TLSVersion.TLSv1,
    ssl.TLSVersion.TLSv1_1,
    ssl.TLSVersion.TLSv1_2,
    ssl.TLSVersion.TLSv1_3,
)


@story
async def test_versions() -> None:
    """TLS 1.2 and 1.3 are spoken, 1.1 and 1.0 are not."""
    async with listening(shown(issue(NAME))) as address:
        spoken = [version for version in VERSIONS if await speaks(address, version)]
    assert spoken == [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@story
async def test_old_version_is_refused_by_the_server(tmp_path: Path) -> None:
    """The client of these tests does speak TLS 1.1, to whoever takes it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*issue(NAME).write(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.minimum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=server) as lenient:
        port = lenient.sockets[0].getsockname()[1]
        assert await speaks(f"127.0.0.1:{port}", ssl.TLSVersion.TLSv1_1)
