"""`chat_cli.admin.cli`: arguments, exit codes, pipes, and what is imported for them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from chat_cli.admin.cli import main
from tests.cli.admin.fake_admin import FakeAdmin, message
from tests.cli.admin.script import admin
from tests.cli.desk import DEADLINE, run

PROGRAM = (sys.executable, "-m", "chat_cli.admin.cli")


async def chat_admin(*arguments: str | Path, cwd: Path | None = None) -> tuple[int, str, str]:
    """Run the program; return the exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *map(str, arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Both end well; the help has the exit codes and every command."""
    for arguments in (["--version"], ["--help"], ["kick", "--help"], ["export", "--help"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
    output = capsys.readouterr().out
    assert output.startswith("chat-admin ")
    for word in ("--data-dir", "exit codes", "shutdown", "[PORT] NAME [REASON ...]", "jsonl"):
        assert word in output


def test_nothing_heavy_is_imported_before_somebody_listens(tmp_path: Path) -> None:
    """Neither for the help nor to say that no server runs."""
    script = (
        "import sys, chat_cli.admin.cli\n"
        "try:\n    chat_cli.admin.cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print(chat_cli.admin.cli.main(['--data-dir', {str(tmp_path)!r}, 'instances']))\n"
        "print({'grpc', 'prompt_toolkit', 'google', 'chat_protos'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    assert result.stdout.splitlines()[-2:] == ["3", "set()"]
    assert "no server answers with the data directory" in result.stderr


def test_data_directory_is_entered(nest: Path, tmp_path: Path) -> None:
    """The program finds the socket of a directory, however long its path is; files stay ours."""
    deep = tmp_path / ("d" * 120)
    here = tmp_path / "here"
    for directory in (deep, here):
        directory.mkdir()

    async def story() -> None:
        # The fake listens at a short path, and the deep directory has a link to it.
        async with FakeAdmin(nest / "a") as fake:
            (deep / "admin.sock").symlink_to(nest / "a")
            fake.instance(50051).room("lobby", message(1, "alice", "hi"))
            told = await chat_admin("--data-dir", Path("..", deep.name), "stop", "all", cwd=here)
            assert told == (0, "127.0.0.1:50051 has stopped\n", "")
            output = ("--port", "50051", "--output", "out.txt")
            told = await chat_admin("--data-dir", deep, "export", "lobby", *output, cwd=here)
            assert told == (0, "", "")

    run(story())
    assert (here / "out.txt").read_text() == "2026-11-20T12:00:01Z <alice> hi\n"


async def first_line(path: Path, arguments: Sequence[str]) -> tuple[bytes, int, bytes]:
    """Read one line of a command and close the pipe; return it, the exit code and stderr."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        "--data-dir",
        str(path),
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = await process.stdout.readline()
    # The other end of the pipe: asyncio has no other way to close it early.
    transport = process._transport  # type: ignore[attr-defined]  # not in the stubs
    transport.get_pipe_transport(1).close()
    error = await process.stderr.read()
    return line, await process.wait(), error


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["export", "lobby"], b"2026-11-20T12:00:01Z <alice> xxx"),
        (["users"], b" PORT  NAME"),
        (["users", "--json"], b'{"port": 50051'),
    ],
)
def test_pipe_that_closes_ends_quietly(arguments: list[str], first: bytes, nest: Path) -> None:
    """Whoever reads has enough: no words, and it is no failure."""

    async def story() -> None:
        async with FakeAdmin(nest / "admin.sock") as fake:
            one = fake.instance(50051)
            one.room("lobby", *(message(seq, "alice", "x" * 500) for seq in range(1, 3000)))
            for number in range(3000):
                one.user(f"user{number}", room_names=["lobby" * 10])
            line, code, error = await first_line(nest, arguments)
            assert line.startswith(first)
            assert (code, error) == (0, b"")

    run(story())


def test_server_that_goes_away_is_3(nest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It listened a moment ago, and does not answer."""

    async def story() -> None:
        fake = FakeAdmin(nest / "admin.sock")
        assert await admin(fake, "instances") == 3

    run(story())
    assert "no answer" in capsys.readouterr().err


def test_windows_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There are no servers on Windows, so none can be reached."""
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(["instances"]) == 3
    error = capsys.readouterr().err
    assert error == "chat-admin: runs where the server does, on Linux and macOS\n"


def test_a_mistake_of_ours_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for the person."""

    async def broken(*_: object) -> None:
        raise ValueError("secret \x1b[31m")

    monkeypatch.setattr("chat_cli.admin.directory.enter", lambda *_: None)
    monkeypatch.setattr("chat_cli.admin.commands.COMMANDS", {"instances": broken})
    assert main(["--data-dir", str(tmp_path), "instances"]) == 70
    error = capsys.readouterr().err
    assert "bug of chat-admin: ValueError: secret ␛[31m" in error
