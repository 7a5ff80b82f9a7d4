"""The transcripts of one directory, each brought up to date on the disk when its turn comes."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from chat_service.config import Transcripts
from chat_service.log.contract import Log
from chat_service.transcripts import entries, naming, positions
from chat_service.transcripts.files import Calls, ChangedError, Files
from chat_service.transcripts.notes import Coming
from chat_service.transcripts.positions import Position, Positions
from chat_text import transcript

logger = logging.getLogger(__name__)

# Read, made to text and written in one go: 1 to 2 ms of the interpreter.
PAGE_EVENTS = 100
PAGE_BYTES = 64 * 1024
# After a page, the others have the interpreter to themselves for so many times as long.
REST = 3.0
# Written of one room before the next one has its turn.
TURN_EVENTS = 2000


class Book:
    """An open directory of transcripts. Used by one thread at a time.

    Every method raises OSError or sqlite3.Error where the disk does not do what it should.
    Then the book is of no use any more: a new one finds out what is on the disk.
    """

    def __init__(
        self,
        settings: Transcripts,
        epoch: str,
        *,
        log: Log,
        clock_ms: Callable[[], int],
        rest: Callable[[float], None],
        calls: Calls,
    ) -> None:
        """Open or create the directory, for the data of an epoch.

        `rest` is called with seconds to wait. Raises NewerVersionError, OSError or sqlite3.Error.
        """
        # The sizes and ages in it may change, the directory may not.
        self.settings = settings
        self._log = log
        self._clock_ms = clock_ms
        self._rest = rest
        settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files = Files(settings.directory, calls)
        self._positions = self._open_positions(settings.directory)
        # Files that nobody but this book can have made longer.
        self._known: set[str] = set()
        try:
            self._rename()
            if self._positions.epoch != epoch:
                self._begin_epoch(epoch)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the directory."""
        self._positions.close()

    def write(
        self, room_id: int, room_name: str, head: int, comings: deque[Coming], dropped: int
    ) -> Position | None:
        """Bring a room up to its event `head`, or nearer; return its position, for `commit`.

        Text that is returned for is synced. Joins and leaves that were written are taken out
        of `comings`; `dropped` of them are told as missing. None: the room has no transcript
        and needs none yet.

        Raises RefusedError where the log cannot be read.
        """
        position = self._positions.rows.get(room_id)
        if position is not None and position.seq > head:
            logger.warning(
                "%s is ahead of the data, which was replaced: it begins anew", position.file
            )
            position = self._begin_anew(replace(position, seq=0))
        has_news = bool(comings or dropped or head > (0 if position is None else position.seq))
        file = naming.file_name(room_name)
        if position is None:
            if not has_news:
                return None
            position = self._begin_anew(Position(room_id, file, 0, 0, self._clock_ms()))
        elif has_news and (position.file != file or self._is_full(position)):
            # A room that was renamed goes on in a file of its new name.
            position = self._begin_anew(replace(position, file=file))
        for attempt in range(2):
            try:
                return self._grow(position, head, comings, dropped)
            except ChangedError as error:
                if attempt:
                    raise OSError(f"{position.file} {error}") from error
                logger.warning(
                    "transcript %s %s: it begins anew",
                    self.settings.directory / position.file,
                    error,
                )
                position = self._begin_anew(position)
        raise AssertionError

    def commit(self, written: list[Position]) -> None:
        """Make it so that what was written counts."""
        changed = [
            position for position in written if self._positions.rows[position.room_id] != position
        ]
        if changed:
            self._positions.put(changed)

    # ---------------------------------------------------------------- one room's file

    def _grow(
        self, position: Position, head: int, comings: deque[Coming], dropped: int
    ) -> Position:
        files, name, seq, size = self._files, position.file, position.seq, position.size
        is_known = name in self._known
        self._known.discard(name)
        with files.grown(name, size, is_known=is_known) as descriptor:
            lines = transcript.unwritten(dropped) if dropped else []
            turn_end = seq + TURN_EVENTS
            while True:
                began = time.monotonic()
                seq, more = self._page(position.room_id, seq, head, comings)
                lines += more
                data = "".join(f"{line}\n" for line in lines).encode()
                files.append(descriptor, data)
                size += len(data)
                lines = []
                if seq >= min(head, turn_end) or size >= self.settings.rotate_bytes:
                    break
                self._rest(REST * (time.monotonic() - began))
            if size > position.size:
                files.sync(descriptor)
                if not position.size:
                    files.sync_names()
        self._known.add(name)
        return replace(position, seq=seq, size=size)

    def _page(
        self, room_id: int, seq: int, head: int, comings: deque[Coming]
    ) -> tuple[int, list[str]]:
        """Read on behind a seq; return the last one that the lines reach, and the lines."""
        lines: list[str] = []
        if seq < head:
            count = min(PAGE_EVENTS, head - seq)
            events = self._log.read_after(room_id, seq, count=count, max_bytes=PAGE_BYTES)
            # Where the room was pruned meanwhile, others may follow.
            events = [event for event in events if event.seq <= head]
            if events:
                lines += entries.page(seq, events, comings)
                seq = events[-1].seq
            else:
                lines += transcript.missing(seq + 1, head)
                seq = head
        return seq, lines + entries.until(seq, comings)

    def _is_full(self, position: Position) -> bool:
        settings = self.settings
        age_ms = self._clock_ms() - position.began_ms
        return position.size > 0 and (
            position.size >= settings.rotate_bytes or age_ms >= settings.rotate_age_s * 1000
        )

    # ---------------------------------------------------------------- new files for old

    def _begin_anew(self, position: Position) -> Position:
        """Have the next text of a room begin a file; one of its name is set aside."""
        name, now_ms = position.file, self._clock_ms()
        fresh = replace(position, size=0, began_ms=now_ms)
        self._positions.begin_anew([fresh], self._asides([name]))
        self._known.discard(name)
        self._rename()
        self._remove_old(name)
        return fresh

    def _begin_epoch(self, epoch: str) -> None:
        names = [position.file for position in self._positions.rows.values()]
        if names:
            logger.warning(
                "transcripts in %s are of other data: they are set aside",
                self.settings.directory,
            )
        self._positions.begin_epoch(epoch, self._asides(names))
        self._rename()

    def _asides(self, names: list[str]) -> dict[str, str]:
        files, now_ms = self._files, self._clock_ms()
        return {
            name: naming.aside_name(name, now_ms, files.is_taken)
            for name in names
            if files.is_taken(name)
        }

    def _rename(self) -> None:
        renames = self._positions.renames()
        if renames:
            self._files.rename(renames)
            self._positions.renamed()

    def _remove_old(self, name: str) -> None:
        keep = self.settings.keep_files
        if keep:
            for old in naming.set_aside(name, os.listdir(self.settings.directory))[:-keep]:
                self._files.remove(old)

    def _open_positions(self, directory: Path) -> Positions:
        try:
            return Positions(directory)
        except Exception as error:
            if not positions.is_damage(error):
                raise
            name = naming.aside_name(positions.FILE, self._clock_ms(), self._files.is_taken)
            logger.warning(
                "%s is damaged and becomes %s: all transcripts begin anew",
                directory / positions.FILE,
                name,
            )
            self._files.remove(f"{positions.FILE}-wal")
            self._files.rename({positions.FILE: name})
            return Positions(directory)
