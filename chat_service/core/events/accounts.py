"""Accounts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountCreated:
    """A user has an account; a bot has no password, and an owner."""

    time_ms: int
    user_id: int
    password_hash: str
    admin: bool = False
    owner_id: int = 0


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """An account has another password, or a better hash of the same."""

    time_ms: int
    user_id: int
    password_hash: str


@dataclass(frozen=True, slots=True)
class AdminChanged:
    """An account is an admin of the server, or no longer."""

    time_ms: int
    user_id: int
    admin: bool


@dataclass(frozen=True, slots=True)
class AccountDeactivated:
    """An account is closed, and no admin any more; the ends of its sessions and rooms follow."""

    time_ms: int
    user_id: int


@dataclass(frozen=True, slots=True)
class AccountReactivated:
    """An account is open again."""

    time_ms: int
    user_id: int


@dataclass(frozen=True, slots=True)
class FastChanged:
    """A bot may send fast, or no longer."""

    time_ms: int
    user_id: int
    fast: bool


@dataclass(frozen=True, slots=True)
class OwnerCodeSet:
    """There is a code that makes an admin; empty: it is good no longer."""

    time_ms: int
    code_hash: bytes


@dataclass(frozen=True, slots=True)
class UserBlocked:
    """A user takes no direct messages of another."""

    time_ms: int
    user_id: int
    blocked_id: int


@dataclass(frozen=True, slots=True)
class UserUnblocked:
    """A user takes them again."""

    time_ms: int
    user_id: int
    blocked_id: int
