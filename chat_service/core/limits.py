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
    # Public rooms that a user is a member of.
    rooms_per_user: int = 100
    # Direct messages that a user opened; those opened by others do not count,
    # or a stranger could use them up.
    directs_per_user: int = 100
    sessions_per_user: int = 1000
    # Of one direct message. A list of names for people, not a mailing list.
    recipients: int = 15
    guest_grace_ms: int = GUEST_GRACE_MS
    renewal_ms: int = RENEWAL_MS
    first_answer_ms: int = FIRST_ANSWER_MS
    reserved_names: tuple[str, ...] = RESERVED_NAMES
