"""Orders about who is signed in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenGuest:
    """Sign in as a new user of this name, and join a room unless it is empty."""

    name: str
    token_hash: bytes
    instance: str
    room: str = ""
    # Verdict of the limit on new rooms of an address.
    room_wait_ms: int = 0
    client: str = ""
    # Where from, without a port.
    address: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Open a session of an account whose password was right.

    `password_hash` is what the password was compared with: refused if it is another by
    now. `fresh_hash` is of the same password with the parameters of today; empty: the
    stored one has them.
    """

    user_id: int
    password_hash: str
    fresh_hash: str
    token_hash: bytes
    instance: str
    room: str = ""
    room_wait_ms: int = 0
    client: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open a further session of the user of `session_id`."""

    session_id: int
    name: str
    token_hash: bytes
    instance: str
    room: str = ""
    room_wait_ms: int = 0
    client: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class AttachSession:
    """A Chat stream of the session begins; `attachment` is above all earlier ones."""

    session_id: int
    attachment: int


@dataclass(frozen=True, slots=True)
class DetachSession:
    """The stream `attachment` is over; without effect if a newer one took its place."""

    session_id: int
    attachment: int


@dataclass(frozen=True, slots=True)
class RenewSession:
    """The session was used by a call."""

    session_id: int


@dataclass(frozen=True, slots=True)
class EndSession:
    """Sign out."""

    session_id: int


@dataclass(frozen=True, slots=True)
class ExpireSession:
    """A timer saw that the session's time is over; without effect if it is not."""

    session_id: int


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """End a session or an API token of the same account, or of a bot of it."""

    session_id: int
    # 0: all of the account but `session_id`.
    revoked_id: int
