"""The command `chat-server`: reads its options and starts the launcher."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import platformdirs

from chat_service.config import (
    LOG_FORMATS,
    LOG_LEVELS,
    ConfigError,
    LaunchConfig,
    Transcripts,
    size_in_bytes,
)

USAGE_STATUS = 2


class _Parser(argparse.ArgumentParser):
    """Answers a bad value in one line; the whole usage is for --help."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        line = message.removeprefix("argument ").replace("\n", " ")
        self.exit(USAGE_STATUS, f"{self.prog}: {line} (see {self.prog} --help)\n")


def _size(text: str) -> int:
    try:
        return size_in_bytes(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_arguments(arguments: Sequence[str]) -> LaunchConfig:
    """Return what the command line asks for; leave with one line where it makes no sense."""
    parser = _Parser(
        prog="chat-server",
        description="Start chat servers, each with its own port and data, and keep them running.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="the IP address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=50051,
        help="the first server's port, the next ones follow; 0: any free ports "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--instances",
        type=int,
        default=1,
        metavar="N",
        help="how many independent servers (default: %(default)s)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=platformdirs.user_data_path("durable-chat", appauthor=False),
        metavar="DIR",
        help="where the servers keep their data, each in DIR/PORT (default: %(default)s)",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="a TOML file that says how long rooms keep their messages (default: for ever), "
        "and the disk reserve",
    )
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default="info",
        type=str.lower,
        help="what is told on stderr: %(choices)s (default: %(default)s)",
        metavar="LEVEL",
    )
    parser.add_argument(
        "--log-format",
        choices=LOG_FORMATS,
        default="text",
        type=str.lower,
        help="how it is told: %(choices)s (default: %(default)s)",
        metavar="FORMAT",
    )
    parser.add_argument(
        "--no-console",
        dest="console",
        action="store_false",
        help="plain lines instead of the console, also on a terminal",
    )
    parser.add_argument(
        "--stats-interval",
        dest="stats_interval_s",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="how often the servers are looked at (default: %(default)g)",
    )
    parser.add_argument(
        "--transcripts",
        type=Path,
        metavar="DIR",
        help="write each public room to a text file as people talk, in DIR/PORT",
    )
    parser.add_argument(
        "--metrics-port",
        type=int,
        metavar="PORT",
        help="answer Prometheus on this port (default: nowhere)",
    )
    parser.add_argument(
        "--metrics-host",
        default="127.0.0.1",
        metavar="HOST",
        help="the IP address of --metrics-port (default: %(default)s)",
    )
    parser.add_argument(
        "--no-rate-limits",
        dest="rate_limits",
        action="store_false",
        help="let everybody send as fast as they can; for benchmarks and private machines",
    )
    parser.add_argument(
        "--disk-reserve",
        type=_size,
        metavar="SIZE",
        help="how much of the disk posts leave free, such as 64M, so that people can still sign "
        "in and out when it is full (default: 64M or 2%% of the disk, the smaller)",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="allow a --host that other machines can reach, though nothing is encrypted",
    )
    parser.add_argument("--version", action="store_true", help="show the version and leave")
    options = vars(parser.parse_args(arguments))
    if options.pop("version"):
        # Here, because it takes as long to import as all the rest.
        from importlib import metadata

        print(parser.prog, metadata.version("durable-chat"))
        parser.exit()
    path = options.pop("config")
    try:
        if path is not None:
            # Here, because most starts have no file.
            from chat_service.config_file import read_settings

            settings = read_settings(path)
            options["retention"] = settings.retention
            if options["disk_reserve"] is None:
                options["disk_reserve"] = settings.disk_reserve
        if options["transcripts"] is not None:
            options["transcripts"] = Transcripts(options["transcripts"])
        return LaunchConfig(**options)
    except ConfigError as error:
        parser.error(str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the servers until a signal ends them; return the exit status.

    0: stopped as asked. 1: an instance cannot start. 2: a bad value (by SystemExit).
    """
    config = read_arguments(sys.argv[1:] if arguments is None else arguments)
    if sys.platform == "win32":
        print("chat-server: runs on Linux and macOS; chat-cli runs here too", file=sys.stderr)
        return 1
    from chat_service.launcher import run

    if not config.is_private:
        print(
            f"chat-server: warning: other machines can reach {config.host}, "
            "and nothing is encrypted",
            file=sys.stderr,
        )
    return run(config)
