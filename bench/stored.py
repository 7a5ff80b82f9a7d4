"""Fills a server's data directory with messages, by the log that the server uses itself."""

import hashlib
import threading
import time
from pathlib import Path

from bench.texts import TEXT_BYTES
from chat_service.core import commands as cmd
from chat_service.core.errors import Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import Style
from chat_service.log.contract import Commit
from chat_service.log.sqlite import MAX_BATCH, SqliteLog

# Where a server on a free port keeps its data in the directory that it is given.
INSTANCE = "ephemeral-1"
FILE = "chat.sqlite3"
# Batches that wait for the writer: so many that it never waits for us.
BATCHES = 4


class StoreError(Exception):
    """The log refused what was to be stored."""


class _Hearer:
    """Hears of commits on the writer's thread; lets so many batches wait at once."""

    def __init__(self) -> None:
        self.free = threading.Semaphore(BATCHES)
        self.failure = ""

    def committed(self, commit: Commit) -> None:
        for _, answers in commit.answers:
            for answer in answers:
                if isinstance(answer, Rejection):
                    self.failure = answer.message
            self.free.release()

    def failed(self, error: BaseException) -> None:
        self.failure = str(error)
        self.free.release()


def store(directory: Path, room: str, count: int) -> None:
    """Make the data of a server with one guest and a room of so many messages.

    Raises StoreError where the log refuses.
    """
    place = directory / INSTANCE
    place.mkdir(parents=True)
    hearer = _Hearer()
    log = SqliteLog(
        place / FILE,
        clock=lambda: time.time_ns() // 1_000_000,
        on_commit=hearer.committed,
        on_failure=hearer.failed,
    )
    try:
        text = "x" * TEXT_BYTES
        batch: tuple[cmd.Command, ...] = (
            cmd.StartInstance("local", "stored", Limits(), room),
            cmd.OpenGuest("author", b"nobody's token", "local", room),
        )
        target = cmd.RoomByName(room)
        for first in range(0, count, MAX_BATCH):
            _submit(log, hearer, first, batch)
            batch = tuple(
                cmd.PostMessage(1, target, Style.TEXT, text, f"stored-{number:09}", _hash(number))
                for number in range(first, min(count, first + MAX_BATCH))
            )
        _submit(log, hearer, count, batch)
    finally:
        log.close()
    if hearer.failure:
        raise StoreError(hearer.failure)


def _submit(log: SqliteLog, hearer: _Hearer, ticket: int, batch: tuple[cmd.Command, ...]) -> None:
    hearer.free.acquire()
    if hearer.failure:
        raise StoreError(hearer.failure)
    log.submit(ticket, batch)


def _hash(number: int) -> bytes:
    """Return what tells a retry of a message from another message: any hash of that size."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()
