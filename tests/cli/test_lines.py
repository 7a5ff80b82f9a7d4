"""`chat_cli.lines`: lines of a pipe beside the event loop."""

import asyncio
import os

from chat_cli.lines import read_lines


async def all_lines(descriptor: int) -> list[bytes]:
    """Read to the end."""
    return [line async for line in read_lines(descriptor)]


def test_lines_come_in_order_without_their_ends() -> None:
    """CR LF and a missing end of the last line make no difference."""
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\r\n\nthree")
    os.close(writing)
    assert asyncio.run(all_lines(reading)) == [b"one", b"two", b"", b"three"]
    os.close(reading)


def test_more_lines_than_are_read_ahead() -> None:
    """A slow reader holds the thread back and loses nothing."""
    reading, writing = os.pipe()
    with open(writing, "wb") as file:
        file.write(b"".join(b"%d\n" % number for number in range(5000)))
    lines = asyncio.run(all_lines(reading))
    assert lines == [b"%d" % number for number in range(5000)]
    os.close(reading)


def test_the_loop_may_end_before_the_pipe() -> None:
    """Nothing waits for a line that nobody wants any more."""
    reading, writing = os.pipe()

    async def first_line() -> bytes:
        os.write(writing, b"one\n")
        async for line in read_lines(reading):
            return line
        return b""

    assert asyncio.run(first_line()) == b"one"
    os.write(writing, b"two\n")
    os.close(writing)
    os.close(reading)
