"""Orders that keep order in rooms and on the server.

Where `session_id` is OPERATOR, whoever runs the server gives them.
"""

from dataclasses import dataclass

from chat_service.core.commands.targets import Target, UserTarget


@dataclass(frozen=True, slots=True)
class KickMember:
    """Remove a member from a room."""

    session_id: int
    target: Target
    user: UserTarget
    reason: str
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class BanMember:
    """Keep a user out of a room, for `duration_ms` or, where it is 0, for ever."""

    session_id: int
    target: Target
    user: UserTarget
    duration_ms: int
    reason: str
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class UnbanMember:
    """Let a user into a room again."""

    session_id: int
    target: Target
    user: UserTarget
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class MuteMember:
    """Let a user not speak in a room, for `duration_ms` or, where it is 0, for ever."""

    session_id: int
    target: Target
    user: UserTarget
    duration_ms: int
    reason: str
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class UnmuteMember:
    """Let a user speak in a room again."""

    session_id: int
    target: Target
    user: UserTarget
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class KickUser:
    """Remove a user from the server; `reason` is told to them."""

    session_id: int
    user: UserTarget
    reason: str


@dataclass(frozen=True, slots=True)
class BanUser:
    """Keep a user out of the server, for `duration_ms` or, where it is 0, for ever."""

    session_id: int
    user: UserTarget
    duration_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class UnbanUser:
    """Let a user in again."""

    session_id: int
    name: str


@dataclass(frozen=True, slots=True)
class BanNetwork:
    """Keep out who comes from a network, for `duration_ms` or, where it is 0, for ever."""

    session_id: int
    # An address or a network, as it was typed.
    network: str
    duration_ms: int
    reason: str
    # Where the order comes from; empty where that is not known.
    address: str = ""


@dataclass(frozen=True, slots=True)
class UnbanNetwork:
    """Let a network in again."""

    session_id: int
    network: str


@dataclass(frozen=True, slots=True)
class SetLockdown:
    """Close the server to new accounts and new guests, or open it."""

    session_id: int
    registrations: bool
    guests: bool
    reason: str


@dataclass(frozen=True, slots=True)
class SetAdmin:
    """Make an account an admin of the server, or no longer."""

    session_id: int
    user: UserTarget
    admin: bool


@dataclass(frozen=True, slots=True)
class SetDeactivated:
    """Close somebody's account, or open it again."""

    session_id: int
    user: UserTarget
    deactivated: bool
    reason: str


@dataclass(frozen=True, slots=True)
class SetFast:
    """Let a bot send fast, or no longer."""

    session_id: int
    user: UserTarget
    fast: bool
