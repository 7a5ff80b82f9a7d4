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
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any, Protocol

from chat_cli.answers import OPTIONS, FiledQuestions, TerminalQuestions
from chat_cli.backoff import Backoff
from chat_cli.client import Client
from chat_cli.exits import Exit, by_signal
from chat_cli.ignored import IgnoredFile
from chat_cli.keeper import Keeper
from chat_cli.model import ByName
from chat_cli.orders import enter
from chat_cli.outbox import Outbox
from chat_cli.plain import PlainScreen
from chat_cli.ports import Questions, Screen, Secret
from chat_cli.render import Renderer
from chat_cli.state import ChatState, Link
from chat_cli.stopping import closes_window, mute, stop_signals
from chat_cli.trust import Trust
from chat_text.sanitize import sanitize

# Seconds that messages on their way may hold up the end.
_LAST_POSTS = 2.0

_UNENDED = (
    "You are signed out here, but the server does not answer: there this sign-in goes on until it "
    "ends by itself for not being used. /revoke ends it from anywhere."
)

# The others are those of commands that end.
_OPTIONS = {Secret.PASSWORD: OPTIONS[Secret.PASSWORD]}


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


async def chat(
    target: str,
    name: str,
    room: str,
    trust: Trust | None = None,
    given: Mapping[Secret, str] | None = None,
) -> int:
    """Run the client until the person leaves; give the exit code.

    The secrets that are given are not asked for.
    """
    state = ChatState(target, Outbox(secrets.token_hex(6)))
    if not name:
        state.link = Link.NAMELESS
    enter(state, ByName(room.removeprefix("#")))
    known = given or {}
    screen, name_style = _screen(state, known)
    renderer = Renderer(None, date.today(), name_style)
    client = Client(state, screen, renderer, time.monotonic, _now_ms)
    client.ignore_as_in(IgnoredFile(target))
    keeper = Keeper(state.outbox, target, "window", _now_ms, client.wake, client.trouble)
    signals: list[int] = []
    # Whether the next start is the same person: so it is unless somebody was signed out.
    goes_on = True

    def stop(number: int) -> None:
        signals.append(number)
        screen.close()

    def ask_person() -> Questions:
        # What comes through a pipe was never meant as an answer.
        state.asked = sys.stdin.isatty()
        return screen.questions(unasked=True)

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _confess(client, context))
    with stop_signals(stop, interrupt=True, loop=loop):
        typing = asyncio.create_task(screen.run(client))
        try:
            painting = asyncio.create_task(screen.painted())
            await asyncio.wait([typing, painting], return_when=asyncio.FIRST_COMPLETED)
            painting.cancel()
            client.keep_with(keeper, name)
            ask = partial(FiledQuestions, known, ask_person, _OPTIONS)
            goes_on = await _stay_connected(target, name, client, typing, signals, trust, ask)
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
    """Tell why it ends and what was not sent; forget what has been seen or can never be sent."""
    outbox = state.outbox
    if not stopped:
        outbox.seen()
    # A server that cannot be used has nobody to whom it may belong.
    lost = {
        one
        for one, post in outbox.posts.items()
        if not goes_on or (state.unusable and post.owner is None)
    }
    try:
        if state.unusable:
            print(f"chat-cli: {sanitize(state.unusable)}", file=sys.stderr)
        for one, post in outbox.posts.items():
            what = "not sent" if one in lost else "not sent yet"
            print(f"{what}: {sanitize(post.text)}", file=sys.stderr)
        if len(lost) < len(outbox.posts):
            stays = state.own is not None and state.own.account
            when = "The next start" if stays else "The next start within ten minutes"
            print(f"{when} sends this, once.", file=sys.stderr)
        sys.stderr.flush()
        sys.stdout.flush()
    except OSError:
        # The window was closed.
        mute(sys.stdout)
        mute(sys.stderr)
    else:
        for one in lost:
            outbox.settle_post(one)


async def _stay_connected(
    target: str,
    name: str,
    client: Client,
    typing: asyncio.Task[None],
    signals: list[int],
    trust: Trust | None,
    ask: Callable[[], Questions],
) -> bool:
    """Run the session until typing ends, and sign out; tell whether the session goes on.

    A window that was closed signs nobody out: it may have been a line that dropped, and the
    next start goes on as the same person.
    """
    # Late, because the prompt is drawn by now and grpc takes a while to import.
    from chat_cli.session.identity import Identity
    from chat_cli.session.session import Session

    identity, backoff = Identity(target), Backoff(random.random)
    session = Session(target, name, client, identity, backoff, time.monotonic, trust=trust, ask=ask)
    if typing.done():
        return True
    client.connect(session)
    connecting = asyncio.create_task(session.run())
    try:
        await asyncio.wait([typing, connecting], return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
        if not client.state.unusable:
            await typing
        if client.state.link is Link.ONLINE:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_POSTS):
                    await client.wait_until(lambda: not client.outbox.posts)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        goes_on = closes_window(signals) or await session.sign_out() or client.state.own is None
        if identity.unended and not client.state.leaving:
            client.trouble(_UNENDED)
    return goes_on


def _screen(state: ChatState, known: Mapping[Secret, str]) -> tuple[_Screen, Callable[[str], str]]:
    """Make the best screen that there is, and what gives names their style on it."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not terminal or os.environ.get("TERM") in ("dumb", "unknown"):
        ask = partial(FiledQuestions, known, TerminalQuestions, _OPTIONS)
        return PlainScreen(ask), lambda _: ""
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
    # grpc's poller reports that there was nothing to read, or what is left of a loop that is
    # closed; known and harmless.
    if error is not None and "PollerCompletionQueue" not in context["message"]:
        client.trouble(f"This is a bug of chat-cli: {type(error).__name__}: {error}")
