"""A server's certificate while the server runs."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chat_service.config import StartError, TlsFiles
from chat_service.renewal import Renewal
from tests.authority import NOW, Issued, issue
from tests.edge.clients import PATIENCE, Server, story


def now_ms() -> int:
    """Return the time of the tests' certificates."""
    return int(NOW.timestamp() * 1000)


async def call(address: str, trusted: Issued) -> None:
    """Call over a connection of its own that trusts one certificate. Raises AioRpcError."""
    async with grpc.aio.secure_channel(
        address,
        grpc.ssl_channel_credentials(root_certificates=trusted.pem),
        options=(
            ("grpc.ssl_target_name_override", "chat.example"),
            ("grpc.use_local_subchannel_pool", 1),
        ),
    ) as channel:
        # Any: the package has no types for its asyncio stubs.
        health: Any = health_pb2_grpc.HealthStub(channel)
        await health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the log that warn."""
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@story
async def test_server_goes_by_the_files(tmp_path: Path) -> None:
    """A reload shows what the files hold then, and what cannot be used changes nothing."""
    first, second = issue("chat.example"), issue("chat.example")
    files = TlsFiles(*first.write(tmp_path))
    async with Server(tmp_path / "data", tls=files) as server:
        await call(server.address, first)
        files.cert.write_bytes(second.pem)
        await server.changes_to()
        await call(server.address, first)
        files.key.write_bytes(second.key)
        await server.changes_to()
        await call(server.address, second)
        with pytest.raises(grpc.aio.AioRpcError):
            await call(server.address, first)


@story
async def test_server_cannot_start_without_its_files(tmp_path: Path) -> None:
    """A pair that cannot be used stops the start in one line, and no data is made."""
    with pytest.raises(StartError, match=r"tls\.cert /nowhere/c: no such file"):
        async with Server(tmp_path / "data", tls=TlsFiles(Path("/nowhere/c"), tmp_path)):
            pass
    assert not (tmp_path / "data").exists()


def test_each_change_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is shown is in the log by its fingerprint; reading the same again says nothing."""
    caplog.set_level(logging.INFO)
    first, second = issue("chat.example"), issue("chat.example")
    renewal = Renewal(TlsFiles(*first.write(tmp_path)), now_ms)
    renewal.read_again()
    second.write(tmp_path)
    renewal.read_again()
    renewal.read_again()
    told = [vars(record)["fields"]["sha256"] for record in caplog.records]
    assert told == [first.sha256, second.sha256]


def test_what_cannot_be_used_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A reload that finds half of a pair names the file."""
    files = TlsFiles(*issue("chat.example").write(tmp_path))
    renewal = Renewal(files, now_ms)
    issue("chat.example").write(tmp_path, "other")
    (tmp_path / "other.key").rename(files.key)
    renewal.read_again()
    (line,) = warnings(caplog)
    assert line.startswith(f"the certificate stays as it was: tls.cert {files.cert}: ")
    assert str(files.key) in line


def test_near_end_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An end that is near is a warning at the start, at each look, and for what is read later."""
    near, far = issue("chat.example", days=5.5), issue("chat.example", days=50)
    renewal = Renewal(TlsFiles(*near.write(tmp_path)), now_ms)
    renewal.warn()
    warned = warnings(caplog)
    assert len(warned) == 2
    assert all("expires" in line and "in 5 days" in line for line in warned)
    far.write(tmp_path)
    renewal.read_again()
    renewal.warn()
    assert len(warnings(caplog)) == 2


@story
async def test_running_server_looks_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has run for long tells that its certificate ends soon."""
    monkeypatch.setattr("chat_service.server.SWEEP_S", 0.001)
    monkeypatch.setattr("chat_service.server.LOOK_S", 0.001)
    files = TlsFiles(*issue("chat.example", days=5).write(tmp_path))

    async with Server(tmp_path / "data", tls=files):
        async with asyncio.timeout(PATIENCE):
            while True:
                told = [record for record in caplog.records if "expires" in record.getMessage()]
                if len(told) > 2:
                    break
                await asyncio.sleep(0.002)
