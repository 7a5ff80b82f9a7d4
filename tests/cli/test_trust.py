"""`chat_cli.trust`: whether a server may be spoken to, and how."""

import asyncio
from pathlib import Path

import pytest

from chat_cli.handshake import NoAnswerError
from chat_cli.known_hosts import KnownHosts
from chat_cli.trust import Trust, TrustError, UnknownServerError
from tests.authority import Issued, issue
from tests.cli.desk import run
from tests.cli.fake_service import FakeService
from tests.cli.listeners import Listener, answering

HOST = "127.0.0.1"
AUTHORITY = issue(ca=True)


@pytest.fixture
def known(tmp_path: Path) -> KnownHosts:
    """Give a file of a person's own."""
    return KnownHosts(tmp_path / "known_hosts")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issued:
    """Let the system know one authority alone; give it."""
    path = tmp_path / "system.pem"
    path.write_bytes(AUTHORITY.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return AUTHORITY


async def refusal(trust: Trust) -> str:
    """Give the words with which a server is refused."""
    with pytest.raises(TrustError) as caught:
        await trust.credentials()
    return str(caught.value)


async def taken(trust: Trust) -> tuple[bytes, str]:
    """Give what a channel would go by."""
    found = await trust.credentials()
    assert found is not None
    return found.roots, found.name


@pytest.mark.parametrize(
    ("target", "wish", "encrypted"),
    [
        ("localhost:1", None, False),
        ("127.9.9.9:1", None, False),
        ("[::1]:1", None, False),
        ("localhost:1", True, True),
        ("chat.example:1", None, True),
        ("192.168.1.2:1", None, True),
        ("chat.example:1", False, False),
    ],
)
def test_what_is_encrypted(target: str, wish: bool | None, encrypted: bool) -> None:
    """All but loopback, unless the person says otherwise."""
    assert Trust(target, wish).encrypted is encrypted


def test_plain_text_needs_no_trust() -> None:
    """Nothing is asked of anybody."""
    assert run(Trust("127.0.0.1:1").credentials()) is None


@pytest.mark.usefixtures("system")
def test_unknown(known: KnownHosts) -> None:
    """Who vouches for itself is refused with its fingerprint and the remedies, and not kept."""

    async def story() -> None:
        issued = issue("any.example")
        async with Listener(issued).listening() as listener:
            for _ in range(2):
                with pytest.raises(UnknownServerError) as caught:
                    await Trust(listener.target, True, known=known).credentials()
                assert caught.value.fingerprint == issued.sha256
                for word in (issued.sha256, f"--tls --target {listener.target} asks", "--ca"):
                    assert word in str(caught.value)
        assert known.find(listener.target) is None

    run(story())


@pytest.mark.usefixtures("system")
def test_accepted(known: KnownHosts) -> None:
    """What the person took is known from then on, by its own certificate and one of its names."""

    async def story() -> None:
        issued = issue("*.any.example")
        async with Listener(issued).listening() as listener:
            trust = Trust(listener.target, True, known=known)
            trust.accept(issued.sha256)
            for one in (trust, Trust(listener.target, True, known=known)):
                assert await taken(one) == (issued.pem, "any.any.example")

    run(story())


@pytest.mark.usefixtures("system")
def test_changed(known: KnownHosts) -> None:
    """Another certificate is refused with both fingerprints and the line to delete."""

    async def story() -> None:
        old, new = issue("any.example"), issue("any.example")
        listener = Listener(new)
        async with listener.listening():
            known.add(listener.target, old.sha256)
            words = await refusal(Trust(listener.target, True, known=known))
            for word in ("has changed", old.sha256, new.sha256, f"{known.path}", listener.target):
                assert word in words
            # Also one that the system would take: the person bound the server to the other.
            listener.show(issue(HOST, by=AUTHORITY))
            assert "has changed" in await refusal(Trust(listener.target, True, known=known))
            known.path.write_text("")
            assert (await taken(Trust(listener.target, True, known=known)))[1] == HOST

    run(story())


def test_the_system_vouches(system: Issued, known: KnownHosts) -> None:
    """What the system's authorities vouch for needs no question, and is not kept."""

    async def story() -> None:
        issued = issue(HOST, by=system)
        async with Listener(issued).listening() as listener:
            assert await taken(Trust(listener.target, True, known=known)) == (issued.pem, HOST)
        assert not known.path.exists()

    run(story())


@pytest.mark.parametrize(
    ("days", "since_days", "name", "words"),
    [
        (-1, -9, HOST, "has expired"),
        (9, 1, HOST, "is not valid yet"),
        (9, -1, "evil.example", "is another server's"),
    ],
)
@pytest.mark.parametrize("by_file", [True, False])
def test_a_flaw_is_no_question(
    system: Issued,
    tmp_path: Path,
    known: KnownHosts,
    days: float,
    since_days: float,
    name: str,
    words: str,
    by_file: bool,
) -> None:
    """What an authority vouches for wrongly is refused, and nobody is asked to take it."""

    async def story() -> None:
        listener = Listener(issue(name, by=system, days=days, since_days=since_days))
        async with listener.listening():
            ca = tmp_path / "system.pem" if by_file else None
            trust = Trust(listener.target, True, ca, known)
            assert words in await refusal(trust)
            with pytest.raises(TrustError) as caught:
                await trust.credentials()
            assert not isinstance(caught.value, UnknownServerError)

    run(story())


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("name", [b"\xff.example", b"a\x00b", b"\x1b]0;x\x07", b""])
def test_a_name_that_is_none(known: KnownHosts, name: bytes) -> None:
    """A certificate for what no server is called is refused in words alone, and nobody is asked."""

    async def story() -> None:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        odd = issue(odd_name=name)
        async with Listener(odd).listening() as listener:
            words = await refusal(Trust(listener.target, True, known=known))
            assert "name" in words
            assert words.isprintable()
            known.add(listener.target, odd.sha256)
            assert await refusal(Trust(listener.target, True, known=known)) == words
        # A window would show them as mistakes of its own.
        assert told == []

    run(story())


@pytest.mark.usefixtures("system")
def test_expired_and_unknown(known: KnownHosts) -> None:
    """A certificate whose time is over is refused, at the first use and when it was known."""

    async def story() -> None:
        old = issue("any.example", days=-1, since_days=-9)
        async with Listener(old).listening() as listener:
            assert "has expired" in await refusal(Trust(listener.target, True, known=known))
            known.add(listener.target, old.sha256)
            assert "has expired" in await refusal(Trust(listener.target, True, known=known))

    run(story())


@pytest.mark.usefixtures("system")
def test_a_file_of_authorities(tmp_path: Path, known: KnownHosts) -> None:
    """It counts alone: neither the system nor what is known is asked."""

    async def story() -> None:
        own, other = issue(ca=True), issue(ca=True)
        issued = issue(HOST, by=own)
        ca = tmp_path / "ca.pem"
        ca.write_bytes(other.pem + own.pem)
        listener = Listener(issued)
        async with listener.listening():
            known.add(listener.target, other.sha256)
            trust = Trust(listener.target, True, ca, known)
            assert await taken(trust) == (other.pem + own.pem, HOST)
            listener.show(issue(HOST, by=AUTHORITY))
            words = await refusal(Trust(listener.target, True, ca, known))
            assert f"not one that --ca {ca} vouches for" in words
            # The server's own certificate is as good.
            issued = issue(HOST)
            listener.show(issued)
            ca.write_bytes(issued.pem)
            assert await taken(Trust(listener.target, True, ca, known)) == (issued.pem, HOST)

    run(story())


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "no such file"), (b"", "no certificate"), (b"\xff\x00", "no certificate")],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes | None, why: str) -> None:
    """It is named, before anybody is connected to."""
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    words = run(refusal(Trust("127.0.0.1:1", True, ca)))
    assert words.startswith(f"--ca {ca}: ")
    assert why in words


def test_known_hosts_that_make_no_sense(known: KnownHosts) -> None:
    """A broken line stops the connection: it was to bind the server to something."""
    known.path.write_text("127.0.0.1:1 sha256 what\n")
    assert "line 1, makes no sense" in run(refusal(Trust("127.0.0.1:1", True, known=known)))


def test_the_wrong_one_of_both_is_named(known: KnownHosts) -> None:
    """TLS to plain text and plain text to TLS each have a line with the option that helps."""

    async def story() -> None:
        async with FakeService() as plain, FakeService(issued=issue("a.example")) as encrypted:
            words = await refusal(Trust(plain.target, True, known=known))
            assert f"{plain.target} speaks plain text" in words
            assert "--plaintext" in words
            trust = Trust(encrypted.target)
            assert await trust.credentials() is None
            with pytest.raises(TrustError, match=f"{encrypted.target} speaks TLS.*--tls "):
                await trust.look_again()

    run(story())


def test_what_is_no_chat_server_is_named(known: KnownHosts) -> None:
    """A web server, and one whose TLS is not safe any more."""

    async def story() -> None:
        async with Listener(issue("a"), protocol="http/1.1").listening() as web:
            words = await refusal(Trust(web.target, True, known=known))
            assert words == f"{web.target}: what listens there is no chat server"
        async with Listener(issue("a"), is_old=True).listening() as old:
            assert "older than 1.2" in await refusal(Trust(old.target, True, known=known))

    run(story())


def test_nobody_there_is_no_refusal(known: KnownHosts) -> None:
    """Where nobody answers, or nothing that makes sense, it may be better the next time."""

    async def story() -> None:
        async with (
            answering(b"HTTP/1.1 400 Bad\r\n\r\n") as something,
            Listener(issue("a")).listening() as gone,
        ):
            pass
        for target in (gone.target, something):
            for encrypted in (True, False):
                await Trust(target, encrypted, known=known).look_again()
            with pytest.raises(NoAnswerError):
                await Trust(target, True, known=known).credentials()
        async with answering(b"HTTP/1.1 400 Bad\r\n\r\n") as something:
            await Trust(something, False).look_again()
            with pytest.raises(NoAnswerError):
                await Trust(something, True, known=known).credentials()

    run(story())


def test_what_was_found_is_asked_once(system: Issued, known: KnownHosts) -> None:
    """A second channel goes by the same, until a failure makes it look again."""

    async def story() -> None:
        listener = Listener(issue(HOST, by=system))
        async with listener.listening():
            trust = Trust(listener.target, True, known=known)
            first = await trust.credentials()
            before = listener.connections
            assert await trust.credentials() is first
            await asyncio.sleep(0)
            assert listener.connections == before
            renewed = issue(HOST, by=system)
            listener.show(renewed)
            await trust.look_again()
            assert await taken(trust) == (renewed.pem, HOST)
            # One that nobody vouches for is not taken in its place.
            listener.show(issue(HOST))
            with pytest.raises(UnknownServerError):
                await trust.look_again()
            assert await taken(trust) == (renewed.pem, HOST)

    run(story())
