"""Monitoring of a real `chat-server`: what Prometheus reads, readiness, lines of the log."""

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.admin.test_metrics import Page
from tests.e2e.launched import PATIENCE, Launched
from tests.held_ports import held_ports


class Monitored(Launched):
    """Two instances that are looked at every second, with their metrics on some port."""

    def __init__(self, data_dir: Path, port: int) -> None:
        super().__init__(
            *("--instances", "2", "--port", str(port), "--data-dir", data_dir),
            *("--metrics-port", "0", "--stats-interval", "1", "--log-format", "json"),
        )
        # Of the instances, in the order of their directories.
        self.servers = [address for _, address in sorted(self.addresses(2).items())]
        line = json.loads(self.stderr.wait_for(lambda line: "metrics on http://" in line))
        self.url = line["message"].removeprefix("metrics on ").removesuffix("/metrics")

    def get(self, path: str) -> tuple[int, bytes]:
        """Return the status and the body of a path."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def not_ready(self) -> str:
        """Return the first instance that makes it not ready; empty if it is."""
        status, body = self.get("/readyz")
        return body.decode().partition(" ")[0] if status == 503 else ""

    def metrics(self) -> Page:
        """Return what Prometheus would read."""
        status, text = self.get("/metrics")
        assert status == 200
        return Page(text)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    def shows(self, holds: Callable[[Page], bool]) -> Page:
        """Wait until what Prometheus would read fulfils a condition; return that.

        An instance that is slow to answer once is not up for that once.
        """
        pages: list[Page] = []

        def look() -> bool:
            pages.append(self.metrics())
            return holds(pages[-1])

        self.until(look)
        return pages[-1]

    def ups(self, page: Page) -> list[float | None]:
        """Return whether each instance answered."""
        return [page.value("chat_instance_up", address) for address in self.servers]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Monitored]:
    """Give a server in a directory whose sockets have a short name only from inside."""
    directory = tmp_path / ("long-" * 15) / "data"
    with held_ports(2) as port, Monitored(directory, port) as server:
        yield server


def test_killed_and_frozen_instances_are_seen(server: Monitored) -> None:
    """Restarts are counted; one that hangs makes it not ready, by name, until it goes on."""
    one, two = server.servers
    first, second = (server.instances()[path] for path in sorted(server.instances()))
    server.until(lambda: server.get("/readyz") == (200, b"ok\n"))
    assert server.get("/healthz") == (200, b"ok\n")
    assert server.get("/nothing")[0] == 404
    page = server.shows(
        lambda page: (
            server.ups(page) == [1, 1]
            and (page.value("chat_instance_memory_bytes", two) or 0) > 1 << 20
        )
    )
    assert page.value("chat_rooms", one, kind="public") == 1
    assert page.value("chat_instance_restarts_total", one) == 0

    first.kill()
    server.shows(lambda page: page.value("chat_instance_restarts_total", one) == 1)
    server.shows(lambda page: server.ups(page) == [1, 1])

    second.send_signal(signal.SIGSTOP)
    server.until(lambda: server.not_ready() == two)
    server.shows(lambda page: server.ups(page) == [1, 0])
    second.send_signal(signal.SIGCONT)
    server.until(lambda: server.get("/readyz")[0] == 200)


def test_figures_are_in_the_log(server: Monitored) -> None:
    """Each instance has an object a look, with its figures as numbers."""
    missing = set(server.servers)
    while missing:
        text = server.stderr.wait_for(lambda line: '"users"' in line)
        line = json.loads(text)
        address = line["server"]
        missing.discard(address)
        assert (line["source"], line["message"]) == ("admin", "figures")
        assert (line["server"], line["state"], line["restarts"]) == (address, "serving", 0)
        assert (line["users"], line["rooms"], line["connections"]) == (0, 1, 0)
        assert line["memory_mib"] > 1
    server.terminate()
    assert server.wait() == 0
