"""The figures that an instance tells of itself: one table, from which GetFigures is made.

Names and kinds are those of Prometheus. Counters and histograms begin with 0 at the start of
the process; established connections are counted by who can see the sockets.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.edge.tally import EdgeStatistics
from chat_service.histogram import Distribution
from chat_service.hub.hub import HubStatistics
from chat_service.log.contract import LogStatistics


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that figures are made of, at one moment."""

    log: LogStatistics
    hub: HubStatistics
    edge: EdgeStatistics
    # When the process began to serve, in milliseconds since 1970.
    start_ms: int
    # Open streams of each kind, and users with a Chat stream.
    chat_streams: int
    subscribe_streams: int
    users: int
    # Sessions that are signed in, with a stream or without.
    sessions: int
    public_rooms: int
    direct_rooms: int
    # Memberships of public rooms.
    members: int


# Values of one figure: each with its labels.
_Values = Iterable[pb.FigureValue]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    kind: pb.FigureKind.ValueType
    help: str
    values: Callable[[Snapshot], _Values]
    # Of a histogram.
    spread: Callable[[Snapshot], Distribution] | None = None


def _one(value: Callable[[Snapshot], float]) -> Callable[[Snapshot], _Values]:
    return lambda snapshot: [pb.FigureValue(value=value(snapshot))]


def _each(label: str, **values: Callable[[Snapshot], float]) -> Callable[[Snapshot], _Values]:
    return lambda snapshot: [
        pb.FigureValue(labels={label: name}, value=value(snapshot))
        for name, value in values.items()
    ]


def _counter(name: str, help_: str, value: Callable[[Snapshot], float]) -> _Row:
    return _Row(name, pb.FIGURE_KIND_COUNTER, help_, _one(value))


def _gauge(name: str, help_: str, value: Callable[[Snapshot], float]) -> _Row:
    return _Row(name, pb.FIGURE_KIND_GAUGE, help_, _one(value))


def _histogram(name: str, help_: str, spread: Callable[[Snapshot], Distribution]) -> _Row:
    def values(snapshot: Snapshot) -> _Values:
        found = spread(snapshot)
        return [pb.FigureValue(value=found.total, buckets=found.counts)]

    return _Row(name, pb.FIGURE_KIND_HISTOGRAM, help_, values, spread)


def _by_method(
    label: str, counts: Callable[[Snapshot], Iterable[tuple[tuple[str, str], int]]]
) -> Callable[[Snapshot], _Values]:
    return lambda snapshot: [
        pb.FigureValue(labels={"method": method, label: other}, value=count)
        for (method, other), count in counts(snapshot)
    ]


_TABLE = (
    _counter(
        "chat_acks",
        "Orders and posts that were answered with success.",
        lambda s: s.edge.acks,
    ),
    _Row(
        "chat_calls",
        pb.FIGURE_KIND_COUNTER,
        "Calls that ended, streams included, by method and gRPC status.",
        _by_method("status", lambda s: s.edge.calls),
    ),
    _histogram(
        "chat_commit_orders",
        "Orders that were committed together.",
        lambda s: s.log.batch_orders,
    ),
    _histogram(
        "chat_commit_seconds",
        "Time of a commit from its first order to the end of its sync, in seconds.",
        lambda s: s.log.commit_seconds,
    ),
    _Row(
        "chat_commits",
        pb.FIGURE_KIND_COUNTER,
        "Commits that were stored, and those that failed.",
        _each("outcome", stored=lambda s: s.log.commits, failed=lambda s: s.log.failed_commits),
    ),
    _counter(
        "chat_deliveries",
        "Events times the readers that they were handed to, replays included.",
        lambda s: s.hub.deliveries,
    ),
    _gauge(
        "chat_disk_full",
        "1 if the disk was full when a post was to be stored last, else 0.",
        lambda s: s.log.disk_full,
    ),
    _counter(
        "chat_duplicates",
        "Posts that were repeated and got their first answer.",
        lambda s: s.edge.duplicates,
    ),
    _Row(
        "chat_ended_streams",
        pb.FIGURE_KIND_COUNTER,
        "Streams that ended, by method and reason: OK, CANCELLED by the client, or ours.",
        _by_method("reason", lambda s: s.edge.ends),
    ),
    _histogram(
        "chat_fan_out_seconds",
        "Time from a tick of a room until nine tenths of its readers had written it, in seconds.",
        lambda s: s.hub.fan_out_seconds,
    ),
    _counter("chat_kicks", "Users that the operator removed.", lambda s: s.edge.kicks),
    _gauge(
        "chat_largest_queue_bytes",
        "Bytes that wait for the reader who is furthest behind.",
        lambda s: s.hub.largest_queue_bytes,
    ),
    _gauge("chat_log_backlog", "Orders that wait for their commit.", lambda s: s.log.backlog),
    _gauge("chat_members", "Memberships of public rooms.", lambda s: s.members),
    _counter("chat_messages", "Messages that were stored.", lambda s: s.edge.messages),
    _counter(
        "chat_pruned_events", "Events that retention let go of.", lambda s: s.edge.pruned_events
    ),
    _gauge(
        "chat_queued_bytes",
        "Bytes that wait for all readers together.",
        lambda s: s.hub.queued_bytes,
    ),
    _Row(
        "chat_rejections",
        pb.FIGURE_KIND_COUNTER,
        "Orders and unary calls that were refused, by reason.",
        lambda s: [
            pb.FigureValue(labels={"reason": reason}, value=count)
            for reason, count in s.edge.rejections
        ],
    ),
    _gauge("chat_ring_bytes", "Bytes of recent events in memory.", lambda s: s.hub.ring_bytes),
    _Row(
        "chat_rooms",
        pb.FIGURE_KIND_GAUGE,
        "Rooms by kind.",
        _each("kind", public=lambda s: s.public_rooms, direct=lambda s: s.direct_rooms),
    ),
    _gauge(
        "chat_sessions",
        "Sessions that are signed in, with a stream or without.",
        lambda s: s.sessions,
    ),
    _gauge(
        "chat_start_time_seconds",
        "When the instance began to serve, in seconds since 1970.",
        lambda s: s.start_ms / 1000,
    ),
    _Row(
        "chat_streams",
        pb.FIGURE_KIND_GAUGE,
        "Open streams by kind.",
        _each("kind", chat=lambda s: s.chat_streams, subscribe=lambda s: s.subscribe_streams),
    ),
    _gauge(
        "chat_subscriptions",
        "Rooms that are read now, once for each stream.",
        lambda s: s.hub.subscriptions,
    ),
    _gauge("chat_users", "Users with a Chat stream.", lambda s: s.users),
    _counter(
        "chat_written_bytes",
        "Bytes of frames that were handed to the transport.",
        lambda s: s.hub.written_bytes,
    ),
)


def figures(snapshot: Snapshot) -> list[pb.Figure]:
    """Return each figure with its values, by name."""
    return [
        pb.Figure(
            name=row.name,
            kind=row.kind,
            help=row.help,
            bounds=() if row.spread is None else row.spread(snapshot).bounds,
            values=row.values(snapshot),
        )
        for row in _TABLE
    ]
