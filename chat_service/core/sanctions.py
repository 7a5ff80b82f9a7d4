"""What every order against somebody has: a reason, and how long it holds."""

from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import MAX_DURATION_MS, Limits
from chat_service.core.model import FOREVER_MS
from chat_service.core.names import is_one_line


def flaw_of_reason(reason: str, limits: Limits) -> Rejection | None:
    """Return why these words cannot be the reason of an order; None if they can."""
    if is_one_line(reason) and len(reason.encode()) <= limits.reason_bytes:
        return None
    return Rejection(
        Reason.FIELD_INVALID,
        f"a reason is at most {limits.reason_bytes} bytes on one line",
        field="reason",
    )


def end_of(duration_ms: int, time_ms: int) -> int | Rejection:
    """Return until when something holds that begins now; FOREVER_MS for a duration of 0."""
    if not 0 <= duration_ms <= MAX_DURATION_MS:
        return Rejection(
            Reason.FIELD_INVALID,
            "a duration is at most ten years; 0 is for ever",
            field="duration_ms",
        )
    return time_ms + duration_ms if duration_ms else FOREVER_MS
