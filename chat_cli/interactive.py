"""`chat-cli` itself: puts state, client, screen and session together, and takes them apart.

The screen comes first and is drawn before grpc is imported, so that a person sees a prompt
at once.
"""

import asyncio
import os
import random
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any, Protocol

from chat_cli.backoff import Backoff
from chat_cli.client import Client
from chat_cli.exits import Exit, by_signal
from chat_cli.keeper import Keeper
from chat_cli.model import ByName
from chat_cli.orders import enter
from chat_cli.outbox import Outbox
from chat_cli.plain import PlainScreen
from chat_cli.ports import Screen
from chat_cli.render import Renderer
from chat_cli.state import ChatState, Link
from chat_cli.stopping import closes_window, mute, stop_signals
from chat_text.sanitize import sanitize

# Seconds that messages on their way may hold up the end.
_LAST_POSTS = 2.0


class _Screen(Screen, Protocol):
    """A screen that can be run."""

    async def run(self, client: Client) -> None:
        """Take lines in until the end."""
        ...

    async def painted(self) -> None:
        """Wait until it can be seen."""
        ...

    def print_rest(self) -> None:
        """Print what came after the end."""
        ...


async def chat(target: str, name: str, room: str) -> int:
    """Run the client until the person leaves; give the exit code."""
    state = ChatState(target, Outbox(secrets.token_hex(6)))
    if not name:
        state.link = Link.NAMELESS
    enter(state, ByName(room.removeprefix("#")))
    screen, name_style = _screen(state)
    renderer = Renderer(None, date.today(), name_style)
    client = Client(state, screen, renderer, time.monotonic, _now_ms)
    keeper = Keeper(state.outbox, target, "window", _now_ms, client.wake, client.trouble)
    signals: list[int] = []
    # Whether the next start is the same person: so it is unless somebody was signed out.
    goes_on = True

    def stop(number: int) -> None:
        signals.append(number)
        screen.close()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _confess(client, context))
    with stop_signals(stop, interrupt=True, loop=loop):
        typing = asyncio.create_task(screen.run(client))
        try:
            painting = asyncio.create_task(screen.painted())
            await asyncio.wait([typing, painting], return_when=asyncio.FIRST_COMPLETED)
            painting.cancel()
            client.keep_with(keeper, name)
            goes_on = await _stay_connected(target, name, client, typing, signals)
        finally:
            screen.close()
            await asyncio.gather(typing, return_exceptions=True)
            screen.print_rest()
            _part(state, goes_on, bool(signals))
            await keeper.close()
    if signals:
        return by_signal(signals[0])
    return _exit_code(state, name)


def _part(state: ChatState, goes_on: bool, stopped: bool) -> None:
    """Tell what was not sent, and forget what has been seen or can never be sent."""
    outbox = state.outbox
    if not stopped:
        outbox.seen()
    try:
        for post in outbox.posts.values():
            what = "not sent yet" if goes_on else "not sent"
            print(f"{what}: {sanitize(post.text)}", file=sys.stderr)
        if outbox.posts and goes_on:
            print("The next start within ten minutes sends this, once.", file=sys.stderr)
        sys.stderr.flush()
        sys.stdout.flush()
    except OSError:
        # The window was closed.
        mute(sys.stdout)
        mute(sys.stderr)
    else:
        if not goes_on:
            outbox.posts.clear()


async def _stay_connected(
    target: str,
    name: str,
    client: Client,
    typing: asyncio.Task[None],
    signals: list[int],
) -> bool:
    """Run the session until typing ends, and sign out; tell whether the session goes on.

    A window that was closed signs nobody out: it may have been a line that dropped, and the
    next start goes on as the same person.
    """
    # Late, because the prompt is drawn by now and grpc takes a while to import.
    from chat_cli.session.identity import Identity
    from chat_cli.session.session import Session

    identity, backoff = Identity(target), Backoff(random.random)
    session = Session(target, name, client, identity, backoff, time.monotonic)
    if typing.done():
        return True
    client.connect(session)
    connecting = asyncio.create_task(session.run())
    try:
        await asyncio.wait([typing, connecting], return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
        await typing
        if client.state.link is Link.ONLINE:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_POSTS):
                    await client.wait_until(lambda: not client.outbox.posts)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        goes_on = closes_window(signals) or await session.sign_out() or client.state.own is None
    return goes_on


def _screen(state: ChatState) -> tuple[_Screen, Callable[[str], str]]:
    """Make the best screen that there is, and what gives names their style on it."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not terminal or os.environ.get("TERM") in ("dumb", "unknown"):
        return PlainScreen(), lambda _: ""
    # The answer to a question for the cursor's place would mix with what is typed, and a
    # terminal that gives none makes every print wait. The screen does not need to know it.
    os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")
    from chat_cli.prompt import PromptScreen
    from chat_cli.styles import name_class

    return PromptScreen(state, time.monotonic), name_class


def _exit_code(state: ChatState, name: str) -> int:
    """Tell how it ended: `name` is the one that was given, which may have been refused."""
    match state.link:
        case Link.STOPPED | Link.KICKED:
            return Exit.REFUSED
        case Link.NAMELESS if name and state.own is None:
            return Exit.REFUSED
        # The next attempt may just have begun.
        case Link.OFFLINE | Link.CONNECTING if state.own is None and state.told_offline:
            return Exit.UNREACHABLE
    return Exit.DONE


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# Any: asyncio's contexts hold whatever the reporter put in.
def _confess(client: Client, context: dict[str, Any]) -> None:
    """Tell of a mistake that asyncio reports, in one line, and go on."""
    error = context.get("exception")
    # grpc's poller reports that there was nothing to read; known and harmless.
    if error is not None and not isinstance(error, BlockingIOError):
        client.trouble(f"This is a bug of chat-cli: {type(error).__name__}: {error}")
