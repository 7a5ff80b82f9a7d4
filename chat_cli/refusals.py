"""What a refusal means for the person, and what to do about it. Pure.

One row for each reason of the contract. A row is written like the server's own sentences: in
small letters and without a stop at the end, so that it fits behind a colon or into brackets.
`{message}` is the server's sentence, `{wait}` how long to wait.
"""

from collections.abc import Mapping

# What only a mistake of a program brings about.
_BUG = "{message}: the server does not understand this client; is one of them older?"
_SAME = "{message}"

_REQUESTS = {
    "MALFORMED": _BUG,
    "ORDER_MISSING": _BUG,
    "FIELD_INVALID": _SAME,
    "NAME_INVALID": _SAME,
    "ROOM_NAME_INVALID": _SAME,
    "TEXT_INVALID": _SAME,
    "TOPIC_INVALID": _SAME,
    "CLIENT_ID_INVALID": _BUG,
    "TARGET_MISSING": _SAME,
    "PAGE_INVALID": _BUG,
}
_IDENTITY = {
    "TOKEN_MISSING": "you are not signed in: sign in first",
    "TOKEN_INVALID": "your sign-in is over: it was too old, or not used for too long",
    "NAME_TAKEN": "{message}: choose another name, or come back when it is free",
    "NAME_RESERVED": "{message}: choose another name",
    "NAME_REGISTERED": "this name belongs to an account: sign in with its password",
    "PASSWORD_WRONG": "the name or the password is wrong",
    "PASSWORD_INVALID": "{message}: choose another password",
    "LOGIN_DELAYED": "too many wrong passwords: the next one is looked at in {wait}",
    "ACCOUNT_NEEDED": "only accounts can do this: /register makes one of your name",
    "ACCOUNT_EXISTS": "your name is an account already: /password changes its password",
    "REGISTRATION_CLOSED": "this server takes no new accounts now: ask whoever runs it",
    "GUESTS_REFUSED": "this server takes no guests now: sign in with the name of an account; "
    "`chat-cli register` makes one, if new ones are taken",
    "INVITE_INVALID": "an invite code is needed, and this is not a good one: ask for another",
    "OWNER_CODE_INVALID": "this is not the owner code that the server printed at its first start, "
    "or it was used",
    "SESSION_NOT_FOUND": "there is no such sign-in or token: /sessions and /tokens list them",
    "SCOPE_MISSING": "{message}; a token with that scope is needed",
    "NOT_A_BOT": "{message}: /bots lists yours",
    "NOT_AN_ACCOUNT": _SAME,
    "LAST_ADMIN": "the last admin has to stay: make somebody else an admin first",
    "SESSION_REPLACED": "another client took over this session",
    "SESSION_ENDED": "your sign-in was ended: from elsewhere, or by a change of the password",
    "KICKED": _SAME,
    "BANNED": _SAME,
}
_ROOMS = {
    "ROOM_NOT_FOUND": _SAME,
    "USER_NOT_FOUND": _SAME,
    "RECIPIENTS_GONE": _SAME,
    "NOT_A_MEMBER": _SAME,
    "ROOM_IS_DIRECT": _SAME,
    "SEQ_OUT_OF_RANGE": _SAME,
    "ID_REUSED": _BUG,
    "ROOM_EXISTS": "{message}: choose another, or /join it",
    "ROOM_ARCHIVED": "{message}: it can be read; an owner opens it again with /unarchive",
    "ROOM_IS_PUBLIC": "{message}: that is for private rooms, made with /create NAME private",
    "ALREADY_MEMBER": _SAME,
    "LAST_OWNER": "{message}, with /role NAME owner",
    "INVITE_NOT_FOUND": "{message}: /code list or /invite-code list shows those that are good",
    "MESSAGE_NOT_FOUND": "{message}: /numbers shows the numbers",
}
_ORDER = {
    "ROLE_NEEDED": "{message}: /members shows who they are",
    "ROLE_TOO_HIGH": _SAME,
    "ADMIN_NEEDED": "only admins of this server can do this: ask one of them",
    "MUTED": "{message}: you can read on and may speak again when it ends",
    "BANNED_FROM_ROOM": "{message}: its moderators can lift that",
    "BLOCKED": _SAME,
    "NETWORK_IS_YOURS": "{message}: you would lock yourself out",
}
_BOUNDS = {
    "TOO_MANY_ROOMS": "{message}: /leave one that you do not need",
    "TOO_MANY_CONNECTIONS": _SAME,
    "TOO_MANY_SESSIONS": "{message}: /sessions lists them, /revoke ends one",
    "TOO_MANY_BOTS": "{message}: /bots lists them, /bot close NAME ends one",
    "TOO_MANY_BLOCKS": "{message}: /blocked lists them, /unblock NAME takes one away",
    "TOO_MANY_INVITES": _SAME,
    "TOO_MANY_BANS": "{message}: /bans lists them, /unban and /unmute end one",
    "SLOW_MODE": _SAME,
    "RATE_LIMITED": _SAME,
    "RATE_IGNORED": _SAME,
    "SLOW_READER": _SAME,
    "OVERLOADED": _SAME,
}
_SERVER = {
    "HELLO_MISSING": _BUG,
    "HELLO_REPEATED": _BUG,
    "HELLO_TIMEOUT": _SAME,
    "DRAINING": _SAME,
    "STORAGE_FULL": _SAME,
    "STORAGE_FAILED": _SAME,
    "STORAGE_DAMAGED": "{message}: tell whoever runs it",
    "INTERNAL": _SAME,
    "NOT_ANSWERED_HERE": _SAME,
}

REFUSALS: Mapping[str, str] = {**_REQUESTS, **_IDENTITY, **_ROOMS, **_ORDER, **_BOUNDS, **_SERVER}


def explain(reason: str, message: str, retry_after: float = 0.0) -> str:
    """Say what a refusal means; one of an unknown reason is told in the server's words.

    `retry_after` is the seconds to wait that the server named, 0 if it named none.
    """
    row = REFUSALS.get(reason, _SAME)
    # Not `format`: the server's sentence may hold braces.
    return row.replace("{wait}", duration(retry_after)).replace("{message}", message)


def duration(seconds: float) -> str:
    """Write how long something takes, in the largest unit that fits."""
    whole = max(1, round(seconds))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{round(whole / size)} {unit}"
    return f"{whole} s"
