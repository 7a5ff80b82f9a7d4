"""A person at the whole client but for the terminal: typed lines in, seen lines out.

Waiting is for conditions, with a deadline that only a broken test reaches.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, date
from pathlib import Path
from typing import Any, Self, TypeVar

from chat_cli.backoff import Backoff
from chat_cli.client import Client
from chat_cli.errors import UnansweredError
from chat_cli.keeper import Keeper
from chat_cli.model import ByName
from chat_cli.orders import enter
from chat_cli.outbox import Outbox
from chat_cli.ports import Secret
from chat_cli.render import Line, Renderer
from chat_cli.scrollback import Change, amended
from chat_cli.session.identity import Identity
from chat_cli.session.session import Session
from chat_cli.state import ChatState
from chat_cli.trust import Trust

DEADLINE = 60.0
"""Seconds after which a test that waits in vain gives up, also on a busy machine."""

Result = TypeVar("Result")


# Any: the other two parameters of a coroutine do not matter here.
def run(test: Coroutine[Any, Any, Result]) -> Result:
    """Run a test on an event loop of its own, and end it if it hangs."""

    async def bounded() -> Result:
        async with asyncio.timeout(2 * DEADLINE):
            return await test

    return asyncio.run(bounded())


def die(keeper: Keeper) -> None:
    """Let go of an outbox as a process does that is killed: nothing more is written."""
    journal, keeper._journal = keeper._journal, None
    if keeper._scheduled:
        keeper._scheduled.cancel()
    if journal:
        journal.leave()
    for file in keeper._taken_over:
        file.leave()


class FakeQuestions:
    """Questions that a test answers, in their order. Obeys `ports.Questions`."""

    def __init__(self, screen: "FakeScreen") -> None:
        self._screen = screen

    async def answer(self, question: str, secret: Secret | None = None) -> str:
        """Note the question, and wait for the answer; None is Esc."""
        self._screen.asked.append((question, secret))
        answer = await self._screen.answers.get()
        if answer is None:
            raise UnansweredError("cancelled")
        return answer

    def close(self) -> None:
        """Remember that nothing is asked any more."""
        self._screen.asking -= 1


class FakeScreen:
    """A screen that remembers. Obeys `ports.Screen`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._shown: list[Line] = []
        self.input = ""
        self.closed = False
        self.tells_pastes = True
        self.asked: list[tuple[str, Secret | None]] = []
        self.asking = 0
        self.answers: asyncio.Queue[str | None] = asyncio.Queue()

    # The port names it; here there is one asker at a time.
    def questions(self, unasked: bool = False) -> FakeQuestions:  # noqa: ARG002
        """Begin to ask."""
        self.asking += 1
        return FakeQuestions(self)

    def show(self, lines: Sequence[Line]) -> None:
        """Remember lines."""
        self._shown += lines
        self.lines += [line.text.replace("\u00a0", " ") for line in lines]

    def amend(self, change: Change) -> None:
        """Change the lines of messages."""
        after = amended(self._shown, change)
        if after is not None:
            self._shown = after
            self.lines[:] = [line.text.replace("\u00a0", " ") for line in after]

    def give_back(self, text: str) -> None:
        """Put a text into an empty input."""
        self.input = self.input or text

    def refresh(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Remember that it is over."""
        self.closed = True


class NotedBackoff(Backoff):
    """Remembers the delays that it gave, in seconds."""

    def __init__(self, random: Callable[[], float]) -> None:
        super().__init__(random)
        self.given: list[float] = []

    def delay(self, lasted: float = 0.0, hint: float = 0.0) -> float:
        self.given.append(super().delay(lasted, hint))
        return self.given[-1]


class Desk:
    """Somebody who chats. Times of day are shown as 00:00 for what the client says itself."""

    def __init__(
        self,
        target: str,
        name: str,
        state_dir: Path,
        room: str = "lobby",
        prefix: str = "",
        trust: Trust | None = None,
    ) -> None:
        self.screen = FakeScreen()
        self.state = ChatState(target, Outbox(prefix or f"{name}-{id(self)}"))
        renderer = Renderer(UTC, date(1970, 1, 1), lambda _: "")
        self.client = Client(self.state, self.screen, renderer, time.monotonic, lambda: 0)
        self.identity = Identity(target, state_dir)
        self.keeper = Keeper(
            self.state.outbox,
            target,
            "window",
            lambda: time.time_ns() // 1_000_000,
            self.client.wake,
            self.client.trouble,
            state_dir,
        )
        self._name = name
        # A fiftieth of the longest delay: the next attempt is in 10 ms, then 20 …
        self.backoff = NotedBackoff(random=lambda: 0.02)
        self.session = Session(
            target,
            name,
            self.client,
            self.identity,
            self.backoff,
            time.monotonic,
            trust=trust,
            ask=lambda: self.screen.questions(unasked=True),
        )
        enter(self.state, ByName(room))
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.client.keep_with(self.keeper, self._name)
        self.client.connect(self.session)
        self._running = asyncio.create_task(self.session.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.crash()
        await self.session.sign_out()
        await self.keeper.close()

    async def crash(self) -> None:
        """End without signing out."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def dies(self) -> None:
        """End as by `kill -9`: what is in files stays, and the locks are gone."""
        await self.crash()
        if self.identity._kept:
            self.identity._kept.leave()
            self.identity._kept = self.identity._joined = None
        die(self.keeper)

    def answers(self, *answers: str | None) -> None:
        """Answer what is asked, now or later; None is Esc."""
        for answer in answers:
            self.screen.answers.put_nowait(answer)

    def types(self, line: str) -> None:
        """Enter a line."""
        self.client.enter_line(line)

    def seen(self, text: str) -> int:
        """Count the lines that hold a text."""
        return sum(text in line for line in self.screen.lines)

    async def sees(self, text: str, times: int = 1) -> None:
        """Wait until so many lines hold a text."""
        await self.until(lambda: self.seen(text) >= times, f"a line with {text!r}")

    async def until(self, predicate: Callable[[], bool], what: str = "a condition") -> None:
        """Wait until something is true of the client."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self.client.wait_until(predicate)
        except TimeoutError:
            seen = "\n".join(self.screen.lines)
            raise AssertionError(f"{what} did not come; seen:\n{seen}") from None

    async def settled(self) -> None:
        """Wait until the current room is open and nothing typed waits for its answer."""
        await self.until(
            lambda: self.state.room is not None and self.state.room.announced and not self.busy,
            "a quiet client",
        )

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self.client.busy
