"""What may be said to `chat-admin` on its command line."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from chat_cli import program

NAME = "chat-admin"
# The server's own: its place in the environment, and its name on each system.
_DIRECTORY_VARIABLE = "CHAT_SERVER_DATA_DIR"
_APP = "durable-chat"
# What may follow the name, where that is not free.
_BEHIND_NAME = {
    "add-account": ("",),
    "set-password": ("",),
    "unban": ("",),
    "admin": ("on", "off"),
}
_EPILOG = """\
exit codes: 0 done, 1 refused by the server, 2 wrong usage, 3 not reachable

  chat-admin instances                         how they are
  chat-admin start                             one more, on the next port
  chat-admin say Back in five minutes.         to everybody who is connected
  chat-admin kick 50051 mallory no adverts
  chat-admin set-password alice                asks for it; ends all sessions of alice
  chat-admin admin alice on
  chat-admin users --json | jq -r .name
  chat-admin export lobby --format jsonl --output lobby.jsonl

PORT may be left out where only one instance serves.
"""


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what is asked for; leave with status 2 where it makes no sense."""
    options = _parser().parse_args(arguments)
    if "words" in options:
        _read_words(options)
    if options.command == "admin":
        options.admin = options.reason == ["on"]
    if options.command == "export" and options.output == Path("-"):
        options.output = None
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=NAME,
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

    def words(one: argparse.ArgumentParser, behind: str, what: str, options: str = "") -> None:
        metavar = f"[PORT] NAME{behind}"
        one.usage = f"{one.prog} [-h] {options}{metavar}"
        one.add_argument("words", nargs="+", metavar=metavar, help=what)

    def password(one: argparse.ArgumentParser) -> None:
        given = one.add_mutually_exclusive_group()
        given.add_argument("--generate", action="store_true", help="have one made, and print it")
        given.add_argument(
            "--password-file",
            type=Path,
            metavar="FILE",
            help="read it from the first line of a file, or of stdin, which is “-”",
        )

    words(command("kick", "remove a user"), " [REASON ...]", "whom, and what the user is told")

    port(command("owner-code", "make a one-time code for an admin"), "the only one")
    asked = "[--generate | --password-file FILE] "
    add = command("add-account", "make an account, with a password that is asked for")
    words(add, "", "its name", f"[--admin] {asked}")
    add.add_argument("--admin", action="store_true", help="make it an admin")
    password(add)
    new_password = command("set-password", "give an account another password, which is asked for")
    words(new_password, "", "whose; all its sessions end", asked)
    password(new_password)
    words(command("admin", "make an account an admin, or no longer"), " on|off", "which")
    close = command("close-account", "close an account: nobody can sign in by it")
    words(close, " [REASON ...]", "which, and why, for the audit log")
    reopen = command("reopen-account", "open an account again")
    words(reopen, " [REASON ...]", "which, and why, for the audit log")
    lift = command("unban", "let a user, or a network, in again")
    words(lift, "", "the name, or the address or network")
    done = command("audit", "list what was done to keep order, the newest first", json=True)
    port(done, "the only one")
    done.add_argument(
        "--count", type=_count, default=100, metavar="N", help="how many (default: %(default)s)"
    )

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


def _read_words(options: argparse.Namespace) -> None:
    """Tell port, name and what follows apart: a number with something behind it is a port."""
    words: list[str] = options.words
    options.port = 0
    # The name, and what always follows it.
    least = 1 if "" in _BEHIND_NAME.get(options.command, ("",)) else 2
    if len(words) > least and re.fullmatch(r"\d{1,5}", words[0]) and 0 < int(words[0]) < 65_536:
        options.port = int(words.pop(0))
    options.name, *options.reason = words
    allowed = _BEHIND_NAME.get(options.command)
    if allowed is not None and " ".join(options.reason) not in allowed:
        what = " or ".join(filter(None, allowed)) or "nothing"
        _parser().error(f"{options.command}: {what} is to follow {options.name}")


def _port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65_536:
        raise argparse.ArgumentTypeError(f"not a port: {value!r}")
    return int(value)


def _count(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
        raise argparse.ArgumentTypeError(f"not a number above 0: {value!r}")
    return int(value)


def _port_or_all(value: str) -> int:
    return 0 if value == "all" else _port(value)


def _seconds(value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value):
        raise argparse.ArgumentTypeError(f"not a number of seconds: {value!r}")
    return float(value)


def _room(value: str) -> str:
    return value.removeprefix("#")
