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
from collections.abc import Callable
from pathlib import Path

from chat_service.core.commands import Command
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.events import Audited, RoomEvent
from chat_service.core.state import State
from chat_service.histogram import Histogram
from chat_service.log import tables
from chat_service.log.batch import DISK_FULL, TALK, Batch, Orders
from chat_service.log.contract import Commit, LogStatistics, OnCommit
from chat_service.log.datafile import is_damage, mark_damaged, needs_check, open_data_file
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
        # Whether it was told that the disk is full, and not yet that it is no more.
        self._told_full = False
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
        return self._history.after(room_id, after_seq, count=count, max_bytes=max_bytes)

    def read_before(
        self, room_id: int, before_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        """Return events that precede `before_seq`, newest first."""
        return self._history.before(room_id, before_seq, count=count, max_bytes=max_bytes)

    def read_first(self, room_id: int) -> int:
        """Return the first seq that is kept of a room."""
        return self._history.first(room_id)

    def read_oldest_orphan_ms(self) -> int | None:
        """Return the time of the oldest first answer whose message is gone."""
        return self._history.oldest_orphan_ms()

    def read_audit(self, room_id: int | None, before_id: int, *, count: int) -> list[Audited]:
        """Return entries of the audit log before `before_id`, newest first."""
        return self._history.audit(room_id, before_id, count=count)

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
            orders = [first]
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
                orders.append(item)
                size += len(item[1])
            began = time.perf_counter()
            commit, stored = self._commit(orders)
            took = time.perf_counter() - began
            with self._lock:
                self._backlog -= size
                self._commit_seconds.add(took)
                self._batch_orders.add(size)
                self._failed_commits += not stored
            self._on_commit(commit)
            if last:
                return

    def _commit(self, orders: Orders) -> tuple[Commit, bool]:
        """Store a batch; return what to announce, and whether it is stored."""
        if self._failure is not None:
            # After a failed fsync a later one may succeed without what was lost before.
            return _refused(orders, self._failure), False
        now_ms = self._clock()
        try:
            short = self._short_of_space()
            if short:
                self._tell_full()
            self._connection.execute("BEGIN IMMEDIATE")
            batch = Batch(self._connection, self._state, now_ms, short=short)
            commit = batch.carry_out(orders)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._state.discard()
            return _refused(orders, self._failed(error)), False
        self._state.merge()
        if self._told_full and any(isinstance(event, TALK) for event in commit.events):
            self._told_full = False
            logger.info("there is room on the disk again: posts are stored")
        return commit, True

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


def _refused(orders: Orders, rejection: Rejection) -> Commit:
    return Commit((), tuple((ticket, (rejection,) * len(commands)) for ticket, commands in orders))
