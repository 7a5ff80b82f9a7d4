"""Orders about accounts."""

from dataclasses import dataclass

from chat_service.core.commands.targets import UserTarget


@dataclass(frozen=True, slots=True)
class Register:
    """Make an account: of the guest of `session_id`, or of somebody new where it is 0.

    Codes come as SHA-256, empty where none was given. `by_operator`: whoever runs the
    server makes the account, no code is asked for and no session opened.
    """

    session_id: int
    name: str
    password_hash: str
    token_hash: bytes
    instance: str
    invite_hash: bytes = b""
    owner_code_hash: bytes = b""
    client: str = ""
    address: str = ""
    # Verdict of the limit on new accounts of an address.
    wait_ms: int = 0
    by_operator: bool = False
    admin: bool = False


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Change the password; all other sessions of the account end.

    `old_hash` is what the old password was compared with and found right.
    """

    session_id: int
    old_hash: str
    new_hash: str


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Whoever runs the server gives an account another password; its sessions end."""

    user: UserTarget
    new_hash: str


@dataclass(frozen=True, slots=True)
class SetOwnerCode:
    """Whoever runs the server makes a code by which an admin may register."""

    code_hash: bytes


@dataclass(frozen=True, slots=True)
class CreateApiToken:
    """Make a token for programs, of the account of `session_id` or of a bot of it."""

    session_id: int
    # A name; empty: the account itself.
    bot: str
    label: str
    scopes: tuple[int, ...]
    token_hash: bytes
    instance: str
    # 0: until it is revoked.
    lifetime_ms: int


@dataclass(frozen=True, slots=True)
class CreateBot:
    """Make a bot of the account of `session_id`."""

    session_id: int
    name: str
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class DeactivateAccount:
    """Close one's own account, or a bot of it.

    `password_hash` is what the password was compared with and found right; a bot needs none.
    """

    session_id: int
    password_hash: str
    # A name; empty: the account itself.
    bot: str


@dataclass(frozen=True, slots=True)
class BlockUser:
    """Take no direct messages of a user, or take them again."""

    session_id: int
    user: UserTarget
    blocked: bool
    wait_ms: int = 0
