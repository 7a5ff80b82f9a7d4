"""The figures that decisions use. They are state: a logged command changes them.

The defaults are those of the service's guarantees; a size never depends on
whether rate limits are on.
"""

from dataclasses import dataclass

# A guest may be silent this long: ten minutes after its last stream or call.
GUEST_GRACE_MS = 600_000
# A stored deadline is moved at most this often, so that calls do not each cost
# a commit; it is added to the grace, so that ten minutes are always granted.
RENEWAL_MS = 30_000
# A retry is known for at least 14 days, whatever is kept of the messages.
# Source: the service's guarantees.
FIRST_ANSWER_MS = 14 * 24 * 3_600_000

# A token of an account is good for 14 days, and for 24 hours without being used.
# Source: the service's guarantees.
ACCOUNT_TOKEN_MS = 14 * 24 * 3_600_000
ACCOUNT_IDLE_MS = 24 * 3_600_000

# A ban or a mute that ends is no longer than ten years.
MAX_DURATION_MS = 3_653 * 24 * 3_600_000

# Who may register.
OPEN, INVITE, CLOSED = "open", "invite", "closed"
REGISTRATION = (OPEN, INVITE, CLOSED)

RESERVED_NAMES = (
    "admin",
    "administrator",
    "all",
    "anonymous",
    "channel",
    "everyone",
    "here",
    "mod",
    "moderator",
    "nobody",
    "operator",
    "owner",
    "root",
    "security",
    "server",
    "service",
    "staff",
    "support",
    "sysop",
    "system",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and counts. Bytes are of UTF-8."""

    text_bytes: int = 4096
    text_lines: int = 100
    name_bytes: int = 32
    room_name_bytes: int = 64
    topic_bytes: int = 390
    # Of client_msg_id and order_id.
    client_id_bytes: int = 64
    # Rooms that a user is a member of, public and private.
    rooms_per_user: int = 100
    # Direct messages that a user opened; those opened by others do not count,
    # or a stranger could use them up.
    directs_per_user: int = 100
    # Of an account, with its API tokens.
    sessions_per_user: int = 1000
    # New guests are free: their clients are what one address could take memory by.
    sessions_per_guest: int = 100
    # Of one direct message. A list of names for people, not a mailing list.
    recipients: int = 15
    guest_grace_ms: int = GUEST_GRACE_MS
    renewal_ms: int = RENEWAL_MS
    first_answer_ms: int = FIRST_ANSWER_MS
    # Of a kick, a ban, a deletion. Source: the service's guarantees.
    reason_bytes: int = 390
    description_bytes: int = 2000
    # Of a session or an API token.
    label_bytes: int = 64
    account_token_ms: int = ACCOUNT_TOKEN_MS
    account_idle_ms: int = ACCOUNT_IDLE_MS
    # One of REGISTRATION.
    registration: str = OPEN
    # Whether people may come without an account.
    guests: bool = True
    bots_per_user: int = 10
    # Users that one user blocks.
    blocks_per_user: int = 1000
    # Bans and mutes of a room, and of the server; the service's guarantees have 1,000
    # bans of a room.
    bans_per_room: int = 1000
    bans_of_server: int = 10_000
    # Codes of a room or of the server that can still be used, and invitations of a user.
    invites: int = 100
    invitations_per_user: int = 100
    reserved_names: tuple[str, ...] = RESERVED_NAMES
