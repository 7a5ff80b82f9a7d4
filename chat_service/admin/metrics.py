"""The figures of all instances as Prometheus reads them.

Each figure of an instance has the label `server`, its address. Beside them stands what only
this process knows: state, restarts, processor, memory and connections of each.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.operations import AdminError
from chat_service.admin.places import Place
from chat_service.admin.samples import Usage
from chat_service.link import InstanceState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

PATIENCE_S = 2.0
"""An instance that does not tell its figures within this is shown without them."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """What is told of one instance. `figures` is None where it does not serve or answer."""

    server: str
    state: InstanceState
    restarts: int
    usage: Usage | None
    figures: list[pb.Figure] | None


class Metrics:
    """Asks all instances that serve, side by side, whenever somebody wants to know."""

    def __init__(self, places: Callable[[], Iterable[Place]]) -> None:
        self._places = places
        self._under_way: asyncio.Future[bytes] | None = None

    async def text(self) -> bytes:
        """Return the text; who asks while it is made gets the same one."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.ensure_future(self._made())
        return await asyncio.shield(self._under_way)

    async def _made(self) -> bytes:
        # A port that the system has not chosen yet would not tell one from another.
        places = [place for place in self._places() if place.news.port]
        return exposition(await asyncio.gather(*map(_scrape, places)))


async def _scrape(place: Place) -> Scraped:
    news = place.news
    try:
        figures = await place.serving().figures(news.port, PATIENCE_S)
    except AdminError:
        figures = None
    usage = place.history.usage_of(news.pid)
    return Scraped(news.address, news.state, news.restarts, usage, figures)


def exposition(scraped: list[Scraped]) -> bytes:
    """Write down what was scraped, in Prometheus' text format."""
    return generate_latest(_Collected(scraped))


class _Collected:
    def __init__(self, scraped: list[Scraped]) -> None:
        self._scraped = scraped

    def collect(self) -> Iterable[Metric]:
        yield from _own(self._scraped)
        by_name: dict[str, list[tuple[str, pb.Figure]]] = {}
        for one in self._scraped:
            for figure in one.figures or ():
                by_name.setdefault(figure.name, []).append((one.server, figure))
        for name in sorted(by_name):
            yield _family(by_name[name])


def _own(scraped: list[Scraped]) -> Iterator[Metric]:
    def gauge(name: str, text: str, *values: tuple[str, float]) -> Metric:
        family = GaugeMetricFamily(f"chat_instance_{name}", text, labels=["server"])
        for server, value in values:
            family.add_metric([server], value)
        return family

    used = [(one.server, one.usage) for one in scraped if one.usage]
    yield gauge(
        "up",
        "1 if the instance serves and has answered.",
        *((one.server, one.figures is not None) for one in scraped),
    )
    yield gauge(
        "memory_bytes",
        "Resident set of the process.",
        *((server, usage.memory_bytes) for server, usage in used),
    )
    yield gauge(
        "connections",
        "Established connections to the port.",
        *((server, usage.connections) for server, usage in used),
    )
    cpu = CounterMetricFamily(
        "chat_instance_cpu_seconds", "Time of a core that the process has used.", labels=["server"]
    )
    for server, usage in used:
        cpu.add_metric([server], usage.cpu_s)
    yield cpu
    restarts = CounterMetricFamily(
        "chat_instance_restarts",
        "How often the process ended by itself and was started again.",
        labels=["server"],
    )
    state = GaugeMetricFamily(
        "chat_instance_state", "1 for the state that it is in.", labels=["server", "state"]
    )
    for one in scraped:
        restarts.add_metric([one.server], one.restarts)
        for each in InstanceState:
            state.add_metric([one.server, each.value], each is one.state)
    yield restarts
    yield state


def _family(told: list[tuple[str, pb.Figure]]) -> Metric:
    first = told[0][1]
    names = sorted({name for _, figure in told for each in figure.values for name in each.labels})
    labels = ["server", *names]
    values = [
        ([server, *(each.labels.get(name, "") for name in names)], each)
        for server, figure in told
        # Of another version of the program, perhaps.
        if figure.kind == first.kind and figure.bounds == first.bounds
        for each in figure.values
    ]
    match first.kind:
        case pb.FIGURE_KIND_HISTOGRAM:
            bounds = [*map(floatToGoString, first.bounds), "+Inf"]
            histogram = HistogramMetricFamily(first.name, first.help, labels=labels)
            for where, each in values:
                counts = itertools.accumulate(each.buckets)
                histogram.add_metric(where, list(zip(bounds, counts, strict=True)), each.value)
            return histogram
        case pb.FIGURE_KIND_COUNTER:
            counter = CounterMetricFamily(first.name, first.help, labels=labels)
            for where, each in values:
                counter.add_metric(where, each.value)
            return counter
        case _:
            gauge = GaugeMetricFamily(first.name, first.help, labels=labels)
            for where, each in values:
                gauge.add_metric(where, each.value)
            return gauge
