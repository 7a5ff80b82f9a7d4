"""`chat-cli register`, `login`, `password` and `logout`: the own account, without a screen.

Whoever is signed in stays so until `logout`: what starts later under the name finds the token.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing

from chat_cli.account_commands import CODE_WANTED, choose_password
from chat_cli.answers import token_in
from chat_cli.credentials import CredentialStore
from chat_cli.errors import ChatError, UnansweredError
from chat_cli.exits import Exit
from chat_cli.model import Limits, key
from chat_cli.ports import Secret
from chat_cli.render import moment
from chat_cli.scripts.script import Address
from chat_cli.session.api import ChatApi
from chat_cli.session.errors import CallError, UnauthenticatedError, UnreachableError
from chat_cli.session.identity import Identity
from chat_cli.session.joined import Joined
from chat_cli.trust import Trust
from chat_text.sanitize import sanitize

# Seconds that one sign-in may take to be ended.
_FAREWELL = 5.0
_TRIES = 3


async def register(address: Address, code: str = "") -> int:
    """Make an account; `code` is "invite" or "owner" if one is to be asked for.

    Without it a server that wants an invite code is told one as soon as it says so.
    """

    async def story(api: ChatApi) -> str:
        identity = Identity(address.target)
        with closing(address.ask()) as questions:
            answered = ""
            if code:
                answered = await questions.answer(f"The {code} code: ", Secret.CODE)
            password = await choose_password(Limits(), questions)
            invite, owner = (answered, "") if code == "invite" else ("", answered)
            accounts = api.accounts()
            try:
                made = await accounts.register(address.name, password, invite, owner)
            except CallError as error:
                if code or error.reason != "INVITE_INVALID":
                    raise
                try:
                    invite = await questions.answer(CODE_WANTED, Secret.CODE)
                except UnansweredError:
                    raise error from None
                made = await accounts.register(address.name, password, invite, "")
        joined, account = made
        identity.begin(joined)
        _stay(identity)
        what = "an admin of this server" if account.admin else "an account"
        return f"{joined.user.name} is yours: {what}, signed in here{_until(joined)}"

    return await _run(address, story)


async def login(address: Address) -> int:
    """Sign in by the password, for all that starts later."""

    async def story(api: ChatApi) -> str:
        identity = Identity(address.target)
        joined, _ = await _by_password(address, identity, api)
        _stay(identity)
        return f"signed in as {joined.user.name}{_until(joined)}"

    return await _run(address, story)


async def login_by_token(address: Address) -> int:
    """Sign in by an API token, as a bot does, for all that starts later: with its scopes."""

    async def story(api: ChatApi) -> str:
        with closing(address.ask()) as questions:
            token = token_in(await questions.answer("The token: ", Secret.TOKEN))
        joined = await api.join(address.name, "", token)
        if key(joined.user.name) != key(address.name):
            await api.sign_out(joined.token, within=_FAREWELL)
            raise ChatError(f"this is a token of {joined.user.name}, not of {address.name}")
        identity = Identity(address.target)
        identity.begin(joined)
        _stay(identity)
        return f"signed in as {joined.user.name}{_until(joined)}"

    return await _run(address, story)


async def password(address: Address) -> int:
    """Change the password; other sign-ins end, and this one stays."""

    async def story(api: ChatApi) -> str:
        identity = Identity(address.target)
        joined, old = await _by_password(address, identity, api)
        try:
            with closing(address.ask()) as questions:
                new = await choose_password(joined.limits, questions, "The new password: ")
            api.token = identity.token
            ended = await api.accounts().change_password(old, new)
        finally:
            _stay(identity)
        return f"the password is changed; other sign-ins and tokens that ended: {ended}"

    return await _run(address, story)


async def logout(address: Address) -> int:
    """End the sign-ins that are kept here and that no running client has."""

    async def story(api: ChatApi) -> str:
        ended, running = 0, 0
        for one in CredentialStore(address.target, address.name).find():
            if one.orphan is None:
                running += 1
                continue
            try:
                await api.sign_out(one.token, within=_FAREWELL)
            except UnauthenticatedError:
                # It had ended by itself.
                pass
            except CallError:
                one.leave()
                raise
            one.forget()
            ended += 1
        told = f"signed out {address.name}" if ended else f"{address.name} is not signed in here"
        return f"{told}; running clients that stay signed in: {running}" if running else told

    return await _run(address, story)


SCRIPTS: Mapping[str, Callable[[Address], Awaitable[int]]] = {
    "login": login,
    "logout": logout,
    "password": password,
}
"""The commands that need nothing but an address, by name."""


async def _by_password(address: Address, identity: Identity, api: ChatApi) -> tuple[Joined, str]:
    """Ask for the password until it is right; give the session and the password."""
    again = ""
    with closing(address.ask()) as questions:
        for _ in range(_TRIES):
            question = f"{again}Password for {address.name}: "
            answer = await questions.answer(question, Secret.PASSWORD)
            try:
                return await identity.sign_in(api, address.name, "", answer), answer
            except CallError as error:
                if error.reason != "PASSWORD_WRONG":
                    raise
                again = "Wrong password. "
    raise ChatError(f"the password for {address.name} was wrong {_TRIES} times")


async def _run(address: Address, story: Callable[[ChatApi], Awaitable[str]]) -> int:
    try:
        async with _connected(address) as api:
            told = await story(api)
    except UnreachableError as error:
        return _end(Exit.UNREACHABLE, f"{address.target}: {error}")
    except ChatError as error:
        return _end(Exit.REFUSED, str(error))
    return _end(Exit.DONE, told)


@asynccontextmanager
async def _connected(address: Address) -> AsyncIterator[ChatApi]:
    trust = address.trust or Trust(address.target)
    async with ChatApi(address.target, await trust.credentials()) as api:
        yield api


def _stay(identity: Identity) -> None:
    if not identity.leave():
        raise ChatError(identity.trouble or "the sign-in could not be kept")


def _until(joined: Joined) -> str:
    if not joined.expires_ms:
        return ""
    return f" until {moment(joined.expires_ms).astimezone():%Y-%m-%d %H:%M} at the latest"


def _end(code: Exit, text: str) -> int:
    print(f"chat-cli: {sanitize(text)}", file=sys.stderr)
    return code
