"""A log under test: a clock that the test sets, tickets that count, every commit it announced.

subject.ask(post(alice, "lobby"))        one order, its outcome
with subject.held():                     the next commit is announced, but its hearer
    subject.submit(...)                  keeps the writer waiting until the block ends
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.errors import Rejection
from chat_service.core.events import Event, MessagePosted
from chat_service.core.evolve import evolve
from chat_service.core.limits import Limits
from chat_service.core.state import State
from chat_service.log.contract import Commit, Log, OnCommit
from chat_service.log.sqlite import SqliteLog

# Long enough for any machine; a test that waits this long has failed.
DEADLINE_S = 30.0

START_MS = 1_000_000
INSTANCE = "here"

Outcome = Answer | Rejection


class OpenLog(Protocol):
    """Opens the log whose data is at a path."""

    def __call__(
        self,
        path: Path,
        *,
        clock: Callable[[], int],
        on_commit: OnCommit,
        on_failure: Callable[[BaseException], None],
    ) -> Log: ...


class Subject:
    """One log, and what its hearer was told."""

    def __init__(self, open_log: OpenLog, path: Path) -> None:
        self._open_log = open_log
        self._path = path
        self._told = threading.Condition()
        self._answers: dict[int, tuple[Outcome, ...]] = {}
        self._last_ticket = 0
        self._hold = threading.Event()
        self._holding = threading.Event()
        self._release = threading.Event()
        self.now_ms = START_MS
        self.commits: list[Commit] = []
        self.failures: list[BaseException] = []
        self.failed = threading.Event()
        # Called on the writer's thread for each commit, before anybody else is told.
        self.look: Callable[[Commit], None] = _nothing
        self.log = self._open()

    def _open(self) -> Log:
        return self._open_log(
            self._path,
            clock=lambda: self.now_ms,
            on_commit=self._hear,
            on_failure=self._fail,
        )

    def _fail(self, error: BaseException) -> None:
        self.failures.append(error)
        self.failed.set()

    def _hear(self, commit: Commit) -> None:
        self.look(commit)
        with self._told:
            self.commits.append(commit)
            for ticket, outcomes in commit.answers:
                assert ticket not in self._answers, "a ticket was answered twice"
                self._answers[ticket] = outcomes
            self._told.notify_all()
        if self._hold.is_set():
            self._hold.clear()
            self._holding.set()
            assert self._release.wait(DEADLINE_S)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the writer in the announcement of one commit while the block runs."""
        self._release.clear()
        self._holding.clear()
        self._hold.set()
        self.submit(cmd.ExpireSession(0))
        assert self._holding.wait(DEADLINE_S)
        try:
            yield
        finally:
            self._release.set()

    def submit(self, *commands: cmd.Command) -> int:
        """Submit orders under a new ticket; return it."""
        self._last_ticket += 1
        self.log.submit(self._last_ticket, commands)
        return self._last_ticket

    def outcomes(self, ticket: int) -> tuple[Outcome, ...]:
        """Wait for the outcomes of a ticket."""
        with self._told:
            assert self._told.wait_for(lambda: ticket in self._answers, DEADLINE_S), "no answer"
            return self._answers[ticket]

    def is_answered(self, ticket: int) -> bool:
        """Whether a ticket is answered yet."""
        return ticket in self._answers

    def ask_all(self, *commands: cmd.Command) -> tuple[Outcome, ...]:
        """Submit orders together and wait for what each came to."""
        return self.outcomes(self.submit(*commands))

    def ask(self, command: cmd.Command) -> Outcome:
        """Submit one order and wait for what it came to."""
        (outcome,) = self.ask_all(command)
        return outcome

    def ok(self, command: cmd.Command) -> Answer:
        """Submit one order that must be accepted."""
        outcome = self.ask(command)
        assert isinstance(outcome, Answer), outcome
        return outcome

    def refused(self, command: cmd.Command) -> Rejection:
        """Submit one order that must be refused."""
        outcome = self.ask(command)
        assert isinstance(outcome, Rejection), outcome
        return outcome

    def begin(self, limits: Limits | None = None) -> int:
        """Start the instance and sign in alice, in the lobby; return her session."""
        self.ok(cmd.StartInstance(INSTANCE, "epoch-1", limits or Limits(), "lobby"))
        return self.ok(cmd.OpenGuest("alice", b"alice's token", INSTANCE, "lobby")).session_id

    def reopen(self) -> State:
        """Close the log and open its data again; return the state that was loaded."""
        self.log.close()
        self.log = self._open()
        return self.log.load()

    def events(self) -> list[Event]:
        """Return every event that was announced."""
        return [event for commit in self.commits for event in commit.events]

    def texts(self) -> list[str]:
        """Return every text that was announced."""
        return [event.text for event in self.events() if isinstance(event, MessagePosted)]

    def fold(self) -> State:
        """Return the fold of every event that was announced."""
        state = State()
        for event in self.events():
            evolve(state, event)
        state.merge()
        return state


def _nothing(_: Commit) -> None:
    return


def open_sqlite(
    path: Path,
    *,
    clock: Callable[[], int],
    on_commit: OnCommit,
    on_failure: Callable[[BaseException], None],
) -> Log:
    """Open a SqliteLog."""
    return SqliteLog(path / "chat.sqlite3", clock=clock, on_commit=on_commit, on_failure=on_failure)
