"""The thread that writes transcripts: when it does, how it rests, and what it does in trouble.

Chat goes first. The thread gathers what happened for a while, so that files are synced a few
times a second at most, rests three times as long as it worked, and where the disk is full or
broken it tries again later, with what the log has kept for it.
"""

import errno
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from chat_service.config import StartError, Transcripts
from chat_service.core.errors import RefusedError
from chat_service.core.events import Event
from chat_service.core.state import State
from chat_service.log.contract import Log
from chat_service.transcripts.book import REST, Book
from chat_service.transcripts.files import Calls
from chat_service.transcripts.notes import Coming, Notes
from chat_service.transcripts.positions import NewerVersionError, Position

logger = logging.getLogger(__name__)

# What happens in this time is written together.
GATHER_S = 0.25
# Rooms that are written before their positions are committed.
ROUND_ROOMS = 64
# More than a page takes, after which the thread sees that time is up.
PAGE_S = 0.25
# How long it waits before it tries again: twice as long after each failure.
FIRST_BACK_OFF_S, LONGEST_BACK_OFF_S = 1.0, 60.0


class _OutOfTimeError(Exception):
    """The stop cannot wait any longer."""


class TranscriptWriter:
    """Writes the public rooms of one instance. `note` never waits for the disk."""

    def __init__(
        self,
        settings: Transcripts,
        state: State,
        *,
        log: Log,
        clock_ms: Callable[[], int],
        calls: Calls | None = None,
        back_off_s: float = FIRST_BACK_OFF_S,
    ) -> None:
        """Begin with the state as it is before the first commit that is noted.

        `clock_ms` gives milliseconds since 1970, for the names and the age of files. Reads
        the log until `close`. `calls` and the first `back_off_s` are those of a test.
        """
        self._settings = settings
        self._notes = Notes(state)
        self._log = log
        self._clock_ms = clock_ms
        self._calls = calls or Calls()
        self._first_back_off_s = back_off_s
        self._book: Book | None = None
        # The newest seq of rooms that may have more than is written, in the order of turns.
        self._behind: dict[int, int] = {}
        # Rooms that the log cannot read.
        self._unreadable: set[int] = set()
        self._is_failing = False
        self._stopping = threading.Event()
        # How long this round has rested.
        self._rested_s = 0.0
        # When a stop can wait no longer, on the monotonic clock.
        self._until = float("inf")
        self._thread = threading.Thread(target=self._run, name="transcripts", daemon=True)

    def start(self) -> None:
        """Open the directory and begin; to be called when the data has its epoch.

        Raises StartError where the directory cannot be used. A full disk is no such reason.
        """
        try:
            self._book = self._open()
        except NewerVersionError as error:
            raise StartError(str(error)) from error
        except (OSError, sqlite3.Error) as error:
            if not _is_full(error):
                raise StartError(
                    f"transcript directory {self._settings.directory} cannot be used: "
                    f"{_reason(error)}"
                ) from error
            self._fail(error)
        self._thread.start()

    def note(self, events: Iterable[Event]) -> None:
        """Note the events of a commit, in the order of commits."""
        self._notes.note(events)

    def adopt(self, settings: Transcripts) -> None:
        """Have other sizes and ages of files from now on; the directory is that of the start."""
        self._settings = replace(settings, directory=self._settings.directory)

    def close(self, seconds: float) -> None:
        """Write what has been noted, for so many seconds at most, and end. Blocks."""
        self._until = time.monotonic() + seconds
        self._stopping.set()
        self._notes.woken.set()
        if self._thread.ident is not None:
            # A disk that does not answer keeps the thread, but not the stop.
            self._thread.join(seconds + PAGE_S)

    # ------------------------------------------------------------------ on the thread

    def _run(self) -> None:
        back_off_s = self._first_back_off_s
        while True:
            if not self._behind:
                self._notes.woken.wait()
            # In this order: a stop that comes in between wakes it once more.
            self._notes.woken.clear()
            is_last = self._stopping.is_set()
            try:
                began, self._rested_s = time.monotonic(), 0.0
                if self._book is None:
                    self._book = self._open()
                self._round(self._book)
                self._recover()
                back_off_s = self._first_back_off_s
                worked_s = time.monotonic() - began - self._rested_s
                owed_s = REST * worked_s - self._rested_s
                self._stopping.wait(max(owed_s, 0.0 if self._behind else GATHER_S))
            except _OutOfTimeError:
                break
            except Exception as error:
                self._let_go()
                if is_last:
                    break
                self._fail(error)
                self._stopping.wait(back_off_s)
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
                self._notes.woken.set()
            if is_last and not self._behind:
                break
        self._let_go()

    def _round(self, book: Book) -> None:
        """Write some of what was noted, and commit how far it is."""
        book.settings = self._settings
        taken = self._notes.take()
        self._behind.update(taken.heads)
        comings: dict[int, deque[Coming]] = {}
        for coming in taken.comings:
            comings.setdefault(coming.room_id, deque()).append(coming)
        dropped = dict(taken.dropped)
        caught_up: list[int] = []
        written: list[Position] = []
        try:
            for room_id in list(self._behind)[:ROUND_ROOMS]:
                self._pause(0)
                head = self._behind[room_id]
                position = self._write(
                    book, room_id, head, comings.get(room_id, deque()), dropped.pop(room_id, 0)
                )
                if position is not None:
                    written.append(position)
                if position is None or position.seq >= head:
                    caught_up.append(room_id)
            book.commit(written)
        except BaseException:
            self._notes.give_back(taken.comings, taken.dropped)
            raise
        for position in written:
            # Behind those that had no turn yet.
            self._behind[position.room_id] = self._behind.pop(position.room_id)
        for room_id in caught_up:
            del self._behind[room_id]
        self._notes.give_back(chain.from_iterable(comings.values()), dropped)

    def _write(
        self, book: Book, room_id: int, head: int, comings: deque[Coming], dropped: int
    ) -> Position | None:
        """Write a room, as `Book.write` does; one that cannot be read is left out from now on."""
        if room_id not in self._unreadable:
            name = self._notes.room_name(room_id)
            try:
                return book.write(room_id, name, head, comings, dropped)
            except RefusedError as error:
                logger.error("the transcript of %s ends here: %s", name, error)
                self._unreadable.add(room_id)
        comings.clear()
        return None

    def _open(self) -> Book:
        return Book(
            self._settings,
            self._notes.epoch,
            log=self._log,
            clock_ms=self._clock_ms,
            rest=self._pause,
            calls=self._calls,
        )

    def _let_go(self) -> None:
        book, self._book = self._book, None
        if book is not None:
            with suppress(sqlite3.Error):
                book.close()

    def _pause(self, seconds: float) -> None:
        """Leave the interpreter to others. Raises _OutOfTimeError when a stop waits no longer."""
        began = time.monotonic()
        self._stopping.wait(seconds)
        self._rested_s += time.monotonic() - began
        if time.monotonic() > self._until:
            raise _OutOfTimeError

    def _fail(self, error: Exception) -> None:
        if self._is_failing:
            return
        self._is_failing = True
        directory = self._settings.directory
        if isinstance(error, OSError | sqlite3.Error | NewerVersionError):
            logger.warning("transcripts in %s have to wait: %s", directory, _reason(error))
        else:
            logger.exception("transcripts in %s have to wait", directory)

    def _recover(self) -> None:
        if self._is_failing:
            self._is_failing = False
            logger.info("transcripts in %s are written again", self._settings.directory)


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_FULL


def _reason(error: Exception) -> str:
    if _is_full(error):
        return "its disk is full"
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return "another process writes there"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
