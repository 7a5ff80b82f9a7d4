"""The slash commands as data, in the groups that `/help` shows. Pure.

Parsing, help and completion come from this table; who does a command is in the `…_commands`
modules. A newcomer sees the first group alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Argument(Enum):
    """What a command takes, which is also what Tab offers after it."""

    NOTHING = "nothing"
    COMMAND = "command"
    ROOM = "room"
    NAMES = "names"
    NAMES_AND_TEXT = "names and text"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table. `usage` is what stands after the name; `[…]` may be left out."""

    name: str
    usage: str
    summary: str
    argument: Argument
    aliases: tuple[str, ...] = ()

    @property
    def needs_argument(self) -> bool:
        """Tell whether the command means nothing alone."""
        return bool(self.usage) and not self.usage.startswith("[")


class Group(Enum):
    """What commands are for; the value is what stands behind `/help`."""

    EVERYDAY = "chat"
    ROOMS = "rooms"
    MODERATION = "moderation"
    ACCOUNT = "account"
    SERVER = "server"


_NOTHING, _ROOM, _OTHER = Argument.NOTHING, Argument.ROOM, Argument.OTHER
_NAMES, _TEXT, _NAMES_AND_TEXT = Argument.NAMES, Argument.TEXT, Argument.NAMES_AND_TEXT

EVERYDAY = (
    Command("help", "[COMMAND|GROUP]", "show this list, or another", Argument.COMMAND),
    Command("users", "[all]", "who is in this room, or on the whole server", _OTHER),
    Command("rooms", "", "which rooms there are", _NOTHING),
    Command("join", "ROOM [password]", "go to a room; a new name opens one", _ROOM),
    Command("leave", "[ROOM]", "leave this room or another", _ROOM),
    Command("topic", "[TEXT]", "show or set the topic; - removes it", _TEXT),
    Command("msg", "NAME[,NAME…] TEXT", "write to people without going there", _NAMES_AND_TEXT),
    Command("dm", "NAME[,NAME…]", "go to the conversation with people", _NAMES),
    Command("me", "TEXT", "say what you do: * alice waves", _TEXT),
    Command("history", "[N]", "show the last N messages, 50 without N", _OTHER),
    Command("delete", "[N [REASON]]", "delete your last message, or the one of number N", _OTHER),
    Command("accept", "[NAME]", "go to a private room that you are invited to", _ROOM),
    Command("ignore", "NAME", "see nothing of somebody", _NAMES),
    Command("quit", "", "end; a guest signs out. Ctrl-D does the same", _NOTHING, ("exit", "q")),
)
ROOMS = (
    Command("create", "NAME [private]", "make a room that is yours", _OTHER),
    Command("room", "", "all about this room", _NOTHING),
    Command("members", "", "who belongs to this room, and as what", _NOTHING),
    Command("invite", "NAME[,NAME…]", "ask people into this private room", _NAMES),
    Command("uninvite", "NAME[,NAME…]", "take an invitation back", _NAMES),
    Command("invites", "", "who invites you, and where to", _NOTHING),
    Command("decline", "[NAME]", "do not go where you are invited to", _ROOM),
    Command(
        "code",
        "[USES [DURATION] | list | revoke ID]",
        "make a code by which people enter this private room",
        _OTHER,
    ),
    Command("role", "NAME owner|moderator|member", "say what a member may do", _NAMES),
    Command("describe", "TEXT", "say what this room is for; - removes it", _TEXT),
    Command("rename", "NAME", "give this room another name", _OTHER),
    Command("archive", "", "close this room: it can be read", _NOTHING),
    Command("unarchive", "", "open it again", _NOTHING),
    Command("slow", "DURATION|off", "members wait so long between two messages", _OTHER),
    Command("lock-topic", "", "only moderators change the topic", _NOTHING),
    Command("unlock-topic", "", "all members change the topic", _NOTHING),
    Command("room-password", "", "a password by which people enter this private room", _NOTHING),
    Command("newcomers", "all|from-join", "what newcomers of this private room may read", _OTHER),
)
MODERATION = (
    Command("kick", "NAME [REASON]", "remove somebody, who may come back", _NAMES_AND_TEXT),
    Command(
        "ban", "NAME [DURATION] [REASON]", "remove somebody, who may not come back", _NAMES_AND_TEXT
    ),
    Command("unban", "NAME", "let somebody come again", _NAMES),
    Command("mute", "NAME [DURATION] [REASON]", "let somebody read and not speak", _NAMES_AND_TEXT),
    Command("unmute", "NAME", "let somebody speak again", _NAMES),
    Command("bans", "", "who is banned from this room or muted in it", _NOTHING),
    Command("numbers", "[N]", "show the last N messages with their numbers, 20 without N", _OTHER),
    Command("audit", "[room|server]", "who did what to whom, and why", _OTHER),
    Command("unignore", "NAME", "see somebody again", _NAMES),
    Command("ignored", "", "whom you ignore", _NOTHING),
)
ACCOUNT = (
    Command("whoami", "", "who you are here", _NOTHING),
    Command(
        "register",
        "[--invite|--owner [CODE]]",
        "make your name an account, with a code where one is needed",
        _OTHER,
    ),
    Command("password", "", "change your password; other sign-ins end", _NOTHING),
    Command(
        "logout",
        "",
        "sign out here and end: the next start asks for the password",
        _NOTHING,
    ),
    Command("sessions", "", "where you are signed in", _NOTHING),
    Command("revoke", "ID|others", "end a sign-in or a token, or all but this one", _OTHER),
    Command("tokens", "[BOT]", "your tokens for programs, or those of a bot", _OTHER),
    Command(
        "token",
        "new LABEL SCOPE[,SCOPE…] [BOT]",
        "make a token; scopes: read post rooms moderate admin",
        _OTHER,
    ),
    Command("bots", "", "your bots", _NOTHING),
    Command("bot", "new|close NAME", "make a bot, or close one for good", _OTHER),
    Command("block", "NAME", "take no direct messages from somebody", _NAMES),
    Command("unblock", "NAME", "take them again", _NAMES),
    Command("blocked", "", "whom you block", _NOTHING),
    Command(
        "invite-code",
        "[USES [DAYS] | list | revoke ID]",
        "admins: codes for registering",
        _OTHER,
    ),
    Command("deactivate", "", "close your account for good", _NOTHING),
)
SERVER = (
    Command("server-kick", "NAME [REASON]", "remove somebody from the server", _NAMES_AND_TEXT),
    Command(
        "server-ban",
        "NAME|NETWORK [DURATION] [REASON]",
        "keep a name or a network out of the server",
        _NAMES_AND_TEXT,
    ),
    Command("server-unban", "NAME|NETWORK", "let it in again", _OTHER),
    Command("server-bans", "", "who is kept out", _NOTHING),
    Command(
        "lockdown", "accounts|guests|all|off [REASON]", "let no newcomers in, or all again", _OTHER
    ),
    Command("admin", "NAME on|off", "make an account an admin, or no longer", _NAMES),
    Command("close-account", "NAME [REASON]", "let an account sign in no more", _NAMES_AND_TEXT),
    Command("reopen-account", "NAME", "let it sign in again", _NAMES),
    Command("fast", "BOT on|off", "let a bot send as fast as bots may", _NAMES),
)

TABLE: Mapping[Group, tuple[Command, ...]] = {
    Group.EVERYDAY: EVERYDAY,
    Group.ROOMS: ROOMS,
    Group.MODERATION: MODERATION,
    Group.ACCOUNT: ACCOUNT,
    Group.SERVER: SERVER,
}
"""The commands of each group."""

WEIGHTY = frozenset(
    {"kick", "ban", "mute", "role", "server-kick", "server-ban", "lockdown", "admin"}
)
"""Commands that somebody might slip into a text that others paste."""

ELSEWHERE = frozenset(
    {"help", "users", "rooms", "join", "msg", "dm", "accept", "ignore", "quit"}
    | {command.name for group in (Group.ACCOUNT, Group.SERVER) for command in TABLE[group]}
)
"""Commands that mean the same whatever the current room is."""

SHOWN_BY: Mapping[str, str] = {
    "create": "/rooms",
    "invite": "/audit",
    "uninvite": "/audit",
    "decline": "/invites",
    "code": "/code list",
    "role": "/members",
    "kick": "/members",
    "delete": "/numbers",
    **dict.fromkeys(("ban", "unban", "mute", "unmute"), "/bans"),
    **dict.fromkeys(("describe", "rename", "archive", "unarchive", "slow"), "/room"),
    **dict.fromkeys(("lock-topic", "unlock-topic", "room-password", "newcomers"), "/room"),
    "register": "/whoami",
    "password": "/password with the new one as the old one",
    "revoke": "/sessions or /tokens",
    "token": "/tokens",
    "bot": "/bots",
    "block": "/blocked",
    "unblock": "/blocked",
    "invite-code": "/invite-code list",
    "deactivate": "/whoami",
    "server-ban": "/server-bans",
    "server-unban": "/server-bans",
    **dict.fromkeys(("server-kick", "lockdown", "admin", "close-account"), "/audit server"),
    **dict.fromkeys(("reopen-account", "fast"), "/audit server"),
}
"""What shows whether a command was done, for each that changes something by a call."""

UNCONNECTED = frozenset({"help", "msg", "me", "ignore", "unignore", "ignored", "logout", "quit"})
"""Commands that do all that they ever do without a connection too."""

AHEAD = frozenset({"join", "dm"})
"""Commands that may be typed ahead of the connection: what follows waits for where they lead."""

COMMANDS = tuple(command for group in TABLE.values() for command in group)
"""All commands."""
