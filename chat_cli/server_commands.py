"""The commands of admins: who may be on the server.

Each gives what there is to show, and raises ChatError when it was refused.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping

from chat_cli.call import Call
from chat_cli.effects import Effect
from chat_cli.entries import Listing, Note, Tone, plain
from chat_cli.errors import ChatError
from chat_cli.moderation_commands import another, is_yes, name_duration_reason
from chat_cli.ports import Questions
from chat_cli.token_commands import counted

_LOCKS = {
    "accounts": (True, False, "Locked down: nobody can make an account."),
    "guests": (False, True, "Locked down: no guest can come. Those who are here stay."),
    "all": (
        True,
        True,
        "Locked down: nobody can make an account, and no guest can come. Those who are here stay.",
    ),
    "off": (False, False, "No lock-down: newcomers may do what the configuration lets them."),
}


async def kick(call: Call) -> list[Effect]:
    """Remove somebody from the server, who may come back."""
    name, reason = another(call)
    sessions = await call.connection.moderation().remove_user(name, reason)
    return [plain(f"{name} is removed: {counted(sessions, 'session')} ended.")]


async def ban(call: Call) -> list[Effect]:
    """Keep a name or a network out of the server, for some time or for ever."""
    name, duration, reason = name_duration_reason(call)
    moderation = call.connection.moderation()
    if not _is_network(name):
        until_ms = await moderation.ban_user(name, duration, reason)
        return [Note(f"{name} is kept out of the server", Tone.PLAIN, until_ms)]
    network, until_ms, streams = await moderation.ban_network(name, duration, reason)
    ended = f"{counted(streams, 'connection')} ended; " if streams else ""
    return [Note(f"{ended}{network} is kept out", Tone.PLAIN, until_ms)]


async def unban(call: Call) -> list[Effect]:
    """Let a name or a network in again."""
    name, moderation = call.name, call.connection.moderation()
    if _is_network(name):
        await moderation.unban_network(name)
    else:
        await moderation.unban_user(name)
    return [plain(f"{name} may come again.")]


async def list_bans(call: Call) -> list[Effect]:
    """List who is kept out of the server."""
    rows = [
        (
            one.name or one.network,
            call.until(one.until_ms),
            f"by {one.by.name or 'the operator'}",
            one.reason,
        )
        for one in await call.connection.moderation().list_server_bans()
    ]
    return [Listing("kept out of the server", rows) if rows else plain("Nobody is kept out.")]


async def lockdown(call: Call) -> list[Effect]:
    """Close the server to newcomers, or open it."""
    word, _, reason = call.argument.partition(" ")
    if word.lower() not in _LOCKS:
        raise ChatError(call.usage)
    registrations, guests, sentence = _LOCKS[word.lower()]
    await call.connection.moderation().set_lockdown(registrations, guests, reason.strip())
    more = " /lockdown off ends it." if registrations or guests else ""
    return [plain(sentence + more)]


async def set_admin(call: Call) -> list[Effect]:
    """Make an account an admin of the server, or no longer."""
    name, on = _switch(call)
    await call.connection.moderation().set_admin(name, on)
    return [plain(f"{name} is {'an admin of this server' if on else 'no admin any more'}.")]


async def set_fast(call: Call) -> list[Effect]:
    """Let a bot send fast, or no longer."""
    name, on = _switch(call)
    await call.connection.moderation().set_fast(name, on)
    return [plain(f"{name} sends {'as fast as bots may' if on else 'as others do'}.")]


async def close_account(call: Call, questions: Questions) -> list[Effect]:
    """Close an account, after a question."""
    name, reason = call.name_and_reason()
    if not is_yes(await questions.answer(f"Close the account {name} and sign it out? (y/n) ")):
        return [plain("Nothing is closed.")]
    await call.connection.moderation().set_deactivated(name, True, reason)
    return [plain(f"{name} is closed. /reopen-account {name} opens it again.")]


async def reopen_account(call: Call) -> list[Effect]:
    """Open an account again."""
    name, reason = call.name_and_reason()
    await call.connection.moderation().set_deactivated(name, False, reason)
    return [plain(f"{name} may sign in again, with the password as it was.")]


def _switch(call: Call) -> tuple[str, bool]:
    """Read `NAME on|off`."""
    name, word = call.name_and_reason()
    if word.lower() not in ("on", "off"):
        raise ChatError(call.usage)
    return name, word.lower() == "on"


def _is_network(word: str) -> bool:
    try:
        ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
    return True


CALLS: Mapping[str, Callable[[Call], Awaitable[list[Effect]]]] = {
    "server-kick": kick,
    "server-ban": ban,
    "server-unban": unban,
    "server-bans": list_bans,
    "lockdown": lockdown,
    "admin": set_admin,
    "fast": set_fast,
    "reopen-account": reopen_account,
}
"""The commands that ask the person nothing, by name."""

STORIES: Mapping[str, Callable[[Call, Questions], Awaitable[list[Effect]]]] = {
    "close-account": close_account,
}
"""The commands that ask the person, by name."""
