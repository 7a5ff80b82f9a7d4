"""Looks at every instance, every few seconds: its figures by its own socket, its process.

All are looked at side by side, and each for a bounded time: one that hangs has a sample
without figures, and delays no other's.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from chat_service.admin.operations import AdminError
from chat_service.admin.places import Place
from chat_service.admin.samples import Reading, Totals, Usage, totals_of

logger = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""An instance that does not tell its figures within this is not waited for …"""

PATIENCE_SHARE = 0.8
"""… nor for more of the interval than this."""


class Sampler:
    """Adds a sample to the history of each instance that serves.

    `interval_s` gives the seconds between two looks, as they are now; `places` those that
    there are now; `sampled` is called after each sample, `complete` after each round of all.
    `usage_of` is called in a thread.
    """

    def __init__(
        self,
        places: Callable[[], Iterable[Place]],
        *,
        interval_s: Callable[[], float],
        sampled: Callable[[], None],
        complete: Callable[[], None],
        usage_of: Callable[[int, int], Usage | None],
        clock_s: Callable[[], float],
        clock_ms: Callable[[], int],
    ) -> None:
        self._places = places
        self._interval_s = interval_s
        self._sampled = sampled
        self._complete = complete
        self._usage_of = usage_of
        self._clock_s = clock_s
        self._clock_ms = clock_ms
        self._changed = asyncio.Event()
        self._looked_at: set[Place] = set()
        # One thread: processes are looked at one after the other.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="processes")

    def changed(self) -> None:
        """Learn that instances or the interval have changed: a new process is looked at soon."""
        self._changed.set()

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        try:
            async with asyncio.TaskGroup() as looks:
                while True:
                    self._changed.clear()
                    for place in self._serving():
                        if place.history.last_of(place.news.pid) is None:
                            looks.create_task(self._look(place))
                    try:
                        async with asyncio.timeout_at(last + self._interval_s()):
                            await self._changed.wait()
                    except TimeoutError:
                        late = loop.time() - last - self._interval_s() > self._interval_s()
                        last = loop.time() if late else last + self._interval_s()
                        await asyncio.gather(*map(self._look, self._serving()))
                        self._complete()
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _serving(self) -> list[Place]:
        free = (place for place in self._places() if place not in self._looked_at)
        return [place for place in free if place.remote is not None]

    async def _look(self, place: Place) -> None:
        self._looked_at.add(place)
        try:
            news = place.news
            moment = self._clock_s(), self._clock_ms()
            usage, totals = await asyncio.gather(
                asyncio.get_running_loop().run_in_executor(
                    self._thread, self._usage_of, news.pid, news.port
                ),
                self._totals(place),
            )
        finally:
            self._looked_at.discard(place)
        if place.remote is not None and place.news.pid == news.pid:
            place.history.add(Reading(*moment, news.pid, usage, totals))
            self._sampled()

    async def _totals(self, place: Place) -> Totals | None:
        patience_s = min(PATIENCE_S, PATIENCE_SHARE * self._interval_s())
        try:
            figures = await place.serving().figures(place.news.port, patience_s)
        except AdminError as error:
            logger.debug("no figures: %s", error)
            return None
        return totals_of(figures)
