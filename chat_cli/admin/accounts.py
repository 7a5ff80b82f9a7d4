"""Accounts and what is held against users, as whoever has the data directory sees to them.

The way back in without e-mail: none of it asks for a right. Every command raises CallError
where its call fails.
"""

import argparse
import getpass
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from ipaddress import ip_network
from pathlib import Path

from chat_cli.admin import objects
from chat_cli.admin.api import AdminApi
from chat_cli.admin.ports import one_port
from chat_cli.admin.tables import Table
from chat_cli.audit import deed
from chat_cli.errors import ChatError
from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import moderation_pb2
from chat_text.sanitize import sanitize

_PAGE = 1000
# No password has as many bytes.
_LONGEST_FILE = 64 * 1024


class PasswordError(ChatError):
    """There is no password to take."""


async def owner_code(api: AdminApi, options: argparse.Namespace) -> None:
    """Make a code by which an admin registers."""
    port = await one_port(api, options.port)
    answer = await api.ask(api.stub.CreateOwnerCode, pb.CreateOwnerCodeRequest(port=port))
    print(f"{answer.code} makes whoever registers with it on {port} an admin, once")


async def add_account(api: AdminApi, options: argparse.Namespace) -> None:
    """Make an account."""
    port = await one_port(api, options.port)
    request = pb.CreateAccountRequest(
        port=port, name=options.name, password=_password(options), admin=options.admin
    )
    answer = await api.ask(api.stub.CreateAccount, request)
    who = "an admin" if options.admin else "an account"
    print(f"{sanitize(answer.user.name)} is {who} on {port} now")
    _tell_password(answer.password)


async def set_password(api: AdminApi, options: argparse.Namespace) -> None:
    """Give an account another password."""
    port = await one_port(api, options.port)
    request = pb.SetPasswordRequest(port=port, name=options.name, password=_password(options))
    answer = await api.ask(api.stub.SetPassword, request)
    ended = _ended(answer.ended)
    print(f"{sanitize(answer.user.name)} has another password on {port}: {ended}")
    _tell_password(answer.password)


async def grant_admin(api: AdminApi, options: argparse.Namespace) -> None:
    """Make an account an admin, or no longer."""
    port = await one_port(api, options.port)
    request = pb.GrantAdminRequest(port=port, name=options.name, admin=options.admin)
    answer = await api.ask(api.stub.GrantAdmin, request)
    name = sanitize(answer.user.name)
    print(f"{name} is {'an admin' if options.admin else 'no admin'} on {port} now")


async def close_account(api: AdminApi, options: argparse.Namespace) -> None:
    """Close an account."""
    await _close(api, options, True)


async def reopen_account(api: AdminApi, options: argparse.Namespace) -> None:
    """Open an account again."""
    await _close(api, options, False)


async def unban(api: AdminApi, options: argparse.Namespace) -> None:
    """Let a user or a network in again."""
    port = await one_port(api, options.port)
    request = pb.UnbanRequest(port=port)
    if _is_network(options.name):
        request.network = options.name
    else:
        request.name = options.name
    await api.ask(api.stub.Unban, request)
    print(f"{sanitize(options.name)} is banned on {port} no longer")


async def audit(api: AdminApi, options: argparse.Namespace) -> None:
    """List what was done to keep order, the newest first."""
    port = await one_port(api, options.port)
    table = Table(("TIME", "WHO", "WHAT", "WHERE", "UNTIL", "REASON"))
    async with aclosing(_audit_pages(api, port, options.count)) as pages:
        async for page in pages:
            if options.json:
                lines = [objects.line(objects.audit_entry(one)) for one in page]
            else:
                lines = table.lines(map(_audit_row, page))
            for line in lines:
                print(line)


COMMANDS: dict[str, Callable[[AdminApi, argparse.Namespace], Awaitable[None]]] = {
    "owner-code": owner_code,
    "add-account": add_account,
    "set-password": set_password,
    "admin": grant_admin,
    "close-account": close_account,
    "reopen-account": reopen_account,
    "unban": unban,
    "audit": audit,
}


async def _close(api: AdminApi, options: argparse.Namespace, closed: bool) -> None:
    port = await one_port(api, options.port)
    request = pb.CloseAccountRequest(
        port=port, name=options.name, closed=closed, reason=" ".join(options.reason)
    )
    answer = await api.ask(api.stub.CloseAccount, request)
    ended = f": {_ended(answer.ended)}" if closed else ""
    name = sanitize(answer.user.name)
    print(f"the account {name} is {'closed' if closed else 'open'} on {port}{ended}")


async def _audit_pages(
    api: AdminApi, port: int, count: int
) -> AsyncGenerator[list[moderation_pb2.AuditEntry], None]:
    """Give the newest entries, page by page; the first page may be empty."""
    request = pb.ListAuditRequest(port=port, page_size=min(count, _PAGE))
    while True:
        page = await api.ask(api.stub.ListAudit, request)
        yield list(page.entries)
        count -= len(page.entries)
        request.page_size = min(count, _PAGE)
        request.page_token = page.next_page_token
        if not (request.page_token and request.page_size):
            return


def _audit_row(one: moderation_pb2.AuditEntry) -> tuple[str, ...]:
    return (
        objects.time(one.time_ms) or "",
        one.actor.name or "the operator",
        deed(one.action, one.target.name, one.details),
        f"#{one.room_name}" if one.room_name else one.room_id,
        objects.until(one.until_ms) or "",
        one.reason,
    )


def _password(options: argparse.Namespace) -> str:
    """Give the password that is meant; empty: one is to be made. Raises PasswordError."""
    if options.generate:
        return ""
    password = _typed() if options.password_file is None else _read(options.password_file)
    if not password:
        raise PasswordError("there is no password; --generate has one made")
    return password


def _typed() -> str:
    if not sys.stdin.isatty():
        raise PasswordError(
            "there is no terminal to ask on: --generate has a password made, "
            "--password-file reads one"
        )
    password = getpass.getpass("new password: ")
    if password and getpass.getpass("and again: ") != password:
        raise PasswordError("the two passwords are not the same")
    return password


def _read(path: Path) -> str:
    """Read the first line of a file, or of stdin, which is `-`."""
    try:
        if path == Path("-"):
            line = sys.stdin.readline(_LONGEST_FILE)
        else:
            with path.open(encoding="utf-8") as file:
                line = file.readline(_LONGEST_FILE)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PasswordError(f"{path} cannot be read: {why}") from None
    return line.removesuffix("\n").removesuffix("\r")


def _tell_password(password: str) -> None:
    if password:
        print(f"password: {sanitize(password)}")


def _is_network(text: str) -> bool:
    """Whether a text is an address or a network, and so not the name of a user.

    A name may be a number, which is no address here.
    """
    try:
        ip_network(text, strict=False)
    except ValueError:
        return "/" in text
    return "." in text or ":" in text


def _ended(count: int) -> str:
    return f"{count} {'session' if count == 1 else 'sessions'} ended"
