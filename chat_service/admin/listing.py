"""One list out of those of several instances, in pages.

Instances come by port, and each gives its own pages. A token says where to go on: the port,
and that instance's own token. It is opaque to whoever gets it.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chat_service.admin.operations import AdminError
from chat_service.admin.places import Places
from chat_service.admin.remote import Remote

# Source of the figures: the contract.
DEFAULT_PAGE = 100
MAX_PAGE = 1_000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list, and the token of the next one; empty at the end."""

    items: list[Item]
    next_token: str


# A page of one instance: of that port, with at most so many items, from its token on.
Fetch = Callable[[Remote, int, int, str], Awaitable[Page[Item]]]


def page_size(asked: int) -> int:
    """Return how many items a page may have."""
    return min(asked, MAX_PAGE) or DEFAULT_PAGE


async def page(places: Places, port: int, size: int, token: str, fetch: Fetch[Item]) -> Page[Item]:
    """Return a page of the list of one instance, or (port 0) of all that serve.

    Raises AdminError: PAGE_INVALID for a token that is not of such a list, and what the
    instances raise.
    """
    begin, within = _parse(token)
    if begin and port not in (0, begin):
        raise AdminError("PAGE_INVALID", "this page_token is not of this list")
    items: list[Item] = []
    for place in places.serving(port):
        at = place.news.port
        if at < begin:
            continue
        # An instance that is gone since takes its place in the list with it.
        within = within if at == begin else ""
        while True:
            if len(items) == size:
                return Page(items, _format(at, within))
            part = await fetch(place.serving(), at, size - len(items), within)
            items += part.items
            within = part.next_token
            if not within:
                break
    return Page(items, "")


async def walk(places: Places, port: int, fetch: Fetch[Item]) -> AsyncIterator[Item]:
    """Yield the whole list."""
    token = ""
    while True:
        part = await page(places, port, MAX_PAGE, token, fetch)
        for item in part.items:
            yield item
        token = part.next_token
        if not token:
            return


def _format(port: int, within: str) -> str:
    return base64.urlsafe_b64encode(f"{port}:{within}".encode()).decode()


def _parse(token: str) -> tuple[int, str]:
    if not token:
        return 0, ""
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
        port, colon, within = text.partition(":")
        if not colon or not port.isascii() or not port.isdecimal():
            raise ValueError(port)
        return int(port), within
    except (binascii.Error, ValueError):
        raise AdminError("PAGE_INVALID", "this page_token is not of this list") from None
