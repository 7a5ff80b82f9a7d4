"""What unary calls have in common: the token, the time that they may take, how they fail."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from chat_cli.session.errors import (
    CallError,
    UnansweredCallError,
    UnreachableError,
    call_error,
)

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response")
One = TypeVar("One")

# Seconds that a call may take: a password of a room is looked at slowly, and others may be
# before it.
_CALL_S = 20.0
# The server could not tell itself whether it stored something.
_NOT_KNOWN = "STORAGE_FAILED"
_SILENT = "no answer from the server: try again when you are connected"
_MAYBE = "the server did not answer, so it may have done this, or not: look before you repeat it"
PAGE = 1000
"""How many of a list are asked for at once: the most that a server gives."""


class Page(Protocol):
    """An answer that is a part of a list."""

    @property
    def next_page_token(self) -> str:
        """Asks for the next part; empty at the end."""
        ...


PageOf = TypeVar("PageOf", bound=Page)


class Unary:
    """Calls with one token."""

    def __init__(self, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    async def change(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request
    ) -> Response:
        """Make a call that changes something.

        Raises CallError, as UnansweredCallError where it may have been done.
        """
        try:
            return await self.read(method, request)
        except CallError as error:
            if isinstance(error, UnreachableError) or error.reason == _NOT_KNOWN:
                raise UnansweredCallError(error.code, _MAYBE, error.reason) from None
            raise

    async def read(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request
    ) -> Response:
        """Make a call that changes nothing. Raises CallError."""
        try:
            return await method(request, metadata=self._metadata, timeout=_CALL_S)
        except grpc.aio.AioRpcError as error:
            failure = _failure(error)
            if isinstance(failure, UnreachableError):
                raise UnreachableError(failure.code, _SILENT) from None
            raise failure from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            # Its channel was closed under it, because the connection is over.
            raise UnreachableError(grpc.StatusCode.CANCELLED, _SILENT) from None

    async def pages(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, PageOf]",
        make: Callable[[str, int], Request],
        read: Callable[[PageOf], Iterable[One]],
        most: int = 0,
    ) -> list[One]:
        """Read a whole list, or its first `most`; `make` gives the request for a page.

        Raises CallError.
        """
        found: list[One] = []
        token = ""
        while True:
            size = min(PAGE, most - len(found)) if most else PAGE
            page = await self.read(method, make(token, size))
            found += read(page)
            token = page.next_page_token
            if not token or 0 < most <= len(found):
                return found


def _failure(error: grpc.aio.AioRpcError) -> CallError:
    """Tell why a call failed; that of a service that is not there, on a server that is."""
    failure = call_error(error)
    if failure.code is grpc.StatusCode.UNIMPLEMENTED and not failure.reason:
        return CallError(failure.code, "this server does not know how to do that: it is older")
    return failure
