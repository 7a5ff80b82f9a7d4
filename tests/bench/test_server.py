"""The server under load: it starts, is watched, and is gone afterwards."""

from pathlib import Path

import psutil
import pytest

from bench.server import ChatServer, ServerError


def test_server_is_started_watched_and_stopped(tmp_path: Path) -> None:
    """Inside the block the server has an address, CPU time and memory; after it, nothing."""
    with ChatServer(tmp_path / "data") as server:
        host, _, port = server.address.rpartition(":")
        assert host == "127.0.0.1"
        assert int(port) > 0
        assert server.start_s > 0
        assert server.cpu_seconds() > 0
        assert server.resident_bytes() > 1 << 20
        processes = psutil.Process().children(recursive=True)
        assert processes
    assert not any(process.is_running() for process in processes)
    assert server.complaints() == ""


def test_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A start that fails raises an error with the server's own words."""
    (tmp_path / "data" / "ephemeral-1").parent.mkdir()
    (tmp_path / "data" / "ephemeral-1").write_text("in the way")
    with pytest.raises(ServerError, match="ephemeral-1"), ChatServer(tmp_path / "data"):
        pass


def test_server_is_stopped_when_an_error_passes_through(tmp_path: Path) -> None:
    """Whatever happens in the block, the processes are gone after it."""
    processes = []

    def interrupted() -> None:
        with ChatServer(tmp_path / "data"):
            processes.extend(psutil.Process().children(recursive=True))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert processes
    assert not any(process.is_running() for process in processes)
