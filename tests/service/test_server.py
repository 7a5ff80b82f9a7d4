"""One server: its start, its clockwork, and its clean stop."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_service import server as serving
from chat_service.config import InstanceConfig, StartError, Transcripts
from chat_service.core.limits import GUEST_GRACE_MS, RENEWAL_MS
from chat_service.server import COME_BACK_MS, FLUSH_SHARE, serve
from chat_service.wiring import Timing
from tests.edge.clients import (
    CHEAP,
    PATIENCE,
    Clock,
    Guest,
    Server,
    bearer,
    hello,
    outcome,
    place,
    refused,
    room,
    story,
)
from tests.edge.quiet import errors_in
from tests.held_ports import held_ports

LARGE = "x" * 4000

YEAR_S = 365 * 86_400

UNHURRIED = replace(CHEAP, drain_s=5 * PATIENCE)
"""Readers are given so long at a stop that nobody would wait for it who waits for its end."""

assert FLUSH_SHARE * UNHURRIED.drain_s > 2 * PATIENCE


@pytest.fixture
def loud_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Give the log to a test that has errors logged, and checks them itself."""
    return caplog


@pytest.fixture(autouse=True)
def quiet_log(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which anything was logged as an error, by whoever it was."""
    yield
    if "loud_log" not in request.fixturenames:
        assert errors_in(caplog) == []


async def cannot_start(
    data_dir: Path, port: int = 0, transcripts: Transcripts | None = None
) -> str:
    """Start a server that must not start; return the line that says why."""
    with pytest.raises(StartError) as cannot:
        await serve(
            InstanceConfig("127.0.0.1", port, data_dir, "info", True, transcripts=transcripts),
            stop=asyncio.Event(),
            hurry=asyncio.Event(),
            ready=lambda address, _: pytest.fail(f"it listens on {address}"),
        )
    line = str(cannot.value)
    assert "\n" not in line
    return line


# ---------------------------------------------------------------------------- the start


@story
async def test_new_server_has_a_lobby(tmp_path: Path) -> None:
    """A start without data makes the directory, for its owner alone, and the default room."""
    async with Server(tmp_path / "some" / "where") as server:
        assert server.address.startswith("127.0.0.1:")
        assert (tmp_path / "some" / "where").stat().st_mode & 0o777 == 0o700
        alice = await server.joins("alice")
        rooms = (await alice.calls("ListRooms", pb.ListRoomsRequest())).rooms
        assert [one.name for one in rooms] == ["lobby"]


@story
async def test_every_start_on_new_data_is_another_epoch(tmp_path: Path) -> None:
    """Data has its own epoch from its first start on, and keeps it."""
    epochs: list[str] = []
    for name in ("one", "two", "one"):
        async with Server(tmp_path / name) as server:
            epochs.append((await server.joins(f"guest{len(epochs)}")).joined.epoch)
    assert epochs[0] == epochs[2] != epochs[1]


@story
async def test_busy_port_is_one_line(tmp_path: Path) -> None:
    """A port in use is named, and the data is let go of: it can be served elsewhere."""
    async with Server(tmp_path / "first") as first:
        port = int(first.address.rpartition(":")[2])
        assert first.address in await cannot_start(tmp_path / "second", port)
        async with Server(tmp_path / "second") as second:
            await second.joins("alice")


def garbage(file: Path) -> None:
    """Leave a file that SQLite never wrote."""
    file.write_bytes(b"this is no database, and it is long enough to be looked at\n" * 200)


def foreign(file: Path) -> None:
    """Leave the database of another program."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
        connection.commit()


def newer(file: Path) -> None:
    """Leave data of a version that does not exist yet."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.commit()


def cut(file: Path) -> None:
    """Cut the file in the middle."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("damage", [garbage, foreign, newer, cut])
@story
async def test_damaged_data_is_one_line(tmp_path: Path, damage: Any) -> None:
    """Data that cannot be used is named, with what to do, and left as it was."""
    file = tmp_path / "chat.sqlite3"
    if damage in (newer, cut):
        async with Server(tmp_path) as server:
            await (await server.joins("alice")).posts("precious")
    damage(file)
    before = file.read_bytes()
    line = await cannot_start(tmp_path)
    assert str(file) in line
    assert file.read_bytes() == before


@story
async def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the directory should be is named."""
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in await cannot_start(tmp_path / "file" / "data")
    (tmp_path / "chat.sqlite3").mkdir()
    assert str(tmp_path / "chat.sqlite3") in await cannot_start(tmp_path)


@story
async def test_transcripts_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    """The directory is named, and the data is let go of."""
    (tmp_path / "file").touch()
    transcripts = Transcripts(tmp_path / "file")
    line = await cannot_start(tmp_path / "data", transcripts=transcripts)
    assert line == f"transcript directory {tmp_path / 'file'} cannot be used: File exists"
    async with Server(tmp_path / "data", transcripts=Transcripts(tmp_path / "text")) as server:
        await server.joins("alice")


# ----------------------------------------------------------------------- the clockwork


@story
async def test_time_ends_what_nobody_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that are over end by themselves, and those that listen are kept alive."""
    monkeypatch.setattr(serving, "SWEEP_S", 0.01)
    monkeypatch.setattr(serving, "EXPIRE_S", 0.01)
    clock = Clock()
    async with Server(
        tmp_path, timing=replace(Timing(), wall_ms=clock.ms, rate_s=clock.seconds)
    ) as server:
        alice = await server.guest("alice")
        listener = await server.joins("listener")
        reading = await listener.subscribes("lobby")
        await reading.begun()
        await server.joins("silent")

        async def users() -> list[str]:
            answer = await alice.calls("ListUsers", pb.ListUsersRequest())
            return [user.name for user in answer.users]

        def deadline_ms() -> int:
            number = int(listener.joined.session_id.removeprefix("s"))
            with closing(sqlite3.connect(tmp_path / "chat.sqlite3")) as connection:
                query = "SELECT until_ms FROM sessions WHERE session_id = ?"
                found: int = connection.execute(query, (number,)).fetchone()[0]
                return found

        assert await users() == ["alice", "listener", "silent"]
        before_ms = deadline_ms()
        clock.now += GUEST_GRACE_MS / 1000 - 1
        async with asyncio.timeout(PATIENCE):
            while deadline_ms() == before_ms:
                await users()
            clock.now += RENEWAL_MS / 1000 + 1
            while "silent" in await users():
                continue
        assert await users() == ["alice", "listener"]
        assert not reading.over


@story
async def test_guest_is_over_though_the_clock_was_wrong(tmp_path: Path) -> None:
    """A wall clock that was a year ahead, and was put right, keeps no name for a year."""
    wall, elapsed = Clock(), Clock()
    timing = replace(Timing(), wall_ms=wall.ms, rate_s=elapsed.seconds)
    async with Server(tmp_path, timing=timing) as server:
        wall.now += YEAR_S
        alice = await server.joins("alice")
        said = await alice.posts("in a year")
        wall.now -= YEAR_S
        await server.restarts()
        elapsed.now += 2 * (GUEST_GRACE_MS + RENEWAL_MS) / 1000 - 10
        assert (await refused(server.joins("alice"))).reason == "NAME_TAKEN"
        elapsed.now += 11
        again = await server.joins("alice")
        assert again.user_id != alice.user_id
        assert (await again.posts("and later")).time_ms > said.time_ms


@story
async def test_restart_is_no_news(tmp_path: Path) -> None:
    """Who comes back after a restart was never away for those who are there."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        lobby = (await alice.chat.opened("lobby")).room.room_id
        await alice.chat.joined("bob", lobby)
        await server.restarts()
        alice, bob = await server.again(alice), await server.again(bob)
        chat = await alice.opens("lobby")
        picture = (await chat.item(lambda item: item.HasField("presence"))).presence
        assert picture.snapshot
        assert [(user.name, user.connected) for user in picture.joined] == [
            ("alice", True),
            ("bob", False),
        ]
        await bob.opens("lobby")
        await bob.says("I am back")
        await chat.hears("I am back")
        carol = await server.guest("carol")
        told = await chat.joined("carol", lobby)
        assert ([user.name for user in told.joined], told.total) == (["carol"], 3)
        assert carol.name == "carol"


# ---------------------------------------------------------------------------- the stop


@story
async def test_clients_are_told_when_to_come_back(tmp_path: Path) -> None:
    """At a stop each stream gets a notice with a delay of its own, and ends as DRAINING."""
    async with Server(tmp_path, limits=UNHURRIED) as server:
        guests = [await server.guest(f"guest{number}") for number in range(20)]
        listener = await server.joins("listener")
        streams = [guest.chat for guest in guests] + [await listener.subscribes("lobby")]
        await streams[-1].begun()
        await server.ends()
        delays = []
        for stream in streams:
            refusal = await stream.end()
            assert refusal is not None
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
            assert refusal.retry_ms
            # Who came last may be told of behind it.
            (notice,) = (item.notice for item in stream.items if item.HasField("notice"))
            assert notice.kind == pb.NOTICE_KIND_DRAINING
            assert notice.text
            delays.append(notice.retry_after_ms)
        assert all(COME_BACK_MS[0] <= delay <= COME_BACK_MS[1] for delay in delays)
        assert len(set(delays)) > 5


@story
async def test_what_was_acknowledged_is_told_and_kept(tmp_path: Path) -> None:
    """Nothing that was acknowledged before a stop is lost, to readers then or later."""
    async with Server(tmp_path, limits=UNHURRIED) as server:
        alice, bob = await server.guests("alice", "bob")
        lobby = (await bob.chat.opened("lobby")).room.room_id
        orders = [await alice.chat.posts(f"{number}") for number in range(200)]
        await alice.chat.ack(orders[-1])
        await server.ends()
        await bob.chat.end()
        texts = [f"{number}" for number in range(200)]
        assert bob.chat.texts(lobby) == texts
        await server.start()
        reading = await (await server.again(bob)).subscribes(place("lobby", after_seq=0))
        await reading.live(lobby)
        assert reading.texts(lobby) == texts


@story
async def test_what_was_acknowledged_is_in_the_transcript(tmp_path: Path) -> None:
    """A clean stop writes all that is committed; the next server goes on behind it."""
    transcripts = Transcripts(tmp_path / "text")
    for name in ("alice", "bob"):
        async with Server(tmp_path / "data", transcripts=transcripts) as server:
            guest = await server.guest(name)
            orders = [await guest.chat.posts(f"{name} {number}") for number in range(200)]
            await guest.chat.ack(orders[-1])
    lines = (tmp_path / "text" / "lobby.log").read_text().splitlines()
    said = [line.partition("> ")[2] for line in lines if line[21] == "<"]
    assert said == [f"{name} {number}" for name in ("alice", "bob") for number in range(200)]
    joined = [line[21:] for line in lines if line[21] == "-"]
    assert joined == ["-> alice joined", "-> bob joined"]


@story
async def test_stop_while_people_talk(tmp_path: Path) -> None:
    """A stop in the midst of talk ends soon, and every acknowledged message is there afterwards."""
    async with Server(tmp_path, limits=UNHURRIED) as server:
        guests = [await server.guest(f"guest{number}") for number in range(20)]
        acked: dict[int, str] = {}
        enough = asyncio.Event()

        async def talk(guest: Guest) -> None:
            number = 0
            while not guest.chat.over:
                text = f"{guest.name} {number}"
                try:
                    ack = await guest.says(text)
                except (AssertionError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
                    # The stream ended before the answer: whether it is stored is not known.
                    return
                acked[ack.seq] = text
                number += 1
                if len(acked) >= 300:
                    enough.set()

        talking = [asyncio.create_task(talk(guest)) for guest in guests]
        await asyncio.wait_for(enough.wait(), PATIENCE)
        await server.ends()
        await asyncio.wait_for(asyncio.gather(*talking), PATIENCE)
        await server.start()
        reader = await server.joins("reader")
        reading = await reader.subscribes(place("lobby", after_seq=0))
        lobby = (await reading.opened("lobby")).room.room_id
        await reading.live(lobby)
        stored = {event.seq: event.message.text for event in reading.events(lobby)}
        assert list(stored) == list(range(1, len(stored) + 1))
        assert acked.items() <= stored.items()


@asynccontextmanager
async def held_up(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    """Let a reader that takes nothing hold up the stop; give a connection from before it."""
    alice = await server.guest("alice")
    frozen = await server.joins("frozen")
    slow = server.channel(("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024))
    call = stubs.ChatServiceStub(slow).Chat(metadata=bearer(frozen.token))
    await call.write(hello("lobby"))
    await call.read()
    for number in range(100):
        await alice.posts(f"{number}{LARGE}")
    await alice.hears(f"99{LARGE}")
    channel = server.channel()
    await channel.channel_ready()
    server.stop.set()
    # It ends with the notice: the stop has begun.
    await alice.chat.item(lambda item: item.HasField("notice"))
    yield channel
    call.cancel()


@story
async def test_calls_during_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While readers are given time, new calls are refused with a delay, and signing out is not."""
    monkeypatch.setattr(serving, "STOP_SHARE", 0.002)
    async with Server(tmp_path, limits=UNHURRIED) as server:
        leaver = await server.joins("leaver")
        token = leaver.token
        async with held_up(server) as channel:
            stub: Any = stubs.ChatServiceStub(channel)
            health: Any = health_pb2_grpc.HealthStub(channel)
            checked = await health.Check(health_pb2.HealthCheckRequest())
            assert checked.status == health_pb2.HealthCheckResponse.NOT_SERVING
            post = pb.Post(room=room("lobby"), text="too late", client_msg_id="late")
            for call in (
                stub.Join(pb.JoinRequest(name="late")),
                stub.PostMessage(pb.PostMessageRequest(post=post), metadata=bearer(token)),
            ):
                refusal = await refused(call)
                assert (refusal.code, refusal.reason) == (
                    grpc.StatusCode.UNAVAILABLE,
                    "DRAINING",
                )
                assert refusal.retry_ms
            for stream in (
                stub.Chat(iter([hello()]), metadata=bearer(token)),
                stub.Subscribe(pb.SubscribeRequest(rooms=[place("lobby")]), metadata=bearer(token)),
            ):
                error = await outcome(stream)
                assert error is not None
                assert error.code() is grpc.StatusCode.UNAVAILABLE
            await stub.SignOut(pb.SignOutRequest(), metadata=bearer(token))
            assert server.served is not None
            assert not server.served.done()
            server.hurry.set()
            await server.ends()
        await server.start()
        await server.joins("leaver")


@story
async def test_hurry_ends_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who will not wait for slow readers does not have to."""
    monkeypatch.setattr(serving, "STOP_SHARE", 0.002)
    async with Server(tmp_path, limits=UNHURRIED) as server, held_up(server):
        assert server.served is not None
        assert not server.served.done()
        server.hurry.set()
        await server.ends()


@story
async def test_stop_before_anybody_came(tmp_path: Path) -> None:
    """A server without clients stops at once, and one that was told before it began too."""
    server = Server(tmp_path, limits=UNHURRIED)
    await server.start()
    await server.ends()
    stop = asyncio.Event()
    stop.set()
    heard: list[str] = []
    config = InstanceConfig("127.0.0.1", 0, tmp_path, "info", True, limits=UNHURRIED)
    async with asyncio.timeout(PATIENCE):
        await serve(
            config, stop=stop, hurry=asyncio.Event(), ready=lambda address, _: heard.append(address)
        )
    assert len(heard) == 1


@story
async def test_port_is_free_after_the_stop(tmp_path: Path) -> None:
    """Nothing holds the port of a server that has stopped, though clients were connected."""
    with held_ports() as port:
        async with Server(tmp_path, port=port) as server:
            await server.guest("alice")
            assert server.address == f"127.0.0.1:{port}"
            await server.restarts()
            assert server.address == f"127.0.0.1:{port}"


# ------------------------------------------------------------------ the log that fails


@story
async def test_failed_log_ends_the_server(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    """When storing fails the outcome is unknown, all are told to come back, and the server ends."""
    server = Server(tmp_path)
    await server.start()
    alice, bob = await server.guests("alice", "bob")
    kept = await alice.says("stored")
    # The disk is not ours to break: the table is.
    with closing(sqlite3.connect(tmp_path / "chat.sqlite3")) as connection:
        connection.execute("ALTER TABLE room_events RENAME TO stolen")
    refusal = await refused(alice.posts("lost", client_msg_id="m1"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "STORAGE_FAILED")
    assert refusal.retry_ms
    for guest in (alice, bob):
        ended = await guest.chat.end()
        assert ended is not None
        assert (ended.code, ended.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        assert ended.retry_ms
    assert server.served is not None
    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(server.served, PATIENCE)
    assert any(record.levelname == "CRITICAL" for record in loud_log.records)
    assert bob.chat.texts(kept.room_id) == ["stored"]
    with closing(sqlite3.connect(tmp_path / "chat.sqlite3")) as connection:
        connection.execute("ALTER TABLE stolen RENAME TO room_events")
    for guest in (alice, bob):
        await guest.channel.close()
    async with Server(tmp_path) as again:
        alice = Guest(again.address, again.channel(), alice.joined)
        await alice.opens(place("lobby", after_seq=0))
        ack = await alice.chat.says("lost", client_msg_id="m1")
        assert (ack.seq, ack.duplicate) == (2, False)
        await alice.hears("stored")


@story
async def test_posts_in_flight_when_the_log_fails(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    """None is acknowledged, each may be sent again unchanged, and the stream says when."""
    server = Server(tmp_path)
    await server.start()
    alice = await server.guest("alice")
    kept = await alice.says("stored")
    acked_before = alice.chat.kinds().count("ack")
    with closing(sqlite3.connect(tmp_path / "chat.sqlite3")) as connection:
        # The log waits for this until all have been sent.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ALTER TABLE room_events RENAME TO stolen")
        orders = [await alice.chat.posts(f"{n}", client_msg_id=f"m{n}") for n in range(5)]
        connection.execute("COMMIT")
    ended = await alice.chat.end()
    assert ended is not None
    assert (ended.code, bool(ended.retry_ms)) == (grpc.StatusCode.UNAVAILABLE, True)
    assert alice.chat.kinds().count("ack") == acked_before
    for error in (item.error for item in alice.chat.items if item.HasField("error")):
        assert error.order_id in orders
        assert (error.code, error.reason) == (14, "STORAGE_FAILED")
        assert error.retry_after_ms
    assert server.served is not None
    with pytest.raises(ConnectionAbortedError):
        await asyncio.wait_for(server.served, PATIENCE)
    assert any(record.levelname == "CRITICAL" for record in loud_log.records)
    with closing(sqlite3.connect(tmp_path / "chat.sqlite3")) as connection:
        connection.execute("ALTER TABLE stolen RENAME TO room_events")
    await alice.channel.close()
    async with Server(tmp_path) as again:
        alice = Guest(again.address, again.channel(), alice.joined)
        await alice.opens(place("lobby", after_seq=0))
        for _ in range(2):
            acks = [await alice.chat.says(f"{n}", client_msg_id=f"m{n}") for n in range(5)]
            assert [ack.seq for ack in acks] == [2, 3, 4, 5, 6]
        await alice.hears("4")
        assert alice.chat.texts(kept.room_id) == ["stored", "0", "1", "2", "3", "4"]
