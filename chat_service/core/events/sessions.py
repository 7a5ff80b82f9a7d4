"""Who is signed in."""

from dataclasses import dataclass

from chat_service.core.model import ALL_SCOPES, FOREVER_MS


@dataclass(frozen=True, slots=True)
class UserCreated:
    """Somebody has an identity: a guest, until an account is made of it."""

    time_ms: int
    user_id: int
    name: str
    bot: bool = False


@dataclass(frozen=True, slots=True)
class UserEnded:
    """An identity is gone for ever; its name is free, its memberships are over."""

    time_ms: int
    user_id: int


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A client signed in, or an API token was made.

    The token itself is never stored, only its SHA-256.
    """

    time_ms: int
    session_id: int
    user_id: int
    token_hash: bytes
    instance: str
    until_ms: int
    expires_ms: int = FOREVER_MS
    client: str = ""
    address: str = ""
    scopes: tuple[int, ...] = ALL_SCOPES
    api_token: bool = False
    # The API token that it was opened by; 0: none.
    parent_id: int = 0


@dataclass(frozen=True, slots=True)
class SessionAttached:
    """A Chat stream of the session began; `attachment` tells it from older ones."""

    time_ms: int
    session_id: int
    attachment: int


@dataclass(frozen=True, slots=True)
class SessionDetached:
    """The stream is over; the session lives until `until_ms` unless it is used."""

    time_ms: int
    session_id: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class SessionRenewed:
    """The session was used; it lives until `until_ms`.

    Where a guest has registered, its sessions end at `expires_ms` too; 0: as before.
    """

    time_ms: int
    session_id: int
    until_ms: int
    expires_ms: int = 0


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The token is void."""

    time_ms: int
    session_id: int


@dataclass(frozen=True, slots=True)
class UserKicked:
    """Somebody removed a user from the server; the ends of its sessions follow.

    And that of a guest itself. `banned`: it may not come back at once.
    """

    time_ms: int
    user_id: int
    reason: str
    by_name: str = ""
    banned: bool = False
