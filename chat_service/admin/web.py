"""/metrics, /healthz and /readyz, for programs that ask by HTTP.

A few requests at a time, each small and answered at once; then the connection is closed.
Nothing here waits for whoever asks: who is slow is let go of.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 8 * 1024
"""Of a request line and its headers. Prometheus sends some 300 bytes."""

HEAD_S = 5.0
"""How long a request may take to arrive."""

ANSWER_S = 10.0
"""How long its answer may take to be made and taken."""

MAX_REQUESTS = 32
"""At the same time. Whoever comes on top takes the place of the one who has been at its
request the longest; if all have theirs answered just now, it is told to come back."""

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN


Path = Callable[[], Awaitable[Answer]]


def plain(status: HTTPStatus, *lines: str) -> Answer:
    """Return an answer for people; without lines it says its status."""
    text = "".join(f"{line}\n" for line in lines or [status.phrase.lower()])
    return Answer(status, text.encode())


class Web:
    """The paths, on one address once it is opened."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self._server: asyncio.Server | None = None
        self._requests: set[asyncio.Task[None]] = set()
        # Those of them whose request has not arrived, oldest first.
        self._arriving: dict[asyncio.Task[None], None] = {}

    async def open(self, host: str, port: int) -> str:
        """Listen; return the address, as `127.0.0.1:9100`. Raises OSError."""
        self._server = await asyncio.start_server(self._connected, host, port, limit=MAX_HEAD_BYTES)
        bound = self._server.sockets[0].getsockname()[1]
        return f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"

    async def close(self) -> None:
        """Listen no more, and let go of who is there."""
        if self._server is not None:
            self._server.close()
        for request in self._requests:
            request.cancel()
        await asyncio.gather(*self._requests, return_exceptions=True)

    @property
    def requests(self) -> int:
        """How many there are at this moment."""
        return len(self._requests)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._requests) >= MAX_REQUESTS:
            oldest = next(iter(self._arriving), None)
            if oldest is None:
                writer.write(_encode(plain(HTTPStatus.SERVICE_UNAVAILABLE)))
                writer.close()
                return
            del self._arriving[oldest]
            oldest.cancel()
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._requests.add(task)
        self._arriving[task] = None
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._arriving.pop(task, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            async with asyncio.timeout(HEAD_S):
                head = await _head(reader)
            self._arriving.pop(task, None)
            async with asyncio.timeout(ANSWER_S):
                await self._respond(head, writer)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            # Who is slow or gone gets nothing more.
            pass
        finally:
            writer.transport.abort()

    async def _respond(self, head: bytes | None, writer: asyncio.StreamWriter) -> None:
        answer = await self._answer(head)
        writer.write(_encode(answer, with_body=not (head or b"").startswith(b"HEAD ")))
        writer.close()
        await writer.wait_closed()

    async def _answer(self, head: bytes | None) -> Answer:
        if head is None:
            return plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        line = head.partition(b"\r\n")[0].decode("ascii", "replace")
        try:
            method, target, version = line.split(" ")
        except ValueError:
            return plain(HTTPStatus.BAD_REQUEST)
        if not version.startswith("HTTP/1."):
            return plain(HTTPStatus.BAD_REQUEST)
        path = self._paths.get(target.partition("?")[0])
        if path is None:
            return plain(HTTPStatus.NOT_FOUND, *sorted(self._paths))
        if method not in ("GET", "HEAD"):
            return plain(HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            return await path()
        except Exception:
            logger.exception("%s could not be answered", target)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR)


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    """Return the request line and headers; None: there are too many."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return None


def _encode(answer: Answer, *, with_body: bool = True) -> bytes:
    headers = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append("Allow: GET, HEAD")
    head = "".join(f"{header}\r\n" for header in [*headers, ""]).encode()
    return head + (answer.body if with_body else b"")
