"""How many messages a second are made durable, when nobody reads them."""

from bench.figures import Measure, percentile
from bench.load import Senders, Watch
from bench.posix import sync_seconds
from bench.workload import Result, Round, Workload

ROOM = "inbox"
SENDERS = 4
WINDOW = 256


def run_pipelined(round_: Round) -> Result:
    """Let the senders send as fast as they get acks."""
    scale = round_.scale
    with round_.server() as server, Senders(server, ROOM, SENDERS) as senders:
        senders.send(seconds=scale.warm_up_s, count=scale.send_count, window=WINDOW)
        watch = Watch(server, [senders.worker])
        sent = senders.send(seconds=scale.send_s, count=scale.send_count, window=WINDOW)
        shares = watch.shares()
    return Result(
        {
            "acked messages": sent.sent / sent.seconds,
            "server CPU a message": shares.server_s / sent.sent * 1e6,
            "server CPU": shares.server,
            "client's CPU": shares.busiest_client,
        },
        shares.notes(),
    )


def run_waiting(round_: Round) -> Result:
    """Let one client wait for each ack before it sends again."""
    scale = round_.scale
    sync_ms = [seconds * 1e3 for seconds in sync_seconds(round_.directory)]
    with round_.server() as server, Senders(server, ROOM, 1) as senders:
        senders.send(seconds=scale.warm_up_s, count=scale.send_count, window=1)
        watch = Watch(server, [senders.worker])
        sent = senders.send(seconds=scale.send_s, count=scale.send_count, window=1)
        shares = watch.shares()
    return Result(
        {
            "acked messages": sent.sent / sent.seconds,
            "wait for an ack p50": percentile(sent.times_us, 50) / 1e3,
            "wait for an ack p99": percentile(sent.times_us, 99) / 1e3,
            "server CPU a message": shares.server_s / sent.sent * 1e6,
            "fdatasync of this directory p50": percentile(sync_ms, 50),
        },
        shares.notes(),
    )


PIPELINED = Workload(
    "ingest",
    f"Durable ingest: {SENDERS} senders, each with {WINDOW} posts unanswered",
    (
        Measure("acked messages", "1/s", at_least=20_000),
        Measure("server CPU a message", "µs"),
        Measure("server CPU", "cores"),
        Measure("client's CPU", "cores"),
    ),
    run_pipelined,
)

WAITING = Workload(
    "ingest-waiting",
    "Durable ingest: one client that waits for each ack",
    (
        Measure("acked messages", "1/s", at_least=1_000),
        Measure("wait for an ack p50", "ms"),
        Measure("wait for an ack p99", "ms"),
        Measure("server CPU a message", "µs"),
        Measure("fdatasync of this directory p50", "ms"),
    ),
    run_waiting,
)
