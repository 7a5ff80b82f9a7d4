"""The session of a server that encrypts, and of one that shows something else than before."""

from pathlib import Path

import pytest

import chat_cli
from chat_cli.known_hosts import KnownHosts
from chat_cli.state import Link
from chat_cli.trust import Trust
from tests.authority import Issued, issue
from tests.cli.desk import Desk, run
from tests.cli.fake_service import FakeService

HOST = "127.0.0.1"


def trust_in(service: FakeService, directory: Path, ca: Path | None = None) -> Trust:
    """Trust what a service shows now, as a person who took it before."""
    known = KnownHosts(directory / "known_hosts")
    if service.issued and ca is None:
        known.add(service.target, service.issued.sha256)
    return Trust(service.target, service.issued is not None, ca, known)


async def comes_back(service: FakeService, issued: Issued | None) -> None:
    """Restart a service that shows something else from then on."""
    await service.stop()
    service.issued = issued
    await service.start()


def test_everything_goes_encrypted(tmp_path: Path) -> None:
    """Sign-in, stream and sign-out, with a certificate that the person took."""

    async def story() -> None:
        async with FakeService(issued=issue("any.example")) as service:
            trust = trust_in(service, tmp_path)
            async with Desk(service.target, "anna", tmp_path, trust=trust) as desk:
                await desk.settled()
                desk.types("hello")
                await desk.sees("anna: hello")
            assert service.signed_out

    run(story())


def test_unknown_server_gets_nothing(tmp_path: Path) -> None:
    """Before the person agreed, nothing is sent, not even a name."""

    async def story() -> None:
        async with FakeService(issued=issue("any.example")) as service:
            trust = Trust(service.target, True, known=KnownHosts(tmp_path / "known_hosts"))
            async with Desk(service.target, "anna", tmp_path, trust=trust) as desk:
                await desk.until(lambda: desk.state.link is Link.STOPPED)
                assert "not known here" in desk.state.unusable
                assert not service.joins

    run(story())


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (issue("a.example"), issue("a.example"), "has changed"),
        (issue("a.example"), None, "--plaintext does without"),
        (None, issue("a.example"), "--tls encrypts it"),
    ],
)
def test_what_comes_back_is_another(
    tmp_path: Path, before: Issued | None, after: Issued | None, words: str
) -> None:
    """It is told why, there is no further attempt, and the token goes to nobody."""

    async def story() -> None:
        async with FakeService(issued=before) as service:
            trust = trust_in(service, tmp_path)
            async with Desk(service.target, "anna", tmp_path, trust=trust) as desk:
                await desk.settled()
                await comes_back(service, after)
                await desk.until(lambda: desk.state.link is Link.STOPPED)
                assert desk.seen(words) == 1
                assert not service.signed_out
            # Nor at the end. The next start finds it, should the server be the old one again.
            assert not service.signed_out
            assert len(service.joins) == len(service.hellos) == 1
            await comes_back(service, before)
            async with Desk(service.target, "anna", tmp_path, trust=trust) as desk:
                await desk.settled()
                assert service.joins[-1][1]

    run(story())


def test_renewed_certificate_of_an_authority(tmp_path: Path) -> None:
    """What the same authority vouches for is no news: the client comes back by itself."""

    async def story() -> None:
        authority = issue(ca=True)
        ca = tmp_path / "ca.pem"
        ca.write_bytes(authority.pem)
        async with FakeService(issued=issue(HOST, by=authority)) as service:
            trust = trust_in(service, tmp_path, ca)
            async with Desk(service.target, "anna", tmp_path, trust=trust) as desk:
                await desk.settled()
                await comes_back(service, issue(HOST, by=authority))
                await desk.until(lambda: len(service.hellos) == 2, "a second stream")
                await desk.settled()

    run(story())


def test_renewed_certificate_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for an authority of the system: the new certificate is looked at in its turn."""

    async def story() -> None:
        authority = issue(ca=True)
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with FakeService(issued=issue(HOST, by=authority)) as service:
            trust = Trust(service.target, True, known=KnownHosts(tmp_path / "known_hosts"))
            async with Desk(service.target, "anna", tmp_path, trust=trust) as desk:
                await desk.settled()
                await comes_back(service, issue(HOST, by=authority))
                await desk.until(lambda: len(service.hellos) == 2, "a second stream")
                await comes_back(service, issue(HOST))
                await desk.until(lambda: desk.state.link is Link.STOPPED)
                assert desk.seen("not known here") == 1

    run(story())


def test_nobody_else_opens_connections() -> None:
    """One place makes channels of the chat, and it goes by what the session was told to trust."""
    package = Path(chat_cli.__file__).parent
    sources = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}

    def users(word: str) -> set[str]:
        return {str(path.relative_to(package)) for path in sources if word in sources[path]}

    # That of chat-admin is a Unix socket.
    assert users("insecure_channel(") == {"session/api.py", "admin/api.py"}
    assert users("ChatApi(") == {"session/session.py", "scripts/account.py", "scripts/post.py"}
    assert "ChatApi(self._target)" not in sources[package / "session/session.py"]


def test_plain_text_to_elsewhere_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name and a token go unencrypted to no other address unless the person wrote so."""
    # Whatever leads elsewhere where the tests run.
    monkeypatch.setenv("no_grpc_proxy", "0.0.0.0")

    async def story() -> None:
        async with FakeService() as service:
            # No address of loopback, and still this machine.
            target = f"0.0.0.0:{service.port}"
            async with Desk(target, "anna", tmp_path) as desk:
                await desk.until(lambda: desk.state.link is Link.STOPPED)
                assert "speaks plain text" in desk.state.unusable
            assert not service.joins
            async with Desk(target, "anna", tmp_path, trust=Trust(target, False)) as desk:
                await desk.settled()

    run(story())
