"""How many deliveries a second, and what each costs: one busy room, everything durable."""

from functools import partial

from bench.figures import Measure
from bench.load import Crowd, LoadError, Readers, Senders, Sent, Watch
from bench.workload import Result, Round, Workload

ROOM = "busy"
SENDERS = 4
# As many as a stream may have unanswered.
WINDOW = 256
# As many as the server allows on one connection.
STREAMS = 32
# The last deliveries are waited for so long.
LAST_DELIVERIES_S = 30.0


def run(size: str, round_: Round) -> Result:
    """Let the senders send as fast as they get acks, until all readers have everything."""
    scale = round_.scale
    count = scale.small_room if size == "small" else scale.large_room
    with (
        round_.server() as server,
        Readers(server, ROOM, count, streams=STREAMS) as readers,
        Senders(server, ROOM, SENDERS) as senders,
    ):
        warm_up = senders.send(seconds=scale.warm_up_s, count=scale.send_count, window=WINDOW)
        complete(readers.wait_events(warm_up.sent, LAST_DELIVERIES_S), warm_up)
        readers.settle()
        watch = Watch(server, [*readers.workers, senders.worker])
        sent = senders.send(seconds=scale.send_s, count=scale.send_count, window=WINDOW)
        crowd = readers.wait_events(sent.sent, LAST_DELIVERIES_S)
        shares = watch.shares()
    complete(crowd, sent)
    deliveries = sent.sent * count
    seconds = (crowd.last_ns - sent.began_ns) / 1e9
    return Result(
        {
            "deliveries": deliveries / seconds / 1e6,
            "server CPU a delivery": shares.server_s / deliveries * 1e6,
            "messages": sent.sent / seconds,
            "server CPU": shares.server,
            "busiest client's CPU": shares.busiest_client,
            "readers cut off": crowd.cut,
        },
        shares.notes(),
    )


def complete(crowd: Crowd, sent: Sent) -> None:
    """Check that every reader got every message. Raises LoadError."""
    if crowd.cut or crowd.behind or crowd.events != sent.sent:
        raise LoadError(
            f"of {sent.sent} messages the readers have {crowd.events}; "
            f"{crowd.cut} are cut off, {crowd.behind} have other bytes than the witness"
        )


def _workload(size: str, count: int, at_most_us: float | None) -> Workload:
    return Workload(
        f"fan-out-{count}",
        f"Fan-out: {{{size}_room:,}} subscribers of one room, {SENDERS} pipelined senders",
        (
            Measure("deliveries", "M/s"),
            Measure("server CPU a delivery", "µs", at_most=at_most_us),
            Measure("messages", "1/s"),
            Measure("server CPU", "cores"),
            Measure("busiest client's CPU", "cores"),
            Measure("readers cut off", "", at_most=0),
        ),
        partial(run, size),
    )


SMALL = _workload("small", 100, 1.0)
LARGE = _workload("large", 1000, None)
