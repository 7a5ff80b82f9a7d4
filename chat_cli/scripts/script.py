"""What `send` and `tail` share: a session that runs until the work has an outcome."""

import asyncio
import contextlib
import random
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from chat_cli import items as it
from chat_cli.answers import TerminalQuestions
from chat_cli.backoff import Backoff
from chat_cli.exits import Exit, by_signal
from chat_cli.model import Limits, ResumePoint, User
from chat_cli.outbox import Outbox
from chat_cli.pending import PendingPost, owner_of
from chat_cli.ports import Questions
from chat_cli.session.given import GivenToken
from chat_cli.session.identity import Identity
from chat_cli.session.session import Kind, Session
from chat_cli.stopping import stop_signals
from chat_cli.trust import Trust
from chat_text.sanitize import sanitize, sanitize_lines

PATIENCE = 60.0
"""Seconds to wait for a server that went away in the middle of the work."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a script works, and as whom."""

    target: str
    name: str
    room: str
    # None: as the target alone says.
    trust: Trust | None = None
    ask: Callable[[], Questions] = TerminalQuestions
    # An API token that says who it is; empty: `name` signs in.
    token: str = field(default="", repr=False)


class Script:
    """A listener that turns troubles of the connection into an outcome.

    `patience` is for how many seconds it waits for a server that went away; None is for ever.
    A server that never answered is not waited for.
    """

    def __init__(self, address: Address, patience: float | None) -> None:
        self.address = address
        self.outbox = Outbox(secrets.token_hex(6))
        self.session: Session | None = None
        self.limits = Limits()
        self.owner = ""
        self.signed_in = asyncio.Event()
        # Whether the operator removed this user: nobody can send the rest.
        self.kicked = False
        self._patience = patience
        self._giving_up: asyncio.TimerHandle | None = None
        self._told_offline = False
        self._outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def resume_point(self) -> ResumePoint:
        """Tell where reading goes on: nowhere, for a script that does not read."""
        return ResumePoint("", ())

    def receive(self, item: it.Item) -> None:
        """Take in an item; what concerns the work goes to `work_on`."""
        match item:
            case it.SignedIn():
                self.limits = item.limits
                self.outbox.use_limits(item.limits)
                self._speak_as(item.user, item.epoch, item.resumed)
                self.signed_in.set()
            case it.NameWanted(reason):
                self.end(Exit.REFUSED, reason or "a name is needed")
            case it.Stopped(reason):
                self.end(Exit.REFUSED, reason)
            case it.SignedOut(reason):
                self.end(Exit.REFUSED, reason)
            case it.Replaced():
                self.end(Exit.REFUSED, "another client took over this session")
            case it.Kicked(reason):
                self.kicked = True
                self.end(Exit.REFUSED, reason)
            case it.Notice(text, announcement=True):
                for line in sanitize_lines(text):
                    self.remark(f"the operator: {line}")
            case it.Offline():
                self.outbox.disconnected()
                self._offline(item)
            case it.Connecting():
                self.outbox.disconnected()
            case it.Remark(text):
                self.remark(text)
            case _:
                if isinstance(item, it.Welcome):
                    self._speak_as(item.user, item.epoch, resumed=True)
                    # With a token there was no sign-in.
                    self.signed_in.set()
                if not isinstance(item, it.Notice):
                    self._online()
                self.work_on(item)

    @property
    def ended(self) -> bool:
        """Whether there is an outcome."""
        return self._outcome.done()

    def work_on(self, item: it.StreamItem) -> None:
        """Take in an item of the stream."""

    def end(self, code: int, message: str = "") -> None:
        """Settle the outcome; the first one counts."""
        if not self.ended:
            if message:
                self.remark(message)
            self._outcome.set_result(code)

    def remark(self, text: str) -> None:
        """Say something to the person who runs the script."""
        with contextlib.suppress(OSError):
            print(f"chat-cli: {sanitize(text)}", file=sys.stderr, flush=True)

    def make_session(self, kind: Kind) -> Session:
        """Make the session of this script; it is `session` from then on."""
        where = self.address
        identity = GivenToken(where.token) if where.token else Identity(where.target)
        backoff = Backoff(random.random)
        self.session = Session(
            where.target,
            where.name,
            self,
            identity,
            backoff,
            time.monotonic,
            kind,
            where.room,
            where.trust,
            where.ask,
        )
        return self.session

    async def run(self, session: Session, work: Coroutine[None, None, None] | None = None) -> int:
        """Run the session, and `work` beside it, until there is an outcome; give the exit code."""
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(session.run())]
        if work:
            tasks.append(asyncio.create_task(work))
        with stop_signals(lambda n: self.end(by_signal(n)), interrupt=True, loop=loop):
            try:
                for task in tasks:
                    task.add_done_callback(self._worked)
                return await self._outcome
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                # Whoever sends the rest must be the same user.
                if not self.outbox.posts:
                    await session.sign_out()

    def _worked(self, task: asyncio.Task[None]) -> None:
        """Let a mistake of ours come out instead of waiting for ever."""
        if not task.cancelled() and (error := task.exception()) and not self.ended:
            self._outcome.set_exception(error)

    def _speak_as(self, user: User, epoch: str, resumed: bool) -> None:
        """Take in who one is: what somebody else wrote is not sent."""
        self.owner = owner_of(user, epoch)
        lost = self.outbox.signed_in_as(self.owner, resumed)
        if lost:
            self.lose(lost)

    def lose(self, posts: list[PendingPost]) -> None:
        """Take in that messages were written under a sign-in that is over."""

    def _offline(self, item: it.Offline) -> None:
        if item.cause is it.Cause.REFUSAL:
            self.end(Exit.REFUSED, item.reason)
        elif not self.signed_in.is_set() and item.cause is it.Cause.SILENCE:
            self.end(Exit.UNREACHABLE, f"{self.address.target}: {item.reason}")
        elif not self._told_offline:
            self._told_offline = True
            self.remark(f"{self.address.target}: {item.reason}, trying again")
            if self._patience is not None:
                loop = asyncio.get_running_loop()
                self._giving_up = loop.call_later(self._patience, self._give_up)

    def _give_up(self) -> None:
        self.end(Exit.UNREACHABLE, f"{self.address.target} did not come back")

    def _online(self) -> None:
        if self._giving_up:
            self._giving_up.cancel()
            self._giving_up = None
        if self._told_offline:
            self._told_offline = False
            self.remark(f"{self.address.target}: back")
