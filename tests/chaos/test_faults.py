"""The faults of the negative controls are there, and nowhere else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import faults
from tests.chaos.server import PATCHED, ROOT, Server

DEADLINE_S = 60


def run(*arguments: str, fault: str) -> str:
    """Run Python as the process of an instance is run, with a fault; return its stderr."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={"PYTHONPATH": f"{PATCHED}:{ROOT}", "CHAT_FAULT": fault},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    return done.stderr


def test_every_fault_finds_what_it_patches() -> None:
    """Each fault can be applied to the server as it is now."""
    program = "from tests.chaos import faults\nfor name in faults.FAULTS: faults.apply(name)"
    assert run("-c", program, fault="") == ""


def test_unknown_fault_is_refused(tmp_path: Path) -> None:
    """A control cannot pass by a fault that does not exist."""
    with pytest.raises(KeyError):
        faults.apply("no-such-fault")
    with pytest.raises(AssertionError, match="no-such-fault"):
        Server(tmp_path, fault="no-such-fault").start()


def test_fault_is_applied_to_instances_alone() -> None:
    """Only the process of an instance is patched, not the launcher or another program."""
    assert "KeyError: 'no-such-fault'" in run("-m", "chat_service.instance", fault="no-such-fault")
    assert run("-m", "chat_service.cli", fault="no-such-fault") == ""


def test_server_without_a_fault_is_not_patched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of a scenario is as it is, whatever the tests were started with."""
    monkeypatch.setenv("CHAT_FAULT", "lost-frame")
    with Server(tmp_path) as server:
        assert server.instance.environ()["CHAT_FAULT"] == ""
