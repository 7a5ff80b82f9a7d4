"""What can be asked of the server about rooms and who belongs to them. Pure.

Times and durations are milliseconds, times since 1970-01-01 UTC; 0 is none.
"""

from dataclasses import dataclass
from typing import Protocol

from chat_cli.account import Invite, Made
from chat_cli.model import Invitation, Role, RoomChanged, RoomInfo, Target, User


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who belongs to a room; mutes are told to moderators only."""

    user: User
    role: Role
    join_ms: int
    muted_until_ms: int = 0


class RoomCalls(Protocol):
    """The calls about rooms. All raise ChatError."""

    async def create_room(self, name: str, private: bool, password: str = "") -> RoomInfo:
        """Make a room, with the caller as its owner."""
        ...

    async def get_room(self, room: Target) -> RoomInfo:
        """Give a room as it is now."""
        ...

    async def update_room(
        self, room: Target, change: RoomChanged, password: str | None = None
    ) -> RoomInfo:
        """Change a room; an empty password takes it away, None leaves it as it is."""
        ...

    async def list_members(self, room: Target) -> list[Member]:
        """List who belongs to a room, by name."""
        ...

    async def set_role(self, room: Target, name: str, role: Role) -> None:
        """Give a member another role."""
        ...

    async def invite(self, room: Target, name: str) -> None:
        """Invite a user to a private room."""
        ...

    async def revoke_invitation(self, room: Target, name: str) -> None:
        """Take an invitation back."""
        ...

    async def list_invitations(self) -> list[Invitation]:
        """List the own invitations, the newest first."""
        ...

    async def decline(self, room_id: str) -> None:
        """Decline an invitation."""
        ...

    async def create_code(self, room: Target, uses: int, lifetime_ms: int) -> Made:
        """Make a code by which people may enter; 0 uses and 0 ms are the server's usual."""
        ...

    async def list_codes(self, room: Target) -> list[Invite]:
        """List the codes of a room that can still be used, the newest first."""
        ...

    async def revoke_code(self, room: Target, invite_id: str) -> None:
        """End a code of a room."""
        ...
