"""What a log promises to the rest of the server.

An order is submitted with a ticket and answered by a Commit that carries the
ticket. A commit is announced only after it is durable, and in the order in which
commits happened; nobody may hear of an event before that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chat_service.core.commands import Command
from chat_service.core.decision import Answer
from chat_service.core.errors import Rejection
from chat_service.core.events import Audited, Event, RoomEvent
from chat_service.core.state import State
from chat_service.histogram import Distribution


@dataclass(frozen=True, slots=True)
class Commit:
    """What became durable together, and what each order of it came to.

    `answers` holds, for each ticket, one Answer or Rejection for each of its
    orders. A commit that failed has no events and only rejections.
    """

    events: tuple[Event, ...]
    answers: tuple[tuple[int, tuple[Answer | Rejection, ...]], ...]


@dataclass(frozen=True, slots=True)
class LogStatistics:
    """How a log works, from its opening up to one moment."""

    # Orders that wait for their commit.
    backlog: int
    # Batches that were stored, and those that failed.
    commits: int
    failed_commits: int
    # What a batch took from its first order to the end of its sync, in seconds.
    commit_seconds: Distribution
    # Orders of a batch.
    batch_orders: Distribution
    # Whether the disk was full when a post was to be stored last.
    disk_full: bool


OnCommit = Callable[[Commit], None]


class Log(Protocol):
    """The durable order. Threads: `submit` from one thread, reads from any."""

    def load(self) -> State:
        """Return a fresh copy of the state as it was when the log was opened.

        To be called before the first submit.
        """
        ...

    def submit(self, ticket: int, commands: tuple[Command, ...]) -> None:
        """Queue orders to be decided one after the other, in the order of calls.

        Never blocks. The answer is in the Commit with this ticket, also when it
        failed: STORAGE_FULL (nothing was stored, the log goes on; while the disk is
        down to its reserve only of what is said in rooms or of them) or
        STORAGE_FAILED (the outcome is unknown, the log stops).

        Raises RefusedError: OVERLOADED when as many orders are waiting as may;
        DRAINING after `close`; STORAGE_FAILED when the log has stopped.
        """
        ...

    def read_after(
        self, room_id: int, after_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        """Return the events of a room that follow `after_seq`, oldest first.

        They begin with the first that is kept, which may be a later one (`read_first`),
        and leave out none between. At most `count` of them, and no more than the first
        whose texts reach `max_bytes` together. Blocks; for a thread of its own.

        Raises RefusedError: STORAGE_DAMAGED when they cannot be read.
        """
        ...

    def read_before(
        self, room_id: int, before_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        """Return the events of a room that precede `before_seq`, newest first.

        Bounded as `read_after`. Blocks; for a thread of its own.
        """
        ...

    def read_first(self, room_id: int) -> int:
        """Return the first seq that is kept of a room: 1, unless some were pruned.

        What an earlier read found missing is before it. Blocks; for a thread of its own.
        """
        ...

    def read_oldest_orphan_ms(self) -> int | None:
        """Return the time of the oldest first answer whose message is gone; None without one.

        In milliseconds since 1970. Blocks; for a thread of its own.
        """
        ...

    def read_audit(self, room_id: int | None, before_id: int, *, count: int) -> list[Audited]:
        """Return the entries of the audit log that precede `before_id`, newest first.

        Those of a room; or, for None, those of the server itself and of its public rooms,
        never of a private one, whether or not it is still there. At most `count`. Blocks;
        for a thread of its own.

        Raises RefusedError: STORAGE_DAMAGED when they cannot be read.
        """
        ...

    def statistics(self) -> LogStatistics:
        """Return how the log works. Never blocks; from any thread."""
        ...

    def close(self) -> None:
        """Commit what is queued, announce it, and let go of the data. Blocks."""
        ...
