"""Accounts, sign-ins and invite codes, in the client's own words. Pure.

Times are milliseconds since 1970-01-01 UTC; 0 is never.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from chat_cli.model import User


class Scope(Enum):
    """What a token may be used for; the value is what people type."""

    READ = "read"
    POST = "post"
    ROOMS = "rooms"
    MODERATE = "moderate"
    ADMIN = "admin"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of an account; `create_ms` 0 says that the user is a guest."""

    user: User
    admin: bool = False
    create_ms: int = 0
    bot_owner: User | None = None
    fast: bool = False


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session or an API token of an account; `current` is the one that asks."""

    session_id: str
    label: str
    api_token: bool
    scopes: tuple[Scope, ...]
    address: str
    create_ms: int
    expires_ms: int
    idle_until_ms: int
    connected: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Invite:
    """What an invite code is good for."""

    invite_id: str
    uses_left: int
    expires_ms: int
    creator: User


@dataclass(frozen=True, slots=True)
class Made:
    """A secret that is shown once, and never by accident, and what it is: a token or a code."""

    secret: str = field(repr=False)
    what: SignIn | Invite


class AccountCalls(Protocol):
    """What can be asked of the server about the own account. All raise ChatError."""

    async def get_account(self) -> Account:
        """Give the own account; of a guest only the user is known."""
        ...

    async def change_password(self, old: str, new: str) -> int:
        """Change the password; give how many other sign-ins and tokens ended."""
        ...

    async def list_sessions(self, bot: str = "") -> list[SignIn]:
        """List the sign-ins and tokens of the own account or of a bot, the newest first."""
        ...

    async def revoke_session(self, session_id: str) -> int:
        """End a sign-in or token, all but the own if the id is empty; give how many ended."""
        ...

    async def create_token(
        self, label: str, scopes: Iterable[Scope], bot: str, lifetime_ms: int
    ) -> Made:
        """Make a token for programs, of the own account or of a bot."""
        ...

    async def create_bot(self, name: str) -> Account:
        """Make a bot."""
        ...

    async def list_bots(self) -> list[Account]:
        """List the own bots by name."""
        ...

    async def deactivate(self, password: str, bot: str = "") -> None:
        """Close the own account, or a bot, for good."""
        ...

    async def block(self, name: str) -> User:
        """Take no direct messages from a user any more."""
        ...

    async def unblock(self, name: str) -> User:
        """Take direct messages from a user again."""
        ...

    async def list_blocked(self) -> list[User]:
        """List who is blocked, by name."""
        ...

    async def create_invite(self, uses: int, lifetime_ms: int) -> Made:
        """Make a code by which people may register."""
        ...

    async def list_invites(self) -> list[Invite]:
        """List the codes that can still be used, the newest first."""
        ...

    async def revoke_invite(self, invite_id: str) -> None:
        """End a code."""
        ...
