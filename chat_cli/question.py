"""Whether to trust a server that is not known: asked on a terminal, before anything is sent."""

import asyncio
import shutil
import sys
import textwrap

from chat_cli.errors import ChatError
from chat_cli.known_hosts import KnownHostsError
from chat_cli.trust import Trust, UnknownServerError

# Seconds for which a server that does not answer holds up the screen, which tells that better.
_PATIENCE = 5.0

_INTRODUCTION = (
    "{host} encrypts, but nobody vouches that it is the server that you mean. "
    "Its certificate has SHA-256"
)
_QUESTION = "The server printed that when it started. Is it the same? Trust it from now on? [y/n]"
# Bytes of a fingerprint that stand in one row: all 32, or as many as fit.
_ROWS = (32, 16, 8, 4)


def meet(trust: Trust) -> bool:
    """Ask where there is somebody to ask, and something; tell whether to go on.

    Raises KeyboardInterrupt.
    """
    if not trust.encrypted or not at_terminal():
        return True
    fingerprint = asyncio.run(_unknown(trust))
    if fingerprint is None:
        return True
    if not _agrees(asking(trust.host, fingerprint, shutil.get_terminal_size().columns)):
        return False
    try:
        trust.accept(fingerprint)
    except KnownHostsError as error:
        print(f"This holds until the end only: {error}")
    return True


def asking(host: str, fingerprint: str, width: int) -> str:
    """Write the question for a terminal of `width` columns, so that it breaks no word.

    The rows of a fingerprint are of the same length, to be compared by eye.
    """
    octets = fingerprint.split(":")
    count = next((rows for rows in _ROWS if rows * 3 + 1 < width), _ROWS[-1])
    rows = [":".join(octets[start : start + count]) for start in range(0, len(octets), count)]
    introduction = _folded(_INTRODUCTION.format(host=host), width)
    lines = [*introduction, *(f"  {row}" for row in rows), *_folded(_QUESTION, width)]
    return "\n".join(lines) + " "


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(1, width - 2), break_long_words=False, break_on_hyphens=False)


def at_terminal() -> bool:
    """Tell whether there is somebody who sees a question and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def _unknown(trust: Trust) -> str | None:
    """Give the fingerprint of a server that nobody vouches for; None for every other."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await trust.credentials()
    except UnknownServerError as unknown:
        return unknown.fingerprint
    except (ChatError, TimeoutError):
        # The connection will tell the same, where the person can read it.
        return None
    return None


def _agrees(question: str) -> bool:
    """Give the answer; an end of the input is a no."""
    while True:
        try:
            answer = input(question).strip().lower()
        except EOFError:
            print()
            return False
        if answer in ("y", "yes", "n", "no"):
            return answer.startswith("y")
        question = "Type y or n: "
