"""How the parts of one server are put together, each with what it needs and no more.

Whoever reads this knows what there is: one log, the directory and the hub that follow it, the
calls of the chat and those of the operator. What runs in them is told by `server`.
"""

import asyncio
import gc
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chat_service.config import InstanceConfig, StartError
from chat_service.core import commands as cmd
from chat_service.core.errors import RefusedError
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


@dataclass
class Parts:
    """What a server is made of. It listens."""

    # With the port that was bound.
    address: str
    log: SqliteLog
    readers: ThreadPoolExecutor
    hub: Hub
    streams: Streams
    sessions: Sessions
    methods: ChatMethods
    transport: Transport
    admin_methods: AdminMethods
    admin: LocalTransport
    pruning: Pruning
    live: Live
    # None: it writes none.
    transcripts: TranscriptWriter | None
    # Set when the log failed, or what is live no longer follows it.
    failed: asyncio.Event


async def build(config: InstanceConfig, timing: Timing, admin_socket: str | None) -> Parts:
    """Put a server together and let it listen.

    Raises StartError, with one clear line, when it cannot; then nothing of it is left.
    """
    with ExitStack() as undo:
        parts = await _build(config, timing, admin_socket, undo)
        undo.pop_all()
    # What start-up made lives as long as the process: the collector need not
    # look at it again. Raised thresholds: it took 9 % of a fan-out.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    return parts


async def _build(
    config: InstanceConfig, timing: Timing, admin_socket: str | None, undo: ExitStack
) -> Parts:
    failed = asyncio.Event()
    follow = _Following(failed)
    clock = LogClock(timing.wall_ms, timing.rate_s)
    reserve = DiskReserve(lambda: disk_space(config.data_dir), config.disk_reserve)
    log = _open_log(config, clock, reserve, follow)
    undo.callback(log.close)
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="history")
    undo.callback(readers.shutdown)
    state = log.load()
    clock.go_on_from(state.counter("time_ms"))
    connected = _connected_before(state)
    transcripts = None
    if config.transcripts is not None:
        transcripts = TranscriptWriter(
            config.transcripts,
            state,
            log=log,
            clock_ms=timing.wall_ms,
            calls=Calls(sync=sync),
        )
        undo.callback(transcripts.close, 0)
    directory = Directory(state)
    hub = Hub(
        state.heads.snapshot(),
        state.firsts.snapshot(),
        timers=asyncio.get_running_loop(),
        encode=HubFrames(),
        read_page=_page_reader(log, readers),
        limits=config.limits.hub,
    )
    streams = Streams(hub)
    journal = Journal(log, directory, hub, streams)
    follow.journal, follow.transcripts = journal, transcripts
    begin = cmd.StartInstance(INSTANCE, secrets.token_hex(8), config.limits.core, DEFAULT_ROOM)
    try:
        await journal.order(begin)
    except RefusedError as error:
        what = error.rejection.message
        raise StartError(f"{_data_file(config)} cannot be written: {what}") from error
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
    pruning = Pruning(
        config.retention,
        log=log,
        journal=journal,
        directory=directory,
        hub=hub,
        readers=readers,
        clock_ms=timing.wall_ms,
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
    return Parts(
        address=address,
        log=log,
        readers=readers,
        hub=hub,
        streams=streams,
        sessions=sessions,
        methods=methods,
        transport=transport,
        admin_methods=admin_methods,
        admin=admin,
        pruning=pruning,
        live=Live(journal, pace, reserve, pruning, transcripts, config.limits.drain_s),
        transcripts=transcripts,
        failed=failed,
    )


class _Following:
    """What becomes of commits and of a failure: taken from the log's threads to the loop."""

    def __init__(self, failed: asyncio.Event) -> None:
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        # Set before the first commit.
        self.journal: Journal | None = None
        self.transcripts: TranscriptWriter | None = None

    def on_commit(self, commit: Commit) -> None:
        self._loop.call_soon_threadsafe(self._apply, commit)

    def on_failure(self, _: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._failed.set)

    def _apply(self, commit: Commit) -> None:
        assert self.journal is not None
        try:
            self.journal.apply(commit)
            if self.transcripts is not None:
                self.transcripts.note(commit.events)
        except Exception:
            # What is live no longer follows what is stored: a restart mends that.
            logger.critical("a commit could not be applied", exc_info=True)
            self._failed.set()


def _data_file(config: InstanceConfig) -> Path:
    return config.data_dir / "chat.sqlite3"


def _open_log(
    config: InstanceConfig, clock: LogClock, reserve: DiskReserve, follow: _Following
) -> SqliteLog:
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return SqliteLog(
            _data_file(config),
            clock=clock.ms,
            on_commit=follow.on_commit,
            on_failure=follow.on_failure,
            short_of_space=reserve.is_touched,
            max_backlog=config.limits.unacked_posts,
        )
    except (DataFileError, OSError) as error:
        raise StartError(str(error)) from error


def _page_reader(
    log: SqliteLog, readers: ThreadPoolExecutor
) -> Callable[[int, int], Awaitable[Page]]:
    loop = asyncio.get_running_loop()

    async def read_page(room_id: int, after_seq: int) -> Page:
        def page() -> Page:
            events = log.read_after(room_id, after_seq, count=PAGE_EVENTS, max_bytes=PAGE_BYTES)
            encoded = [(event.seq, event_frame(event)) for event in events]
            return Page(encoded, log.read_first(room_id))

        return await loop.run_in_executor(readers, page)

    return read_page


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
