"""How the parts of one server are put together, each with what it needs and no more.

Whoever reads this knows what there is: one log, the directory and the hub that follow it, the
calls of the chat and those of the operator. What runs in them is told by `server`.
"""

import asyncio
import gc
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chat_service.config import InstanceConfig, StartError
from chat_service.core import commands as cmd
from chat_service.core.errors import RefusedError
from chat_service.core.sessions import connected_at_stop
from chat_service.edge.admin import AdminMethods
from chat_service.edge.chat import ChatMethods
from chat_service.edge.directory import Directory
from chat_service.edge.frames import HubFrames
from chat_service.edge.gate import Gate
from chat_service.edge.journal import Journal
from chat_service.edge.logins import Logins
from chat_service.edge.pace import Pace
from chat_service.edge.passwords import Passwords
from chat_service.edge.pruning import LOOK_S, Pruning
from chat_service.edge.recovery import RecoveryMethods
from chat_service.edge.sessions import Sessions
from chat_service.edge.streams import Streams
from chat_service.edge.transport import CannotListenError, LocalTransport, Transport
from chat_service.following import Following, page_reader
from chat_service.hub.hub import Hub
from chat_service.live import Live
from chat_service.log.clock import LogClock
from chat_service.log.reserve import DiskReserve
from chat_service.log.schema import DataFileError
from chat_service.log.sqlite import SqliteLog
from chat_service.posix import disk_space, sync
from chat_service.renewal import Renewal
from chat_service.services import Ground, served
from chat_service.transcripts.files import Calls
from chat_service.transcripts.writer import TranscriptWriter

logger = logging.getLogger(__name__)

DEFAULT_ROOM = "lobby"

# A data file has one server, whatever its directory is called: sessions that a crash
# left attached are found by this name.
INSTANCE = "local"

# Whoever puts older data in the place of a server's makes a file of this name beside it. A server
# cannot tell by itself, and readers who have seen more would miss what takes the same numbers.
RESTORED = "restored"

# Threads that read history; with two cores, more would only wait for each other.
READERS = 2


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
    # Whether the code of the launch makes an admin of who registers with it, as it is now.
    is_owner_code_good: Callable[[], bool]
    follow: Following
    log: SqliteLog
    readers: ThreadPoolExecutor
    passwords: Passwords
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
    renewal = Renewal(config.tls, timing.wall_ms) if config.tls else None
    failed = asyncio.Event()
    follow = Following(failed)
    clock = LogClock(timing.wall_ms, timing.rate_s)
    reserve = DiskReserve(lambda: disk_space(config.data_dir), config.disk_reserve)
    log = _open_log(config, clock, reserve, follow)
    undo.callback(log.close)
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="history")
    undo.callback(readers.shutdown)
    state = log.load()
    clock.go_on_from(state.counter("time_ms"))
    connected = connected_at_stop(state)
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
    directory = Directory(state, clock.ms)
    hub = Hub(
        state.heads.snapshot(),
        state.firsts.snapshot(),
        timers=asyncio.get_running_loop(),
        encode=HubFrames(),
        read_page=page_reader(log, readers),
        limits=config.limits.hub,
    )
    streams = Streams(hub)
    journal = Journal(log, directory, hub, streams)
    follow.journal, follow.transcripts = journal, transcripts
    owner_code_hash = bytes.fromhex(config.owner_code_hash)
    restored = config.data_dir / RESTORED
    begin = cmd.StartInstance(
        INSTANCE,
        secrets.token_hex(8),
        config.limits.core,
        DEFAULT_ROOM,
        owner_code_hash,
        restored.exists(),
    )
    try:
        await journal.order(begin)
    except RefusedError as error:
        what = error.rejection.message
        raise StartError(f"{_data_file(config)} cannot be written: {what}") from error
    try:
        restored.unlink(missing_ok=True)
    except OSError as error:
        raise StartError(f"{restored} cannot be deleted: {error.strerror}") from error
    if transcripts is not None:
        transcripts.start()
    for room_id, user_id in connected:
        hub.presence.expect(room_id, state.users[user_id], hub.time())
    sessions = Sessions(directory, journal, clock.ms)
    pace = Pace(on=config.rate_limits, rates=config.limits.rates)
    logins = Logins(config.limits.logins)
    gate = Gate(config.limits.addresses)
    passwords = Passwords(config.limits.passwords)
    undo.callback(passwords.close)
    ground = Ground(
        instance=INSTANCE,
        log=log,
        journal=journal,
        directory=directory,
        hub=hub,
        streams=streams,
        sessions=sessions,
        readers=readers,
        pace=pace,
        logins=logins,
        passwords=passwords,
        gate=gate,
        clock=timing.rate_s,
        limits=config.limits.calls,
    )
    methods, services = served(ground)
    pruning = Pruning(
        config.retention,
        log=log,
        journal=journal,
        directory=directory,
        hub=hub,
        readers=readers,
        clock_ms=timing.wall_ms,
    )
    transport = Transport(services, gate, config.limits.transport)
    try:
        address = await transport.listen(
            config.host, config.port, renewal.encryption if renewal else None
        )
        admin_methods = AdminMethods(
            port=int(address.rpartition(":")[2]),
            start_ms=timing.wall_ms(),
            log=log,
            journal=journal,
            directory=directory,
            hub=hub,
            streams=streams,
            recovery=RecoveryMethods(
                instance=INSTANCE,
                log=log,
                journal=journal,
                passwords=passwords,
                readers=readers,
            ),
            readers=readers,
        )
        admin = LocalTransport(admin_methods.service())
        if admin_socket is not None:
            await admin.listen(admin_socket)
    except CannotListenError as error:
        await transport.stop(0)
        raise StartError(str(error)) from error
    return Parts(
        address=address,
        is_owner_code_good=lambda: (
            directory.state.names.get("owner_code") == owner_code_hash.hex() != ""
        ),
        follow=follow,
        log=log,
        readers=readers,
        passwords=passwords,
        hub=hub,
        streams=streams,
        sessions=sessions,
        methods=methods,
        transport=transport,
        admin_methods=admin_methods,
        admin=admin,
        pruning=pruning,
        live=Live(
            journal=journal,
            pace=pace,
            logins=logins,
            passwords=passwords,
            gate=gate,
            reserve=reserve,
            pruning=pruning,
            transcripts=transcripts,
            drain_s=config.limits.drain_s,
            renewal=renewal,
        ),
        transcripts=transcripts,
        failed=failed,
    )


def _data_file(config: InstanceConfig) -> Path:
    return config.data_dir / "chat.sqlite3"


def _open_log(
    config: InstanceConfig, clock: LogClock, reserve: DiskReserve, follow: Following
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
