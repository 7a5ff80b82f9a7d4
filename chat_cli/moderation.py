"""What can be asked of the server to keep order, in rooms and on the server. Pure.

Times and durations are milliseconds, times since 1970-01-01 UTC. A duration of 0 is for ever;
what holds until FOREVER_MS does too.
"""

from dataclasses import dataclass
from typing import Protocol

from chat_cli.model import RoomEvent, Target, User


@dataclass(frozen=True, slots=True)
class Restriction:
    """What somebody may not do in a room: enter it, speak in it; 0 where it may."""

    user: User
    banned_until_ms: int
    muted_until_ms: int
    by: User
    reason: str


@dataclass(frozen=True, slots=True)
class ServerBan:
    """A name or a network that is kept out; `by` has no id if it was the operator."""

    name: str
    network: str
    until_ms: int
    reason: str
    by: User
    time_ms: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom, where and why; `actor` has no id if it was the operator."""

    time_ms: int
    actor: User
    action: str
    room: str
    target: User | None
    details: str
    until_ms: int
    reason: str


class ModerationCalls(Protocol):
    """The calls that keep order. All raise ChatError.

    Those that keep somebody from something give until when.
    """

    async def kick(self, room: Target, name: str, reason: str) -> None:
        """Remove a member from a room."""
        ...

    async def ban(self, room: Target, name: str, duration_ms: int, reason: str) -> int:
        """Keep a user out of a room."""
        ...

    async def unban(self, room: Target, name: str) -> None:
        """Let a user into a room again."""
        ...

    async def mute(self, room: Target, name: str, duration_ms: int, reason: str) -> int:
        """Keep a user from speaking in a room."""
        ...

    async def unmute(self, room: Target, name: str) -> None:
        """Let a user speak in a room again."""
        ...

    async def list_restrictions(self, room: Target) -> list[Restriction]:
        """List who is banned from a room or muted in it, by name."""
        ...

    async def find_event(self, room: Target, seq: int) -> RoomEvent | None:
        """Give the event at a seq of a room; None if it is not kept, or not shown."""
        ...

    async def delete_message(self, room: Target, seq: int, reason: str) -> bool:
        """Delete a message; tell whether it was there."""
        ...

    async def remove_user(self, name: str, reason: str) -> int:
        """Remove a user from the server; give how many sessions it had open."""
        ...

    async def ban_user(self, name: str, duration_ms: int, reason: str) -> int:
        """Keep a user out of the server."""
        ...

    async def unban_user(self, name: str) -> None:
        """Let a user in again."""
        ...

    async def ban_network(
        self, network: str, duration_ms: int, reason: str
    ) -> tuple[str, int, int]:
        """Keep a network out: give it as it is stored, until when, and how many streams ended."""
        ...

    async def unban_network(self, network: str) -> None:
        """Let a network in again."""
        ...

    async def list_server_bans(self) -> list[ServerBan]:
        """List who is kept out of the server, the newest first."""
        ...

    async def set_lockdown(self, registrations: bool, guests: bool, reason: str) -> None:
        """Close the server to new accounts and new guests, or open it."""
        ...

    async def set_admin(self, name: str, admin: bool) -> None:
        """Make an account an admin, or no longer."""
        ...

    async def set_deactivated(self, name: str, deactivated: bool, reason: str) -> None:
        """Close an account, or open it again."""
        ...

    async def set_fast(self, name: str, fast: bool) -> None:
        """Let a bot send fast, or no longer."""
        ...

    async def list_audit(self, room: Target | None, most: int) -> list[AuditEntry]:
        """List what was done in a room, or on the server, the newest first."""
        ...
