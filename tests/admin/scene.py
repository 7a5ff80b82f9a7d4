"""A fleet with its launcher and instances in memory, and what tests of it share."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_service.admin.fleet import Fleet
from chat_service.admin.launcher import Launcher
from chat_service.config import AdminConfig
from tests.admin.fake_launcher import FakeLauncher

PATIENCE = 60.0
"""Seconds after which a test that waits in vain gives up, also on a busy machine."""


def run(story: Coroutine[Any, Any, None]) -> None:
    """Run a story to its end, which comes within twice the patience."""

    async def bounded() -> None:
        async with asyncio.timeout(2 * PATIENCE):
            await story

    asyncio.run(bounded())


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        # What it waits for may be anything, and has no event.
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def short_directory() -> tempfile.TemporaryDirectory[str]:
    """Return a directory in which a Unix socket has a name that is short enough."""
    return tempfile.TemporaryDirectory(prefix="chat-", dir=Path("/tmp").resolve())


def config_of(directory: Path, **changes: Any) -> AdminConfig:
    """Return what an admin process of this directory is told. Any: the field's own type."""
    told: dict[str, Any] = {
        "data_dir": directory,
        "console": False,
        "stats_interval_s": 5,
        "log_level": "info",
        "log_format": "text",
    }
    return AdminConfig(**told | changes)


@dataclass(frozen=True)
class Scene:
    """A fleet that hears its launcher."""

    directory: Path
    launcher: FakeLauncher
    fleet: Fleet
    hearing: asyncio.Task[None]

    async def knows(self, *ports: int) -> None:
        """Wait until the fleet knows that exactly these serve."""
        await until(lambda: self._known() == {*ports})

    async def serving(self, *ports: int) -> None:
        """Have instances on these ports, known to the fleet."""
        for port in ports:
            await self.launcher.serve(port)
        await until(lambda: self._known() >= {*ports})

    def _known(self) -> set[int]:
        return {place.news.port for place in self.fleet.places.serving(0)}


@asynccontextmanager
async def a_fleet(**changes: Any) -> AsyncIterator[Scene]:
    """Give a fleet without instances. Any: fields of its configuration."""
    with short_directory() as name:
        directory = Path(name)
        async with FakeLauncher(directory) as fake:
            launcher = await Launcher.connect(fake.connection)
            fleet = Fleet(launcher, config_of(directory, **changes))
            hearing = asyncio.ensure_future(launcher.listen(fleet.hear))
            try:
                yield Scene(directory, fake, fleet, hearing)
            finally:
                fake.end()
                await hearing
                await fleet.places.close()
