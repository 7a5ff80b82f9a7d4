"""Pages of the log for readers that are behind, so that nobody who is live waits for them.

Reading and encoding a page takes some ms in a thread, which competes with the loop for
the interpreter. Who was away for a night has its pages at once. Who is further behind has
the rest in a line with all such readers, one page at a time, with a rest after each.
"""

import asyncio
from collections.abc import Awaitable, Callable

from chat_service.hub.replay import Page

# Reads a page of a room from the log: the events after a seq, encoded.
ReadPage = Callable[[int, int], Awaitable[Page]]

# Pages that a reader has at once: 10,000 events of the server's pages.
AT_ONCE = 20
# Of the time, the part in which pages are read for those further behind. Measured with five
# of them beside 50 live readers, on a machine without a free core: p50 of the live ones was
# 4.2 times as long without a rest and 1.3 times with it (tests/chaos/test_far_back.py).
SHARE = 0.25
# A rest is no longer than this, in seconds, also after a page that was held up.
MAX_REST_S = 0.25


class Pages:
    """Reads pages, those of readers far behind one after the other."""

    def __init__(
        self,
        read_page: ReadPage,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Read by `read_page`; `clock` and `sleep` are in seconds."""
        self._read_page = read_page
        self._clock = clock
        self._sleep = sleep
        self._line = asyncio.Lock()
        self._rest_until = 0.0

    async def read(self, room_id: int, after_seq: int, so_far: int) -> Page:
        """Return the page after `after_seq` for a reader that has had `so_far` pages."""
        if so_far < AT_ONCE:
            return await self._read_page(room_id, after_seq)
        async with self._line:
            rest_s = self._rest_until - self._clock()
            if rest_s > 0:
                await self._sleep(rest_s)
            began = self._clock()
            page = await self._read_page(room_id, after_seq)
            now = self._clock()
            self._rest_until = now + min((now - began) * (1 / SHARE - 1), MAX_REST_S)
        return page
