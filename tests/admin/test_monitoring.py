"""What /metrics, /healthz and /readyz answer, and where."""

import logging
import socket

import pytest

from chat_service.admin.monitoring import Monitoring
from chat_service.link import InstanceState
from tests.admin.scene import a_fleet, config_of, run
from tests.admin.test_metrics import ONE, Page
from tests.admin.test_web import ask


async def get(address: str, path: str) -> tuple[str, bytes]:
    """Return the status and the body of a path."""
    host, _, port = address.rpartition(":")
    status, _, body = await ask((host, int(port)), f"GET {path} HTTP/1.1\r\n\r\n".encode())
    return status.partition(" ")[2], body


def test_paths_are_answered() -> None:
    """Metrics can be parsed; the process is healthy; readiness names who does not serve."""

    async def story() -> None:
        async with a_fleet(metrics_port=0) as scene:
            monitoring = Monitoring(scene.fleet)
            await monitoring.open(scene.fleet.config)
            await scene.serving(50051)
            status, text = await get(monitoring.address, "/metrics")
            assert status == "200 OK"
            assert Page(text).value("chat_instance_up", ONE) == 1
            assert await get(monitoring.address, "/healthz") == ("200 OK", b"ok\n")
            assert await get(monitoring.address, "/readyz") == ("200 OK", b"ok\n")
            scene.launcher.now(1, state=InstanceState.WAITING, problem="was killed", pid=0)
            await scene.knows()
            status, body = await get(monitoring.address, "/readyz")
            assert status == "503 Service Unavailable"
            assert body == b"127.0.0.1:50051 waiting: was killed\n"
            assert (await get(monitoring.address, "/healthz"))[0] == "200 OK"
            assert (await get(monitoring.address, "/"))[0] == "404 Not Found"
            await monitoring.close()

    run(story())


def test_configuration_says_where() -> None:
    """A new port takes the place of the old one, no port is nowhere, the same one is kept."""

    async def story() -> None:
        async with a_fleet() as scene:
            monitoring = Monitoring(scene.fleet)
            await monitoring.open(scene.fleet.config)
            assert monitoring.address == ""
            config = config_of(scene.directory, metrics_port=0)
            await monitoring.open(config)
            first = monitoring.address
            await monitoring.open(config)
            assert monitoring.address == first
            await monitoring.open(config_of(scene.directory))
            assert monitoring.address == ""
            with pytest.raises(OSError, match=r"\d"):
                await get(first, "/healthz")

    run(story())


def test_port_that_is_taken_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is one line in the log, and the process goes on without."""

    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            async with a_fleet(metrics_port=port) as scene:
                monitoring = Monitoring(scene.fleet)
                await monitoring.open(scene.fleet.config)
                assert monitoring.address == ""
                await monitoring.close()
            (line,) = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
            assert f"127.0.0.1 port {port}" in line

    run(story())
