"""How long from post to delivery when a room is as busy as it can be, but for a fifth."""

from functools import partial

from bench import senders
from bench.figures import Measure, percentile
from bench.load import Readers, Senders, Watch
from bench.workload import Result, Round, Workload
from bench.workloads import delay, fan_out
from bench.workloads.fan_out import complete

ROOM = "heavy"
# Of the greatest rate, measured just before on the same server.
PART = 0.8
# Readers that take the time. Each parses every event: 20 of them used a core, which the
# server then lacked.
WITNESSES = 2
# As many posts go out at once as when the greatest rate is measured.
BUNCH = int(fan_out.WINDOW * senders.BUNCH)


def run(size: str, round_: Round) -> Result:
    """Find out the greatest rate; then post at four fifths of it by a schedule."""
    scale = round_.scale
    count = scale.small_room if size == "small" else scale.large_room
    with (
        round_.server() as server,
        Readers(
            server, ROOM, count, streams=1, witness_every=max(1, count // WITNESSES)
        ) as readers,
        Senders(server, ROOM, fan_out.SENDERS) as load,
    ):
        for seconds in (scale.warm_up_s, scale.send_s):
            fast = load.send(seconds=seconds, count=scale.send_count, window=fan_out.WINDOW)
            crowd = readers.wait_events(fast.sent, fan_out.LAST_DELIVERIES_S)
            complete(crowd, fast)
            readers.settle()
        greatest = fast.sent / ((crowd.last_ns - fast.began_ns) / 1e9)
        watch = Watch(server, [*readers.workers, load.worker])
        sent = load.pace(rate=PART * greatest, seconds=scale.pace_s, bunch=BUNCH)
        crowd = readers.wait_events(sent.sent, fan_out.LAST_DELIVERIES_S)
        shares = watch.shares()
    complete(crowd, sent)
    notes = shares.notes()
    late_ms = percentile(sent.times_us, 99) / 1e3
    if late_ms > delay.ON_TIME_MS:
        notes.append(f"the sender was late itself, p99 {late_ms:.1f} ms, which counts here")
    deliveries = sent.sent * count
    return Result(
        {
            "greatest rate": greatest,
            "messages": sent.sent / sent.seconds,
            delay.P50: percentile(crowd.delays_us, 50) / 1e3,
            delay.P99: percentile(crowd.delays_us, 99) / 1e3,
            "server CPU a delivery": shares.server_s / deliveries * 1e6,
            "server CPU": shares.server,
            "busiest client's CPU": shares.busiest_client,
            "readers cut off": crowd.cut,
        },
        notes,
    )


def _workload(size: str, count: int) -> Workload:
    return Workload(
        f"delay-heavy-{count}",
        f"Delay: {{{size}_room:,}} clients in one room, at {PART:.0%} of the greatest rate",
        (
            Measure("greatest rate", "1/s"),
            Measure("messages", "1/s"),
            Measure(delay.P50, "ms"),
            Measure(delay.P99, "ms", at_most=100),
            Measure("server CPU a delivery", "µs"),
            Measure("server CPU", "cores"),
            Measure("busiest client's CPU", "cores"),
            Measure("readers cut off", "", at_most=0),
        ),
        partial(run, size),
    )


SMALL = _workload("small", 100)
LARGE = _workload("large", 1000)
