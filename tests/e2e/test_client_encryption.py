"""The client before servers that encrypt, as whole programs: question, refusals, known hosts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.authority import Issued, issue
from tests.e2e.client_terminal import Terminal, environment, run_client
from tests.e2e.launched import Launched
from tests.held_ports import held_ports

HOST = "127.0.0.1"


class EncryptedServer:
    """A running `chat-server` with a certificate that can be replaced."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.target = f"{HOST}:{port}"

    def write(self, issued: Issued) -> tuple[Path, Path]:
        """Put a pair where the server reads it."""
        return issued.write(self.directory)

    @contextmanager
    def running(self, issued: Issued | None) -> Iterator[Launched]:
        """Serve on the port, in plain text without a certificate, until the end of the block."""
        flags: list[str | Path] = ["--port", str(self.port), "--data-dir", self.directory / "data"]
        if issued:
            cert, key = self.write(issued)
            flags += ["--tls-cert", cert, "--tls-key", key]
        with Launched(*flags) as server:
            server.addresses(1)
            yield server
            server.terminate()
            assert server.wait() == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EncryptedServer]:
    """Give a server that can be started, on one port."""
    with held_ports() as port:
        yield EncryptedServer(tmp_path, port)


def test_question_on_a_terminal(tmp_path: Path, server: EncryptedServer) -> None:
    """A no ends; a yes is asked once, and then counts for windows and scripts."""
    issued = issue("any.example")
    state = tmp_path / "state"
    here = ("--target", server.target, "--tls", "--name")
    with server.running(issued):
        refused = run_client(state, "send", *here, "bot", "hi")
        assert (refused.returncode, refused.stdout) == (1, "")
        (line,) = refused.stderr.splitlines()
        for word in (server.target, issued.sha256, "on a terminal", "--ca"):
            assert word in line
        with Terminal(state, *here, "anna", columns=120) as window:
            window.shows("SHA-256", issued.sha256, "[y/n]")
            window.enters("n")
            assert window.ends() == 1
        with Terminal(state, *here, "anna", columns=120) as window:
            window.shows("[y/n]")
            # Ctrl-D
            window.types("\x04")
            assert window.ends() == 1
        assert not (state / "known_hosts").exists()
        refused = run_client(state, "register", *here, "carol")
        assert (refused.returncode, issued.sha256 in refused.stderr) == (1, True)
        elsewhere = tmp_path / "elsewhere"
        with Terminal(elsewhere, "register", *here, "carol", columns=120) as window:
            window.shows(issued.sha256, "[y/n]")
            window.enters("y")
            window.shows("Choose a password:")
        assert (elsewhere / "known_hosts").exists()
        with Terminal(state, *here, "anna", columns=120) as window:
            window.shows("[y/n]")
            window.enters("yes")
            window.sees("You are anna", "in #lobby: anna")
            sent = run_client(state, "send", *here, "bot", "encrypted words")
            assert (sent.returncode, sent.stderr) == (0, "")
            window.sees("bot: encrypted words")
        known = (state / "known_hosts").read_text()
        assert known == f"{server.target} sha256 {issued.sha256}\n"


def test_certificate_that_changes_under_the_client(tmp_path: Path, server: EncryptedServer) -> None:
    """The open window goes on after a reload, stops at its reconnect, and says why."""
    old, new = issue("any.example"), issue("any.example")
    state = tmp_path / "state"
    here = ("--target", server.target, "--tls", "--name")
    (state).mkdir()
    (state / "known_hosts").write_text(f"{server.target} sha256 {old.sha256}\n")
    with Terminal(state, *here, "anna", columns=200) as window:
        with server.running(old) as running:
            window.sees("You are anna")
            server.write(new)
            running.process.send_signal(signal.SIGHUP)
            running.stderr.wait_for(lambda line: f"sha256={new.sha256}" in line)
            window.enters("still on the old connection")
            window.sees("anna: still on the old connection")
            refused = run_client(state, "send", *here, "bot", "hi")
            assert refused.returncode == 1
            assert "has changed" in refused.stderr
            assert f"{state / 'known_hosts'}" in refused.stderr
        with server.running(new):
            window.sees("has changed")
            window.shows("stopped")
            assert window.count(new.sha256) == 1
            # Until the person says that the new one is right.
            (state / "known_hosts").write_text(f"{server.target} sha256 {new.sha256}\n")
            assert run_client(state, "send", *here, "bot", "hi").returncode == 0


def test_authorities(
    tmp_path: Path, server: EncryptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of authorities or the system's vouch for a name, and for no other."""
    authority, other = issue(ca=True), issue(ca=True)
    ca, wrong = tmp_path / "ca.pem", tmp_path / "wrong.pem"
    ca.write_bytes(authority.pem)
    wrong.write_bytes(other.pem)
    state = tmp_path / "state"

    def send(*flags: str, host: str = HOST) -> tuple[int, str]:
        target = f"{host}:{server.port}"
        done = run_client(state, "send", "--target", target, "--tls", *flags, "--name", "bot", "hi")
        return done.returncode, done.stderr

    with server.running(issue(HOST, by=authority)):
        assert send("--ca", str(ca)) == (0, "")
        code, line = send("--ca", str(wrong))
        assert (code, "not one that --ca" in line) == (1, True)
        code, line = send("--ca", str(ca), host="localhost")
        assert (code, "another server's" in line) == (1, True)
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        assert send() == (0, "")
    with server.running(issue(HOST, by=authority, days=-1, since_days=-9)):
        code, line = send()
        assert (code, "has expired" in line) == (1, True)
    assert not (state / "known_hosts").exists()


def test_the_wrong_one_of_both(tmp_path: Path, server: EncryptedServer) -> None:
    """A mismatch is one line with the option that helps, in scripts and in windows."""
    state = tmp_path / "state"
    here = ("--target", server.target, "--name", "anna")
    for issued, flags, words in (
        (issue("any.example"), (), "speaks TLS, and this connection is in plain text: --tls"),
        (None, ("--tls",), "speaks plain text, and this connection is encrypted: --plaintext"),
    ):
        with server.running(issued):
            refused = run_client(state, "tail", *here, *flags)
            assert refused.returncode == 1
            (line,) = refused.stderr.splitlines()
            assert words in line
            with Terminal(state, *here, *flags, columns=200) as window:
                window.sees(words)
                assert window.ends() == 1
                assert window.count(words) == 1
            piped = run_client(state, *here, *flags, lines="hello\n")
            assert (piped.returncode, piped.stdout) == (1, "")
            (line,) = piped.stderr.splitlines()
            assert words in line


def test_environment_has_a_place_for_known_hosts(tmp_path: Path) -> None:
    """What these tests trust is not the person's who runs them."""
    assert environment(tmp_path)["CHAT_STATE_DIR"] == str(tmp_path)
