"""The figures of all instances, read by a parser that is not ours."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.metrics import Metrics, Scraped, exposition
from chat_service.admin.samples import Reading, Totals, Usage
from chat_service.link import InstanceState
from tests.admin.fake_instance import counter, gauge
from tests.admin.scene import Scene, a_fleet, run, until

ONE, TWO = "127.0.0.1:50051", "127.0.0.1:50052"


class Page:
    """What was read from a text."""

    def __init__(self, text: bytes) -> None:
        families = list(text_string_to_metric_families(text.decode()))
        self.types = {family.name: family.type for family in families}
        self.help = {family.name: family.documentation for family in families}
        self._labels = {
            family.name: {label for one in family.samples for label in one.labels}
            for family in families
        }
        self.samples: list[Sample] = [one for family in families for one in family.samples]
        keys = [(one.name, *sorted(one.labels.items())) for one in self.samples]
        assert len(set(keys)) == len(keys), "a series is there twice"
        assert len(self.types) == len(families), "a family is there twice"

    def labels(self, name: str) -> list[str]:
        """Return the labels that a figure has beside its server, and the bounds of its buckets."""
        return sorted(self._labels[name] - {"server", "le"})

    def value(self, name: str, server: str, **labels: str) -> float | None:
        """Return the value of one series; None: there is none."""
        wanted = {"server": server, **labels}
        for one in self.samples:
            if one.name == name and one.labels == wanted:
                return float(one.value)
        return None


async def scraped(scene: Scene) -> Page:
    """Return what is told of a scene."""
    return Page(await Metrics(lambda: scene.fleet.places).text())


def test_figures_of_all_instances() -> None:
    """Counters, gauges and histograms have the address of their instance, and its own labels."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            one, two = scene.launcher.instances.values()
            one.stored, two.stored = 12, 34
            one.users = ["al"]
            page = await scraped(scene)
            assert page.value("chat_messages_total", ONE) == 12
            assert page.value("chat_messages_total", TWO) == 34
            assert page.value("chat_users", ONE) == 1
            assert page.value("chat_rooms", TWO, kind="public") == 0
            assert page.types["chat_messages"] == "counter"
            assert page.types["chat_users"] == "gauge"
            assert page.types["chat_commit_seconds"] == "histogram"
            assert page.help["chat_commit_seconds"] == "Time of a commit."
            buckets = [("0.001", 3), ("0.01", 5), ("+Inf", 6)]
            for bound, count in buckets:
                assert page.value("chat_commit_seconds_bucket", ONE, le=bound) == count
            assert page.value("chat_commit_seconds_count", ONE) == 6
            assert page.value("chat_commit_seconds_sum", ONE) == 0.25

    run(story())


def test_state_and_process_of_each_instance() -> None:
    """What only the launcher and the system know stands beside the figures."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            scene.launcher.now(2, state=InstanceState.WAITING, restarts=3)
            await scene.knows(50051)
            place = scene.fleet.places.at(50051)
            totals = Totals(0, 0, 0, 0, 0)
            usage = Usage(1.5, 48 << 20, 5)
            place.history.add(Reading(1.0, 1000, place.news.pid, usage, totals))
            page = await scraped(scene)
            assert page.value("chat_instance_up", ONE) == 1
            assert page.value("chat_instance_up", TWO) == 0
            assert page.value("chat_instance_state", ONE, state="serving") == 1
            assert page.value("chat_instance_state", TWO, state="serving") == 0
            assert page.value("chat_instance_state", TWO, state="waiting") == 1
            assert page.value("chat_instance_restarts_total", TWO) == 3
            assert page.value("chat_instance_cpu_seconds_total", ONE) == 1.5
            assert page.value("chat_instance_memory_bytes", ONE) == 48 << 20
            assert page.value("chat_instance_connections", ONE) == 5
            assert page.value("chat_instance_memory_bytes", TWO) is None
            assert page.value("chat_messages_total", TWO) is None

    run(story())


def test_who_asks_at_once_gets_one_answer() -> None:
    """Several scrapes at a time ask each instance once; one that is given up harms no other."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            instance = scene.launcher.instances[1]
            instance.answers.clear()
            metrics = Metrics(lambda: scene.fleet.places)
            first, second, third = (asyncio.ensure_future(metrics.text()) for _ in range(3))
            await until(lambda: instance.calls == 1)
            first.cancel()
            instance.answers.set()
            assert await second == await third
            assert instance.calls == 1
            await metrics.text()
            assert instance.calls == 2

    run(story())


def scraped_as(server: str, *figures: pb.Figure) -> Scraped:
    """Return what is told of an instance that serves."""
    return Scraped(server, InstanceState.SERVING, 0, None, list(figures))


def test_labels_that_one_has_are_empty_at_another() -> None:
    """A family has the same labels throughout, whatever each instance tells."""
    page = Page(
        exposition(
            [
                scraped_as(ONE, gauge("chat_streams", 1, kind="chat")),
                scraped_as(TWO, gauge("chat_streams", 2)),
            ]
        )
    )
    assert page.value("chat_streams", ONE, kind="chat") == 1
    assert page.value("chat_streams", TWO, kind="") == 2


def test_kinds_that_differ_are_not_mixed() -> None:
    """Where two versions of the program differ, the first one's kind is told, alone."""
    page = Page(
        exposition([scraped_as(ONE, counter("chat_x", 1)), scraped_as(TWO, gauge("chat_x", 2))])
    )
    assert page.value("chat_x_total", ONE) == 1
    assert page.value("chat_x_total", TWO) is None


def test_odd_characters_stay_in_their_place() -> None:
    """Quotes, backslashes and breaks of a label or a help break no line."""
    odd = gauge("chat_rejections", 1, reason='a"b\\c\nd')
    odd.help = "Two\nlines \\ and more."
    page = Page(exposition([scraped_as(ONE, odd)]))
    assert page.value("chat_rejections", ONE, reason='a"b\\c\nd') == 1


def test_nothing_to_tell_is_no_error() -> None:
    """Without instances, or with such that have no port yet, there is a text all the same."""
    assert Page(exposition([])).samples == []
