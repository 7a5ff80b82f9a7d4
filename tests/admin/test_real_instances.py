"""A fleet of real servers in this process: names of figures, tokens and refusals fit."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from chat_service.admin.metrics import Metrics
from chat_service.admin.operations import AdminError
from chat_service.admin.remote import PassedOnError
from chat_service.admin.samples import Totals, totals_of
from chat_service.link import InstanceNews, InstanceState
from tests.admin.scene import PATIENCE, Scene, a_fleet, run
from tests.admin.test_metrics import Page
from tests.edge.operator import Operated

MANUAL = Path(__file__).parents[2] / "docs" / "monitoring.md"


@dataclass(frozen=True)
class Real:
    """Two real servers and their fleet; ports rise."""

    scene: Scene
    servers: list[Operated]
    ports: list[int]

    async def counted(self, port: int, totals: Totals) -> None:
        """Wait until an instance has measured this: what is written is counted afterwards."""
        found = None
        try:
            async with asyncio.timeout(PATIENCE):
                while found != totals:
                    found = totals_of(await self.scene.fleet.figures(port))
        except TimeoutError:
            raise AssertionError(f"{found} and not {totals}") from None


@asynccontextmanager
async def two_servers() -> AsyncIterator[Real]:
    """Start two servers, and have a fleet know them as it would from the launcher."""
    async with a_fleet() as scene, Operated() as one, Operated() as two:
        by_port = {int(server.address.rpartition(":")[2]): server for server in (one, two)}
        ports = sorted(by_port)
        for number, port in enumerate(ports, 1):
            server = by_port[port]
            scene.launcher.tell(
                InstanceNews(
                    number,
                    server.address,
                    port,
                    InstanceState.SERVING,
                    1,
                    0,
                    os.getpid(),
                    str(server.data_dir),
                )
            )
        await scene.knows(*ports)
        yield Real(scene, [by_port[port] for port in ports], ports)


def test_samples_are_made_of_what_instances_measure() -> None:
    """Users, streams, public rooms, stored messages and deliveries are what happened."""

    async def story() -> None:
        async with two_servers() as real:
            alice, bob = await real.servers[0].guests("alice", "bob")
            for text in ("one", "two", "three"):
                await alice.says(text)
                await bob.hears(text)
                await alice.hears(text)
            await real.counted(real.ports[0], Totals(2, 2, 1, 3, 6))
            await real.counted(real.ports[1], Totals(0, 0, 1, 0, 0))

    run(story())


def test_metrics_of_real_instances_can_be_read() -> None:
    """A parser that is not ours reads them, with a series of each server."""

    async def story() -> None:
        async with two_servers() as real:
            alice = await real.servers[0].guest("alice", "lobby")
            await alice.says("hello")
            page = Page(await Metrics(lambda: real.scene.fleet.places).text())
            first, second = (server.address for server in real.servers)
            assert page.value("chat_messages_total", first) == 1
            assert page.value("chat_messages_total", second) == 0
            assert page.value("chat_commit_seconds_count", first)
            assert page.value("chat_rooms", second, kind="public") == 1
            assert page.value("chat_instance_up", second) == 1

    run(story())


def test_every_figure_is_documented() -> None:
    """docs/monitoring.md has a row for each figure with kind, labels and meaning, and no other."""

    async def story() -> None:
        async with two_servers() as real:
            # Labels of what never happened are not told.
            await real.servers[0].guest("alice", "lobby")
            with pytest.raises(AdminError):
                await real.scene.fleet.kick(real.ports[0], "nobody", "")
            with pytest.raises(AdminError):
                await anext(real.scene.fleet.export(real.ports[0], "nowhere"))
            page = Page(await Metrics(lambda: real.scene.fleet.places).text())
            told = {
                (
                    name + "_total" * (kind == "counter"),
                    kind,
                    ", ".join(f"`{label}`" for label in page.labels(name)),
                    page.help[name],
                )
                for name, kind in page.types.items()
            }
            rows = re.findall(
                r"^\| `(chat_\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", MANUAL.read_text(), re.M
            )
            assert set(rows) == told
            assert len(rows) == len(told)

    run(story())


def test_lists_of_real_instances_are_one_list() -> None:
    """Tokens of the instances lead through all of them, however small the pages are."""

    async def story() -> None:
        async with two_servers() as real:
            for server, names in zip(real.servers, (["al", "bo", "cy"], ["di", "ed"]), strict=True):
                for name in names:
                    await server.joins(name)
            await real.servers[1].guest("fay", "tea")
            fleet = real.scene.fleet
            found, token = [], ""
            while True:
                page = await fleet.users_page(0, 2, token)
                found += [(user.port, user.user.name) for user in page.items]
                token = page.next_token
                if not token:
                    break
            one, two = real.ports
            assert found == [
                *((one, name) for name in ("al", "bo", "cy")),
                *((two, name) for name in ("di", "ed", "fay")),
            ]
            assert [user.user.name async for user in fleet.users(two)] == ["di", "ed", "fay"]
            rooms = [(room.port, room.room.name) async for room in fleet.rooms(0)]
            assert rooms == [(one, "lobby"), (two, "lobby"), (two, "tea")]

    run(story())


def test_orders_reach_people() -> None:
    """What is said is heard on all instances, a kick ends the session, an export has it all."""

    async def story() -> None:
        async with two_servers() as real:
            fleet = real.scene.fleet
            alice = await real.servers[0].guest("alice", "lobby")
            await real.servers[1].guest("bob", "lobby")
            await alice.says("hello")
            assert await fleet.say(0, "back soon") == 2
            events = [
                event
                async for part in fleet.export(real.ports[0], "lobby")
                for event in part.events
            ]
            assert [event.message.text for event in events] == ["hello"]
            response = await fleet.kick(real.ports[0], "ALICE", "enough")
            assert (response.user.name, response.sessions) == ("alice", 1)
            ended = await alice.chat.done()
            assert ended is not None
            assert (ended.code, ended.reason) == (grpc.StatusCode.PERMISSION_DENIED, "KICKED")

    run(story())


def test_refusals_of_real_instances_are_passed_on() -> None:
    """Each has the instance's own status and reason."""

    async def story() -> None:
        async with two_servers() as real:
            fleet, port = real.scene.fleet, real.ports[0]

            async def export() -> None:
                async for _ in fleet.export(port, "nowhere"):
                    pass

            async def users() -> None:
                await fleet.users_page(0, 1, (await fleet.rooms_page(0, 1, "")).next_token)

            await real.servers[0].guest("alice", "lobby", "tea")
            for call, code in (
                (fleet.kick(port, "nobody", ""), grpc.StatusCode.NOT_FOUND),
                (fleet.say(port, ""), grpc.StatusCode.INVALID_ARGUMENT),
                (export(), grpc.StatusCode.NOT_FOUND),
                (users(), grpc.StatusCode.INVALID_ARGUMENT),
            ):
                with pytest.raises(PassedOnError) as refused:
                    await call
                assert refused.value.code is code
                assert refused.value.details

    run(story())


def test_server_that_ends_is_unavailable() -> None:
    """A server that has stopped, which the launcher has not told yet, does not answer."""

    async def story() -> None:
        async with two_servers() as real:
            await real.servers[0].ends()
            with pytest.raises(AdminError) as refused:
                await real.scene.fleet.figures(real.ports[0])
            assert refused.value.reason == "INSTANCE_UNAVAILABLE"

    run(story())
