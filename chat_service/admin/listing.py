"""One list out of those of several instances, in pages.

Instances come by port, and each gives its own pages. A token says where to go on: the port,
and that instance's own token. It is opaque to whoever gets it.
"""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chat_service.admin.operations import AdminError
from chat_service.admin.places import Place, Places, unanswered
from chat_service.admin.remote import UNAVAILABLE

# Source of the figures: the contract.
DEFAULT_PAGE = 100
MAX_PAGE = 1_000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A part of a list, and the token of the next one; empty at the end."""

    items: list[Item]
    next_token: str


# A page of one instance, with at most so many items, from its token on.
Fetch = Callable[[Place, int, str], Awaitable[Page[Item]]]


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
            part = await fetch(place, size - len(items), within)
            items += part.items
            within = part.next_token
            if not within:
                break
    return Page(items, "")


async def walk(places: Places, port: int, fetch: Fetch[Item]) -> AsyncIterator[Item]:
    """Yield the whole list; all instances begin at once.

    Raises AdminError: of a list of all instances at its end, if some did not answer.
    """
    chosen = places.serving(port)
    begun = [asyncio.ensure_future(fetch(place, MAX_PAGE, "")) for place in chosen]
    silent: list[int] = []
    try:
        for place, first in zip(chosen, begun, strict=True):
            try:
                part = await first
                for item in part.items:
                    yield item
                while part.next_token:
                    part = await fetch(place, MAX_PAGE, part.next_token)
                    for item in part.items:
                        yield item
            except AdminError as error:
                if port or error.reason != UNAVAILABLE:
                    raise
                silent.append(place.news.port)
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
    if silent:
        raise AdminError(UNAVAILABLE, unanswered(silent))


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
