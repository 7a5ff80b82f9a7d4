"""The commands about the own account: what they ask, of the server and of the person.

Each gives what there is to show, and raises ChatError when it was refused or not answered.
"""

import unicodedata
from collections.abc import Awaitable, Callable, Mapping

from chat_cli.account import Account, Made, SignIn
from chat_cli.call import Call
from chat_cli.effects import Effect, Quit
from chat_cli.entries import Listing, Names, plain
from chat_cli.errors import ChatError
from chat_cli.model import Limits
from chat_cli.ports import Questions, Secret
from chat_cli.refusals import duration
from chat_cli.token_commands import counted, since

_DAY_MS = 86_400_000
_TRIES = 3
CODE_WANTED = "This server asks for an invite code: "
"""Asked when a server has refused a name without one; the password need not be typed again."""


_REGISTERED = (
    "your name is an account already: /password changes its password, and whoever runs the server "
    "makes it an admin by `chat-admin admin NAME on`"
)


async def register(call: Call, questions: Questions) -> list[Effect]:
    """Make an account of the guest, with a code if the server or the person wants one."""
    kind, code, *more = [*call.words, "", ""]
    kind = kind.lower().removeprefix("--")
    if kind not in ("", "invite", "owner") or any(more):
        raise ChatError(call.usage)
    if call.state.own is not None and call.state.own.account:
        raise ChatError(_REGISTERED)
    if kind and not code:
        code = await questions.answer(f"The {kind} code: ", Secret.CODE)
    password = await choose_password(call.state.limits, questions)
    invite, owner = (code, "") if kind == "invite" else ("", code)
    try:
        account = await call.connection.register(password, invite, owner)
    except ChatError as error:
        if code or getattr(error, "reason", "") != "INVITE_INVALID":
            raise
        invite = await questions.answer(CODE_WANTED, Secret.CODE)
        account = await call.connection.register(password, invite, "")
    call.state.own = account.user
    what = "an admin of this server" if account.admin else "an account"
    return [
        plain(
            f"{account.user.name} is yours: {what}. The password signs you in from anywhere; "
            "here you stay signed in, also after /quit; /logout ends that."
        )
    ]


async def change_password(call: Call, questions: Questions) -> list[Effect]:
    """Change the password, which ends all other sign-ins."""
    old = await questions.answer("Your password: ", Secret.PASSWORD)
    new = await choose_password(call.state.limits, questions, "The new password: ")
    ended = await call.connection.accounts().change_password(old, new)
    others = f"; {counted(ended, 'other sign-in or token')} ended" if ended else ""
    return [plain(f"Your password is changed{others}.")]


async def choose_password(
    limits: Limits, questions: Questions, question: str = "Choose a password: "
) -> str:
    """Ask twice for a password that the server will take. Raises ChatError."""
    for _ in range(_TRIES):
        password = await questions.answer(question, Secret.NEW_PASSWORD)
        flaw = flaw_of(password, limits.password_min_chars, limits.password_max_chars)
        if flaw:
            question = f"{flaw} Another: "
        elif await questions.answer("Again: ", Secret.NEW_PASSWORD) == password:
            return password
        else:
            question = "These were two different ones. Choose a password: "
    raise ChatError("no password was chosen")


def flaw_of(password: str, fewest: int, most: int) -> str:
    """Tell why a password would be refused; empty if it would not."""
    length = len(unicodedata.normalize("NFC", password))
    if any(unicodedata.category(char) == "Cc" for char in password):
        return "A password is one line without control characters."
    if length < fewest:
        return f"Too short: at least {fewest} characters."
    if length > most:
        return f"Too long: at most {most} characters."
    return ""


async def deactivate(call: Call, questions: Questions) -> list[Effect]:
    """Close the own account for good, after a last question."""
    name = call.state.own.name if call.state.own else ""
    sure = await questions.answer(f"Close {name} and its bots for ever? Nobody gets it back [y/n] ")
    if sure.strip().lower() not in ("y", "yes"):
        raise ChatError("nothing was done")
    password = await questions.answer("Your password: ", Secret.PASSWORD)
    call.state.leaving = True
    try:
        await call.connection.accounts().deactivate(password)
    except ChatError:
        call.state.leaving = False
        raise
    call.connection.forget()
    return [plain(f"The account {name} is closed."), Quit()]


async def block(call: Call) -> list[Effect]:
    """Take no direct messages from a user any more."""
    user = await call.connection.accounts().block(call.name)
    return [
        plain(f"{user.name} cannot write to you alone any more. /unblock {user.name} undoes it.")
    ]


async def unblock(call: Call) -> list[Effect]:
    """Take direct messages from a user again."""
    user = await call.connection.accounts().unblock(call.name)
    return [plain(f"{user.name} can write to you again.")]


async def list_blocked(call: Call) -> list[Effect]:
    """List who is blocked."""
    names = [user.name for user in await call.connection.accounts().list_blocked()]
    return [Names("blocked", names)]


async def invite_code(call: Call) -> list[Effect]:
    """Make, list or end codes by which people may register."""
    accounts, words = call.connection.accounts(), call.words
    if not words or (len(words) <= 2 and all(_is_number(word) for word in words)):
        uses, days = [*map(int, words), *([0] * (2 - len(words)))]
        made = await accounts.create_invite(uses, days * _DAY_MS)
        return [plain(_told(made, call.now_ms)), plain(made.secret)]
    if words == ["list"]:
        rows = [
            (
                one.invite_id,
                counted(one.uses_left, "use"),
                f"for {duration((one.expires_ms - call.now_ms) / 1000)}",
                f"by {one.creator.name}",
            )
            for one in await accounts.list_invites()
        ]
        return [Listing("invite codes; /invite-code revoke ID ends one", rows)]
    if len(words) == 2 and words[0].lower() == "revoke":
        await accounts.revoke_invite(words[1])
        return [plain("The code is good no longer.")]
    raise ChatError(call.usage)


async def whoami(call: Call) -> list[Effect]:
    """Tell who one is here."""
    account = await call.connection.accounts().get_account()
    return [plain(f"You are {account.user.name} on {call.state.host}, {_described(account)}.")]


async def logout(call: Call) -> list[Effect]:
    """Sign out, so that the next start asks for the password, and end."""
    call.connection.forget()
    return [Quit()]


CALLS: Mapping[str, Callable[[Call], Awaitable[list[Effect]]]] = {
    "block": block,
    "unblock": unblock,
    "blocked": list_blocked,
    "invite-code": invite_code,
    "whoami": whoami,
    "logout": logout,
}
"""The commands that ask the person nothing, by name."""

STORIES: Mapping[str, Callable[[Call, Questions], Awaitable[list[Effect]]]] = {
    "register": register,
    "password": change_password,
    "deactivate": deactivate,
}
"""The commands that ask the person, by name."""


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and 0 < int(word) <= 1000


def _told(made: Made, now_ms: int) -> str:
    invite = made.what
    assert not isinstance(invite, SignIn)
    people = "one person" if invite.uses_left == 1 else f"{invite.uses_left} people"
    left = duration((invite.expires_ms - now_ms) / 1000)
    return f"By this code {people} may register within {left}; it is shown only now:"


def _described(account: Account) -> str:
    if not account.create_ms:
        return "a guest: /register makes the name yours"
    kind = "an admin" if account.admin else "an account"
    if account.bot_owner:
        kind = f"a bot of {account.bot_owner.name}"
    return f"{kind} since {since(account.create_ms)}"
