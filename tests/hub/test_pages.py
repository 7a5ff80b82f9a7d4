"""The pace at which pages of the log are read."""

import asyncio

from chat_service.hub.pages import AT_ONCE, MAX_REST_S, SHARE, Pages
from chat_service.hub.replay import Page


class Disk:
    """A log whose pages take a time that a test sets; the clock goes on by that alone."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.takes_s = 0.01
        # Reads under way at once: now, and at most.
        self.busy = 0
        self.busiest = 0
        self.rested_s = 0.0
        self.pages = Pages(self.read_page, lambda: self.now, self.sleep)

    async def read_page(self, room_id: int, after_seq: int) -> Page:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(0)
        self.now += self.takes_s
        self.busy -= 1
        return Page([(after_seq + 1, b"event")], room_id)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.rested_s += seconds

    async def reads(self, first: int, count: int) -> None:
        """Read pages for a reader that has had some."""
        for so_far in range(first, first + count):
            assert await self.pages.read(7, so_far, so_far) == Page([(so_far + 1, b"event")], 7)


def test_first_pages_come_at_once() -> None:
    """Readers that are not far behind wait for nobody, and there is no rest between pages."""
    disk = Disk()

    async def story() -> None:
        await asyncio.gather(*(disk.reads(0, AT_ONCE) for _ in range(3)))

    asyncio.run(story())
    assert (disk.busiest, disk.rested_s) == (3, 0.0)


def test_further_pages_are_read_one_at_a_time_with_rests() -> None:
    """Whatever the number of readers far behind, only a part of the time goes to them."""
    disk = Disk()

    async def story() -> None:
        await asyncio.gather(*(disk.reads(AT_ONCE, 10) for _ in range(3)))

    asyncio.run(story())
    assert disk.busiest == 1
    reading_s = 30 * disk.takes_s
    # There is none before the first.
    assert abs(disk.rested_s - (reading_s - disk.takes_s) * (1 / SHARE - 1)) < 1e-6


def test_first_pages_do_not_wait_for_a_rest() -> None:
    """A reader that comes while those far behind wait in line has its page at once."""
    disk = Disk()

    async def story() -> None:
        far = asyncio.create_task(disk.reads(AT_ONCE, 5))
        await asyncio.sleep(0)
        await disk.reads(0, 1)
        assert not far.done()
        await far

    asyncio.run(story())


def test_rest_is_bounded() -> None:
    """A page that was held up for long does not hold up the next for longer."""
    disk = Disk()
    disk.takes_s = 60.0
    asyncio.run(disk.reads(AT_ONCE, 2))
    assert disk.rested_s == MAX_REST_S


def test_who_rested_anyway_does_not_rest_again() -> None:
    """Time without a read counts as rest."""
    disk = Disk()

    async def story() -> None:
        await disk.reads(AT_ONCE, 1)
        disk.now += 1.0
        await disk.reads(AT_ONCE, 1)

    asyncio.run(story())
    assert disk.rested_s == 0.0
