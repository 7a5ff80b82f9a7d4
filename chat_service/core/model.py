"""What is known: frozen records, and State, which holds them in tables.

State holds nothing that grows with the number of messages.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from chat_service.core.limits import Limits
from chat_service.core.table import Table

# Version of the rules in `decide`. Raised only when the same command must be
# decided otherwise; `decide` then branches on the version in the state.
RULES_VERSION = 1

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


class State:
    """All that decisions need. Changed by `evolve` alone.

    Ids that belong to a key are sorted.
    """

    def __init__(self) -> None:
        # "position": events so far. "time_ms": time of the last.
        # "user", "session", "room", "invite", "audit", "member": the last id given.
        # "rules": rules_version. "registrations_locked", "guests_locked": 1 if so.
        self.counters: Table[str, int] = Table()
        # "epoch" of the data. "owner_code": SHA-256 in hex of the code that makes the
        # next account that registers with it an admin; empty or missing: there is none.
        # "void_owner_code": that of the code before, which was used, or not needed any more.
        self.names: Table[str, str] = Table()
        self.settings: Table[str, Limits] = Table()
        self.users: Table[int, User] = Table()
        self.user_ids: Table[str, int] = Table()  # by key of the name
        self.accounts: Table[int, Account] = Table()  # by user
        self.bots_of: Table[int, tuple[int, ...]] = Table()  # by owner
        # Whose direct messages a user does not take.
        self.blocks: Table[tuple[int, int], int] = Table()  # by user and the other: since
        self.blocked_by: Table[int, tuple[int, ...]] = Table()  # by user: the others
        self.user_bans: Table[str, UserBan] = Table()  # by key of the name
        self.network_bans: Table[str, NetworkBan] = Table()  # by network
        self.invites: Table[int, Invite] = Table()
        self.invite_ids: Table[bytes, int] = Table()  # by hash of the code
        self.invites_of: Table[int, tuple[int, ...]] = Table()  # by room; 0: registrations
        self.sessions: Table[int, Session] = Table()
        self.session_ids: Table[bytes, int] = Table()  # by hash of the token
        self.sessions_of: Table[int, tuple[int, ...]] = Table()  # by user
        self.rooms: Table[int, Room] = Table()
        self.heads: Table[int, int] = Table()  # by room
        # The first seq that is kept, by room; not of rooms that still have all.
        self.firsts: Table[int, int] = Table()
        # Forgotten rooms whose events are still stored: the newest seq, by room.
        self.leftovers: Table[int, int] = Table()
        self.room_ids: Table[str, int] = Table()  # public rooms, by key of the name
        self.direct_ids: Table[tuple[int, ...], int] = Table()  # by sorted member ids
        self.members: Table[tuple[int, int], Member] = Table()  # by room and user
        self.rooms_of: Table[int, tuple[int, ...]] = Table()  # by user, all kinds
        # Members of private rooms, by room.
        self.private_members: Table[int, tuple[int, ...]] = Table()
        self.restrictions: Table[tuple[int, int], Restriction] = Table()  # by room and user
        self.restricted_in: Table[int, tuple[int, ...]] = Table()  # by room: users
        self.restricted_of: Table[int, tuple[int, ...]] = Table()  # by user: rooms
        self.invitations: Table[tuple[int, int], Invitation] = Table()  # by room and user
        self.invitations_of: Table[int, tuple[int, ...]] = Table()  # by user: rooms
        self.invited_to: Table[int, tuple[int, ...]] = Table()  # by room: users
        # When a member spoke last, by room and user; only while the room is in slow mode.
        self.spoke: Table[tuple[int, int], int] = Table()

    @property
    def epoch(self) -> str:
        """The name of the data's life; empty before EpochBegan."""
        return self.names.get("epoch") or ""

    @property
    def limits(self) -> Limits:
        """The figures that decisions use."""
        return self.settings.get("limits") or _DEFAULT_LIMITS

    def counter(self, name: str) -> int:
        """Return a counter; 0 before its first use."""
        return self.counters.get(name) or 0

    def first(self, room_id: int) -> int:
        """Return the first seq that is kept of a room; head + 1 where none is."""
        return self.firsts.get(room_id) or 1

    def tables(self) -> dict[str, Table[object, object]]:
        """Return every table by name."""
        return {name: cast(Table[object, object], table) for name, table in vars(self).items()}

    def touched(self) -> list[tuple[str, Table[object, object]]]:
        """Return the tables whose scratch layers hold something, by name.

        A message touches two of them, and each commit asks.
        """
        return [(name, table) for name, table in vars(self).items() if table.scratch]

    def merge(self) -> None:
        """Make all scratch layers so: the batch is durable."""
        for _, table in self.touched():
            table.merge()

    def discard(self) -> None:
        """Forget all scratch layers: the batch failed."""
        for _, table in self.touched():
            table.discard()

    def snapshot(self) -> dict[str, dict[object, object]]:
        """Return plain dictionaries of everything, to compare two states."""
        return {name: table.snapshot() for name, table in self.tables().items()}


_DEFAULT_LIMITS = Limits()
