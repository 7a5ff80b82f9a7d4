"""One server as it runs: its clockwork, and its clean stop. `wiring` puts it together."""

import asyncio
import logging
import random
from collections.abc import Callable

from chat_service.config import InstanceConfig
from chat_service.core.errors import Reason, Rejection
from chat_service.renewal import LOOK_S
from chat_service.wiring import REAL_TIME, Parts, Timing, build

logger = logging.getLogger(__name__)

SWEEP_S = 1.0
# Expired sessions are looked for this often; deciding compares the time itself.
EXPIRE_S = 5.0

# Of the time that a stop may take: streams have this much of it to take what is queued for
# them, calls this much to end, and the last lines this much to be in the transcripts, of
# which the next start writes the rest.
FLUSH_SHARE = 0.6
STOP_SHARE = 0.2
TRANSCRIPTS_SHARE = 0.1
# The same when the stop is in a hurry: as long as a status takes.
HURRIED_STOP_S = 0.2
# Clients come back after a delay of their own between these, so that not all
# come at once.
COME_BACK_MS = (500, 3000)
STOPPING = Rejection(Reason.DRAINING, "the server is stopping", retry_after_ms=1000)


async def serve(
    config: InstanceConfig,
    *,
    stop: asyncio.Event,
    hurry: asyncio.Event,
    ready: Callable[[str, bool], None],
    owner_code_void: Callable[[], None] = lambda: None,
    admin_socket: str | None = None,
    changes: asyncio.Queue[InstanceConfig] | None = None,
    timing: Timing = REAL_TIME,
) -> None:
    """Run one server until `stop`, then drain; `hurry` ends the drain early.

    `ready` is called once the server accepts, with the bound address and whether the
    server took the code for its first admin, since it has none; then `owner_code_void`
    once that code is used, or is good no more for another reason. On `admin_socket`,
    the path of a Unix socket that is made, the operator's calls are answered. From
    each configuration of `changes` it takes what can change while it runs. Raises
    StartError, with one clear line, when the server cannot start, and
    ConnectionAbortedError when its log failed while it ran.
    """
    server = _Server(await build(config, timing, admin_socket), timing.look_s)
    try:
        is_good = server.parts.is_owner_code_good
        ready(server.parts.address, is_good())
        if is_good():
            server.parts.follow.when(lambda: not is_good(), owner_code_void)
        failed = await server.run(stop, changes or asyncio.Queue())
        if not failed:
            await server.drain(hurry)
    finally:
        await server.close(hurry)
    if failed:
        raise ConnectionAbortedError("the log failed; a restart recovers")


class _Server:
    def __init__(self, parts: Parts, look_s: float) -> None:
        self.parts = parts
        self._look_s = look_s

    async def run(self, stop: asyncio.Event, changes: asyncio.Queue[InstanceConfig]) -> bool:
        """Keep time until the stop; return whether the log failed instead."""
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, self.parts.failed)]
        clockwork = asyncio.ensure_future(self._clockwork())
        following = asyncio.ensure_future(self.parts.live.follow(changes))
        pruning = asyncio.ensure_future(self.parts.pruning.run(self._look_s))
        needed = (clockwork, following)
        try:
            await asyncio.wait([*waits, *needed], return_when=asyncio.FIRST_COMPLETED)
            for needed_task in needed:
                if needed_task.done():
                    needed_task.result()
            return self.parts.failed.is_set()
        finally:
            for task in (*waits, *needed, pruning):
                task.cancel()
            await asyncio.gather(*waits, *needed, pruning, return_exceptions=True)

    async def drain(self, hurry: asyncio.Event) -> None:
        """Tell the clients to come back later, send what is queued, end their streams."""
        self.parts.methods.draining = self.parts.admin_methods.draining = STOPPING
        await self.parts.transport.say_not_serving()
        self.parts.hub.rooms.flush_all()
        streams = self.parts.streams.all()
        for stream in streams:
            stream.say_draining(random.randint(*COME_BACK_MS))
        loop = asyncio.get_running_loop()
        start = loop.time()
        deadline = start + FLUSH_SHARE * self.parts.live.drain_s
        while loop.time() < deadline and not hurry.is_set():
            if all(subscription.drained() for subscription in self.parts.hub.subscriptions):
                break
            await asyncio.sleep(0.01)
        told = {"streams": len(streams), "seconds": round(loop.time() - start, 3)}
        logger.info("drained", extra={"fields": told})
        self.parts.hub.end_all(STOPPING)

    async def close(self, hurry: asyncio.Event) -> None:
        """End the calls that are left, sooner if in a hurry, and close the log."""
        self.parts.hub.end_all(STOPPING)
        self.parts.admin_methods.draining = STOPPING
        stopping = asyncio.ensure_future(self._stop_serving(STOP_SHARE * self.parts.live.drain_s))
        hurried = asyncio.ensure_future(hurry.wait())
        await asyncio.wait((stopping, hurried), return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not stopping.done():
            # A stop that is under way takes a shorter grace.
            await self._stop_serving(HURRIED_STOP_S)
        await stopping
        await asyncio.get_running_loop().run_in_executor(None, self._close_log)

    async def _stop_serving(self, grace_s: float) -> None:
        await asyncio.gather(self.parts.transport.stop(grace_s), self.parts.admin.stop(grace_s))

    def _close_log(self) -> None:
        # First those who read it: a page may still be on its way.
        self.parts.readers.shutdown()
        self.parts.passwords.close()
        if self.parts.transcripts is not None:
            self.parts.transcripts.close(TRANSCRIPTS_SHARE * self.parts.live.drain_s)
        self.parts.log.close()

    async def _clockwork(self) -> None:
        loop = asyncio.get_running_loop()
        next_expiry = loop.time() + EXPIRE_S
        next_look = loop.time() + LOOK_S
        while True:
            await asyncio.sleep(SWEEP_S)
            self.parts.hub.sweep()
            if loop.time() >= next_expiry:
                next_expiry = loop.time() + EXPIRE_S
                self.parts.sessions.expire(self.parts.streams)
            if self.parts.live.renewal is not None and loop.time() >= next_look:
                next_look = loop.time() + LOOK_S
                self.parts.live.renewal.warn()
