"""What is known, as frozen records of plain values."""

from dataclasses import dataclass
from enum import IntEnum

# A time that never comes: the largest that every JSON number can carry, in ms since 1970.
FOREVER_MS = 2**53 - 1


class RoomKind(IntEnum):
    """What a room is. The values are stored."""

    PUBLIC = 1
    DIRECT = 2
    PRIVATE = 3


class Role(IntEnum):
    """What a member may do in a room; each includes those before. The values are stored."""

    MEMBER = 1
    MODERATOR = 2
    OWNER = 3


class HistoryPolicy(IntEnum):
    """What newcomers of a room may read. The values are stored."""

    ALL = 1
    FROM_JOIN = 2


class Scope(IntEnum):
    """What a token may be used for. The values are stored."""

    READ = 1
    POST = 2
    ROOMS = 3
    MODERATE = 4
    ADMIN = 5
    ACCOUNT = 6


ALL_SCOPES = tuple(Scope)


class Style(IntEnum):
    """How a text is meant. The values are stored."""

    TEXT = 0
    ACTION = 1


@dataclass(frozen=True, slots=True)
class User:
    """Who speaks: an id for life, and a name as an attribute."""

    user_id: int
    name: str
    created_ms: int
    # Whether it has an account; a guest has none.
    account: bool = False
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What makes the name of a user its own for ever."""

    user_id: int
    # As argon2 writes it, parameters and salt included; empty for a bot.
    password_hash: str
    created_ms: int
    # Whether it looks after the server.
    admin: bool = False
    # Whose bot it is; 0: it is none.
    owner_id: int = 0
    # Whether a bot may send as fast as bots may that are vouched for.
    fast: bool = False
    # Nobody can sign in by it any more.
    deactivated: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in client of a user, or an API token of an account."""

    session_id: int
    user_id: int
    token_hash: bytes
    # The server process that it was opened on.
    instance: str
    # Number of its live Chat stream; 0: it has none.
    attachment: int
    # Without a stream it is void from then on, in ms since 1970.
    until_ms: int
    created_ms: int = 0
    # Void from then on, whatever streams it has.
    expires_ms: int = FOREVER_MS
    # What signed in, for people.
    client: str = ""
    # Where from, without a port; empty where that is not known.
    address: str = ""
    scopes: tuple[int, ...] = ALL_SCOPES
    api_token: bool = False
    # The API token that it was opened by, with which it ends; 0: none.
    parent_id: int = 0

    def is_valid(self, now_ms: int) -> bool:
        """Whether the session may be used at `now_ms`."""
        return now_ms < self.expires_ms and (self.attachment != 0 or now_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class Member:
    """That a user belongs to a room."""

    room_id: int
    user_id: int
    joined_ms: int
    role: Role = Role.MEMBER
    # The first seq that it may read.
    from_seq: int = 1
    # Which membership of the server it is: 1, 2, 3 …
    number: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """A room but for its messages; the seq of the newest is in `State.heads`."""

    room_id: int
    kind: RoomKind
    name: str
    topic: str
    opener_id: int
    created_ms: int
    # Of a direct message, by id; names as they were when it was opened, for
    # those who are gone.
    member_ids: tuple[int, ...] = ()
    member_names: tuple[str, ...] = ()
    description: str = ""
    # It can be read, and nothing is said in it.
    archived: bool = False
    # Members other than moderators wait so long between two messages; 0: they do not.
    slow_mode_ms: int = 0
    history: HistoryPolicy = HistoryPolicy.ALL
    # Whether only moderators change the topic.
    topic_locked: bool = False
    # Of a private room, as argon2 writes it; empty: it has none.
    password_hash: str = ""


@dataclass(frozen=True, slots=True)
class Restriction:
    """What a user may not do in a room. Outlives the membership, not the user."""

    room_id: int
    user_id: int
    # Until when it may not enter or read, and may not speak; 0: it may.
    banned_until_ms: int
    muted_until_ms: int
    # Who said so last, and why.
    by_id: int
    by_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """That a user may enter a private room."""

    room_id: int
    user_id: int
    inviter_id: int
    inviter_name: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Invite:
    """A code by which some people may register, or enter a private room."""

    invite_id: int
    # SHA-256; the code itself is not stored.
    code_hash: bytes
    # 0: it is for registrations.
    room_id: int
    uses_left: int
    until_ms: int
    creator_id: int
    creator_name: str


@dataclass(frozen=True, slots=True)
class UserBan:
    """That nobody of a name may be on the server: an account for ever has its name."""

    name: str
    until_ms: int
    by_id: int
    by_name: str
    reason: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class NetworkBan:
    """That nobody may come from a network."""

    # In the form of `ipaddress`: `192.0.2.0/24`, `2001:db8::/32`.
    network: str
    until_ms: int
    by_id: int
    by_name: str
    reason: str
    time_ms: int
