"""A few requests by HTTP, and those who do it wrong or slowly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest

from chat_service.admin import web
from chat_service.admin.web import MAX_REQUESTS, Answer, Web, plain
from tests.admin.scene import run, until


async def hello() -> Answer:
    """Answer at once."""
    return plain(HTTPStatus.OK, "hello")


async def broken() -> Answer:
    """Fail."""
    raise ValueError("a secret path")


@asynccontextmanager
async def serving(**paths: web.Path) -> AsyncIterator[tuple[str, int]]:
    """Serve paths; give host and port."""
    found = Web({"/hello": hello, "/broken": broken} | {f"/{k}": v for k, v in paths.items()})
    host, _, port = (await found.open("127.0.0.1", 0)).rpartition(":")
    yield host, int(port)
    await found.close()


async def ask(address: tuple[str, int], request: bytes) -> tuple[str, dict[str, str], bytes]:
    """Return status line, headers and body of what is answered, up to the end of the file."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), body


def test_path_is_answered() -> None:
    """The answer has its length and kind, and the connection is closed after it."""

    async def story() -> None:
        async with serving() as address:
            status, headers, body = await ask(
                address, b"GET /hello?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            assert status == "HTTP/1.1 200 OK"
            assert body == b"hello\n"
            assert headers["Content-Length"] == "6"
            assert headers["Connection"] == "close"
            assert headers["Content-Type"] == "text/plain; charset=utf-8"

    run(story())


def test_head_has_no_body() -> None:
    """HEAD tells the length of what GET would give."""

    async def story() -> None:
        async with serving() as address:
            status, headers, body = await ask(address, b"HEAD /hello HTTP/1.0\r\n\r\n")
            assert (status, body) == ("HTTP/1.1 200 OK", b"")
            assert headers["Content-Length"] == "6"

    run(story())


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /none HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /hello/ HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /hello HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 Method Not Allowed"),
        (b"\r\n\r\n", "400 Bad Request"),
        (b"GET /hello\r\n\r\n", "400 Bad Request"),
        (b"GET /hello HTTP/2.0\r\n\r\n", "400 Bad Request"),
        (b"\xff\xfe\x00 \xff HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /broken HTTP/1.1\r\n\r\n", "500 Internal Server Error"),
        (b"GET /hello HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", "431 Request Header Fields"),
        (b"x" * 20_000, "431 Request Header Fields"),
    ],
)
def test_what_is_wrong_is_told(request_: bytes, status: str) -> None:
    """Each mistake has its status, and none of them tells what is inside."""

    async def story() -> None:
        async with serving() as address:
            found, headers, body = await ask(address, request_)
            assert found.startswith(f"HTTP/1.1 {status}")
            assert b"secret" not in body
            assert ("Allow" in headers) == status.startswith("405")

    run(story())


def test_silent_connections_hold_up_nobody() -> None:
    """However many say nothing, whoever asks is answered; the silent ones lose their place."""

    async def story() -> None:
        async with serving() as address:
            silent = [await asyncio.open_connection(*address) for _ in range(3 * MAX_REQUESTS)]
            status, _, _ = await ask(address, b"GET /hello HTTP/1.1\r\n\r\n")
            assert status == "HTTP/1.1 200 OK"
            assert await _rest(silent[0][0]) == b""
            for _, writer in silent:
                writer.close()

    run(story())


def test_too_many_answers_at_once_are_refused() -> None:
    """While as many as there may be are being answered, one more is told to come back."""

    async def story() -> None:
        go_on = asyncio.Event()
        begun = asyncio.Semaphore(0)

        async def slow() -> Answer:
            begun.release()
            await go_on.wait()
            return plain(HTTPStatus.OK)

        async with serving(slow=slow) as address:
            request = b"GET /slow HTTP/1.1\r\n\r\n"
            waiting = [asyncio.ensure_future(ask(address, request)) for _ in range(MAX_REQUESTS)]
            for _ in waiting:
                await begun.acquire()
            status, _, _ = await ask(address, b"")
            assert status == "HTTP/1.1 503 Service Unavailable"
            go_on.set()
            answers = await asyncio.gather(*waiting)
            assert {status for status, _, _ in answers} == {"HTTP/1.1 200 OK"}

    run(story())


def test_request_that_does_not_end_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request has its time; then the connection is closed without a word."""
    monkeypatch.setattr(web, "HEAD_S", 0.05)

    async def story() -> None:
        async with serving() as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET /hello")
            assert await _rest(reader) == b""
            writer.close()

    run(story())


def test_answer_that_is_not_taken_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for much and reads nothing has its time; then the connection is closed."""
    usual_s = web.ANSWER_S
    monkeypatch.setattr(web, "ANSWER_S", 0.2)

    async def big() -> Answer:
        return Answer(HTTPStatus.OK, b"x" * (64 << 20))

    async def story() -> None:
        found = Web({"/big": big, "/hello": hello})
        host, _, port = (await found.open("127.0.0.1", 0)).rpartition(":")
        address = host, int(port)
        reader, writer = await asyncio.open_connection(*address, limit=1024)
        writer.write(b"GET /big HTTP/1.1\r\n\r\n")
        await reader.readexactly(100)
        # Meanwhile others are answered, in the usual time.
        monkeypatch.setattr(web, "ANSWER_S", usual_s)
        assert (await ask(address, b"GET /hello HTTP/1.1\r\n\r\n"))[2] == b"hello\n"
        await until(lambda: found.requests == 0)
        assert len(await _rest(reader)) < 64 << 20
        writer.close()
        await found.close()

    run(story())


def test_close_lets_go_of_everybody() -> None:
    """The end waits for no answer, and nobody can connect any more."""

    async def story() -> None:
        forever = asyncio.Event()
        begun = asyncio.Event()

        async def slow() -> Answer:
            begun.set()
            await forever.wait()
            raise AssertionError

        async with serving(slow=slow) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
            await begun.wait()
        assert await _rest(reader) == b""
        writer.close()
        with pytest.raises(OSError, match=r"\d"):
            await asyncio.open_connection(*address)

    run(story())


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the end, however it comes."""
    found = b""
    try:
        while part := await reader.read(1 << 16):
            found += part
    except ConnectionResetError:
        pass
    return found
