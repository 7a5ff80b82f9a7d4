"""What one instance tells its operator and does for them, over a real Unix socket."""

import os
import re
import socket
import stat
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import grpc
import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.admin import SERVICE, AdminMethods
from chat_service.edge.calls import Call
from chat_service.edge.passwords import Passwords
from chat_service.edge.recovery import RecoveryMethods
from chat_service.edge.transport import LocalTransport
from tests.edge.clients import CONNECTION, PATIENCE, direct, hello, place, raw, refused, story
from tests.edge.operator import Operated, Operator
from tests.edge.scene import LOBBY, Scene, call_from

ANNOUNCEMENT = chat_pb2.NOTICE_KIND_ANNOUNCEMENT
ABOUT_ALL = (
    "ListInstances",
    "StartInstance",
    "StopInstance",
    "RestartInstance",
    "GetStatistics",
    "ReloadConfiguration",
    "Shutdown",
)
ABOUT_ONE = {
    *("ListInstanceUsers", "ListInstanceRooms", "Say", "KickUser", "GetFigures"),
    *("CreateOwnerCode", "CreateAccount", "SetPassword", "GrantAdmin", "CloseAccount"),
    *("Unban", "ListAudit"),
}


# ------------------------------------------------------------------------- the socket


@story
async def test_only_the_owner_can_open_the_socket() -> None:
    """The socket is private whatever files of the process are, which are left as they were."""
    umask = os.umask(0o022)
    try:
        async with Operated() as server, server.operator() as operator:
            found = server.socket.stat()
            assert stat.S_ISSOCK(found.st_mode)
            assert stat.S_IMODE(found.st_mode) & 0o077 == 0
            assert os.umask(0o022) == 0o022
            await operator.calls("GetFigures")
    finally:
        os.umask(umask)


@story
async def test_socket_is_gone_after_a_clean_stop() -> None:
    """A stop removes the file, and a start makes it anew."""
    async with Operated() as server:
        await server.restarts()
        async with server.operator() as operator:
            await operator.calls("GetFigures")
        await server.ends()
        assert not server.socket.exists()


@story
async def test_socket_of_a_killed_process_is_no_obstacle() -> None:
    """A file that nobody listens on any more is replaced."""
    server = Operated()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(server.admin_socket or "")
    assert server.socket.exists()
    async with server, server.operator() as operator:
        await operator.calls("GetFigures")


@story
async def test_socket_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    """One line names the socket, and nothing listens for clients."""
    server = Operated()
    server.admin_socket = str(tmp_path / "missing" / "admin.sock")
    with pytest.raises(Exception, match=r"cannot listen on the socket .*admin\.sock"):
        await server.start()


@story
async def test_no_client_reaches_the_operators_calls() -> None:
    """On the address of the clients there is no AdminService, in no method."""
    async with Operated() as server:
        channel = server.channel()
        for method in SERVICE.methods_by_name:
            dial: Any = channel.unary_unary
            call = dial(f"/{SERVICE.full_name}/{method}")
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await call(b"", timeout=PATIENCE)
            assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
            assert error.value.trailing_metadata() == grpc.aio.Metadata()


@story
async def test_operator_reaches_no_calls_of_clients() -> None:
    """On the socket there is AdminService alone."""
    async with Operated() as server, server.operator() as operator:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await raw(operator.channel, "ListRooms", b"")
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


# -------------------------------------------------------------------------- any call


@story
async def test_calls_about_all_instances_are_answered_elsewhere() -> None:
    """Each is refused with our reason, not with the silence of an unknown method."""
    async with Operated() as server, server.operator() as operator:
        for method in ABOUT_ALL:
            refusal = await refused(operator.calls(method))
            assert refusal.code is grpc.StatusCode.UNIMPLEMENTED
            assert refusal.reason == "NOT_ANSWERED_HERE"
    assert {*ABOUT_ALL, *ABOUT_ONE, "ExportRoom"} == set(SERVICE.methods_by_name)


@story
async def test_requests_that_are_no_protobuf() -> None:
    """Each call says that it cannot be parsed, and the next one is answered."""
    async with Operated() as server, server.operator() as operator:
        for method in SERVICE.methods_by_name:
            path = f"/{SERVICE.full_name}/{method}"
            kind: Any = operator.channel.unary_unary
            if method == "ExportRoom":
                kind = operator.channel.unary_stream

            async def ends(call: Any) -> None:
                if hasattr(call, "__aiter__"):
                    async for _ in call:
                        pass
                else:
                    await call

            for broken in (b"\x0a\xff", b"\x12\x02\xff\xfe"):
                if broken == b"\x12\x02\xff\xfe" and method not in ("Say", "ExportRoom"):
                    continue
                refusal = await refused(ends(kind(path)(broken, timeout=PATIENCE)))
                assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT, method
                assert refusal.reason == "MALFORMED"
        await operator.calls("GetFigures")


@story
async def test_port_does_not_matter() -> None:
    """The instance answers for itself, whatever port is named, and names its own."""
    async with Operated() as server, server.operator() as operator:
        await server.guest("alice")
        port = int(server.address.rpartition(":")[2])
        for asked in (0, 1, port):
            (user,) = (await operator.calls("ListInstanceUsers", port=asked)).users
            rooms = (await operator.calls("ListInstanceRooms", port=asked)).rooms
            assert {user.port, *(room.port for room in rooms)} == {port}


class Recorder:
    """The parts of a context that an export uses: takes each frame, and then acts."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.seqs: list[int] = []
        self._then = then

    async def write(self, frame: bytes) -> None:
        assert type(frame) is bytes
        self.seqs += [event.seq for event in pb.ExportRoomResponse.FromString(frame).events]
        self._then()


def methods_of(scene: Scene, kind: type[AdminMethods] = AdminMethods) -> AdminMethods:
    """Return the calls on a scene; reads of its log are done at once."""
    return kind(
        port=1,
        start_ms=0,
        log=scene.log,
        journal=scene.journal,
        directory=scene.directory,
        hub=scene.hub,
        streams=scene.streams,
        recovery=RecoveryMethods(
            instance="here",
            log=scene.log,
            journal=scene.journal,
            passwords=Passwords(),
            readers=AtOnce(),
        ),
        readers=AtOnce(),
    )


class AtOnce(Executor):
    """Runs what it is given before it returns."""

    # Any: as declared by the base class.
    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(function(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


@story
async def test_mistake_of_ours_is_told_by_its_id_alone(loud_log: pytest.LogCaptureFixture) -> None:
    """What went wrong is in the log, under the id that the operator is told."""

    class Broken(AdminMethods):
        async def get_figures(self, _: pb.GetFiguresRequest, __: Call) -> pb.GetFiguresResponse:
            raise ValueError("secret path")

    transport = LocalTransport(methods_of(Scene(), Broken).service())
    with tempfile.TemporaryDirectory(prefix="chat-") as directory:
        path = Path(directory) / "admin.sock"
        await transport.listen(str(path))
        async with Operator(path) as operator:
            refusal = await refused(operator.calls("GetFigures"))
        await transport.stop(0)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    incident = re.fullmatch(r"internal error, id=([0-9a-f]{8})", refusal.message)
    assert incident is not None
    told = [vars(record)["fields"]["id"] for record in loud_log.records if record.exc_info]
    assert told == [incident[1]]


# ---------------------------------------------------------------------- users, rooms


@story
async def test_users_are_listed_by_name_with_what_an_operator_needs() -> None:
    """Sessions, public rooms, addresses and the time of coming; connected or not."""
    async with Operated() as server, server.operator() as operator:
        bob = await server.guest("bob", "lobby", "den")
        await server.joins("bob", token=bob.joined.token)
        reader = await bob.subscribes(place("lobby"))
        await reader.begun()
        await server.joins("Alice")
        alice, found = (await operator.calls("ListInstanceUsers")).users
        assert (alice.user.name, alice.user.connected, alice.sessions) == ("Alice", False, 1)
        assert (list(alice.room_names), list(alice.addresses)) == ([], [])
        assert found.user == chat_pb2.User(
            user_id=bob.joined.user.user_id, name="bob", connected=True
        )
        assert (found.sessions, list(found.room_names)) == (2, ["lobby", "den"])
        assert list(found.addresses) == ["127.0.0.1"]
        assert 0 < found.created_ms <= alice.created_ms


@story
async def test_direct_messages_are_not_the_operators() -> None:
    """Neither a user's rooms nor the list of rooms show them."""
    async with Operated() as server, server.operator() as operator:
        alice, _ = await server.guests("alice", "bob")
        await alice.chat.says("psst", direct("bob"))
        users = (await operator.calls("ListInstanceUsers")).users
        assert [list(user.room_names) for user in users] == [["lobby"], ["lobby"]]
        rooms = (await operator.calls("ListInstanceRooms")).rooms
        assert [room.room.name for room in rooms] == ["lobby"]


@story
async def test_rooms_are_listed_by_name_with_who_is_there() -> None:
    """Members, readers of any kind, head, topic, and the first seq that is kept."""
    async with Operated() as server, server.operator() as operator:
        alice = await server.guest("alice", "lobby", "Den")
        bob = await server.guest("bob")
        await alice.chat.says("one", "Den")
        reader = await bob.subscribes(place("Den"))
        await reader.begun()
        den, lobby = (await operator.calls("ListInstanceRooms")).rooms
        assert (den.room.name, den.room.head_seq, den.room.present) == ("Den", 1, 1)
        assert (den.members, den.readers, den.first_seq) == (1, 2, 1)
        assert (lobby.room.name, lobby.members, lobby.readers) == ("lobby", 2, 2)
        await alice.chat.leaves("Den")
        await bob.calls("SignOut", chat_pb2.SignOutRequest())
        await reader.end()
        den, lobby = (await operator.calls("ListInstanceRooms")).rooms
        assert (den.members, den.readers) == (0, 0)
        assert (lobby.members, lobby.readers) == (1, 1)


@story
async def test_members_are_known_after_a_restart() -> None:
    """What is counted as it changes equals what was stored."""
    async with Operated() as server:
        await server.guest("alice", "lobby", "den")
        await server.guest("bob")
        await server.restarts()
        async with server.operator() as operator:
            rooms = (await operator.calls("ListInstanceRooms")).rooms
            assert [(room.room.name, room.members) for room in rooms] == [("den", 1), ("lobby", 2)]


@story
@pytest.mark.parametrize("method", ["ListInstanceUsers", "ListInstanceRooms"])
async def test_lists_come_in_pages(method: str) -> None:
    """Each page goes on behind the one before; a token of another list is refused."""
    users = method == "ListInstanceUsers"
    async with Operated() as server, server.operator() as operator:
        names = ["a1", "B2", "c3", "d4", "lobby"]
        for name in names:
            await server.joins(name, into=name)
        seen, token = [], ""
        while True:
            page = await operator.calls(method, page_size=2, page_token=token)
            found = [one.user.name for one in page.users] if users else []
            found += [] if users else [one.room.name for one in page.rooms]
            assert len(found) <= 2
            seen += found
            token = page.next_page_token
            if not token:
                break
        assert seen == names
        other = "ListInstanceRooms" if users else "ListInstanceUsers"
        foreign = (await operator.calls(other, page_size=1)).next_page_token
        for bad in (foreign, "nonsense"):
            refusal = await refused(operator.calls(method, page_token=bad))
            assert (refusal.reason, refusal.fields) == ("PAGE_INVALID", ("page_token",))


# ------------------------------------------------------------------------------- say


@story
async def test_announcement_reaches_every_stream_and_is_not_stored() -> None:
    """Chat and Subscribe streams get it once each; history and later streams do not have it."""
    async with Operated() as server, server.operator() as operator:
        alice, bob = await server.guests("alice", "bob")
        reader = await bob.subscribes(place("lobby"))
        await reader.begun()
        assert (await operator.calls("Say", text="back at noon\nor so")).streams == 3
        for stream in (alice.chat, bob.chat, reader):
            notice = (await stream.item(lambda item: item.HasField("notice"))).notice
            assert (notice.kind, notice.text) == (ANNOUNCEMENT, "back at noon\nor so")
        await alice.chat.says("after")
        await bob.chat.hears("after")
        assert bob.chat.kinds().count("notice") == 1
        history = await alice.calls(
            "ListMessages", chat_pb2.ListMessagesRequest(room=place("lobby").room)
        )
        assert [event.message.text for event in history.events] == ["after"]
        carol = await server.guest("carol")
        assert "notice" not in carol.chat.kinds()


@story
async def test_announcement_to_nobody() -> None:
    """Where no stream is open it reaches none, which is no error."""
    async with Operated() as server, server.operator() as operator:
        assert (await operator.calls("Say", text="hello?")).streams == 0


@story
@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a\x00b",
        "x" * 4097,
        "\n" * 100 + "x",
        pytest.param("x" * 1_000_000, id="more than a command line holds"),
    ],
)
async def test_announcement_is_checked_as_a_message(text: str) -> None:
    """What nobody may say, the operator cannot say either."""
    async with Operated() as server, server.operator() as operator:
        refusal = await refused(operator.calls("Say", text=text))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert (refusal.reason, refusal.fields) == ("TEXT_INVALID", ("text",))


# ------------------------------------------------------------------------------ kick


@story
async def test_kick_ends_all_streams_with_the_words() -> None:
    """Chat, Subscribe and a second session end with KICKED; the room sees the user go at once."""
    async with Operated() as server, server.operator() as operator:
        alice, bob = await server.guests("Alice", "bob")
        second = await server.again(alice)
        other = await server.joins("Alice", token=alice.joined.token)
        chat = await other.opens("lobby")
        await chat.begun()
        reader = await second.subscribes(place("lobby"))
        await reader.begun()
        lobby = (await bob.chat.opened("lobby")).room.room_id

        answer = await operator.calls("KickUser", name="aLICE", reason="flooding")
        assert (answer.user.user_id, answer.user.name) == (alice.joined.user.user_id, "Alice")
        assert answer.sessions == 2
        for stream in (alice.chat, chat, reader):
            refusal = await stream.end()
            assert refusal is not None
            assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
            assert refusal.reason == "KICKED"
            assert refusal.message == "you were removed by the operator: flooding"
            assert refusal.retry_ms is None
        assert (await bob.chat.left("Alice", lobby)).total == 1
        (left,) = (await operator.calls("ListInstanceUsers")).users
        assert left.user.name == "bob"


@story
async def test_kick_voids_the_tokens_and_frees_the_name() -> None:
    """No call takes a token of the user any more; somebody else may have the name.

    A session that had no stream to be told by is told by its first call.
    """
    async with Operated() as server, server.operator() as operator:
        alice = await server.guest("alice")
        other = await server.joins("alice", token=alice.joined.token)
        await operator.calls("KickUser", name="alice")
        refusal = await alice.chat.end()
        assert refusal is not None
        assert refusal.message == "you were removed by the operator"
        kicked = await refused(other.calls("ListRooms", chat_pb2.ListRoomsRequest()))
        assert (kicked.reason, kicked.message) == ("KICKED", refusal.message)
        for guest in (alice, other):
            for method, request in (
                ("ListRooms", chat_pb2.ListRoomsRequest()),
                ("SignOut", chat_pb2.SignOutRequest()),
                ("Join", chat_pb2.JoinRequest()),
            ):
                answer = await refused(guest.calls(method, request))
                assert answer.reason == "TOKEN_INVALID", method
            chat = await (await server.again(guest)).dials()
            await chat.send(hello("lobby"))
            ended = await chat.end()
            assert ended is not None
            assert ended.reason == "TOKEN_INVALID"
        again = await server.joins("alice")
        assert again.joined.user.user_id != alice.joined.user.user_id


@story
async def test_kick_loses_nothing_that_was_stored_and_stores_nothing_after() -> None:
    """Posts of the kicked are in the room or were never acknowledged; none comes later."""
    async with Operated() as server, server.operator() as operator:
        alice, bob = await server.guests("alice", "bob")
        orders = [await alice.chat.posts(f"m{number}") for number in range(200)]
        await alice.chat.ack(orders[0])
        await operator.calls("KickUser", name="alice")
        await alice.chat.end()
        acked = {item.ack.order_id for item in alice.chat.items if item.HasField("ack")}
        last = await bob.chat.says("the end")
        events = await bob.chat.head(last.room_id, last.seq)
        stored = [event.message.text for event in events if event.author.name == "alice"]
        assert stored == [f"m{number}" for number in range(len(stored))]
        assert len(acked) <= len(stored)


@story
async def test_kick_of_nobody_and_for_a_bad_reason() -> None:
    """A name that nobody has is NOT_FOUND, a reason of two lines INVALID_ARGUMENT."""
    async with Operated() as server, server.operator() as operator:
        alice = await server.guest("alice")
        refusal = await refused(operator.calls("KickUser", name="bob"))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND")
        refusal = await refused(operator.calls("KickUser", name="alice", reason="a\nb"))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.fields == ("reason",)
        await alice.chat.says("still here")


# ---------------------------------------------------------------------------- export


@story
async def test_export_is_the_whole_history() -> None:
    """All events come oldest first, as they were said, over more than one page."""
    async with Operated() as server, server.operator() as operator:
        alice = await server.guest("alice")
        orders = [await alice.chat.posts(f"message {number}") for number in range(1, 1202)]
        await alice.chat.ack(orders[-1])
        parts = await operator.exports("LOBBY")
        events = [event for part in parts for event in part.events]
        assert [event.seq for event in events] == list(range(1, 1202))
        assert [event.message.text for event in events] == [f"message {n}" for n in range(1, 1202)]
        assert events[0].author == alice.joined.user
        assert len(parts) > 2


@story
async def test_export_of_an_empty_room() -> None:
    """A room in which nothing was said has no part."""
    async with Operated() as server, server.operator() as operator:
        assert await operator.exports("lobby") == []


@story
async def test_export_ends_at_the_head_as_it_was() -> None:
    """What is said while the export is read is not a part of it."""
    scene = Scene()
    alice = scene.joins("alice", "lobby")
    for number in range(1, 701):
        scene.says(alice, f"m{number}")
    context = Recorder(lambda: scene.says(alice, f"late {scene.hub.rooms.head(LOBBY)}"))
    request = pb.ExportRoomRequest(room_name="lobby")
    await methods_of(scene).export_room(request, call_from("unix:"), _as_context(context))
    assert context.seqs == list(range(1, 701))
    assert scene.hub.rooms.head(LOBBY) == 702


@story
async def test_export_of_what_is_no_public_room() -> None:
    """Unknown names, ids of rooms and names of people are not found."""
    async with Operated() as server, server.operator() as operator:
        alice, _ = await server.guests("alice", "bob")
        ack = await alice.chat.says("psst", direct("bob"))
        for name in ("den", "", ack.room_id, "alice", "bob"):
            refusal = await refused(operator.exports(name))
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ROOM_NOT_FOUND")


@story
async def test_export_goes_on_behind_what_is_pruned_meanwhile() -> None:
    """What is let go of before it is read is left out; what is kept comes."""
    scene = Scene()
    alice = scene.joins("alice", "lobby")
    for number in range(1, 1501):
        scene.says(alice, f"m{number}")
    request = pb.ExportRoomRequest(room_name="lobby")
    methods = methods_of(scene)
    call, context = call_from("unix:"), Recorder()
    context = Recorder(lambda: scene.does(cmd.Prune(LOBBY, max(600, context.seqs[-1]))))
    assert await methods.export_room(request, call, _as_context(context)) is None
    assert context.seqs == [*range(1, 501), *range(601, 1501)]


@story
async def test_export_ends_when_the_server_stops() -> None:
    """Between two pages it is noticed that the server stops."""
    scene = Scene()
    alice = scene.joins("alice", "lobby")
    for number in range(1, 1501):
        scene.says(alice, f"m{number}")
    methods = methods_of(scene)
    stopping = Rejection(Reason.DRAINING, "stopping")
    context = Recorder(lambda: setattr(methods, "draining", stopping))
    request = pb.ExportRoomRequest(room_name="lobby")
    with pytest.raises(RefusedError, match="stopping"):
        await methods.export_room(request, call_from("unix:"), _as_context(context))
    assert context.seqs == list(range(1, 501))


def _as_context(recorder: Recorder) -> Any:
    """Pass a recorder where a context is asked for. Any: contexts are generic in messages."""
    return recorder


# ------------------------------------------------------------------------------ stop


@story
async def test_nothing_new_is_begun_while_the_server_stops() -> None:
    """What would reach clients is refused; what only tells is answered."""
    scene = Scene()
    methods = methods_of(scene)
    methods.draining = Rejection(Reason.DRAINING, "stopping")
    call = call_from("unix:")
    with pytest.raises(RefusedError, match="stopping"):
        await methods.say(pb.SayRequest(text="hello"), call)
    with pytest.raises(RefusedError, match="stopping"):
        await methods.kick_user(pb.KickUserRequest(name="alice"), call)
    assert (await methods.get_figures(pb.GetFiguresRequest(), call)).figures


@story
async def test_stop_does_not_wait_for_an_export_that_nobody_reads() -> None:
    """A reader of an export that reads no more holds up no stop."""
    async with Operated() as server:
        alice = await server.guest("alice")
        orders = [await alice.chat.posts("x" * 4000) for _ in range(1000)]
        await alice.chat.ack(orders[-1])
        options = (*CONNECTION, ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536))
        async with grpc.aio.insecure_channel(f"unix:{server.socket}", options=options) as channel:
            dial: Any = channel.unary_stream
            call = dial(f"/{SERVICE.full_name}/ExportRoom")(
                pb.ExportRoomRequest(room_name="lobby").SerializeToString()
            )
            assert await call.read()
            server.hurry.set()
            await server.ends()
            call.cancel()
