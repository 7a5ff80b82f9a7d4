"""The commands about what is signed in to the own account: people, programs, bots.

Each gives what there is to show, and raises ChatError when it was refused or not answered.
"""

from collections.abc import Awaitable, Callable, Mapping

from chat_cli.account import Scope, SignIn
from chat_cli.call import Call
from chat_cli.effects import Effect
from chat_cli.entries import Listing, plain
from chat_cli.errors import ChatError
from chat_cli.ports import Questions
from chat_cli.refusals import duration
from chat_cli.render import moment


async def list_sessions(call: Call) -> list[Effect]:
    """List the sign-ins, the own one marked."""
    found = [one for one in await call.connection.accounts().list_sessions() if not one.api_token]
    rows = [
        (
            f"{'*' if one.current else ' '} {one.session_id}",
            one.label or "-",
            one.address or "-",
            f"since {since(one.create_ms)}",
            _ends(one, call.now_ms),
        )
        for one in found
    ]
    return [Listing("sign-ins (* this one); /revoke ID ends one, /revoke others the rest", rows)]


async def revoke(call: Call) -> list[Effect]:
    """End a sign-in or a token, or all but this."""
    others = call.argument.lower() == "others"
    ended = await call.connection.accounts().revoke_session("" if others else call.argument)
    return [plain(f"{counted(ended, 'sign-in or token')} ended.")]


async def list_tokens(call: Call) -> list[Effect]:
    """List the API tokens, of the own account or of a bot."""
    found = await call.connection.accounts().list_sessions(call.argument)
    rows = [
        (
            one.session_id,
            one.label,
            ",".join(scope.value for scope in one.scopes),
            _ends(one, call.now_ms),
        )
        for one in found
        if one.api_token
    ]
    whose = f" of {call.argument}" if call.argument else ""
    return [Listing(f"tokens for programs{whose}; /revoke ID ends one", rows)]


async def token(call: Call) -> list[Effect]:
    """Make an API token and show it, once."""
    words = call.words
    if len(words) not in (3, 4) or words[0].lower() != "new":
        raise ChatError(call.usage)
    known = {scope.value: scope for scope in Scope if scope is not Scope.ACCOUNT}
    scopes = [known.get(word.lower()) for word in words[2].split(",") if word]
    if None in scopes or not scopes:
        raise ChatError(f"the scopes are {', '.join(known)}, with commas between them")
    bot = words[3] if len(words) == 4 else ""
    wanted = [scope for scope in scopes if scope]
    made = await call.connection.accounts().create_token(words[1], wanted, bot, 0)
    return [plain(f"The token {words[1]}, which is shown only now:"), plain(made.secret)]


async def list_bots(call: Call) -> list[Effect]:
    """List the own bots."""
    bots = await call.connection.accounts().list_bots()
    rows = [(bot.user.name, f"since {since(bot.create_ms)}") for bot in bots]
    return [Listing("your bots; /tokens NAME lists the tokens of one", rows)]


async def bot(call: Call) -> list[Effect]:
    """Make a bot, or close one for good."""
    words = call.words
    if len(words) != 2 or words[0].lower() not in ("new", "close"):
        raise ChatError(call.usage)
    accounts, name = call.connection.accounts(), words[1]
    if words[0].lower() == "close":
        await accounts.deactivate("", name)
        return [plain(f"{name} is closed for good.")]
    made = await accounts.create_bot(name)
    how = f"/token new LABEL read,post {made.user.name} makes a token by which it speaks"
    return [plain(f"{made.user.name} is a bot of yours. {how}.")]


CALLS: Mapping[str, Callable[[Call], Awaitable[list[Effect]]]] = {
    "sessions": list_sessions,
    "revoke": revoke,
    "tokens": list_tokens,
    "token": token,
    "bots": list_bots,
    "bot": bot,
}
"""The commands that ask the person nothing, by name."""

STORIES: Mapping[str, Callable[[Call, Questions], Awaitable[list[Effect]]]] = {}
"""None of them asks the person."""


def counted(number: int, noun: str) -> str:
    """Say how many there are."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def since(time_ms: int) -> str:
    """Write a point in time on the clock of this machine."""
    return f"{moment(time_ms).astimezone():%Y-%m-%d %H:%M}"


def _ends(one: SignIn, now_ms: int) -> str:
    """Tell whether a sign-in is in use, and else when it ends by itself."""
    if one.connected:
        return "in use"
    ends = [end for end in (one.expires_ms, one.idle_until_ms) if end]
    if not ends:
        return "until it is revoked"
    left = duration(max(0, min(ends) - now_ms) / 1000)
    return f"ends in {left} unless used" if min(ends) == one.idle_until_ms else f"ends in {left}"
