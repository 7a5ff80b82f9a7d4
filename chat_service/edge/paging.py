"""Page sizes and page tokens of lists.

A token is opaque to clients; inside it says which list it belongs to and the key
that the next page begins after.
"""

import base64
import binascii

from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits

# No seq has more; a longer number in a page_token was never ours.
MAX_DIGITS = 19


def page_size(asked: int, limits: CallLimits = DEFAULT_CALLS) -> int:
    """Return how many items a page may have. Raises RefusedError for a negative size."""
    if asked < 0:
        raise RefusedError(
            Rejection(Reason.PAGE_INVALID, "page_size is not negative", field="page_size")
        )
    return min(asked, limits.max_page_items) or limits.page_items


def token_after(scope: str, key: str) -> str:
    """Return the token of the page that begins after `key` in the list `scope`."""
    return base64.urlsafe_b64encode(f"{scope}\n{key}".encode()).decode()


def key_of(token: str, scope: str) -> str | None:
    """Return the key that a page begins after; None for the first page.

    Raises RefusedError (PAGE_INVALID) for a token that is not of this list.
    """
    if not token:
        return None
    try:
        found, _, key = (
            base64.b64decode(token, altchars=b"-_", validate=True).decode().partition("\n")
        )
    except (binascii.Error, ValueError):
        found, key = "", ""
    if found != scope or not key:
        raise RefusedError(
            Rejection(
                Reason.PAGE_INVALID, "this page_token is not of this list", field="page_token"
            )
        )
    return key


def number_of(key: str) -> int:
    """Read a key that is a number. Raises RefusedError (PAGE_INVALID) where it is none."""
    if not (key.isascii() and key.isdecimal() and len(key) <= MAX_DIGITS):
        raise RefusedError(
            Rejection(Reason.PAGE_INVALID, "this page_token is damaged", field="page_token")
        )
    return int(key)
