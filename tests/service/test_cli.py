"""The command line of the server."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import platformdirs
import pytest

from chat_service.cli import main, read_arguments
from chat_service.config import LaunchConfig, Tls, Transcripts
from chat_service.launcher.reload import Changes, Check, Reread
from chat_service.retention import Keep, Retention
from chat_service.settings.changes import changes, check_meanwhile
from chat_service.settings.table import SETTINGS
from tests.authority import issue


def read(*arguments: str) -> LaunchConfig:
    """Return what the command line asks for."""
    return read_arguments(arguments).read({}).config


def test_defaults_are_private_and_by_convention() -> None:
    """Without options one server listens on loopback, its data where the platform keeps data."""
    assert read() == LaunchConfig(
        host="127.0.0.1",
        port=50051,
        instances=1,
        data_dir=Path(platformdirs.user_data_dir("durable-chat", appauthor=False)),
        log_level="info",
        rate_limits=True,
        insecure=False,
    )


def test_every_option_is_read(tmp_path: Path) -> None:
    """Each option reaches the configuration."""
    line = f"--host 0.0.0.0 --port 7000 --instances 3 --data-dir {tmp_path} --log-level DEBUG"
    file = tmp_path / "chat.toml"
    file.write_text("[retention]\nmax_messages = 9\n", encoding="utf-8")
    line += f" --disk-reserve 3M --config {file}"
    line += " --log-format JSON --no-console --stats-interval 2.5 --transcripts texts"
    line += " --transcripts-rotate-size 1M --transcripts-rotate-age 1h --transcripts-keep 4"
    line += " --metrics-port 9100 --metrics-host ::1"
    issued = issue("localhost")
    cert, key = issued.write(tmp_path)
    line += f" --tls-cert {cert} --tls-key {key}"
    config = read(*line.split(), "--no-rate-limits", "--insecure")
    assert config == LaunchConfig(
        host="0.0.0.0",
        port=7000,
        instances=3,
        data_dir=tmp_path,
        log_level="debug",
        rate_limits=False,
        disk_reserve=3 << 20,
        retention=Retention(Keep(max_messages=9)),
        insecure=True,
        console=False,
        stats_interval_s=2.5,
        log_format="json",
        transcripts=Transcripts(Path("texts"), 1 << 20, 3600, 4),
        metrics_port=9100,
        metrics_host="::1",
        tls=Tls(cert, key, (), issued.sha256),
    )


@pytest.mark.parametrize(
    "line",
    [
        "--port abc",
        "--port 65536",
        "--port",
        "--instances 0",
        "--instances 1.5",
        "--log-level loud",
        "--disk-reserve much",
        "--config /nowhere/chat.toml",
        "--config",
        "--host nowhere.example",
        "--inst 3",
        "--shared",
        "extra",
    ],
)
def test_bad_value_is_one_line(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad value ends the command with status 2 and one line that names it."""
    assert status(line.split()) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("chat-server: ")
    assert output.err.count("\n") == 1
    assert line.split()[0] in output.err


def status(arguments: list[str]) -> int | str | None:
    """Run the command, which must leave before it starts anything; return its status."""
    try:
        return main(arguments, {})
    except SystemExit as left:
        return left.code


def test_slips_in_the_file_are_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad file ends the command with status 2 and a line for each slip: file, line and key."""
    file = tmp_path / "chat.toml"
    file.write_text("hots = 1\n[retention]\nmax_age = 30\n", encoding="utf-8")
    for more in ([], ["--check-config"], ["--print-config"]):
        assert status(["--config", str(file), *more]) == 2
        output = capsys.readouterr()
        assert output.out == ""
        first, second = output.err.splitlines()
        assert first == f"chat-server: {file}:1: hots: not known here; did you mean host?"
        assert second.startswith(f"chat-server: {file}:3: retention.max_age: not a time from 1s")


def test_configuration_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--check-config says in one line that all is well, and starts nothing."""
    file = tmp_path / "chat.toml"
    file.write_text("port = 7000\n", encoding="utf-8")
    assert main(["--check-config"], {"CHAT_SERVER_CONFIG": str(file)}) == 0
    output = capsys.readouterr()
    assert (output.err, output.out.count("\n")) == ("", 1)


def test_certificate_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pair that cannot be used is one line with the file, before anything is started."""
    cert, _ = issue("localhost").write(tmp_path, "one")
    _, key = issue("localhost").write(tmp_path, "other")
    flags = ["--tls-cert", str(cert), "--tls-key", str(key)]
    for more in ([], ["--check-config"]):
        assert main([*flags, *more], {}) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err == f"chat-server: tls.cert {cert}: tls.key {key} is not its key\n"


def test_configuration_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--print-config prints what holds as a file that asks for the same, and starts nothing."""
    environment = {"CHAT_SERVER_LIMITS_TEXT_LINES": "7"}
    flags = ["--port", "7000", "--insecure", "--no-console", "--transcripts", 'a "b"']
    assert main(["--print-config", *flags], environment) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "chat.toml"
    file.write_text(printed, encoding="utf-8")
    asked = read_arguments(flags).read(environment).config
    assert read("--config", str(file)) == asked
    assert (asked.port, asked.limits.core.text_lines) == (7000, 7)


@pytest.mark.parametrize(
    ("line", "warnings"),
    [
        ("--host 0.0.0.0 --insecure", ["chat-server: warning: other machines can reach 0.0.0.0"]),
        ("--host 127.0.0.1 --insecure", []),
        ("--host 0.0.0.0", []),
    ],
)
def test_insecure_start_warns_once(
    line: str,
    warnings: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that other machines can reach is started with one line of warning."""
    started: list[LaunchConfig] = []

    def run(config: LaunchConfig, reread: Reread, differ: Changes, check: Check) -> int:
        assert (differ, check) == (changes, check_meanwhile)
        assert reread() == config
        started.append(config)
        return 0

    monkeypatch.setattr("chat_service.launcher.run", run)
    assert main(line.split(), {}) == 0
    assert [told.split(",")[0] for told in capsys.readouterr().err.splitlines()] == warnings
    assert [config.host for config in started] == [line.split()[1]]


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints the installed version and leaves."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"chat-server {metadata.version('durable-chat')}\n"


def test_help_shows_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """--help names each option."""
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    flags = [setting.flag for setting in SETTINGS.values() if setting.flag]
    flags += ["--config FILE", "--print-config", "--check-config", "--version"]
    assert [flag for flag in flags if flag not in shown] == []
    # What is told of a default comes from the table.
    assert "(default: 50051)" in shown
    assert "(default: 16M)" in shown


def test_bad_value_needs_no_grpc() -> None:
    """A bad value is answered before anything slow is imported."""
    program = (
        "import sys; from chat_service.cli import main\n"
        "try: main(['--port', 'x'])\n"
        "except SystemExit: print({'grpc', 'asyncio', 'sqlite3'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "set()\n"


def test_reserve_of_the_file_and_of_the_flag(tmp_path: Path) -> None:
    """The file's disk reserve counts unless the command line has one."""
    file = tmp_path / "chat.toml"
    file.write_text("[disk]\nreserve = '2M'\n", encoding="utf-8")
    flags = ["--config", str(file)]
    assert read(*flags).disk_reserve == 2 << 20
    assert read(*flags, "--disk-reserve", "0").disk_reserve == 0
    assert read().disk_reserve is None
