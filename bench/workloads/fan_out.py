"""How many deliveries a second, and what each costs, in one busy room.

Ours is durable; none of the peers stores anything. Each reader has its own connection.
"""

from functools import partial

from bench.figures import Measure
from bench.load import Crowd, LoadError, Readers, Senders, Sent, Watch
from bench.peers import INSPIRCD, NATS, NGIRCD, SOCKET_CHAT, Peer
from bench.workload import Ratio, Result, Round, Workload

ROOM = "busy"
SENDERS = 4
# As many as a stream may have unanswered.
WINDOW = 256
# The daemons that we compare with; the broker is none for chat, but does the same.
DAEMONS = (INSPIRCD, NGIRCD, NATS)
# The last deliveries are waited for so long.
LAST_DELIVERIES_S = 30.0


def run(size: str, round_: Round) -> Result:
    """Let the senders send as fast as they get answers, until all readers have everything."""
    scale = round_.scale
    count = scale.small_room if size == "small" else scale.large_room
    with (
        round_.server() as server,
        Readers(server, ROOM, count, streams=1) as readers,
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
            "server CPU a message": shares.server_s / sent.sent * 1e6,
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


def _workload(
    size: str,
    count: int,
    peers: tuple[Peer, ...],
    ratios: tuple[Ratio, ...],
    at_most_us: float | None = None,
) -> Workload:
    return Workload(
        f"fan-out-{count}",
        f"Fan-out: {{{size}_room:,}} subscribers of one room, {SENDERS} pipelined senders",
        (
            Measure("deliveries", "M/s"),
            Measure("server CPU a delivery", "µs", at_most=at_most_us),
            Measure("messages", "1/s"),
            Measure("server CPU a message", "µs"),
            Measure("server CPU", "cores"),
            Measure("busiest client's CPU", "cores"),
            Measure("readers cut off", "", at_most=0),
        ),
        partial(run, size),
        peers,
        ratios,
    )


def _deliveries(
    against: str, peers: tuple[Peer, ...], at_least: float, floor: float | None = None
) -> Ratio:
    measure = Measure(f"deliveries / {against}", "times", at_least=at_least, floor=floor)
    return Ratio(measure, "deliveries", [peer.name for peer in peers], more_is_better=True)


def _cpu(against: str, peers: tuple[Peer, ...], at_most: float) -> Ratio:
    measure = Measure(f"server CPU a delivery / {against}", "times", at_most=at_most)
    names = [peer.name for peer in peers]
    return Ratio(measure, "server CPU a delivery", names, more_is_better=False)


SMALL = _workload(
    "small",
    100,
    (*DAEMONS, SOCKET_CHAT),
    (
        _deliveries("the socket chat's", (SOCKET_CHAT,), 4.0),
        _cpu("the socket chat's", (SOCKET_CHAT,), 1.0),
    ),
    at_most_us=1.0,
)
LARGE = _workload(
    "large",
    1000,
    DAEMONS,
    (
        _deliveries("the best daemon's", DAEMONS, 1.0, 0.8),
        _cpu("the best daemon's", DAEMONS, 1.25),
    ),
)
