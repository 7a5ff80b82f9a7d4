"""Retention at work: compares what rooms hold with what they keep, and orders the rest away.

The orders go through the log like those of people, a few hundred events each, and the
next one only when the former was answered and the writer had time for others. So nobody
waits for more than one small piece, however much there is to let go of.
"""

import asyncio
import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from chat_service.core import commands as cmd
from chat_service.core.errors import RefusedError
from chat_service.core.model import Room
from chat_service.edge.directory import Directory
from chat_service.edge.journal import Journal
from chat_service.hub.hub import Hub
from chat_service.log.contract import Log
from chat_service.retention import Retention

logger = logging.getLogger(__name__)

T = TypeVar("T")

# What rooms hold is compared this often, and when the server starts.
LOOK_S = 10.0
# Events of one order.
PRUNE_EVENTS = 250
# First answers of one order. Fewer, because each may lie on a page of its own.
PRUNE_ANSWERS = 100
# After an order, the others have the writer to themselves for so many times as long as it took.
REST = 3.0
# Rooms that are compared in one step of the loop; each takes about a microsecond.
ROOMS_A_STEP = 256


class Pruning:
    """Lets go of what rooms do not keep. `readers` runs blocking reads."""

    def __init__(
        self,
        retention: Retention,
        *,
        log: Log,
        journal: Journal,
        directory: Directory,
        hub: Hub,
        readers: Executor,
        clock_ms: Callable[[], int],
    ) -> None:
        # May be replaced at any time: the next look goes by it.
        self.retention = retention
        self._log = log
        self._journal = journal
        self._directory = directory
        self._hub = hub
        self._readers = readers
        self._clock_ms = clock_ms
        # Of rooms that keep by age: a seq up to which nothing is left or too old, and the
        # time of its event. As long as that is not too old, nothing behind it is.
        self._young: dict[int, tuple[int, int]] = {}

    async def run(self, look_s: float) -> None:
        """Sweep now, and every `look_s` seconds, until cancelled."""
        while True:
            try:
                await self.sweep(look_s)
            except RefusedError as error:
                # The log is overloaded or its disk full: people come first.
                logger.info("retention waits: %s", error)
            except Exception:
                logger.exception("retention failed and will be tried again")
            await asyncio.sleep(look_s)

    async def sweep(self, look_s: float = LOOK_S) -> None:
        """Let go of all that is more than rooms keep, one piece of each in turn.

        Many first answers that are left after `look_s` seconds wait for the next sweep,
        so that they do not hold up the rooms. Raises RefusedError when the log takes no
        more for now.
        """
        time = asyncio.get_running_loop().time
        until = time() + look_s
        line = deque(await self._look())
        answers_left = True
        while line or (answers_left and time() < until):
            if line:
                room_id, up_to_seq = line.popleft()
                first = self._directory.state.first(room_id)
                piece_seq = min(first + PRUNE_EVENTS - 1, up_to_seq)
                await self._order(cmd.Prune(room_id, piece_seq))
                if piece_seq < up_to_seq:
                    line.append((room_id, up_to_seq))
            if answers_left:
                answers_left = await self._prune_answers()

    async def _look(self) -> list[tuple[int, int]]:
        """Return the rooms that hold more than they keep, and the last seq of that."""
        state = self._directory.state
        found = list(state.leftovers.snapshot().items())
        if not self.retention.is_all:
            for number, room in enumerate(list(state.rooms.values()), start=1):
                up_to_seq = await self._excess(room)
                if up_to_seq >= self._hub.rooms.first(room.room_id):
                    found.append((room.room_id, up_to_seq))
                if number % ROOMS_A_STEP == 0:
                    await asyncio.sleep(0)
            self._young = {n: young for n, young in self._young.items() if n in state.rooms}
        return found

    async def _excess(self, room: Room) -> int:
        """Return the seq up to which a room's events may go; below the first for none."""
        keep, room_id = self.retention.of(room.name), room.room_id
        first, head = self._hub.rooms.first(room_id), self._hub.rooms.head(room_id)
        up_to_seq = first - 1
        if keep.max_messages is not None:
            up_to_seq = max(up_to_seq, head - keep.max_messages)
        if keep.max_age_ms is not None and up_to_seq < head:
            before_ms = self._clock_ms() - keep.max_age_ms
            first = up_to_seq + 1
            seq, time_ms = self._young.get(room_id, (head + 1, 0))
            if seq > first or time_ms < before_ms:
                up_to_seq = await self._read(
                    lambda: self._last_before(room_id, first, head, before_ms)
                )
        return up_to_seq

    def _last_before(self, room_id: int, first: int, head: int, before_ms: int) -> int:
        """Return the last seq from before a time, `first - 1` if there is none; on a thread."""

        def time_of(seq: int) -> int:
            (event,) = self._log.read_after(room_id, seq - 1, count=1, max_bytes=1)
            return event.time_ms

        # Times never fall as seqs rise: some twenty reads for a million events.
        young = first + bisect_left(range(first, head + 1), before_ms, key=time_of)
        if young <= head:
            self._young[room_id] = (young, time_of(young))
        return young - 1

    async def _prune_answers(self) -> bool:
        """Let go of the oldest first answers whose time is over; return whether there were any."""
        oldest_ms = await self._read(self._log.read_oldest_orphan_ms)
        life_ms = self._directory.state.limits.first_answer_ms
        if oldest_ms is None or oldest_ms >= self._clock_ms() - life_ms:
            return False
        await self._order(cmd.PruneAnswers(PRUNE_ANSWERS))
        return True

    async def _order(self, command: cmd.Prune | cmd.PruneAnswers) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._journal.order(command)
        await asyncio.sleep(REST * (loop.time() - began))

    async def _read(self, read: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, read)
