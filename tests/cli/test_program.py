"""`chat_cli.program`: how a program ends."""

import re
import signal

import pytest

from chat_cli import program


async def interrupted() -> int:
    """Stand for a program in which Ctrl+C was pressed."""
    raise KeyboardInterrupt


async def done() -> int:
    """Stand for a program that has an exit code."""
    return 5


def test_exit_codes() -> None:
    """A program ends with its own code, and as by the signal when it was interrupted."""
    assert program.run("chat-x", done) == 5
    assert program.run("chat-x", interrupted) == 128 + signal.SIGINT


def test_version_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is that of the installation; without one it is not known."""
    assert re.match(r"\d+\.\d+", program.version())
    monkeypatch.setattr(program, "_DISTRIBUTION", "no-such-distribution")
    assert program.version() == "unknown"
