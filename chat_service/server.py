"""One server: the wiring of log, hub and edge, its clockwork, and its clean stop."""

import asyncio
import gc
import logging
import random
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chat_service.config import InstanceConfig, StartError
from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import RoomKind, State
from chat_service.edge.admin import SERVICE as ADMIN
from chat_service.edge.admin import AdminMethods
from chat_service.edge.directory import Directory
from chat_service.edge.journal import Journal
from chat_service.edge.lists import Lists
from chat_service.edge.pace import Pace
from chat_service.edge.pruning import LOOK_S, Pruning
from chat_service.edge.service import ChatMethods
from chat_service.edge.sessions import Sessions
from chat_service.edge.stream import Streams
from chat_service.edge.transport import CannotListenError, LocalTransport, Transport
from chat_service.edge.wire import HubFrames, event_frame
from chat_service.hub.hub import Hub
from chat_service.hub.replay import Page
from chat_service.live import Live
from chat_service.log.clock import LogClock
from chat_service.log.contract import Commit
from chat_service.log.reserve import DiskReserve
from chat_service.log.schema import DataFileError
from chat_service.log.sqlite import SqliteLog
from chat_service.posix import disk_space, sync
from chat_service.transcripts.files import Calls
from chat_service.transcripts.writer import TranscriptWriter

logger = logging.getLogger(__name__)

DEFAULT_ROOM = "lobby"

# A data file has one server, whatever its directory is called: sessions that a crash
# left attached are found by this name.
INSTANCE = "local"

# Threads that read history; with two cores, more would only wait for each other.
READERS = 2
# A replay reads this much at once: one page of SQLite, a few ms.
PAGE_EVENTS = 500
PAGE_BYTES = 256 * 1024

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


def wall_clock_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Timing:
    """What a server measures time by: the real clocks, unless a test has its own."""

    # Milliseconds since 1970, for what is stored and for what expires.
    wall_ms: Callable[[], int] = wall_clock_ms
    # Seconds that never go back, for rates and for what the wall clock gets wrong.
    rate_s: Callable[[], float] = time.monotonic
    # How often it is looked for what rooms need not keep, in seconds.
    look_s: float = LOOK_S


REAL_TIME = Timing()


async def serve(
    config: InstanceConfig,
    *,
    stop: asyncio.Event,
    hurry: asyncio.Event,
    ready: Callable[[str], None],
    admin_socket: str | None = None,
    changes: asyncio.Queue[InstanceConfig] | None = None,
    timing: Timing = REAL_TIME,
) -> None:
    """Run one server until `stop`, then drain; `hurry` ends the drain early.

    `ready` is called with the bound address once the server accepts. On `admin_socket`,
    the path of a Unix socket that is made, the operator's calls are answered. From
    each configuration of `changes` it takes what can change while it runs. Raises
    StartError, with one clear line, when the server cannot start, and
    ConnectionAbortedError when its log failed while it ran.
    """
    server = await _Server.start(config, timing, admin_socket)
    try:
        ready(server.address)
        failed = await server.run(stop, changes or asyncio.Queue())
        if not failed:
            await server.drain(hurry)
    finally:
        await server.close(hurry)
    if failed:
        raise ConnectionAbortedError("the log failed; a restart recovers")


@dataclass
class _Server:
    address: str
    log: SqliteLog
    hub: Hub
    streams: Streams
    sessions: Sessions
    methods: ChatMethods
    transport: Transport
    admin_methods: AdminMethods
    admin: LocalTransport
    pruning: Pruning
    live: Live
    look_s: float
    readers: ThreadPoolExecutor
    transcripts: TranscriptWriter | None
    failed: asyncio.Event

    @classmethod
    async def start(
        cls, config: InstanceConfig, timing: Timing, admin_socket: str | None
    ) -> "_Server":
        loop = asyncio.get_running_loop()
        failed = asyncio.Event()
        journal: Journal
        transcripts: TranscriptWriter | None = None

        def apply(commit: Commit) -> None:
            try:
                journal.apply(commit)
                if transcripts is not None:
                    transcripts.note(commit.events)
            except Exception:
                # What is live no longer follows what is stored: a restart mends that.
                logger.critical("a commit could not be applied", exc_info=True)
                failed.set()

        def on_commit(commit: Commit) -> None:
            loop.call_soon_threadsafe(apply, commit)

        def on_failure(_: BaseException) -> None:
            loop.call_soon_threadsafe(failed.set)

        clock = LogClock(timing.wall_ms, timing.rate_s)
        path = config.data_dir / "chat.sqlite3"
        try:
            config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            reserve = DiskReserve(lambda: disk_space(config.data_dir), config.disk_reserve)
            log = SqliteLog(
                path,
                clock=clock.ms,
                on_commit=on_commit,
                on_failure=on_failure,
                short_of_space=reserve.is_touched,
                max_backlog=config.limits.unacked_posts,
            )
        except (DataFileError, OSError) as error:
            raise StartError(str(error)) from error
        readers = ThreadPoolExecutor(READERS, thread_name_prefix="history")
        try:
            state = log.load()
            clock.go_on_from(state.counter("time_ms"))
            connected = _connected_before(state)
            if config.transcripts is not None:
                transcripts = TranscriptWriter(
                    config.transcripts,
                    state,
                    log=log,
                    clock_ms=timing.wall_ms,
                    calls=Calls(sync=sync),
                )

            async def read_page(room_id: int, after_seq: int) -> Page:
                def page() -> Page:
                    events = log.read_after(
                        room_id, after_seq, count=PAGE_EVENTS, max_bytes=PAGE_BYTES
                    )
                    encoded = [(event.seq, event_frame(event)) for event in events]
                    return Page(encoded, log.read_first(room_id))

                return await loop.run_in_executor(readers, page)

            directory = Directory(state)
            hub = Hub(
                state.heads.snapshot(),
                state.firsts.snapshot(),
                timers=loop,
                encode=HubFrames(),
                read_page=read_page,
                limits=config.limits.hub,
            )
            streams = Streams(hub)
            journal = Journal(log, directory, hub, streams)
            try:
                await journal.order(
                    cmd.StartInstance(
                        INSTANCE, secrets.token_hex(8), config.limits.core, DEFAULT_ROOM
                    )
                )
            except RefusedError as error:
                raise StartError(f"{path} cannot be written: {error.rejection.message}") from error
            if transcripts is not None:
                transcripts.start()
            for room_id, user_id in connected:
                hub.presence.expect(room_id, state.users[user_id], hub.time())
            sessions = Sessions(directory, journal, clock.ms)
            pace = Pace(on=config.rate_limits, rates=config.limits.rates)
            methods = ChatMethods(
                instance=INSTANCE,
                journal=journal,
                directory=directory,
                hub=hub,
                streams=streams,
                sessions=sessions,
                lists=Lists(
                    log=log,
                    directory=directory,
                    hub=hub,
                    streams=streams,
                    sessions=sessions,
                    readers=readers,
                    limits=config.limits.calls,
                ),
                pace=pace,
                clock=timing.rate_s,
                limits=config.limits.calls,
            )
            transport = Transport(methods, journal.tally, config.limits.transport)
            try:
                address = await transport.listen(config.host, config.port)
                admin_methods = AdminMethods(
                    port=int(address.rpartition(":")[2]),
                    start_ms=timing.wall_ms(),
                    log=log,
                    journal=journal,
                    directory=directory,
                    hub=hub,
                    streams=streams,
                    readers=readers,
                )
                admin = LocalTransport(ADMIN, admin_methods.handlers())
                if admin_socket is not None:
                    await admin.listen(admin_socket)
            except CannotListenError as error:
                await transport.stop(0)
                raise StartError(str(error)) from error
        except BaseException:
            if transcripts is not None:
                transcripts.close(0)
            log.close()
            readers.shutdown()
            raise
        # What start-up made lives as long as the process: the collector need not
        # look at it again. Raised thresholds: it took 9 % of a fan-out.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        pruning = Pruning(
            config.retention,
            log=log,
            journal=journal,
            directory=directory,
            hub=hub,
            readers=readers,
            clock_ms=timing.wall_ms,
        )
        return cls(
            address,
            log,
            hub,
            streams,
            sessions,
            methods,
            transport,
            admin_methods,
            admin,
            pruning,
            Live(journal, pace, reserve, pruning, transcripts, config.limits.drain_s),
            timing.look_s,
            readers,
            transcripts,
            failed,
        )

    async def run(self, stop: asyncio.Event, changes: asyncio.Queue[InstanceConfig]) -> bool:
        """Keep time until the stop; return whether the log failed instead."""
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, self.failed)]
        clockwork = asyncio.ensure_future(self._clockwork())
        following = asyncio.ensure_future(self.live.follow(changes))
        pruning = asyncio.ensure_future(self.pruning.run(self.look_s))
        needed = (clockwork, following)
        try:
            await asyncio.wait([*waits, *needed], return_when=asyncio.FIRST_COMPLETED)
            for needed_task in needed:
                if needed_task.done():
                    needed_task.result()
            return self.failed.is_set()
        finally:
            for task in (*waits, *needed, pruning):
                task.cancel()
            await asyncio.gather(*waits, *needed, pruning, return_exceptions=True)

    async def drain(self, hurry: asyncio.Event) -> None:
        """Tell the clients to come back later, send what is queued, end their streams."""
        self.methods.draining = self.admin_methods.draining = STOPPING
        await self.transport.say_not_serving()
        self.hub.flush_all()
        streams = self.streams.all()
        for stream in streams:
            stream.say_draining(random.randint(*COME_BACK_MS))
        loop = asyncio.get_running_loop()
        start = loop.time()
        deadline = start + FLUSH_SHARE * self.live.drain_s
        while loop.time() < deadline and not hurry.is_set():
            if all(subscription.drained() for subscription in self.hub.subscriptions):
                break
            await asyncio.sleep(0.01)
        told = {"streams": len(streams), "seconds": round(loop.time() - start, 3)}
        logger.info("drained", extra={"fields": told})
        self.hub.end_all(STOPPING)

    async def close(self, hurry: asyncio.Event) -> None:
        """End the calls that are left, sooner if in a hurry, and close the log."""
        self.hub.end_all(STOPPING)
        self.admin_methods.draining = STOPPING
        stopping = asyncio.ensure_future(self._stop_serving(STOP_SHARE * self.live.drain_s))
        hurried = asyncio.ensure_future(hurry.wait())
        await asyncio.wait((stopping, hurried), return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not stopping.done():
            # A stop that is under way takes a shorter grace.
            await self._stop_serving(HURRIED_STOP_S)
        await stopping
        await asyncio.get_running_loop().run_in_executor(None, self._close_log)

    async def _stop_serving(self, grace_s: float) -> None:
        await asyncio.gather(self.transport.stop(grace_s), self.admin.stop(grace_s))

    def _close_log(self) -> None:
        # First those who read it: a page may still be on its way.
        self.readers.shutdown()
        if self.transcripts is not None:
            self.transcripts.close(TRANSCRIPTS_SHARE * self.live.drain_s)
        self.log.close()

    async def _clockwork(self) -> None:
        loop = asyncio.get_running_loop()
        next_expiry = loop.time() + EXPIRE_S
        while True:
            await asyncio.sleep(SWEEP_S)
            self.hub.sweep()
            if loop.time() >= next_expiry:
                next_expiry = loop.time() + EXPIRE_S
                self.sessions.expire(self.streams)


def _connected_before(state: State) -> list[tuple[int, int]]:
    """Return the rooms and users that were present when the server stopped.

    They count as present for the usual grace, so that a restart is no news.
    """
    limits = state.limits
    since_ms = state.counter("time_ms") + limits.guest_grace_ms
    users = {
        session.user_id: None
        for session in state.sessions.values()
        if session.attachment or session.until_ms > since_ms
    }
    return [
        (room_id, user_id)
        for user_id in users
        for room_id in state.rooms_of.get(user_id) or ()
        if state.rooms[room_id].kind is RoomKind.PUBLIC
    ]
