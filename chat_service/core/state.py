"""State: all that is known, in tables. Holds nothing that grows with the number of messages."""

from typing import cast

from chat_service.core.limits import Limits
from chat_service.core.model import (
    Account,
    Invitation,
    Invite,
    Member,
    NetworkBan,
    Restriction,
    Room,
    Session,
    User,
    UserBan,
)
from chat_service.core.table import Table

# Version of the rules in `decide`. Raised only when the same command must be
# decided otherwise; `decide` then branches on the version in the state.
RULES_VERSION = 1


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
