"""`chat_cli.cli`: arguments, exit codes and what is imported for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chat_cli.cli import main
from tests.cli.desk import DEADLINE


def chat_cli(*arguments: str, state_dir: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the program."""
    environment = {**os.environ, "CHAT_STATE_DIR": str(state_dir or "/nonexistent")}
    return subprocess.run(
        [sys.executable, "-m", "chat_cli", *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--target", "nowhere:99999"],
        ["--target", "nowhere:0"],
        ["--target", "a b"],
        ["--target", ""],
        ["--target", "http://here:1"],
        ["send", "hi"],
        ["tail"],
        ["tail", "--name", "a", "--since", "-1"],
        ["tail", "--name", "a", "--count", "x"],
        ["tail", "--name", "a", "--token-file", "f"],
        ["tail", "--token-file", "/nonexistent/token"],
        ["send", "--token-file", "-"],
        ["send", "--token-file", "f", "--resume", "hi"],
        ["--token-file", "f"],
        ["sned", "--name", "a"],
        ["--nonsense"],
        ["--tls", "--plaintext"],
        ["--target", "localhost", "--ca", "ca.pem"],
        ["--target", "chat.example", "--plaintext", "--ca", "ca.pem"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With a line that says what is wrong."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_token_that_is_none_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anybody is spoken to, and without showing it; a name counts more than the variable."""
    path = tmp_path / "token"
    path.write_text("no töken", encoding="utf-8")
    monkeypatch.setenv("CHAT_TOKEN_FILE", str(path))
    for options in (["send", "hi"], ["tail", "--token-file", str(path)]):
        with pytest.raises(SystemExit) as end:
            main(options)
        assert end.value.code == 2
        told = capsys.readouterr().err
        assert "this is no token: /token new makes one" in told
        assert "töken" not in told
    away = ["--target", "127.0.0.1:1", "--name", "bot", "hi"]
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    assert main(["send", *away]) == 3


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Both end well; the help has the exit codes and the commands."""
    for arguments in (["--version"], ["--help"], ["send", "--help"], ["tail", "--help"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
    output = capsys.readouterr().out
    assert output.startswith("chat-cli ")
    for word in ("--since", "--count", "--json", "exit codes", "HOST:PORT"):
        assert word in output


def test_nothing_heavy_is_imported_for_the_help() -> None:
    """Neither grpc nor prompt_toolkit keeps a person waiting for `--help`."""
    script = (
        "import sys, chat_cli.cli\n"
        "try:\n    chat_cli.cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print({'grpc', 'prompt_toolkit', 'google', 'chat_protos'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    assert result.stdout.splitlines()[-1] == "set()"


def test_the_screen_is_drawn_without_grpc() -> None:
    """All that the first paint needs is imported without the connection's libraries."""
    script = (
        "import sys, chat_cli.interactive, chat_cli.prompt, chat_cli.styles\n"
        "print({'grpc', 'google', 'chat_protos'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    assert result.stdout == "set()\n"


def test_options_may_stand_before_the_command(tmp_path: Path) -> None:
    """`chat-cli --target … --name … send` is the same as the other way round."""
    result = chat_cli("--target", "127.0.0.1:1", "--name", "a", "send", "hi", state_dir=tmp_path)
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr == "chat-cli: 127.0.0.1:1: no answer\n"


def test_the_interactive_client_in_a_pipe_is_3_without_a_server(tmp_path: Path) -> None:
    """It says so once and ends."""
    result = chat_cli("--target", "127.0.0.1:1", "--name", "a", state_dir=tmp_path)
    assert result.returncode == 3
    assert "no answer" in result.stdout


def test_ctrl_c_at_the_question_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere else."""

    def interrupted(_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("chat_cli.question.meet", interrupted)
    assert main(["--name", "a", "--target", "chat.example"]) == 130


@pytest.mark.parametrize("command", [[], ["register"], ["login"], ["password"]])
def test_a_no_to_the_question_is_1(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started for who does not trust the server."""
    met: list[object] = []
    monkeypatch.setattr("chat_cli.question.meet", met.append)
    assert main(["--name", "a", "--target", "chat.example", *command]) == 1
    assert len(met) == 1


def test_scripts_ask_no_question(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What may run unattended behaves on a terminal as it does elsewhere."""
    met: list[object] = []
    monkeypatch.setattr("chat_cli.question.meet", met.append)
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    for command in (["send", "hi"], ["tail"]):
        assert main(["--name", "a", "--target", "127.0.0.1:1", *command]) == 3
    assert met == []


def test_a_mistake_of_ours_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for the person, unless asked for."""

    async def broken(*_: object) -> int:
        raise ValueError("secret \x1b[31m")

    monkeypatch.setattr("chat_cli.scripts.send.send", broken)
    assert main(["send", "--name", "a", "hi"]) == 70
    error = capsys.readouterr().err
    assert "bug of chat-cli: ValueError: secret ␛[31m" in error
    assert "Traceback" not in error
    monkeypatch.setenv("CHAT_CLI_TRACEBACK", "1")
    with pytest.raises(ValueError, match="secret"):
        main(["send", "--name", "a", "hi"])
