"""Order in rooms and on the server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemberBanned:
    """A user may not be in a room until `until_ms`; 0: it may again."""

    time_ms: int
    room_id: int
    user_id: int
    until_ms: int
    reason: str
    by_id: int
    by_name: str


@dataclass(frozen=True, slots=True)
class MemberMuted:
    """A user may not speak in a room until `until_ms`; 0: it may again."""

    time_ms: int
    room_id: int
    user_id: int
    until_ms: int
    reason: str
    by_id: int
    by_name: str


@dataclass(frozen=True, slots=True)
class UserBanned:
    """Nobody of this name may be on the server."""

    time_ms: int
    name: str
    until_ms: int
    reason: str
    by_id: int
    by_name: str


@dataclass(frozen=True, slots=True)
class UserUnbanned:
    """They may again."""

    time_ms: int
    name: str


@dataclass(frozen=True, slots=True)
class NetworkBanned:
    """Nobody may come from a network."""

    time_ms: int
    network: str
    until_ms: int
    reason: str
    by_id: int
    by_name: str


@dataclass(frozen=True, slots=True)
class NetworkUnbanned:
    """They may again."""

    time_ms: int
    network: str


@dataclass(frozen=True, slots=True)
class LockdownSet:
    """The server is closed to new accounts, to new guests, or open."""

    time_ms: int
    registrations: bool
    guests: bool


@dataclass(frozen=True, slots=True)
class Audited:
    """What somebody did to keep order, for the audit log alone; 0: whoever runs the server."""

    time_ms: int
    audit_id: int
    actor_id: int
    actor_name: str
    action: str
    # 0 and empty: on the server.
    room_id: int = 0
    room_name: str = ""
    # 0 and empty: to nobody in particular.
    target_id: int = 0
    target_name: str = ""
    details: str = ""
    until_ms: int = 0
    reason: str = ""
