"""The admin process at work: all its parts put together, and its end.

It lasts as long as the launcher does. Whichever part breaks, or ends by itself, ends all of
it, the console first, so that the terminal is as it was.
"""

import asyncio
import signal
import socket
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from chat_service.admin.figures import log_figures
from chat_service.admin.fleet import Fleet
from chat_service.admin.launcher import Launcher
from chat_service.admin.monitoring import Monitoring
from chat_service.admin.processes import Processes
from chat_service.admin.remote import SOCKET
from chat_service.admin.sampling import Sampler
from chat_service.admin.service import AdminMethods, AdminServer
from chat_service.config import AdminConfig
from chat_service.logs import configure_logging

if TYPE_CHECKING:
    from chat_service.admin.console.screen import Console

SOURCE = "admin"

STOP_S = 0.5
"""Calls that are still open at the end have this long; the launcher kills after 2 s."""


async def run(config: AdminConfig, connection: socket.socket) -> None:
    """Serve the operator until the launcher ends the link, or SIGTERM.

    The process is in the data directory of the launcher. Raises what a part raised, and
    RuntimeError where one ended by itself.
    """
    launcher = await Launcher.connect(connection)
    fleet = Fleet(launcher, config)
    monitoring = Monitoring(fleet)
    sampler = _sampler(fleet, console=config.console)
    server = AdminServer(AdminMethods(fleet), SOCKET)
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    async with AsyncExitStack() as at_end:
        at_end.push_async_callback(fleet.places.close)
        at_end.push_async_callback(monitoring.close)
        parts: list[asyncio.Task[None]] = []
        at_end.push_async_callback(_cancel, parts)

        def begin(part: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
            parts.append(asyncio.ensure_future(_alone(part)))
            return parts[-1]

        ends = [begin(launcher.listen(fleet.hear)), begin(terminated.wait())]
        begin(sampler.run())
        begin(_follow(fleet, monitoring))
        await server.listen()
        at_end.push_async_callback(server.stop, STOP_S)
        if config.console:
            # Late: without a terminal none of it need be in memory.
            from chat_service.admin.console.screen import Console

            console = Console(fleet)
            at_end.push_async_callback(_leave, console, begin(console.run()))
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()
        if not done & set(ends):
            raise RuntimeError("a part of the admin process ended by itself")


def _sampler(fleet: Fleet, *, console: bool) -> Sampler:
    def complete() -> None:
        # A console shows them.
        if not console:
            log_figures(fleet.places)

    sampler = Sampler(
        lambda: fleet.places,
        interval_s=lambda: fleet.sample_interval_s,
        sampled=fleet.changed,
        complete=complete,
        usage_of=Processes().usage_of,
        clock_s=time.monotonic,
        clock_ms=lambda: time.time_ns() // 1_000_000,
    )
    fleet.watch(sampler.changed)
    return sampler


async def _follow(fleet: Fleet, monitoring: Monitoring) -> None:
    """Do as the configuration says, as it is now and whenever it changes."""
    configs: asyncio.Queue[AdminConfig] = asyncio.Queue()
    fleet.watch_config(configs.put_nowait)
    config = fleet.config
    # That of all processes, for as long as they last.
    log_format = config.log_format
    while True:
        await monitoring.open(config)
        config = await configs.get()
        configure_logging(config.log_level, SOURCE, log_format)


async def _leave(console: "Console", running: asyncio.Task[None]) -> None:
    """Have the terminal as it was, before anything else ends."""
    console.close()
    await asyncio.wait([running], timeout=STOP_S)


async def _alone(part: Coroutine[Any, Any, object]) -> None:
    await part


async def _cancel(parts: list[asyncio.Task[None]]) -> None:
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
