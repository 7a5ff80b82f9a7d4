"""`chat_cli.handshake`: what a server shows of itself."""

import socket
import ssl

import pytest

from chat_cli import handshake
from chat_cli.endpoint import Endpoint
from chat_cli.handshake import (
    NoAnswerError,
    NoHttp2Error,
    NoTlsError,
    NotTrustedError,
    anything,
    only,
    shown,
    speaks_old_tls,
    speaks_plain_text,
    speaks_tls,
)
from tests.authority import issue
from tests.cli.desk import run
from tests.cli.fake_service import FakeService
from tests.cli.listeners import Listener, answering


def test_a_certificate_is_seen() -> None:
    """Its bytes and fingerprint whoever vouches for it, its names once it is taken."""

    async def story() -> None:
        issued = issue("chat.example", "192.0.2.1")
        async with Listener(issued).listening() as listener:
            endpoint = Endpoint.of(listener.target)
            seen = await shown(endpoint, anything())
            assert (seen.der, seen.fingerprint, seen.names) == (issued.der, issued.sha256, ())
            taken = await shown(endpoint, only(issued.der))
            assert taken.der == issued.der
            assert taken.names == ("chat.example", "192.0.2.1")

    run(story())


def test_one_alone_is_taken() -> None:
    """Another is not, nor the one when its time is over; who vouches for it does not matter."""

    async def story() -> None:
        authority = issue(ca=True)
        issued, other = issue("a.example", by=authority), issue("a.example", by=authority)
        old = issue("a.example", since_days=-9, days=-1)
        listener = Listener(issued, authority)
        async with listener.listening():
            endpoint = Endpoint.of(listener.target)
            assert (await shown(endpoint, only(issued.der))).names == ("a.example",)
            listener.show(other, authority)
            with pytest.raises(NotTrustedError):
                await shown(endpoint, only(issued.der))
            listener.show(old)
            with pytest.raises(NotTrustedError, match="expired") as caught:
                await shown(endpoint, only(old.der))
            assert caught.value.code == 10

    run(story())


def test_a_certificate_without_other_names_is_called_by_its_subject() -> None:
    """As gRPC does."""

    async def story() -> None:
        issued = issue()
        async with Listener(issued).listening() as listener:
            taken = await shown(Endpoint.of(listener.target), only(issued.der))
        assert len(taken.names) == 1
        assert taken.names[0].startswith("test ")

    run(story())


def test_a_chat_server_shows_which_of_both_it_speaks() -> None:
    """TLS and plain text are told apart, on a real gRPC server."""

    async def story() -> None:
        async with FakeService() as plain, FakeService(issued=issue("a.example")) as encrypted:
            assert await speaks_plain_text(Endpoint.of(plain.target))
            assert not await speaks_plain_text(Endpoint.of(encrypted.target))
            await shown(Endpoint.of(encrypted.target), anything())
            with pytest.raises(NoTlsError):
                await shown(Endpoint.of(plain.target), anything())

    run(story())


def test_old_tls_is_told_from_none() -> None:
    """A server of TLS 1.1 is not spoken to, and is seen to be one."""

    async def story() -> None:
        async with Listener(issue("a"), is_old=True).listening() as old:
            with pytest.raises(NoTlsError):
                await shown(Endpoint.of(old.target), anything())
            assert not await speaks_tls(Endpoint.of(old.target))
            assert await speaks_old_tls(Endpoint.of(old.target))
        assert not await speaks_old_tls(Endpoint.of(old.target))
        async with FakeService() as plain:
            assert not await speaks_old_tls(Endpoint.of(plain.target))

    run(story())


def test_another_protocol_in_tls() -> None:
    """A web server is no chat server, and speaks TLS."""

    async def story() -> None:
        async with Listener(issue("a"), protocol="http/1.1").listening() as web:
            with pytest.raises(NoHttp2Error):
                await shown(Endpoint.of(web.target), anything())
            assert await speaks_tls(Endpoint.of(web.target))

    run(story())


def test_nobody_is_there() -> None:
    """A port that nobody listens on, and a name that nobody has."""

    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        for target in (f"127.0.0.1:{port}", "nobody.invalid:1"):
            with pytest.raises(NoAnswerError):
                await shown(Endpoint.of(target), anything())
            assert not await speaks_plain_text(Endpoint.of(target))

    run(story())


@pytest.mark.parametrize("host", ["a..example", ".example", f"{'a' * 64}.example"])
def test_nobody_is_at_what_is_no_name_of_a_host(host: str) -> None:
    """No name server is asked for it."""

    async def story() -> None:
        with pytest.raises(NoAnswerError):
            await shown(Endpoint(host, 50051), anything())

    run(story())


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 400 Bad\r\n\r\n"])
def test_something_else_is_neither(answer: bytes) -> None:
    """What hangs up or speaks another protocol speaks no TLS, and is no plain chat server."""

    async def story() -> None:
        async with answering(answer) as target:
            with pytest.raises(NoTlsError):
                await shown(Endpoint.of(target), anything())
            assert not await speaks_plain_text(Endpoint.of(target))

    run(story())


def test_who_says_nothing_hangs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is frozen is given up after a time."""

    async def story() -> None:
        async with answering(None) as target:
            with pytest.raises(NoTlsError):
                await shown(Endpoint.of(target), anything(), 0.05)
            monkeypatch.setattr(handshake, "PATIENCE", 0.05)
            assert not await speaks_plain_text(Endpoint.of(target))

    run(story())


def test_a_name_is_checked_where_the_context_does() -> None:
    """A certificate of another name is not taken from whoever has to have this one."""

    async def story() -> None:
        issued = issue("chat.example")
        context = ssl.create_default_context(cadata=issued.pem.decode())
        async with Listener(issued).listening() as listener:
            with pytest.raises(NotTrustedError, match="mismatch"):
                await shown(Endpoint.of(listener.target), context)

    run(story())
