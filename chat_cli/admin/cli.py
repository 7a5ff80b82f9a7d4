"""`chat-admin`: arguments and exit codes."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from chat_cli import program
from chat_cli.exits import Exit
from chat_cli.stopping import mute
from chat_text.sanitize import sanitize

_NAME = "chat-admin"
# The server's own: its place in the environment, and its name on each system.
_DIRECTORY_VARIABLE = "CHAT_SERVER_DATA_DIR"
_APP = "durable-chat"
_EPILOG = """\
exit codes: 0 done, 1 refused by the server, 2 wrong usage, 3 not reachable

  chat-admin instances                         how they are
  chat-admin start                             one more, on the next port
  chat-admin say Back in five minutes.         to everybody who is connected
  chat-admin kick 50051 mallory no adverts
  chat-admin users --json | jq -r .name
  chat-admin export lobby --format jsonl --output lobby.jsonl

PORT may be left out where only one instance serves.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `chat-admin`; give the exit code."""
    options = read_arguments(arguments)
    if sys.platform == "win32":
        return _fail(Exit.UNREACHABLE, "runs where the server does, on Linux and macOS")
    return program.run(_NAME, lambda: run(options))


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what is asked for; leave with status 2 where it makes no sense."""
    options = _parser().parse_args(arguments)
    if options.command == "kick":
        _read_kick(options)
    if options.command == "export" and options.output == Path("-"):
        options.output = None
    return options


async def run(options: argparse.Namespace, target: str = "") -> int:
    """Run a command; give the exit code.

    `target` is where AdminService is; without it, this process goes into the data directory.
    """
    from chat_cli.admin.directory import TARGET, NoServerError, enter

    if options.command == "export" and options.output:
        options.output = options.output.absolute()
    try:
        if not target:
            enter(options.data_dir, options.wait)
    except NoServerError as error:
        return _fail(Exit.UNREACHABLE, str(error))

    # Here, because grpc takes long to import and is for nothing where nobody listens.
    from chat_cli.admin.api import AdminApi
    from chat_cli.admin.commands import COMMANDS, AmbiguousError
    from chat_cli.errors import ChatError
    from chat_cli.session.errors import UnreachableError

    try:
        async with AdminApi(target or TARGET) as api:
            await COMMANDS[options.command](api, options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough.
        mute(sys.stdout)
    except UnreachableError as error:
        return _fail(Exit.UNREACHABLE, f"the server of {options.data_dir}: {error}")
    except AmbiguousError as error:
        return _fail(Exit.USAGE, str(error))
    except ChatError as error:
        return _fail(Exit.REFUSED, str(error))
    except OSError as error:
        mute(sys.stdout)
        return _fail(Exit.REFUSED, f"the output cannot be written: {error.strerror or error}")
    return Exit.DONE


def _fail(code: Exit, text: str) -> int:
    print(f"{_NAME}: {sanitize(text)}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_NAME,
        description="Run the servers of one chat-server from scripts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {program.version()}")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=_default_directory(),
        metavar="DIR",
        help="the --data-dir of the chat-server (default: %(default)s)",
    )
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for a server that is just being started (default: 0)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, *, json: bool = False) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if json:
            one.add_argument("--json", action="store_true", help="print objects, one a line")
        return one

    def port(one: argparse.ArgumentParser, left_out: str) -> None:
        one.add_argument(
            "port", nargs="?", type=_port, default=0, metavar="PORT", help=f"default: {left_out}"
        )

    command("instances", "list the instances and how they are", json=True)
    port(command("start", "start an instance", json=True), "the one after the highest")
    command("stop", "stop an instance, or all of them", json=True).add_argument(
        "port", type=_port_or_all, metavar="PORT|all", help="which"
    )
    port(command("restart", "stop an instance and start it again", json=True), "the only one")
    port(command("users", "list users", json=True), "those of all instances")
    port(command("rooms", "list public rooms", json=True), "those of all instances")

    say = command("say", "say something to everybody who is connected")
    _add_port_option(say, "all instances")
    say.add_argument("text", nargs="+", metavar="TEXT", help="the words")

    kick = command("kick", "remove a user")
    kick.usage = f"{_NAME} kick [-h] [PORT] NAME [REASON ...]"
    kick.add_argument("words", nargs="+", metavar="[PORT] NAME [REASON ...]", help="from where, "
                      "whom, and what the user is told")  # fmt: skip

    port(command("stats", "tell how the last minutes were", json=True), "all instances")
    command("reload", "have the configuration read again")
    command("shutdown", "stop everything; a second time makes it quick")

    export = command("export", "write the history of a public room")
    export.add_argument("room", metavar="ROOM", type=_room, help="its name")
    _add_port_option(export, "the only one")
    export.add_argument(
        "--format", choices=("text", "jsonl"), default="text", help="default: %(default)s"
    )
    export.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="default: stdout, as “-”; else written whole or not",
    )
    return parser


def _default_directory() -> Path:
    """Give the directory that chat-server takes where no flag and no file names one."""
    chosen = os.environ.get(_DIRECTORY_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path(_APP, appauthor=False)


def _add_port_option(parser: argparse.ArgumentParser, left_out: str) -> None:
    parser.add_argument(
        "--port", type=_port, default=0, metavar="PORT", help=f"default: {left_out}"
    )


def _read_kick(options: argparse.Namespace) -> None:
    """Tell port, name and reason apart: a number with something behind it is a port."""
    words: list[str] = options.words
    options.port = 0
    if len(words) > 1 and re.fullmatch(r"\d{1,5}", words[0]) and 0 < int(words[0]) < 65_536:
        options.port = int(words.pop(0))
    options.name, *options.reason = words


def _port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65_536:
        raise argparse.ArgumentTypeError(f"not a port: {value!r}")
    return int(value)


def _port_or_all(value: str) -> int:
    return 0 if value == "all" else _port(value)


def _seconds(value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value):
        raise argparse.ArgumentTypeError(f"not a number of seconds: {value!r}")
    return float(value)


def _room(value: str) -> str:
    return value.removeprefix("#")


if __name__ == "__main__":
    raise SystemExit(main())
