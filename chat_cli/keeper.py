"""Keeps an outbox on disk while the program runs.

What was typed is written before anything can draw it, so that what a person sees survives the
end of the process; other changes of a turn of the loop are written together. A thread syncs
what has gathered; then the outbox lets the posts go. So Enter never waits for the disk, and a
thousand lines of a script share a few syncs.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from chat_cli import records
from chat_cli.journal import Journal, Orphan, find_orphans
from chat_cli.outbox import Outbox
from chat_cli.pending import FailedPost, Found, PendingPost
from chat_cli.storage import directory_for

# Bytes after which a file that is mostly settled is written anew: some thousand messages.
_LARGE = 1024 * 1024


class Keeper:
    """Writes the changes of one outbox, for one server.

    `kind` is "window" or "send". `now_ms` gives milliseconds since 1970-01-01 UTC. `on_saved` is
    called when posts may leave, `on_trouble` with a sentence when they cannot be kept.
    """

    def __init__(
        self,
        outbox: Outbox,
        target: str,
        kind: str,
        now_ms: Callable[[], int],
        on_saved: Callable[[], None],
        on_trouble: Callable[[str], None],
        root: Path | None = None,
    ) -> None:
        self._outbox = outbox
        self._target = target
        self._kind = kind
        self._now_ms = now_ms
        self._on_saved = on_saved
        self._on_trouble = on_trouble
        self._root = root
        self._journal: Journal | None = None
        # What the file says of each post: its owner, or that it failed.
        self._told: dict[str, tuple[str | None, bool]] = {}
        # Bytes of the file when it was last written anew.
        self._whole = 0
        # Whether the end of the file may be half a line.
        self._torn = False
        self._troubled = False
        self._scheduled: asyncio.Handle | None = None
        self._syncing: asyncio.Task[None] | None = None
        self._unsynced: set[str] | None = None
        # Files whose messages are here; deleted when these are on disk.
        self._taken_over: list[Journal | Orphan] = []

    def open(self, name: str) -> Found:
        """Begin to keep the outbox under a name; give what dead processes of it left.

        The caller puts it into the outbox at once, or says `forget`; then `changed`. It stays
        where it was found until it is on disk here.
        """
        directory = directory_for("outbox", self._target, name, self._root)
        former = self._journal
        try:
            self._journal = Journal.create(directory, self._kind)
            orphans = find_orphans(directory, self._kind)
        except OSError as error:
            self._trouble(error)
            return Found()
        if former:
            self._taken_over.append(former)
        self._taken_over += orphans
        self._told.clear()
        self._outbox.begin_saving()
        posts: dict[str, PendingPost] = {}
        failed: dict[str, FailedPost] = {}
        for orphan in orphans:
            posts |= orphan.contents.posts
            failed |= orphan.contents.failed
        in_order = sorted(posts.values(), key=lambda post: (post.typed_ms, post.client_msg_id))
        damaged = [str(orphan.aside) for orphan in orphans if orphan.contents.damaged]
        return Found(tuple(in_order), tuple(failed.values()), tuple(damaged))

    def forget(self) -> None:
        """Delete what was found: the person has seen it."""
        self._remove(self._taken_over.copy())

    def changed(self) -> None:
        """Take in that the outbox may have changed; it is written soon, with what follows."""
        if self._journal and self._scheduled is None:
            self._scheduled = asyncio.get_running_loop().call_soon(self._write)

    def write(self) -> None:
        """Write what has changed; then it survives the end of the process."""
        if self._scheduled:
            self._scheduled.cancel()
        self._write()

    async def close(self) -> None:
        """End: what still waits, or was not seen, is left for the next process."""
        self.write()
        if self._syncing:
            await self._syncing
        if self._journal is None:
            return
        try:
            if self._outbox.posts or self._outbox.failed:
                self._journal.leave()
            else:
                self._journal.remove()
        except OSError as error:
            self._trouble(error)
        self._journal = None

    # ---------------------------------------------------------------------- inside

    def _write(self) -> None:
        """Bring the file up to the outbox, and let it be synced if a post came to it."""
        self._scheduled = None
        journal, outbox = self._journal, self._outbox
        if journal is None or (self._torn and self._syncing):
            return
        if self._torn:
            # Nothing that the file says can be relied on.
            self._told.clear()
            outbox.begin_saving()
        changed = outbox.take_changes(self._now_ms())
        before = {one: self._told.get(one) for one in changed}
        lines = b"".join(self._differences(changed))
        fresh = {one for one in changed if one in self._told and self._told[one] != before[one]}
        large = max(_LARGE, 2 * self._whole)
        try:
            if self._torn or (journal.size > large and not self._syncing):
                journal.replace(records.whole(outbox.posts.values(), outbox.failed.values()))
                fresh, self._whole = set(self._told), journal.size
            elif lines:
                journal.append(lines)
        except OSError as error:
            self._give_up(error)
            return
        self._torn = False
        if fresh or self._taken_over:
            self._unsynced = (self._unsynced or set()) | fresh
            if self._syncing is None:
                self._syncing = asyncio.create_task(self._sync())

    def _differences(self, changed: Iterable[str]) -> Iterator[bytes]:
        """Give the lines by which the file falls behind the outbox, and count them as told."""
        told, outbox = self._told, self._outbox
        for one in changed:
            if post := outbox.posts.get(one):
                if told.get(one) != (post.owner, False):
                    yield records.pending(post)
                    told[one] = (post.owner, False)
            elif lost := outbox.failed.get(one):
                if one not in told:
                    yield records.pending(lost.post)
                if told.get(one) != (lost.post.owner, True):
                    yield records.failed(lost)
                    told[one] = (lost.post.owner, True)
            elif one in told:
                yield records.done(one)
                del told[one]

    async def _sync(self) -> None:
        try:
            while self._unsynced is not None and self._journal:
                saved, self._unsynced = self._unsynced, None
                taken_over = self._taken_over.copy()
                try:
                    await asyncio.to_thread(self._journal.sync)
                except OSError as error:
                    self._give_up(error)
                    return
                self._troubled = False
                self._remove(taken_over)
                self._outbox.saved(saved)
                self._on_saved()
        finally:
            self._syncing = None

    def _remove(self, files: Iterable[Journal | Orphan]) -> None:
        for file in files:
            self._taken_over.remove(file)
            try:
                file.remove()
            except OSError as error:
                self._trouble(error)

    def _give_up(self, error: OSError) -> None:
        """Let the posts leave although they cannot be kept; the next change tries again."""
        # How much of the last lines is in the file is not known.
        self._torn = True
        self._outbox.stop_saving()
        self._trouble(error)
        self._on_saved()

    def _trouble(self, error: OSError) -> None:
        if not self._troubled:
            self._troubled = True
            reason = (error.strerror or str(error)).lower()
            where = f"{error.filename}: " if error.filename else ""
            self._on_trouble(f"What you write is not kept over a crash: {where}{reason}.")
