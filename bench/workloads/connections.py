"""Thousands of signed-in clients: the memory that each costs, and the delay among them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.figures import Measure, percentile
from bench.load import Readers, Senders, Watch
from bench.server import Server
from bench.workload import Result, Round, Workload
from bench.workloads.delay import LAST_DELIVERIES_S, ON_TIME_MS, WITNESSES
from bench.workloads.fan_out import complete

SENDERS = 4
SHARED_STREAMS = 32


def run(round_: Round) -> Result:
    """Open streams on a connection each, and let some of them talk; then on shared ones."""
    scale = round_.scale
    count = scale.streams
    with round_.server("own") as server:
        idle = server.resident_bytes()
        with _rooms(server, round_, streams=1) as rooms:
            own = server.resident_bytes() - idle
            with Senders(server, "room-0", SENDERS) as senders:
                # Who signs in as a sender is told of to nobody, but takes its time.
                warm_up = senders.pace(rate=scale.crowd_rate, seconds=scale.warm_up_s)
                complete(rooms[0].wait_events(warm_up.sent, LAST_DELIVERIES_S), warm_up)
                rooms[0].settle()
                clients = [worker for room in rooms for worker in room.workers]
                watch = Watch(server, [*clients, senders.worker])
                sent = senders.pace(rate=scale.crowd_rate, seconds=scale.crowd_s)
                crowd = rooms[0].wait_events(sent.sent, LAST_DELIVERIES_S)
                shares = watch.shares()
            complete(crowd, sent)
            cut = sum(room.wait_events(0, 1.0).cut for room in rooms)
    with round_.server("shared") as server:
        before = server.resident_bytes()
        with _rooms(server, round_, streams=SHARED_STREAMS):
            shared = server.resident_bytes() - before
    notes = shares.notes()
    late_ms = percentile(sent.times_us, 99) / 1e3
    if late_ms > ON_TIME_MS:
        notes.append(f"the sender was late itself, p99 {late_ms:.1f} ms, which counts here")
    return Result(
        {
            "idle instance": idle / 2**20,
            "a stream with its own connection": own / count / 1024,
            "a stream of a shared connection": shared / count / 1024,
            "post to delivery p50": percentile(crowd.delays_us, 50) / 1e3,
            "post to delivery p99": percentile(crowd.delays_us, 99) / 1e3,
            "server CPU a delivery": shares.server_s / (sent.sent * rooms[0].count) * 1e6,
            "server CPU": shares.server,
            "streams cut off": cut,
        },
        notes,
    )


@contextmanager
def _rooms(server: Server, round_: Round, *, streams: int) -> Iterator[list[Readers]]:
    """Open all streams, in rooms of the same size; nobody talks but in the first."""
    size = round_.scale.large_room
    left = round_.scale.streams
    with ExitStack() as stack:
        rooms: list[Readers] = []
        while left:
            count = min(size, left)
            readers = Readers(
                server,
                f"room-{len(rooms)}",
                count,
                streams=streams,
                witness_every=max(1, count // WITNESSES),
                prefix=f"r{len(rooms)}-",
            )
            rooms.append(stack.enter_context(readers))
            left -= count
        yield rooms


WORKLOAD = Workload(
    "connections",
    f"Connections: {{streams:,}} streams, alone or {SHARED_STREAMS} on a connection; "
    "{crowd_rate:g} messages/s in a room of {large_room:,} of them",
    (
        Measure("idle instance", "MiB", at_most=50),
        Measure("a stream with its own connection", "KiB", at_most=64),
        Measure("a stream of a shared connection", "KiB", at_most=45),
        Measure("post to delivery p50", "ms"),
        Measure("post to delivery p99", "ms", at_most=100),
        Measure("server CPU a delivery", "µs"),
        Measure("server CPU", "cores"),
        Measure("streams cut off", "", at_most=0),
    ),
    run,
)
