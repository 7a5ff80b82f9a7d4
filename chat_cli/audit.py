"""Entries of the audit log as what was done, in words for people. Pure.

The log has short words for programs; what this client does not know of them is shown as it is.
"""

import re
from collections.abc import Callable, Mapping

from chat_cli.happenings import ROLES, changes
from chat_cli.model import HistoryPolicy, Role, RoomChanged

_BY_TARGET: Mapping[str, str] = {
    "kick": "removed {}",
    "ban": "banned {}",
    "unban": "let {} come again",
    "mute": "muted {}",
    "unmute": "let {} speak again",
    "server-kick": "removed {} from the server",
    "server-ban": "banned {} from the server",
    "server-unban": "let {} come to the server again",
    "deactivate": "closed the account {}",
    "reactivate": "opened the account {} again",
    "password-reset": "gave {} another password",
}
_BY_DETAILS: Mapping[str, str] = {
    "network-ban": "banned the network {}",
    "network-unban": "let the network {} come again",
}
_LOCKDOWNS: Mapping[str, str] = {
    "registrations closed, guests closed": "closed the server to new accounts and new guests",
    "registrations closed, guests open": "closed the server to new accounts",
    "registrations open, guests closed": "closed the server to new guests",
    "registrations open, guests open": "opened the server to newcomers again",
}
_ADMINS: Mapping[str, str] = {
    "granted": "made {} an admin",
    "taken": "made {} no admin any more",
    "a new account": "made {} an admin, with a new account",
}
_ACCOUNTS: Mapping[str, str] = {"a new account": "made the account {}"}
_OWNER_CODES: Mapping[str, str] = {"": "made a code by which an admin registers"}
_PACES: Mapping[str, str] = {
    "granted": "let {} send as fast as bots may",
    "taken": "let {} send as others do",
}
# What stands alone among what was changed of a room.
_ALONE = {"description": "changed the description", "password": "set a password"}


def deed(action: str, target: str, details: str) -> str:
    """Say what was done, `target` being the name of to whom, if to anybody."""
    if action in _BY_TARGET and target and not details:
        return _BY_TARGET[action].format(target)
    if action in _BY_DETAILS and details:
        return _BY_DETAILS[action].format(details)
    row = _ROWS.get(action)
    words = row(target, details) if row else ""
    return words or " ".join(part for part in (action, target, details) if part)


def _delete(target: str, details: str) -> str:
    seq = re.fullmatch(r"seq ([0-9]+)", details)
    return f"deleted message {seq[1]} of {target}" if seq else ""


def _role(target: str, details: str) -> str:
    roles = {role.name.lower(): what for role, what in ROLES.items() if role is not Role.NONE}
    return f"made {target} {roles[details]}" if details in roles else ""


def _invite(target: str, details: str) -> str:
    if target:
        told = {"": "invited {}", "revoked": "took the invitation of {} back"}
        return told[details].format(target) if details in told else ""
    if made := re.fullmatch(r"code ([0-9]+) for ([0-9]+)", details):
        uses = "1 use" if made[2] == "1" else f"{made[2]} uses"
        return f"made the invite code {made[1]}, for {uses}"
    ended = re.fullmatch(r"code ([0-9]+) revoked", details)
    return f"ended the invite code {ended[1]}" if ended else ""


def _by(words: Mapping[str, str]) -> Callable[[str, str], str]:
    """Have words for each details that there may be."""

    def told(target: str, details: str) -> str:
        return words.get(details, "").format(target)

    return told


def _room(_: str, details: str) -> str:
    told = [_change(word) for word in details.split()]
    return ", ".join(told) if all(told) else ""


def _change(word: str) -> str:
    """Say what one word means of those that tell what was changed of a room."""
    name, _, value = word.partition("=")
    yes = value == "True"
    match name:
        case "description" | "password" if not value:
            return _ALONE[name]
        case "password" if value == "none":
            return "removed the password"
        case "name":
            return changes(RoomChanged(name=value))
        case "archived" if yes or value == "False":
            return changes(RoomChanged(archived=yes))
        case "topic_locked" if yes or value == "False":
            return changes(RoomChanged(topic_locked=yes))
        case "slow_mode_ms" if value.isascii() and value.isdecimal():
            return changes(RoomChanged(slow_mode_ms=int(value)))
        case "history" if value in ("all", "from_join"):
            everything = value == "all"
            policy = HistoryPolicy.ALL if everything else HistoryPolicy.FROM_JOIN
            return changes(RoomChanged(history=policy))
    return ""


_ROWS: Mapping[str, Callable[[str, str], str]] = {
    "delete": _delete,
    "role": _role,
    "invite": _invite,
    "lockdown": _by(_LOCKDOWNS),
    "admin": _by(_ADMINS),
    "account": _by(_ACCOUNTS),
    "owner-code": _by(_OWNER_CODES),
    "fast": _by(_PACES),
    "room": _room,
}
