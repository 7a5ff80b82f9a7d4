"""`chat-cli`: arguments and exit codes.

Only the standard library is imported before the arguments are read; what a command needs
comes in when it runs.
"""

import argparse
import re
from collections.abc import Sequence

from chat_cli import program

_DEFAULT_PORT = 50051
_EPILOG = """\
exit codes: 0 done, 1 refused by the server, 2 wrong usage, 3 not reachable

  chat-cli --name alice                       chat in the room lobby
  chat-cli send --name bot --room ops Done.   post one message
  dmesg -w | chat-cli send --name bot --room ops
  chat-cli tail --name log --room ops --since 0 --json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `chat-cli`; give the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command and not options.name:
        parser.error(f"{options.command} needs --name")
    return program.run("chat-cli", lambda: _run(options))


async def _run(options: argparse.Namespace) -> int:
    if options.command is None:
        from chat_cli.interactive import chat

        return await chat(options.target, options.name, options.room)
    from chat_cli.scripts.script import Address

    address = Address(options.target, options.name, options.room.removeprefix("#"))
    if options.command == "send":
        from chat_cli.scripts.send import send

        texts = [" ".join(options.text)] if options.text else []
        return await send(address, texts, options.json, options.resume)
    from chat_cli.scripts.tail import tail

    return await tail(address, options.since, options.count, options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chat-cli",
        description="Chat in a terminal, or from scripts with send and tail.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {program.version()}")
    _add_address(parser, script=False)
    commands = parser.add_subparsers(dest="command", metavar="{send,tail}")

    send = commands.add_parser("send", help="post a text, or each line of stdin, and end")
    _add_address(send, script=True)
    send.add_argument("--json", action="store_true", help="print one object for each message")
    send.add_argument(
        "--resume",
        action="store_true",
        help="send first what an earlier send was killed with, each message once",
    )
    send.add_argument("text", nargs="*", metavar="TEXT", help="the message (default: from stdin)")

    tail = commands.add_parser("tail", help="print the messages of a room as they come")
    _add_address(tail, script=True)
    tail.add_argument("--json", action="store_true", help="print one object for each message")
    tail.add_argument(
        "--since",
        type=_whole,
        metavar="SEQ",
        help="begin after this message; 0 is the very first (default: what comes from now on)",
    )
    tail.add_argument("--count", type=_whole, metavar="K", help="end after so many messages")
    return parser


def _add_address(parser: argparse.ArgumentParser, *, script: bool) -> None:
    """Add the options that all commands share; a script's parser keeps what stood before it."""

    def default(value: str) -> str:
        return argparse.SUPPRESS if script else value

    asked = "" if script else " (default: you are asked)"
    parser.add_argument(
        "--target",
        type=_target,
        default=default(f"localhost:{_DEFAULT_PORT}"),
        metavar="HOST:PORT",
        help="the server (default: localhost:50051)",
    )
    parser.add_argument("--name", default=default(""), help=f"who you are{asked}")
    parser.add_argument("--room", default=default("lobby"), help="the room (default: lobby)")


def _target(value: str) -> str:
    """Read HOST, HOST:PORT, [IPV6] or [IPV6]:PORT."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%\w]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?", value)
    port = int(match.group(2) or _DEFAULT_PORT) if match else 0
    if not match or not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"not HOST:PORT: {value!r}")
    return f"{match.group(1)}:{port}"


def _whole(value: str) -> int:
    # The server counts with 63 bits.
    if not re.fullmatch(r"\d{1,18}", value):
        raise argparse.ArgumentTypeError(f"not a whole number from 0: {value!r}")
    return int(value)
