"""How long from post to delivery, at the pace of people: each client its own connection."""

from functools import partial

from bench.figures import Measure, percentile
from bench.load import Readers, Senders, Watch
from bench.peers import NGIRCD
from bench.posix import sync_seconds
from bench.workload import Ratio, Result, Round, Workload
from bench.workloads.fan_out import complete

ROOM = "talk"
SENDERS = 4
# At least so many readers take the time; the others only count.
WITNESSES = 20
LAST_DELIVERIES_S = 10.0
# A schedule is kept when nearly all posts leave us within this time of when they are due.
ON_TIME_MS = 2.0

P50 = "post to delivery p50"
P99 = "post to delivery p99"


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
            P50: percentile(crowd.delays_us, 50) / 1e3,
            P99: (p99_ms := percentile(crowd.delays_us, 99) / 1e3),
            "p99 less two fdatasync": p99_ms - 2 * sync_ms,
            "server CPU a delivery": shares.server_s / (sent.sent * count) * 1e6,
            "server CPU a message": shares.server_s / sent.sent * 1e6,
            "server CPU": shares.server,
            "busiest client's CPU": shares.busiest_client,
            "readers cut off": crowd.cut,
            "fdatasync of this directory p50": sync_ms,
        },
        notes,
    )


def _workload(
    size: str,
    count: int,
    *,
    p50: float,
    p99: float | None = None,
    p99_less: float | None = None,
    cpu: float | None = None,
    ratios: tuple[Ratio, ...] = (),
) -> Workload:
    return Workload(
        f"delay-{count}",
        f"Delay: {{{size}_room:,}} clients in one room, {{{size}_room_rate:g}} messages/s",
        (
            Measure(P50, "ms", at_most=p50),
            Measure(P99, "ms", at_most=p99),
            Measure("p99 less two fdatasync", "ms", at_most=p99_less),
            Measure("server CPU a delivery", "µs", at_most=cpu),
            Measure("server CPU a message", "µs"),
            Measure("server CPU", "cores"),
            Measure("busiest client's CPU", "cores"),
            Measure("readers cut off", "", at_most=0),
            Measure("fdatasync of this directory p50", "ms"),
        ),
        partial(run, size),
        (NGIRCD,),
        ratios,
    )


def _ratio(of: str) -> Ratio:
    measure = Measure(f"{of} / ngIRCd's", "times", at_most=3.0)
    return Ratio(measure, of, [NGIRCD.name], more_is_better=False)


SMALL = _workload("small", 100, p50=3.0, p99_less=8.0, ratios=(_ratio(P50), _ratio(P99)))
LARGE = _workload("large", 1000, p50=25.0, p99=50.0, cpu=25.0)
