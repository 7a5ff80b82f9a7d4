"""SqliteLog: the durable order in one file, written by one thread.

The writer takes whatever has gathered while the last commit ran and commits it
together; it never waits for company. WAL with `synchronous=FULL`: a commit that
returned survives the loss of power. Events stay in the state's scratch layer
until then, so a failed commit leaves nothing behind.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from chat_service.core.commands import Command, PruneAnswers
from chat_service.core.decide import decide, fact_key
from chat_service.core.decision import (
    Accepted,
    Answer,
    FactKey,
    FirstAnswer,
    MessageKey,
    StoredMessage,
)
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.events import (
    Audited,
    Event,
    MessagePosted,
    RoomChanged,
    RoomEvent,
    TopicChanged,
)
from chat_service.core.evolve import evolve
from chat_service.core.model import State
from chat_service.histogram import Histogram
from chat_service.log import rows, tables
from chat_service.log.contract import Commit, LogStatistics, OnCommit
from chat_service.log.datafile import (
    damaged,
    is_damage,
    mark_damaged,
    needs_check,
    open_data_file,
)
from chat_service.log.history import History
from chat_service.log.inspection import Inspection
from chat_service.log.limits import MAX_BACKLOG
from chat_service.log.schema import DataFileError

logger = logging.getLogger(__name__)

# Orders of one commit. Bounds how long an order waits for those before it; at
# some 30 µs each, a commit takes at most about 30 ms.
MAX_BATCH = 1000

# Upper bounds of the histograms: seconds of a commit, orders of a batch.
COMMIT_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
BATCH_ORDERS = (1, 2, 5, 10, 20, 50, 100, 200, 500, MAX_BATCH)

DISK_FULL = Rejection(Reason.STORAGE_FULL, "the server's disk is full", retry_after_ms=5000)
UNREADABLE = Rejection(Reason.STORAGE_DAMAGED, "the server cannot read what it has stored of this")

# What is refused while the disk is down to its reserve; who comes, who goes and who keeps
# order goes on.
_TALK = MessagePosted | TopicChanged | RoomChanged

T = TypeVar("T")

_Batch = list[tuple[int, tuple[Command, ...]]]


class SqliteLog:
    """A Log in one SQLite file. See `contract.Log` for what the methods promise."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], int],
        on_commit: OnCommit,
        on_failure: Callable[[BaseException], None],
        short_of_space: Callable[[], bool] = lambda: False,
        max_backlog: int = MAX_BACKLOG,
    ) -> None:
        """Open or create the file and start the writer.

        `clock` gives milliseconds since 1970. `on_commit` is called on the
        writer's thread after each commit and must not block. `on_failure` is
        called once, on a thread of the log, after an error that leaves an outcome
        unknown or when damage is found: the process should end, a restart
        recovers or refuses the file. `short_of_space` is asked before each
        batch; while it holds, nothing is stored that is said in a room or of it. `max_backlog`
        orders may wait for their commit.

        Raises DataFileError when the file is damaged, foreign or of a newer
        version; it is then left as it was.
        """
        self._clock = clock
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._short_of_space = short_of_space
        self._max_backlog = max_backlog
        self._path = path
        self._connection, self._state = open_data_file(path)
        self._history = History(path)
        self._queue: queue.SimpleQueue[tuple[int, tuple[Command, ...]] | None] = queue.SimpleQueue()
        # Holds the figures together; held for a moment only.
        self._lock = threading.Lock()
        self._backlog = 0
        self._commit_seconds = Histogram(COMMIT_SECONDS)
        self._batch_orders = Histogram(BATCH_ORDERS)
        self._failed_commits = 0
        # Why submit refuses; set by `close`, and by a failure.
        self._refusal: Rejection | None = None
        # Why the writer writes no more.
        self._failure: Rejection | None = None
        # First answers that the batch asks for: what is stored, then what it adds.
        self._facts: dict[FactKey, FirstAnswer | None] = {}
        # Whether the batch finds the disk down to its reserve.
        self._short = False
        # Whether it was told that the disk is full, and not yet that it is no more.
        self._told_full = False
        self._told_damaged = False
        # Events of the batch whose rows are written.
        self._written = 0
        self._writer = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._started = False
        self._inspection = Inspection(path, self._found_damaged) if needs_check(path) else None

    def load(self) -> State:
        """Return a copy of the state as the file holds it."""
        return tables.load(self._connection)

    def submit(self, ticket: int, commands: tuple[Command, ...]) -> None:
        """Queue orders for the next commit."""
        if self._refusal is not None:
            raise RefusedError(self._refusal)
        with self._lock:
            if self._backlog + len(commands) > self._max_backlog:
                raise RefusedError(
                    Rejection(
                        Reason.OVERLOADED,
                        "the server has too much to store: try again",
                        retry_after_ms=1000,
                    )
                )
            self._backlog += len(commands)
        if not self._started:
            self._started = True
            self._writer.start()
        self._queue.put((ticket, commands))

    def read_after(
        self, room_id: int, after_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        """Return events that follow `after_seq`, oldest first."""
        return self._read(
            lambda: self._history.after(room_id, after_seq, count=count, max_bytes=max_bytes)
        )

    def read_before(
        self, room_id: int, before_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        """Return events that precede `before_seq`, newest first."""
        return self._read(
            lambda: self._history.before(room_id, before_seq, count=count, max_bytes=max_bytes)
        )

    def read_first(self, room_id: int) -> int:
        """Return the first seq that is kept of a room."""
        return self._read(lambda: self._history.first(room_id))

    def read_oldest_orphan_ms(self) -> int | None:
        """Return the time of the oldest first answer whose message is gone."""
        return self._read(self._history.oldest_orphan_ms)

    def read_audit(self, room_id: int | None, before_id: int, *, count: int) -> list[Audited]:
        """Return entries of the audit log before `before_id`, newest first."""
        return self._read(lambda: self._history.audit(room_id, before_id, count=count))

    def statistics(self) -> LogStatistics:
        """Return how the log works."""
        with self._lock:
            seconds = self._commit_seconds.distribution()
            return LogStatistics(
                backlog=self._backlog,
                commits=seconds.count - self._failed_commits,
                failed_commits=self._failed_commits,
                commit_seconds=seconds,
                batch_orders=self._batch_orders.distribution(),
                disk_full=self._told_full,
            )

    def close(self) -> None:
        """Commit what is queued and close the file."""
        if self._refusal is None:
            self._refusal = Rejection(Reason.DRAINING, "the server is stopping")
        if self._started:
            self._queue.put(None)
            self._writer.join()
        if self._inspection is not None:
            self._inspection.close()
        self._history.close()
        self._connection.close()

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except Exception as error:
            if not is_damage(error):
                raise
            mark_damaged(self._path)
            if not self._told_damaged:
                self._told_damaged = True
                logger.critical("%s", damaged(self._path, error))
            raise RefusedError(UNREADABLE) from error

    def _found_damaged(self, line: str) -> None:
        """Hear of damage from the inspection, on its thread."""
        logger.critical("%s", line)
        self._fail(DataFileError(line))

    # -------------------------------------------------- on the writer's thread

    def _run(self) -> None:
        try:
            self._write()
        except BaseException as error:
            # A mistake outside of a commit: what is queued will not be answered.
            self._stop(error)

    def _write(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch: _Batch = [first]
            size = len(first[1])
            last = False
            while size < MAX_BATCH:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    last = True
                    break
                batch.append(item)
                size += len(item[1])
            began = time.perf_counter()
            commit, stored = self._commit(batch)
            took = time.perf_counter() - began
            with self._lock:
                self._backlog -= size
                self._commit_seconds.add(took)
                self._batch_orders.add(size)
                self._failed_commits += not stored
            self._on_commit(commit)
            if last:
                return

    def _commit(self, batch: _Batch) -> tuple[Commit, bool]:
        """Store a batch; return what to announce, and whether it is stored."""
        if self._failure is not None:
            # After a failed fsync a later one may succeed without what was lost before.
            return _refused(batch, self._failure), False
        events: list[Event] = []
        self._written = 0
        answers: list[tuple[int, tuple[Answer | Rejection, ...]]] = []
        now_ms = self._clock()
        try:
            self._short = self._short_of_space()
            if self._short:
                self._tell_full()
            self._connection.execute("BEGIN IMMEDIATE")
            keys = iter(self._read_facts(batch))
            for ticket, commands in batch:
                outcomes = [
                    self._decide(command, next(keys), events, now_ms) for command in commands
                ]
                answers.append((ticket, tuple(outcomes)))
            self._write_rows(events)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._state.discard()
            return _refused(batch, self._failed(error)), False
        finally:
            self._facts.clear()
        self._state.merge()
        if self._told_full and any(isinstance(event, _TALK) for event in events):
            self._told_full = False
            logger.info("there is room on the disk again: posts are stored")
        return Commit(tuple(events), tuple(answers)), True

    def _read_facts(self, batch: _Batch) -> list[FactKey | None]:
        """Read what the batch asks for; return what each order asks for, as far as is known."""
        keys: list[FactKey | None] = []
        for _, commands in batch:
            for command in commands:
                try:
                    key = fact_key(self._state, command)
                except Exception:
                    # `_decide` asks again, and answers for the mistake.
                    key = None
                keys.append(key if isinstance(key, FactKey) else None)
        asked = [key for key in keys if key is not None]
        if asked:
            self._facts = self._stored(asked)
        return keys

    def _stored(self, keys: Iterable[FactKey]) -> dict[FactKey, FirstAnswer | None]:
        asked = list(keys)
        stored = rows.first_answers(self._connection, asked)
        return {key: stored.get(key) for key in asked}

    def _decide(
        self, command: Command, key: FactKey | None, events: list[Event], now_ms: int
    ) -> Answer | Rejection:
        try:
            fact: FirstAnswer | StoredMessage | None = None
            if key is None:
                # Its session may have been opened by an earlier order of the same batch.
                asked = fact_key(self._state, command)
                if isinstance(asked, MessageKey):
                    # It may have been said by one.
                    self._write_rows(events)
                    fact = rows.stored_message(self._connection, asked)
                elif asked is not None:
                    key = asked
                    if key not in self._facts:
                        self._facts |= self._stored([key])
            if key is not None:
                fact = self._facts[key]
            decision = decide(self._state, command, fact, now_ms)
        except sqlite3.Error:
            raise
        except Exception:
            # Deciding changes nothing, so only this order is lost to the mistake.
            logger.exception("could not decide %s", type(command).__name__)
            return Rejection(Reason.INTERNAL, "internal error")
        if not isinstance(decision, Accepted):
            return decision
        if self._short and any(isinstance(event, _TALK) for event in decision.events):
            # Refused after the decision: a retry of what is stored has had its answer.
            return DISK_FULL
        for event in decision.events:
            evolve(self._state, event)
            if key is not None and isinstance(event, MessagePosted):
                self._facts[key] = FirstAnswer(
                    event.room_id, event.seq, event.time_ms, event.request_hash
                )
        events.extend(decision.events)
        if isinstance(command, PruneAnswers):
            # It removes what the orders before it came to, and those behind it may ask for that.
            self._write_rows(events)
            self._facts = self._stored(self._facts)
        return decision.answer

    def _write_rows(self, events: list[Event]) -> None:
        if len(events) > self._written:
            rows.write(self._connection, events[self._written :])
            tables.write(self._connection, self._state)
            self._written = len(events)

    def _failed(self, error: BaseException) -> Rejection:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as second:
            error = second
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            self._tell_full()
            return DISK_FULL
        if isinstance(error, sqlite3.Error) and is_damage(error):
            # It may also be the disk that fails: the next start finds out.
            mark_damaged(self._path)
        return self._stop(error)

    def _tell_full(self) -> None:
        if not self._told_full:
            self._told_full = True
            logger.error("the disk is full: posts are refused until there is room on it")

    def _stop(self, error: BaseException) -> Rejection:
        logger.critical("the log failed: %s", error, exc_info=error)
        return self._fail(error)

    def _fail(self, error: BaseException) -> Rejection:
        rejection = Rejection(
            Reason.STORAGE_FAILED,
            "the server could not store this: the outcome is unknown, send it again",
            retry_after_ms=1000,
        )
        if self._failure is None:
            self._failure = self._refusal = rejection
            self._on_failure(error)
        return rejection


def _refused(batch: _Batch, rejection: Rejection) -> Commit:
    return Commit((), tuple((ticket, (rejection,) * len(commands)) for ticket, commands in batch))
