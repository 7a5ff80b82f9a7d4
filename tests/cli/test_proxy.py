"""`chat_cli.proxy`: the HTTP proxy that leads to a server, for the look at it and for gRPC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from chat_cli.endpoint import Endpoint
from chat_cli.handshake import NoAnswerError
from chat_cli.known_hosts import KnownHosts
from chat_cli.proxy import proxy_for
from chat_cli.trust import Trust
from tests.authority import issue
from tests.cli.desk import Desk, run
from tests.cli.fake_service import FakeService
from tests.cli.listeners import answering

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"http_proxy": PROXY}, PROXY),
        ({"https_proxy": PROXY, "http_proxy": "http://other.example"}, PROXY),
        ({"grpc_proxy": PROXY, "https_proxy": "http://other.example"}, PROXY),
        ({"grpc_proxy": "", "http_proxy": PROXY}, PROXY),
        ({"HTTP_PROXY": PROXY}, None),
        ({"http_proxy": "https://proxy.example"}, None),
        ({"http_proxy": "proxy.example:3128"}, None),
        ({"http_proxy": "http://proxy.example:many"}, None),
        ({"http_proxy": PROXY, "no_proxy": "other.example"}, PROXY),
        ({"http_proxy": PROXY, "no_proxy": "other.example, .EXAMPLE"}, None),
        ({"http_proxy": PROXY, "no_proxy": "chat.example"}, None),
        ({"http_proxy": PROXY, "no_proxy": "chat.example", "no_grpc_proxy": "x"}, PROXY),
        ({"http_proxy": PROXY, "no_proxy": ",,10.0.0.0/8"}, PROXY),
    ],
)
def test_environment(environment: dict[str, str], found: str | None) -> None:
    """The first variable counts, without the hosts that are excepted."""
    proxy = proxy_for(Endpoint.of("Chat.Example:50051"), environment)
    assert (proxy and proxy.url) == found


@pytest.mark.parametrize(
    ("target", "excepted", "direct"),
    [
        ("localhost:1", "", True),
        ("127.0.0.2:1", "", True),
        ("[::1]:1", "", True),
        ("10.1.2.3:1", "", False),
        ("10.1.2.3:1", "192.168.0.0/16,10.0.0.0/8", True),
        ("[2001:db8::1]:1", "2001:db8::/32", True),
        ("[2001:db8::1]:1", "10.0.0.0/8", False),
    ],
)
def test_addresses(target: str, excepted: str, direct: bool) -> None:
    """Loopback is never asked of a proxy, nor is a network that is excepted."""
    environment = {"http_proxy": PROXY, "no_proxy": excepted}
    assert (proxy_for(Endpoint.of(target), environment) is None) == direct


def test_what_is_said_to_it() -> None:
    """The way to the server is asked for, with the name and password of the URL, which are hidden.

    Port 80 is that of a URL without one.
    """
    environment = {"http_proxy": "http://anna:s%20cret@proxy.example"}
    proxy = proxy_for(Endpoint.of("[2001:DB8::1]:50051"), environment)
    assert proxy
    assert proxy.endpoint == Endpoint("proxy.example", 80)
    assert proxy.request(Endpoint.of("chat.example:1")) == (
        b"CONNECT chat.example:1 HTTP/1.1\r\nHost: chat.example:1\r\n"
        b"Proxy-Authorization: Basic YW5uYTpzIGNyZXQ=\r\n\r\n"
    )
    assert "cret" not in repr(proxy)


class WebProxy:
    """A proxy that leads everywhere by CONNECT. `asked` has the targets that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._pipes: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen; give the URL."""
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for pipe in self._pipes:
                pipe.cancel()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        verb, target, _ = head.split(" ", 2)
        assert verb == "CONNECT"
        self.asked.append(target)
        there, onward = await asyncio.open_connection(*target.split(":"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._pipes |= {
            asyncio.create_task(_pipe(reader, onward)),
            asyncio.create_task(_pipe(there, writer)),
        }


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def test_both_connections_go_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is looked at, and chatted, on the way that the environment says."""
    for name in ("grpc_proxy", "https_proxy", "no_grpc_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def story() -> None:
        issued = issue("any.example")
        proxy = WebProxy()
        async with FakeService(issued=issued) as service, proxy.listening() as url:
            monkeypatch.setenv("http_proxy", url)
            # No address of loopback, and still this machine.
            target = f"0.0.0.0:{service.port}"
            known = KnownHosts(tmp_path / "known_hosts")
            known.add(target, issued.sha256)
            trust = Trust(target, known=known)
            async with Desk(target, "anna", tmp_path, trust=trust) as desk:
                # Two looks: what is shown, and whether that can be used.
                await desk.settled()
                assert proxy.asked == [target] * 3

    run(story())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Who are you?\r\n\r\n", b"", b"x" * 20_000])
def test_a_proxy_that_does_not_lead_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """It is a server that nobody can reach, and no mismatch of TLS and plain text."""

    async def story() -> None:
        async with answering(answer) as place:
            monkeypatch.setenv("grpc_proxy", f"http://{place}")
            known = KnownHosts(tmp_path / "known_hosts")
            with pytest.raises(NoAnswerError):
                await Trust("chat.example:1", known=known).credentials()

    run(story())
