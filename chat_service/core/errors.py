"""Why an order is refused: one reason for each case, stable, for programs.

Rejection            an order was understood and is refused; a value, not raised by decide
└── RefusedError          the same as an exception, for shells that leave a call with it

The transport maps each reason to its own status in one table.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What was wrong. The value is what travels."""

    # the request
    MALFORMED = "MALFORMED"  # cannot be parsed
    ORDER_MISSING = "ORDER_MISSING"  # no order set
    FIELD_INVALID = "FIELD_INVALID"
    NAME_INVALID = "NAME_INVALID"
    ROOM_NAME_INVALID = "ROOM_NAME_INVALID"
    TEXT_INVALID = "TEXT_INVALID"
    TOPIC_INVALID = "TOPIC_INVALID"
    CLIENT_ID_INVALID = "CLIENT_ID_INVALID"
    TARGET_MISSING = "TARGET_MISSING"
    PAGE_INVALID = "PAGE_INVALID"
    # identity
    TOKEN_MISSING = "TOKEN_MISSING"
    TOKEN_INVALID = "TOKEN_INVALID"
    NAME_TAKEN = "NAME_TAKEN"
    NAME_RESERVED = "NAME_RESERVED"
    NAME_REGISTERED = "NAME_REGISTERED"  # it is an account's
    PASSWORD_WRONG = "PASSWORD_WRONG"
    PASSWORD_INVALID = "PASSWORD_INVALID"  # too short, too long
    LOGIN_DELAYED = "LOGIN_DELAYED"
    ACCOUNT_NEEDED = "ACCOUNT_NEEDED"  # of who gives the order
    ACCOUNT_EXISTS = "ACCOUNT_EXISTS"
    REGISTRATION_CLOSED = "REGISTRATION_CLOSED"
    GUESTS_REFUSED = "GUESTS_REFUSED"
    INVITE_INVALID = "INVITE_INVALID"
    OWNER_CODE_INVALID = "OWNER_CODE_INVALID"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SCOPE_MISSING = "SCOPE_MISSING"
    NOT_A_BOT = "NOT_A_BOT"
    NOT_AN_ACCOUNT = "NOT_AN_ACCOUNT"  # of whom the order is about
    LAST_ADMIN = "LAST_ADMIN"
    SESSION_REPLACED = "SESSION_REPLACED"
    SESSION_ENDED = "SESSION_ENDED"
    KICKED = "KICKED"
    BANNED = "BANNED"
    # rooms
    ROOM_NOT_FOUND = "ROOM_NOT_FOUND"
    USER_NOT_FOUND = "USER_NOT_FOUND"
    RECIPIENTS_GONE = "RECIPIENTS_GONE"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    ROOM_IS_DIRECT = "ROOM_IS_DIRECT"
    SEQ_OUT_OF_RANGE = "SEQ_OUT_OF_RANGE"
    ID_REUSED = "ID_REUSED"
    ROOM_EXISTS = "ROOM_EXISTS"
    ROOM_ARCHIVED = "ROOM_ARCHIVED"
    ROOM_IS_PUBLIC = "ROOM_IS_PUBLIC"
    ALREADY_MEMBER = "ALREADY_MEMBER"
    LAST_OWNER = "LAST_OWNER"
    INVITE_NOT_FOUND = "INVITE_NOT_FOUND"
    MESSAGE_NOT_FOUND = "MESSAGE_NOT_FOUND"
    # order in rooms and on the server
    ROLE_NEEDED = "ROLE_NEEDED"
    ROLE_TOO_HIGH = "ROLE_TOO_HIGH"  # of whom the order is about
    ADMIN_NEEDED = "ADMIN_NEEDED"
    MUTED = "MUTED"
    BANNED_FROM_ROOM = "BANNED_FROM_ROOM"
    BLOCKED = "BLOCKED"
    NETWORK_IS_YOURS = "NETWORK_IS_YOURS"
    # bounds
    TOO_MANY_ROOMS = "TOO_MANY_ROOMS"
    TOO_MANY_SESSIONS = "TOO_MANY_SESSIONS"
    TOO_MANY_CONNECTIONS = "TOO_MANY_CONNECTIONS"  # of an address
    TOO_MANY_BOTS = "TOO_MANY_BOTS"
    TOO_MANY_BLOCKS = "TOO_MANY_BLOCKS"
    TOO_MANY_INVITES = "TOO_MANY_INVITES"
    TOO_MANY_BANS = "TOO_MANY_BANS"
    SLOW_MODE = "SLOW_MODE"
    RATE_LIMITED = "RATE_LIMITED"
    RATE_IGNORED = "RATE_IGNORED"  # three strikes
    SLOW_READER = "SLOW_READER"
    OVERLOADED = "OVERLOADED"
    # the stream and the server
    HELLO_MISSING = "HELLO_MISSING"
    HELLO_REPEATED = "HELLO_REPEATED"
    HELLO_TIMEOUT = "HELLO_TIMEOUT"
    DRAINING = "DRAINING"
    STORAGE_FULL = "STORAGE_FULL"
    STORAGE_FAILED = "STORAGE_FAILED"
    STORAGE_DAMAGED = "STORAGE_DAMAGED"
    INTERNAL = "INTERNAL"
    NOT_ANSWERED_HERE = "NOT_ANSWERED_HERE"  # a call that another address answers


@dataclass(frozen=True, slots=True)
class Rejection:
    """An order is refused. `message` is a sentence for people and never holds a secret."""

    reason: Reason
    message: str
    # Name of the request's field at fault; empty if it is not about one.
    field: str = ""
    # When the same order may succeed, in milliseconds from now; 0: waiting does not help.
    retry_after_ms: int = 0
    metadata: tuple[tuple[str, str], ...] = ()


class RefusedError(Exception):
    """Carries a Rejection out of a call."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(f"{rejection.reason}: {rejection.message}")
        self.rejection = rejection
