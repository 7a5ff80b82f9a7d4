"""Any peer as a process: found, started, watched, and gone afterwards."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.load import Readers, Senders
from bench.peers import PEERS, SOCKET_CHAT, Peer
from bench.peers.peer import held_port
from bench.server import ServerError
from bench.wires import WIRES
from bench.workloads.fan_out import complete

# Those of others run where they are installed; the socket chat always does.
INSTALLED = [peer for peer in PEERS if peer.path() is not None]


@pytest.mark.parametrize("peer", INSTALLED, ids=lambda peer: peer.name)
def test_peer_carries_the_load(peer: Peer, tmp_path: Path) -> None:
    """A peer starts, delivers everything to everybody, and leaves no process."""
    with (
        peer.server(tmp_path / "data") as server,
        Readers(server, "busy", 3, streams=1) as readers,
        Senders(server, "busy", 2) as senders,
    ):
        sent = senders.send(seconds=5.0, count=200, window=16)
        assert sent.sent == 200
        complete(readers.wait_events(200, 10.0), sent)
        assert server.resident_bytes() > 1 << 20
        assert server.cpu_seconds() >= 0
        processes = psutil.Process().children(recursive=True)
        assert len(processes) >= 3
    assert not any(process.is_running() for process in processes)


def test_peer_that_ends_at_once_says_why(tmp_path: Path) -> None:
    """A program that does not stay raises an error with its own words."""
    broken = replace(SOCKET_CHAT, prepare=lambda _, port: ["-c", f"raise SystemExit('no {port}')"])
    with pytest.raises(ServerError, match=r"socket-chat did not start: no \d+"):
        broken.server(tmp_path).__enter__()


def test_peer_that_never_accepts_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that stays but does not listen is an error after a while, and ended."""
    monkeypatch.setattr("bench.peers.peer.START_S", 0.1)
    deaf = replace(SOCKET_CHAT, prepare=lambda _, __: ["-c", "import signal; signal.pause()"])
    before = psutil.Process().children()
    with pytest.raises(ServerError, match="did not start"):
        deaf.server(tmp_path).__enter__()
    assert psutil.Process().children() == before


def test_peer_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ignores SIGTERM is ended by force."""
    monkeypatch.setattr("bench.peers.peer.STOP_S", 0.05)
    program = (
        "import signal, socket\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "listener = socket.create_server(('127.0.0.1', {port}))\n"
        "signal.pause()"
    )
    stubborn = replace(SOCKET_CHAT, prepare=lambda _, port: ["-c", program.format(port=port)])
    with stubborn.server(tmp_path):
        (process,) = psutil.Process().children()
    assert not process.is_running()


def test_peer_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """A missing program is an error that says how to install it."""
    missing = replace(SOCKET_CHAT, name="lost", program="no-such-program", install="find it")
    assert missing.path() is None
    with pytest.raises(ServerError, match="lost is not installed: find it"):
        missing.server(tmp_path).__enter__()


def test_program_is_found_beyond_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where daemons are put is searched too, and the path of the caller before it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "daemon"
    program.touch(mode=0o700)
    assert replace(SOCKET_CHAT, program="daemon").path() == str(program)
    assert replace(SOCKET_CHAT, program="sh").path() is not None


def test_peers_are_told_apart_and_speak_a_known_wire() -> None:
    """Each peer has a name of its own, a wire, and says how it is installed."""
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert all(peer.wire in WIRES and peer.install and peer.at_once > 0 for peer in PEERS)
    assert SOCKET_CHAT.path() == sys.executable


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_peer_is_given_the_port_and_its_directory(peer: Peer, tmp_path: Path) -> None:
    """The port is in the arguments or in a file that they name, inside the directory."""
    with held_port() as held:
        port = held.getsockname()[1]
    arguments = peer.prepare(tmp_path, port)
    texts = [path.read_text() for path in tmp_path.iterdir()]
    assert any(str(port) in text for text in (*arguments, *texts))
    if texts:
        assert any(str(tmp_path) in argument for argument in arguments)


def test_inspircd_asks_for_root_only_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon refuses to run as root unless it is told to, and is told only then."""
    (inspircd,) = [peer for peer in PEERS if peer.name == "inspircd"]
    for user, told in ((0, True), (1000, False)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert ("--runasroot" in inspircd.prepare(tmp_path, 1)) is told
