"""All instances of one launcher: what `operations` promises beside AdminService."""

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2 as chat
from chat_service.admin.fleet import unready
from chat_service.admin.operations import AdminError, Logged, Operations, Reloaded
from chat_service.admin.places import SILENT, SILENT_CALL_S
from chat_service.admin.remote import CALL_S
from chat_service.admin.samples import Reading, Usage
from chat_service.config import AdminConfig
from chat_service.link import Configured, InstanceState, LogLine, Stopping
from tests.admin.scene import Scene, a_fleet, config_of, run, until


def test_fleet_is_operations() -> None:
    """The console can be given a fleet; each method does what its name says."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            operations: Operations = scene.fleet
            instance = scene.launcher.instances[1]
            instance.users, instance.rooms = ["al"], {"tea": [chat.RoomEvent(seq=1)]}
            assert [one.port for one in operations.instances()] == [50051]
            assert (await operations.start(0)).port == 50052
            assert [one.port for one in await operations.stop(0)] == [50051, 50052]
            instance = (await operations.start(50051)) and scene.launcher.instances[1]
            instance.users, instance.rooms = ["al"], {"tea": [chat.RoomEvent(seq=1)]}
            assert [one.user.name async for one in operations.users(0)] == ["al"]
            assert [one.room.name async for one in operations.rooms(50051)] == ["tea"]
            assert [len(one.events) async for one in operations.export(50051, "tea")] == [1]
            assert await operations.say(0, "hello") == 1
            assert (await operations.kick(50051, "al", "")).sessions == 2
            assert len(await operations.figures(50051)) == 7
            assert await operations.reload() == Reloaded(("log.level",), ("host",))
            assert operations.sample_interval_s == 5
            assert operations.samples(50051) == []
            assert (await operations.restart(50051)).number == 1
            await operations.shutdown()
            assert operations.stopping

    run(story())


def test_say_reaches_all_that_answer() -> None:
    """An instance that cannot be reached is told, with how many heard it elsewhere."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            scene.launcher.instances[2].users = ["al", "bo"]
            # Gone, which the launcher has not noticed yet.
            await scene.launcher.instances[1].__aexit__()
            with pytest.raises(
                AdminError, match=r"^said to 2 clients; 50051 does not answer$"
            ) as told:
                await scene.fleet.say(0, "hello")
            assert told.value.reason == "INSTANCE_UNAVAILABLE"
            assert scene.launcher.instances[2].said == ["hello"]

    run(story())


def test_say_that_nobody_hears_is_no_error() -> None:
    """Without instances, or without anybody on them, it reaches 0 clients."""

    async def story() -> None:
        async with a_fleet() as scene:
            assert await scene.fleet.say(0, "hello") == 0
            await scene.serving(50051)
            assert await scene.fleet.say(0, "hello") == 0

    run(story())


def test_watchers_hear_of_each_change() -> None:
    """News, the stop and log lines call those who watch; a log line is no change."""

    async def story() -> None:
        async with a_fleet() as scene:
            changes: list[bool] = []
            lines: list[Logged] = []
            scene.fleet.watch(lambda: changes.append(scene.fleet.stopping))
            scene.fleet.watch_log(lines.append)
            await scene.serving(50051)
            before = len(changes)
            assert before >= 1
            scene.launcher.tell(LogLine(1, "from an instance"))
            scene.launcher.tell(LogLine(0, "from the launcher"))
            await until(lambda: len(lines) == 2)
            assert lines == [Logged(50051, "from an instance"), Logged(0, "from the launcher")]
            assert scene.fleet.recent_log(0) == lines
            assert scene.fleet.recent_log(50051) == lines[:1]
            assert len(changes) == before
            scene.launcher.tell(Stopping())
            await until(lambda: changes[-1])

    run(story())


def test_configuration_is_heard() -> None:
    """After a reload the interval is the new one, and who watches gets the whole."""

    async def story() -> None:
        async with a_fleet() as scene:
            heard: list[AdminConfig] = []
            scene.fleet.watch_config(heard.append)
            config = config_of(scene.directory, stats_interval_s=30)
            scene.launcher.tell(Configured(config.to_json()))
            await until(lambda: heard == [config])
            assert scene.fleet.sample_interval_s == 30

    run(story())


def test_all_serve_is_ready() -> None:
    """Instances that serve, and such that were stopped as asked, need nothing."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            assert unready(scene.fleet) == []
            await scene.fleet.stop(50052)
            assert unready(scene.fleet) == []

    run(story())


@pytest.mark.parametrize(
    ("state", "problem", "line"),
    [
        (InstanceState.WAITING, "was killed", "127.0.0.1:50052 waiting: was killed"),
        (InstanceState.STARTING, "", "127.0.0.1:50052 starting"),
        (InstanceState.STOPPING, "", "127.0.0.1:50052 stopping"),
        (InstanceState.STOPPED, "data damaged", "127.0.0.1:50052 stopped: data damaged"),
    ],
)
def test_what_should_serve_and_does_not_is_named(
    state: InstanceState, problem: str, line: str
) -> None:
    """One that does not serve makes the whole not ready, and is named with its reason."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            scene.launcher.now(2, state=state, problem=problem, pid=0)
            await scene.knows(50051)
            assert unready(scene.fleet) == [line]

    run(story())


def silent(scene: Scene, pid: int) -> None:
    """Have the first instance be one that did not answer."""
    place = scene.fleet.places.at(50051)
    place.history.add(Reading(1.0, 1000, pid, Usage(1.0, 1, 1), None))


def test_frozen_instance_is_not_ready() -> None:
    """An instance that did not answer when it was looked at last has a problem that says so."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            silent(scene, scene.launcher.news[1].pid)
            assert unready(scene.fleet) == [f"127.0.0.1:50051 serving: {SILENT}"]
            (shown,) = scene.fleet.instances()
            assert (shown.state, shown.problem) == (pb.INSTANCE_STATE_SERVING, SILENT)
            # What is not known is not 0.
            assert not shown.HasField("sample")
            assert scene.fleet.samples(50051) == []
            # The next process is another one.
            scene.launcher.now(1, pid=4711)
            await until(lambda: scene.fleet.instances()[0].pid == 4711)
            assert unready(scene.fleet) == []
            assert not scene.fleet.instances()[0].HasField("sample")

    run(story())


def test_who_did_not_answer_is_not_waited_for_long() -> None:
    """For seconds only; one that answered when it was looked at last has more time."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            silent(scene, scene.launcher.news[1].pid)
            places = scene.fleet.places
            assert places.at(50051).patience_s == SILENT_CALL_S == 2.0
            assert places.at(50052).patience_s == CALL_S == 10.0
            scene.launcher.instances[1].answers.clear()
            with pytest.raises(AdminError, match=r"^said to 0 clients; 50051 does not answer$"):
                await scene.fleet.say(0, "hello")

    run(story())


def test_nothing_that_serves_is_not_ready() -> None:
    """Before the first instance, without any, and while everything stops."""

    async def story() -> None:
        async with a_fleet() as scene:
            assert unready(scene.fleet) == ["no instance serves"]
            await scene.serving(50051)
            await scene.fleet.shutdown()
            assert unready(scene.fleet) == ["the server is stopping"]

    run(story())
