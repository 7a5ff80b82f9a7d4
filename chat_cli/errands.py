"""What is asked of the server, and of the person, beside everything else.

An errand ends with effects to follow. While it lasts, lines are typed and items come.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing

from chat_cli.call import Call
from chat_cli.commands import Invocation
from chat_cli.dispatch import Story, failed
from chat_cli.effects import Effect
from chat_cli.errors import ChatError
from chat_cli.ports import Questions

Asking = Awaitable[list[Effect]]
"""What gives effects when the server has answered. Raises ChatError."""


class Errands:
    """The errands that go on; `follow` is called with what each of them comes to."""

    def __init__(self, follow: Callable[[list[Effect]], None]) -> None:
        self._follow = follow
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._tasks)

    async def done(self) -> None:
        """Wait until no errand goes on, also none that followed from another."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def start(self, asking: Asking, typed: Invocation | None = None) -> None:
        """Ask the server; `typed` is the command that it is for, if it is for one."""

        async def run() -> None:
            try:
                effects = await asking
            except ChatError as error:
                effects = failed(typed, error)
            finally:
                self._tasks.discard(task)
            self._follow(effects)

        task = asyncio.create_task(run())
        self._tasks.add(task)

    def ask(self, story: Story, call: Call, questions: Questions, typed: Invocation) -> None:
        """Ask the person too: from this moment on what is typed is an answer."""

        async def asked() -> list[Effect]:
            with closing(questions):
                return await story(call, questions)

        self.start(asked(), typed)
