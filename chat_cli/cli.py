"""`chat-cli`: arguments and exit codes.

Only the standard library is imported before the arguments are read; what a command needs
comes in when it runs.
"""

import argparse
import os
import re
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chat_cli import program
from chat_cli.errors import ChatError
from chat_cli.exits import Exit, by_signal
from chat_text.sanitize import sanitize

if TYPE_CHECKING:
    from chat_cli.ports import Secret
    from chat_cli.trust import Trust

PASSWORD_VARIABLE = "CHAT_PASSWORD_FILE"
TOKEN_VARIABLE = "CHAT_TOKEN_FILE"
_DEFAULT_PORT = 50051
_EPILOG = """\
exit codes: 0 done, 1 refused by the server or not trusted, 2 wrong usage, 3 not reachable

  chat-cli --name alice                       chat in the room lobby
  chat-cli send --name bot --room ops Done.   post one message
  dmesg -w | chat-cli send --name bot --room ops
  chat-cli tail --name log --room ops --since 0 --json
"""


TOKEN_TAKERS = ("send", "tail")
"""The commands that an API token can be used with directly."""

ACCOUNT = {
    "login": "sign in by the password or a token, for all that starts later",
    "password": "change the password of an account",
    "logout": "end the sign-ins that are kept here",
}

_MEETING = (None, "register", "login", "password")
"""What may begin with a server: the person is asked whether to trust it. None is the window."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `chat-cli`; give the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if flaw := _identity_flaw(options):
        parser.error(flaw)
    from chat_cli.trust import Trust

    trust = Trust(options.target, options.encrypted, options.ca)
    if options.ca and not trust.encrypted:
        parser.error("--ca is for an encrypted connection: add --tls")
    if options.command in _MEETING:
        from chat_cli.question import meet

        try:
            if not meet(trust):
                return Exit.REFUSED
        except KeyboardInterrupt:
            return by_signal(signal.SIGINT)
    try:
        secrets = _secrets(options)
    except KeyboardInterrupt:
        return by_signal(signal.SIGINT)
    except ChatError as error:
        parser.error(sanitize(str(error)))
    return program.run("chat-cli", lambda: _run(options, trust, secrets))


def _identity_flaw(options: argparse.Namespace) -> str:
    """Tell what is wrong with who a command is to be; empty if nothing is.

    A name that is given counts more than a variable that names a token.
    """
    direct = options.command in TOKEN_TAKERS
    if direct and not options.token_file and not options.name:
        options.token_file = os.environ.get(TOKEN_VARIABLE)
    token_file = options.token_file if direct else None
    if options.command and not options.name and not token_file:
        return f"{options.command} needs --name{' or --token-file' if direct else ''}"
    if token_file and options.name:
        return "--token-file says who you are: leave out --name"
    if token_file and options.command == "send":
        if options.resume:
            return "--resume is for who signs in: with a token nothing is left behind"
        if token_file == "-" and not options.text:
            return "--token-file - needs TEXT: stdin cannot be both"
    return ""


def _secrets(options: argparse.Namespace) -> dict["Secret", str]:
    """Read what is in files instead of being asked. Raises ChatError."""
    from chat_cli.answers import OPTIONS, read_secret, token_in
    from chat_cli.ports import Secret

    found = {}
    for secret, option in OPTIONS.items():
        path = getattr(options, option.removeprefix("--").replace("-", "_"), None)
        if path:
            found[secret] = read_secret(path)
    if Secret.TOKEN in found:
        found[Secret.TOKEN] = token_in(found[Secret.TOKEN])
    if Secret.PASSWORD in found and options.command in (None, "register"):
        # There it is the password that is to be.
        found.setdefault(Secret.NEW_PASSWORD, found[Secret.PASSWORD])
    return found


async def _run(options: argparse.Namespace, trust: "Trust", secrets: dict["Secret", str]) -> int:
    if options.command is None:
        from chat_cli.interactive import chat

        return await chat(options.target, options.name, options.room, trust, secrets)
    from chat_cli.answers import FiledQuestions, TerminalQuestions
    from chat_cli.ports import Secret
    from chat_cli.scripts.script import Address

    room = options.room.removeprefix("#")
    ask = partial(FiledQuestions, secrets, TerminalQuestions)
    direct = options.command in TOKEN_TAKERS
    token = secrets.get(Secret.TOKEN, "") if direct else ""
    address = Address(options.target, options.name, room, trust, ask, token)
    if options.command == "register":
        from chat_cli.scripts.account import register

        return await register(address, options.code)
    if options.command == "login" and Secret.TOKEN in secrets:
        from chat_cli.scripts.account import login_by_token

        return await login_by_token(address)
    if options.command in ACCOUNT:
        from chat_cli.scripts.account import SCRIPTS

        return await SCRIPTS[options.command](address)
    texts = [" ".join(options.text)] if options.command == "send" and options.text else []
    if options.command == "send" and token:
        from chat_cli.scripts.post import post

        return await post(address, token, texts, options.json)
    if options.command == "send":
        from chat_cli.scripts.send import send

        return await send(address, texts, options.json, options.resume)
    from chat_cli.scripts.tail import tail

    return await tail(address, options.since, options.count, options.json, options.hear_bots)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chat-cli",
        description="Chat in a terminal, or from scripts with send and tail.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {program.version()}")
    _add_address(parser, script=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

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
    tail.add_argument(
        "--hear-bots", action="store_true", help="a bot is told also what bots say (default: not)"
    )
    for command in (send, tail):
        command.add_argument(
            "--token-file",
            metavar="FILE",
            help="be who the token in the first line of FILE says, - for stdin, without --name "
            f"(default: ${TOKEN_VARIABLE})",
        )
    _add_account(commands)
    return parser


def _add_account(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands about the own account."""
    register = commands.add_parser("register", help="make an account of a name, and sign in")
    _add_address(register, script=True)
    code = register.add_mutually_exclusive_group()
    for kind, what in (("invite", "an invite code"), ("owner", "the server's owner code")):
        code.add_argument(
            f"--{kind}",
            dest="code",
            action="store_const",
            const=kind,
            default="",
            help=f"{what} is asked for",
        )
    register.add_argument(
        "--code-file", metavar="FILE", help="the code is the first line of FILE, - for stdin"
    )
    for name, what in ACCOUNT.items():
        command = commands.add_parser(name, help=what)
        _add_address(command, script=True)
    commands.choices["login"].add_argument(
        "--token-file",
        metavar="FILE",
        help="sign in by a token of /token new instead, the first line of FILE, - for stdin",
    )
    for command in (register, commands.choices["password"]):
        command.add_argument(
            "--new-password-file",
            metavar="FILE",
            help="the new password is the first line of FILE, - for stdin",
        )


def _add_address(parser: argparse.ArgumentParser, *, script: bool) -> None:
    """Add the options that all commands share; a script's parser keeps what stood before it."""

    def default(value: str | None) -> str | None:
        return argparse.SUPPRESS if script else value

    asked = "" if script else " (default: you are asked)"
    parser.add_argument(
        "--target",
        type=_target,
        default=default(f"localhost:{_DEFAULT_PORT}"),
        metavar="HOST:PORT",
        help="the server (default: localhost:50051)",
    )
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument(
        "--tls",
        dest="encrypted",
        action="store_const",
        const=True,
        default=default(None),
        help="encrypt the connection (default: unless the server is on this machine)",
    )
    wish.add_argument(
        "--plaintext",
        dest="encrypted",
        action="store_const",
        const=False,
        default=default(None),
        help="encrypt nothing: whoever is on the way can read and change all of it",
    )
    parser.add_argument(
        "--ca",
        type=Path,
        default=default(None),
        metavar="FILE",
        help="trust the certificates in this file (PEM) and no others",
    )
    parser.add_argument("--name", default=default(""), help=f"who you are{asked}")
    parser.add_argument(
        "--password-file",
        default=default(os.environ.get(PASSWORD_VARIABLE)),
        metavar="FILE",
        help="the password of your account is the first line of FILE, - for stdin "
        f"(default: ${PASSWORD_VARIABLE}, else you are asked)",
    )
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
