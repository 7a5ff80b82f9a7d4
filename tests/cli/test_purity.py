"""The pure part of the client stays pure, and what one platform lacks stays guarded."""

from pathlib import Path

import pytest

from tests.test_layers import imports

PURE = [
    "account",
    "account_commands",
    "answer_line",
    "backoff",
    "catching_up",
    "commands",
    "completion",
    "dispatch",
    "effects",
    "endpoint",
    "entering_commands",
    "entries",
    "errors",
    "exits",
    "intake",
    "items",
    "model",
    "orders",
    "outbox",
    "own_posts",
    "pending",
    "proxy",
    "reading",
    "records",
    "refusals",
    "render",
    "rooms",
    "standing",
    "state",
    "status",
]
IMPURE = {"asyncio", "os", "random", "secrets", "socket", "sys", "threading", "time", "subprocess"}
SHELLS = {
    "client",
    "credentials",
    "filelock",
    "handshake",
    "interactive",
    "journal",
    "keeper",
    "known_hosts",
    "lines",
}
SHELLS |= {
    "answers",
    "echo",
    "plain",
    "question_bar",
    "prompt",
    "question",
    "session",
    "storage",
    "trust",
}


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_import_no_shell(name: str) -> None:
    """Neither the standard library's inputs and outputs, nor prompt_toolkit, nor our own shells."""
    source = Path(__file__).parents[2] / "chat_cli" / f"{name}.py"
    found = set(imports(source.read_text(encoding="utf-8"), "chat_cli"))
    assert {full.split(".")[0] for full in found} & (IMPURE | {"prompt_toolkit", "grpc"}) == set()
    assert {part for full in found for part in full.split(".")[1:2]} & SHELLS == set()


def test_two_modules_have_the_imports_of_one_platform() -> None:
    """What only POSIX or only Windows has stands in the modules of locks and of the echo alone."""
    platform = {"fcntl", "msvcrt", "termios", "pwd", "grp", "resource", "tty", "pty", "winreg"}
    package = Path(__file__).parents[2] / "chat_cli"
    guilty = {
        path.stem
        for path in package.rglob("*.py")
        for full in imports(path.read_text(encoding="utf-8"), "chat_cli")
        if full.split(".")[0] in platform
    }
    assert guilty == {"echo", "filelock"}
