"""The log of a whole run as JSON: launcher, instances and the operator's side."""

import json
from pathlib import Path

from tests.e2e.launched import Launched
from tests.e2e.test_admin import Admin
from tests.held_ports import held_ports


def test_every_line_is_an_object(tmp_path: Path) -> None:
    """Whatever happens, also a crash: each line has time, level, source and message."""
    told = ("--log-format", "json", "--log-level", "debug", "--stats-interval", "1")
    admin = Admin(tmp_path)
    with (
        held_ports(2) as port,
        Launched(
            *("--data-dir", tmp_path, "--port", str(port), "--instances", "2", "--no-console"),
            *told,
        ) as server,
    ):
        addresses = server.addresses(2)
        assert len(admin.does("users")) == 1
        crashed, _ = server.instances().values()
        crashed.kill()
        server.stderr.wait_for(lambda line: "listens again" in json.loads(line)["message"])
        server.stderr.wait_for(lambda line: json.loads(line)["message"] == "figures")
        assert admin.does("shutdown") == ["the server stops"]
        assert server.wait() == 0
        lines = list(map(json.loads, server.stderr.rest()))
    assert {"launcher", "admin", *addresses.values()} == {line["source"] for line in lines}
    for line in lines:
        assert list(line)[:4] == ["time", "level", "source", "message"]
    drained = [line for line in lines if line["message"] == "drained"]
    assert sorted(line["source"] for line in drained) == sorted(addresses.values())
