"""What follows the log: commits go to what is live, and pages to readers that are behind."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from chat_service.edge.frames import event_frame, withheld_frame
from chat_service.edge.journal import Journal
from chat_service.hub.replay import Page
from chat_service.log.contract import Commit, Log
from chat_service.transcripts.writer import TranscriptWriter

logger = logging.getLogger(__name__)

# A replay reads this much at once: one page of SQLite, a few ms.
PAGE_EVENTS = 500
PAGE_BYTES = 256 * 1024


class Following:
    """What becomes of commits and of a failure: taken from the log's threads to the loop."""

    def __init__(self, failed: asyncio.Event) -> None:
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        # Set before the first commit.
        self.journal: Journal | None = None
        self.transcripts: TranscriptWriter | None = None
        # A condition, and what is called once it holds.
        self._awaited: tuple[Callable[[], bool], Callable[[], None]] | None = None

    def when(self, condition: Callable[[], bool], call: Callable[[], None]) -> None:
        """Call something once, after the first commit by which a condition holds."""
        self._awaited = condition, call

    def on_commit(self, commit: Commit) -> None:
        """Hear of a commit, on a thread of the log."""
        self._loop.call_soon_threadsafe(self._apply, commit)

    def on_failure(self, _: BaseException) -> None:
        """Hear that the log has stopped, on a thread of the log."""
        self._loop.call_soon_threadsafe(self._failed.set)

    def _apply(self, commit: Commit) -> None:
        assert self.journal is not None
        try:
            self.journal.apply(commit)
            if self.transcripts is not None:
                self.transcripts.note(commit.events)
            if self._awaited is not None and self._awaited[0]():
                (_, call), self._awaited = self._awaited, None
                call()
        except Exception:
            # What is live no longer follows what is stored: a restart mends that.
            logger.critical("a commit could not be applied", exc_info=True)
            self._failed.set()


def page_reader(log: Log, readers: ThreadPoolExecutor) -> Callable[[int, int], Awaitable[Page]]:
    """Return how a room is read on from a seq: a page of the log, encoded, off the loop."""
    loop = asyncio.get_running_loop()

    async def read_page(room_id: int, after_seq: int) -> Page:
        def page() -> Page:
            events = log.read_after(room_id, after_seq, count=PAGE_EVENTS, max_bytes=PAGE_BYTES)
            encoded = [(event.seq, event_frame(event)) for event in events]
            frames = ((event.seq, withheld_frame(event)) for event in events)
            withheld = {seq: frame for seq, frame in frames if frame is not None}
            return Page(encoded, log.read_first(room_id), withheld)

        return await loop.run_in_executor(readers, page)

    return read_page
