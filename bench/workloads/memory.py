"""How much memory the server holds for a signed-in client that says nothing."""

from bench.figures import Measure
from bench.load import Readers
from bench.server import ChatServer
from bench.workload import Result, Round, Workload

ROOM = "quiet"
STREAMS = 32


def run(round_: Round) -> Result:
    """Compare the server before and after the streams are open, in two servers."""
    with round_.server("own") as server:
        idle = server.resident_bytes()
        own = _grown_by(server, round_.scale.idle_streams, streams=1)
    with round_.server("shared") as server:
        shared = _grown_by(server, round_.scale.idle_streams, streams=STREAMS)
    count = round_.scale.idle_streams
    return Result(
        {
            "idle instance": idle / 2**20,
            "a stream with its own connection": own / count / 1024,
            "a stream of a shared connection": shared / count / 1024,
        }
    )


def _grown_by(server: ChatServer, count: int, *, streams: int) -> int:
    before = server.resident_bytes()
    with Readers(server, ROOM, count, streams=streams):
        return server.resident_bytes() - before


WORKLOAD = Workload(
    "memory",
    f"Memory of the server: {{idle_streams:,}} idle streams, alone or {STREAMS} on a connection",
    (
        Measure("idle instance", "MiB", at_most=50),
        Measure("a stream with its own connection", "KiB", at_most=64),
        Measure("a stream of a shared connection", "KiB", at_most=45),
    ),
    run,
)
