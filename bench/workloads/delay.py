"""How long from post to delivery, at the pace of people: each client its own connection."""

from functools import partial

from bench.figures import Measure, percentile
from bench.load import Readers, Senders, Watch
from bench.posix import sync_seconds
from bench.workload import Result, Round, Workload
from bench.workloads.fan_out import complete

ROOM = "talk"
SENDERS = 4
# At least so many readers take the time; the others only count.
WITNESSES = 20
LAST_DELIVERIES_S = 10.0
# A schedule is kept when nearly all posts leave us within this time of when they are due.
ON_TIME_MS = 2.0


def run(size: str, round_: Round) -> Result:
    """Post by a schedule; take the time from when a post was due to each witness."""
    scale = round_.scale
    small = size == "small"
    count = scale.small_room if small else scale.large_room
    rate = scale.small_room_rate if small else scale.large_room_rate
    sync_ms = percentile([seconds * 1e3 for seconds in sync_seconds(round_.directory)], 50)
    with (
        round_.server() as server,
        Readers(
            server, ROOM, count, streams=1, witness_every=max(1, count // WITNESSES)
        ) as readers,
        Senders(server, ROOM, SENDERS) as senders,
    ):
        warm_up = senders.pace(rate=rate, seconds=scale.warm_up_s)
        complete(readers.wait_events(warm_up.sent, LAST_DELIVERIES_S), warm_up)
        readers.settle()
        watch = Watch(server, [*readers.workers, senders.worker])
        sent = senders.pace(rate=rate, seconds=scale.pace_s)
        crowd = readers.wait_events(sent.sent, LAST_DELIVERIES_S)
        shares = watch.shares()
    complete(crowd, sent)
    notes = shares.notes()
    late_ms = percentile(sent.times_us, 99) / 1e3
    if late_ms > ON_TIME_MS:
        notes.append(f"the sender was late itself, p99 {late_ms:.1f} ms, which counts here")
    return Result(
        {
            "post to delivery p50": percentile(crowd.delays_us, 50) / 1e3,
            "post to delivery p99": percentile(crowd.delays_us, 99) / 1e3,
            "server CPU a delivery": shares.server_s / (sent.sent * count) * 1e6,
            "server CPU": shares.server,
            "busiest client's CPU": shares.busiest_client,
            "fdatasync of this directory p50": sync_ms,
        },
        notes,
    )


def _workload(size: str, count: int, p50: float, p99: float, cpu: float | None) -> Workload:
    return Workload(
        f"delay-{count}",
        f"Delay: {{{size}_room:,}} clients in one room, {{{size}_room_rate:g}} messages/s",
        (
            Measure("post to delivery p50", "ms", at_most=p50),
            # For the small room the target allows twice the fdatasync beside.
            Measure("post to delivery p99", "ms", at_most=p99),
            Measure("server CPU a delivery", "µs", at_most=cpu),
            Measure("server CPU", "cores"),
            Measure("busiest client's CPU", "cores"),
            Measure("fdatasync of this directory p50", "ms"),
        ),
        partial(run, size),
    )


SMALL = _workload("small", 100, 3.0, 8.0, None)
LARGE = _workload("large", 1000, 25.0, 50.0, 25.0)
