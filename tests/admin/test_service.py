"""AdminService over its real socket, with launcher and instances in memory."""

import asyncio
import logging
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2 as chat
from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceStub
from chat_service.admin.service import SERVICE, AdminMethods, AdminServer
from chat_service.link import InstanceGone, InstanceState, Refusal
from tests.admin.scene import PATIENCE, Scene, a_fleet, run, until
from tests.edge.clients import Refusal as Refused
from tests.edge.clients import refused

if TYPE_CHECKING:
    from chat_protos.chat.v1.admin_pb2_grpc import AdminServiceAsyncStub

Code = grpc.StatusCode


@dataclass(frozen=True)
class Operator:
    """Somebody with a connection to the socket."""

    scene: Scene
    stub: "AdminServiceAsyncStub"
    # Any: requests and responses as bytes.
    channel: Any

    @property
    def socket(self) -> Path:
        """Where it is."""
        return self.scene.directory / "admin.sock"


@asynccontextmanager
async def an_operator(*ports: int) -> AsyncIterator[Operator]:
    """Serve AdminService for instances on these ports."""
    async with a_fleet() as scene:
        await scene.serving(*ports)
        path = f"{scene.directory}/admin.sock"
        server = AdminServer(AdminMethods(scene.fleet), path)
        await server.listen()
        async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
            yield Operator(scene, AdminServiceStub(channel), channel)
        await server.stop(0)
        assert not (scene.directory / "admin.sock").exists()


def test_instances_are_listed_by_number() -> None:
    """Each is as the launcher tells it, with its last sample while it serves."""

    async def story() -> None:
        async with an_operator(50052, 50051) as operator:
            news = operator.scene.launcher.now(2, restarts=3, since_ms=99, pid=4711)
            operator.scene.launcher.now(1, state=InstanceState.WAITING, pid=0, problem="fell")
            await operator.scene.knows(50051)
            response = await operator.stub.ListInstances(pb.ListInstancesRequest())
            assert response.sample_interval_ms == 5000
            first, second = response.instances
            assert (first.number, first.port, first.problem) == (1, 50052, "fell")
            assert first.state == pb.INSTANCE_STATE_WAITING
            assert second == pb.Instance(
                number=2,
                address="127.0.0.1:50051",
                port=50051,
                state=pb.INSTANCE_STATE_SERVING,
                since_ms=99,
                restarts=3,
                pid=4711,
                data_directory=news.data_dir,
            )

    run(story())


def test_instance_is_started_stopped_and_restarted() -> None:
    """Each answer shows the instance as it is then."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            stub = operator.stub
            started = (await stub.StartInstance(pb.StartInstanceRequest())).instance
            assert (started.number, started.port) == (2, 50052)
            assert started.state == pb.INSTANCE_STATE_SERVING
            stopped = await stub.StopInstance(pb.StopInstanceRequest(port=50051))
            assert [one.port for one in stopped.instances] == [50051]
            assert stopped.instances[0].state == pb.INSTANCE_STATE_STOPPED
            again = (await stub.StartInstance(pb.StartInstanceRequest(port=50051))).instance
            assert (again.number, again.state) == (1, pb.INSTANCE_STATE_SERVING)
            restarted = await stub.RestartInstance(pb.RestartInstanceRequest(port=50052))
            assert restarted.instance.port == 50052
            everything = await stub.StopInstance(pb.StopInstanceRequest(all=True))
            assert [one.port for one in everything.instances] == [50051, 50052]

    run(story())


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refusal.PORT_INVALID, Code.INVALID_ARGUMENT),
        (Refusal.INSTANCE_EXISTS, Code.ALREADY_EXISTS),
        (Refusal.INSTANCE_NOT_FOUND, Code.NOT_FOUND),
        (Refusal.INSTANCE_NOT_RUNNING, Code.FAILED_PRECONDITION),
        (Refusal.INSTANCE_FAILED, Code.FAILED_PRECONDITION),
        (Refusal.TOO_MANY_INSTANCES, Code.RESOURCE_EXHAUSTED),
        (Refusal.STOPPING, Code.UNAVAILABLE),
    ],
)
def test_refusals_of_the_launcher_have_their_status(refusal: Refusal, code: Code) -> None:
    """What the launcher refuses travels with its words, its reason and the status of that."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            stub = operator.stub
            for call in (
                lambda: stub.StartInstance(pb.StartInstanceRequest(port=50060)),
                lambda: stub.StopInstance(pb.StopInstanceRequest(port=50051)),
                lambda: stub.RestartInstance(pb.RestartInstanceRequest(port=50051)),
            ):
                operator.scene.launcher.refuse.append((refusal, "it cannot be done"))
                found = await refused(call())
                assert (found.code, found.reason) == (code, refusal.value)
                assert found.message == "it cannot be done"
                assert found.fields == (("port",) if refusal is Refusal.PORT_INVALID else ())

    run(story())


def test_stop_names_either_a_port_or_all() -> None:
    """Neither and both are INVALID_ARGUMENT, and nothing is stopped."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            for request in (pb.StopInstanceRequest(), pb.StopInstanceRequest(port=50051, all=True)):
                found = await refused(operator.stub.StopInstance(request))
                assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "PORT_INVALID")
            assert operator.scene.launcher.asks == []

    run(story())


def about_one(stub: "AdminServiceAsyncStub", port: int) -> list[Any]:
    """Return each call that is about one instance. Any: calls of all kinds."""
    return [
        stub.ListInstanceUsers(pb.ListInstanceUsersRequest(port=port)),
        stub.ListInstanceRooms(pb.ListInstanceRoomsRequest(port=port)),
        stub.Say(pb.SayRequest(port=port, text="hello")),
        stub.KickUser(pb.KickUserRequest(port=port, name="al")),
        stub.GetFigures(pb.GetFiguresRequest(port=port)),
        stub.ExportRoom(pb.ExportRoomRequest(port=port, room_name="lobby")).read(),
    ]


def test_unknown_port_is_not_found() -> None:
    """Each call that names a port says so where no instance has it."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            stub = operator.stub
            calls = [
                *about_one(stub, 50077),
                stub.GetStatistics(pb.GetStatisticsRequest(port=50077)),
                stub.RestartInstance(pb.RestartInstanceRequest(port=50077)),
                stub.StopInstance(pb.StopInstanceRequest(port=50077)),
                # All would be too many for these.
                stub.RestartInstance(pb.RestartInstanceRequest()),
                stub.KickUser(pb.KickUserRequest(name="al")),
                stub.GetFigures(pb.GetFiguresRequest()),
                stub.ExportRoom(pb.ExportRoomRequest(room_name="lobby")).read(),
            ]
            for call in calls:
                found = await refused(call)
                assert (found.code, found.reason) == (Code.NOT_FOUND, "INSTANCE_NOT_FOUND")

    run(story())


def test_instance_that_does_not_serve_is_unavailable() -> None:
    """What is about an instance that is stopped cannot be done now; its samples are there."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            await operator.stub.StopInstance(pb.StopInstanceRequest(all=True))
            for call in about_one(operator.stub, 50051):
                found = await refused(call)
                assert (found.code, found.reason) == (Code.UNAVAILABLE, "INSTANCE_UNAVAILABLE")
                assert found.message == "127.0.0.1:50051 is stopped"
            await operator.stub.GetStatistics(pb.GetStatisticsRequest(port=50051))

    run(story())


def test_instance_that_is_killed_is_unavailable_and_comes_back() -> None:
    """A process that ended ends the calls to it; the next one is reached at once."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            scene = operator.scene
            scene.launcher.instances[1].answers.clear()
            waiting = [
                asyncio.ensure_future(refused(one)) for one in about_one(operator.stub, 50051)
            ]
            await until(lambda: scene.launcher.instances[1].calls == len(waiting))
            await scene.launcher.crash(1)
            for found in await asyncio.gather(*waiting):
                assert (found.code, found.reason) == (Code.UNAVAILABLE, "INSTANCE_UNAVAILABLE")
            await scene.launcher.come_back(1)
            await scene.knows(50051)
            await operator.stub.GetFigures(pb.GetFiguresRequest(port=50051))

    run(story())


def test_instance_that_is_replaced_ends_its_calls() -> None:
    """Calls to the process before are told from such that were cancelled by their caller."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            scene = operator.scene
            scene.launcher.instances[1].answers.clear()
            waiting = [
                asyncio.ensure_future(refused(one)) for one in about_one(operator.stub, 50051)
            ]
            await until(lambda: scene.launcher.instances[1].calls == len(waiting))
            scene.launcher.now(1, pid=4711)
            for found in await asyncio.gather(*waiting):
                assert (found.code, found.reason) == (Code.UNAVAILABLE, "INSTANCE_UNAVAILABLE")

    run(story())


def test_lists_come_in_pages() -> None:
    """Users and rooms come by port and name; a page has as many as asked for."""

    async def story() -> None:
        async with an_operator(50051, 50052) as operator:
            one, two = operator.scene.launcher.instances.values()
            one.users += [f"u{number:04}" for number in range(120)]
            two.rooms |= {"tea": [], "lobby": []}
            users = await operator.stub.ListInstanceUsers(pb.ListInstanceUsersRequest())
            assert len(users.users) == 100
            request = pb.ListInstanceUsersRequest(page_token=users.next_page_token, page_size=5000)
            rest = await operator.stub.ListInstanceUsers(request)
            names = [user.user.name for page in (users, rest) for user in page.users]
            assert names == one.users
            assert rest.next_page_token == ""
            rooms = await operator.stub.ListInstanceRooms(pb.ListInstanceRoomsRequest(page_size=1))
            assert [(room.port, room.room.name) for room in rooms.rooms] == [(50052, "lobby")]

    run(story())


def test_foreign_page_token_is_refused() -> None:
    """The field at fault is named, whoever refuses the token."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            for request in (
                operator.stub.ListInstanceUsers(pb.ListInstanceUsersRequest(page_token="x")),
                operator.stub.ListInstanceRooms(pb.ListInstanceRoomsRequest(page_token="x")),
            ):
                found = await refused(request)
                assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "PAGE_INVALID")
                assert found.fields == ("page_token",)

    run(story())


def test_what_is_said_is_heard_by_all_or_one() -> None:
    """The answer is the number of streams; an instance's own refusal comes as it was."""

    async def story() -> None:
        async with an_operator(50051, 50052) as operator:
            one, two = operator.scene.launcher.instances.values()
            one.users, two.users = ["al", "bo"], ["cy"]
            assert (await operator.stub.Say(pb.SayRequest(text="hello"))).streams == 3
            assert (await operator.stub.Say(pb.SayRequest(text="you", port=50052))).streams == 1
            assert (one.said, two.said) == (["hello"], ["hello", "you"])
            # Whether that is too long is the instance's to say.
            long = "x" * 1_000_000
            assert (await operator.stub.Say(pb.SayRequest(text=long, port=50052))).streams == 1
            assert two.said[-1] == long
            found = await refused(operator.stub.Say(pb.SayRequest()))
            assert found == Refused(
                Code.INVALID_ARGUMENT, "no text", "TEXT_INVALID", {}, ("text",), None
            )

    run(story())


def test_user_is_kicked() -> None:
    """The instance does it, and says who it was, or that there is no such user."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            instance = operator.scene.launcher.instances[1]
            instance.users.append("al")
            request = pb.KickUserRequest(port=50051, name="al", reason="enough")
            response = await operator.stub.KickUser(request)
            assert response == pb.KickUserResponse(user=chat.User(name="al"), sessions=2)
            assert instance.kicked == [("al", "enough")]
            found = await refused(operator.stub.KickUser(request))
            assert (found.code, found.reason) == (Code.NOT_FOUND, "USER_NOT_FOUND")

    run(story())


def test_calls_about_accounts_go_to_their_instance() -> None:
    """Its answer and its refusals come back; another instance does not hear of it."""

    async def story() -> None:
        async with an_operator(50051, 50052) as operator:
            first, second = operator.scene.launcher.instances.values()
            second.users.append("al")
            code = await operator.stub.CreateOwnerCode(pb.CreateOwnerCodeRequest(port=50052))
            assert code == pb.CreateOwnerCodeResponse(code="CODE-1")
            assert (first.codes, second.codes) == (0, 1)
            granted = await operator.stub.GrantAdmin(pb.GrantAdminRequest(port=50052, name="al"))
            assert granted == pb.GrantAdminResponse(user=chat.User(name="al"))
            found = await refused(
                operator.stub.GrantAdmin(pb.GrantAdminRequest(port=50051, name="al"))
            )
            assert (found.code, found.reason) == (Code.NOT_FOUND, "USER_NOT_FOUND")
            for port in (0, 50060):
                found = await refused(operator.stub.ListAudit(pb.ListAuditRequest(port=port)))
                assert (found.code, found.reason) == (Code.NOT_FOUND, "INSTANCE_NOT_FOUND")

    run(story())


def test_figures_and_statistics() -> None:
    """Figures come from the instance, samples from what was kept."""

    async def story() -> None:
        async with an_operator(50051, 50052) as operator:
            operator.scene.launcher.instances[2].stored = 12
            response = await operator.stub.GetFigures(pb.GetFiguresRequest(port=50052))
            assert {one.name: one.values[0].value for one in response.figures}[
                "chat_messages"
            ] == 12
            statistics = await operator.stub.GetStatistics(pb.GetStatisticsRequest())
            assert [one.instance.port for one in statistics.instances] == [50051, 50052]
            assert statistics.sample_interval_ms == 5000
            only = await operator.stub.GetStatistics(pb.GetStatisticsRequest(port=50052))
            assert [one.instance.number for one in only.instances] == [2]

    run(story())


def test_room_is_exported() -> None:
    """The whole history comes in its order; an unknown room is told as the instance tells it."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            events = [chat.RoomEvent(seq=seq) for seq in range(1, 2001)]
            operator.scene.launcher.instances[1].rooms["lobby"] = events
            request = pb.ExportRoomRequest(port=50051, room_name="lobby")
            found = [
                event async for one in operator.stub.ExportRoom(request) for event in one.events
            ]
            assert found == events
            request.room_name = "tea"
            answer = await refused(operator.stub.ExportRoom(request).read())
            assert (answer.code, answer.reason) == (Code.NOT_FOUND, "ROOM_NOT_FOUND")

    run(story())


def test_export_that_is_given_up_ends_at_the_instance() -> None:
    """Whoever stops reading stops the instance's reading too."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            instance = operator.scene.launcher.instances[1]
            instance.rooms["lobby"] = [chat.RoomEvent(seq=1)] * 1_000_000
            call = operator.stub.ExportRoom(pb.ExportRoomRequest(port=50051, room_name="lobby"))
            await call.read()
            call.cancel()
            await until(lambda: instance.exports_ended == 1)

    run(story())


def test_configuration_is_reloaded() -> None:
    """The keys are told, and a bad value is FAILED_PRECONDITION."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            request = pb.ReloadConfigurationRequest()
            response = await operator.stub.ReloadConfiguration(request)
            assert [*response.applied, *response.after_restart] == ["log.level", "host"]
            words = "chat.toml line 3: limits.text_bytes: not a number"
            operator.scene.launcher.refuse.append((Refusal.CONFIGURATION_INVALID, words))
            found = await refused(operator.stub.ReloadConfiguration(request))
            assert (found.code, found.message) == (Code.FAILED_PRECONDITION, words)
            assert found.reason == "CONFIGURATION_INVALID"

    run(story())


def test_shutdown_can_be_asked_for_twice() -> None:
    """Each call reaches the launcher, where the second one is quick."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            for _ in range(2):
                await operator.stub.Shutdown(pb.ShutdownRequest())
            assert [ask.verb for ask in operator.scene.launcher.asks] == ["shutdown"] * 2
            assert operator.scene.fleet.stopping

    run(story())


def test_call_at_the_end_of_the_launcher_is_unavailable() -> None:
    """What still waits for the launcher when it is gone ends with a status."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            operator.scene.launcher.answers.clear()
            waiting = asyncio.ensure_future(
                refused(operator.stub.StopInstance(pb.StopInstanceRequest(all=True)))
            )
            await until(lambda: operator.scene.launcher.asks)
            operator.scene.launcher.end()
            found = await waiting
            assert (found.code, found.reason) == (Code.UNAVAILABLE, "STOPPING")

    run(story())


def test_new_instance_that_could_not_start_leaves_no_place() -> None:
    """The list is as before once the launcher says that it is gone."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            await operator.scene.serving(50052)
            operator.scene.launcher.tell(InstanceGone(2))
            operator.scene.launcher.tell(InstanceGone(3))
            await operator.scene.knows(50051)
            response = await operator.stub.ListInstances(pb.ListInstancesRequest())
            assert [one.number for one in response.instances] == [1]

    run(story())


def test_malformed_requests_are_invalid() -> None:
    """Bytes that are no message are INVALID_ARGUMENT in every call."""

    async def story() -> None:
        async with an_operator(50051) as operator:
            service = pb.DESCRIPTOR.services_by_name["AdminService"]
            for method in service.methods_by_name:
                path = f"/{SERVICE}/{method}"
                if method == "ExportRoom":
                    call = operator.channel.unary_stream(path)(b"\xff\xff", timeout=PATIENCE).read()
                else:
                    call = operator.channel.unary_unary(path)(b"\xff\xff", timeout=PATIENCE)
                found = await refused(call)
                assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "MALFORMED"), method

    run(story())


def test_mistake_of_ours_says_only_its_id(caplog: pytest.LogCaptureFixture) -> None:
    """The text of an exception is in the log beside the id, and nowhere else."""

    async def story() -> None:
        async with an_operator(50051) as operator:

            def broken() -> list[pb.Instance]:
                raise ValueError("a secret path")

            operator.scene.fleet.instances = broken  # type: ignore[method-assign]  # the mistake
            found = await refused(operator.stub.ListInstances(pb.ListInstancesRequest()))
            assert (found.code, found.reason) == (Code.INTERNAL, "INTERNAL")
            assert "secret" not in found.message
            incident = found.message.rpartition("=")[2]
            errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
            assert [vars(one)["fields"]["id"] for one in errors] == [incident]
            assert "a secret path" in caplog.text

    run(story())


def test_stale_socket_is_no_obstacle() -> None:
    """What a killed process left is replaced, and the file is there for its owner alone."""

    async def story() -> None:
        async with a_fleet() as scene:
            path = scene.directory / "admin.sock"
            first = AdminServer(AdminMethods(scene.fleet), str(path))
            await first.listen()
            left = scene.directory / "left"
            path.rename(left)
            await first.stop(0)
            left.rename(path)
            second = AdminServer(AdminMethods(scene.fleet), str(path))
            await second.listen()
            assert stat.S_ISSOCK(path.stat().st_mode)
            async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
                stub: AdminServiceAsyncStub = AdminServiceStub(channel)
                await stub.ListInstances(pb.ListInstancesRequest())
            await second.stop(0)
            assert not path.exists()

    run(story())


def test_place_that_cannot_be_used_is_told() -> None:
    """A directory that is not there is an OSError that names the path."""

    async def story() -> None:
        async with a_fleet() as scene:
            server = AdminServer(AdminMethods(scene.fleet), f"{scene.directory}/none/admin.sock")
            with pytest.raises(OSError, match=r"none/admin\.sock"):
                await server.listen()

    run(story())
