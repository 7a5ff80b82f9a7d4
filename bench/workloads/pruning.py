"""How much longer an ack takes while a room of many messages is being let go of."""

import shutil
from types import TracebackType
from typing import Self

from bench import chat
from bench.figures import Measure, percentile
from bench.load import Senders, Sent
from bench.rpc import Caller
from bench.scale import Scale
from bench.server import ChatServer, Server
from bench.stored import store
from bench.workload import Result, Round, Workload
from chat_protos.chat.v1 import chat_pb2 as pb

# What is let go of, and where people talk meanwhile.
OLD = "archive"
ROOM = "inbox"
KEPT = 10


def run(round_: Round) -> Result:
    """Have one client wait for each ack: first beside a room at rest, then beside one that goes."""
    scale = round_.scale
    at_rest, beside = round_.directory / "at rest", round_.directory / "beside"
    store(at_rest, OLD, scale.stored)
    shutil.copytree(at_rest, beside)
    config = round_.directory / "keep.toml"
    config.write_text(f"[retention.rooms.{OLD}]\nmax_messages = {KEPT}\n", encoding="utf-8")
    with ChatServer(at_rest) as server:
        rest = _talk(server, scale)
    with ChatServer(beside, [f"--config={config}"]) as server, Observer(server) as observer:
        before = observer.first_kept(scale.stored)
        sent = _talk(server, scale)
        after = observer.first_kept(scale.stored)
    notes = []
    if after > scale.stored - KEPT:
        notes.append("all was let go of before the measurement was over")
    return Result(
        {
            "ack p50 at rest": percentile(rest.times_us, 50) / 1e3,
            "ack p50 meanwhile": percentile(sent.times_us, 50) / 1e3,
            "ack p99 at rest": percentile(rest.times_us, 99) / 1e3,
            "ack p99 meanwhile": percentile(sent.times_us, 99) / 1e3,
            "p99 meanwhile / at rest": percentile(sent.times_us, 99)
            / percentile(rest.times_us, 99),
            "let go of": (after - before) / sent.seconds,
        },
        notes,
    )


def _talk(server: Server, scale: Scale) -> Sent:
    with Senders(server, ROOM, 1) as senders:
        senders.send(seconds=scale.warm_up_s, count=scale.send_count, window=1)
        return senders.send(seconds=scale.send_s, count=scale.send_count, window=1)


class Observer:
    """Somebody who looks how far the old room is."""

    def __init__(self, server: Server) -> None:
        self._caller = Caller(server.address)

    def __enter__(self) -> Self:
        request = chat.join_request("observer", OLD)
        self._joined = pb.JoinResponse.FromString(self._caller.call(chat.JOIN, "", request))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._caller.link.close()

    def first_kept(self, stored: int) -> int:
        """Return the first seq of the room; one more than was stored if it has none."""
        page = pb.ListMessagesRequest(
            room=pb.RoomTarget(room_id=self._joined.room.room_id), after_seq=0, page_size=1
        )
        answer = self._caller.call(chat.LIST_MESSAGES, self._joined.token, page.SerializeToString())
        events = pb.ListMessagesResponse.FromString(answer).events
        return events[0].seq if events else stored + 1


WORKLOAD = Workload(
    "pruning",
    "Pruning: {stored:,} messages are let go of beside a client that waits for each ack",
    (
        Measure("ack p50 at rest", "ms"),
        Measure("ack p50 meanwhile", "ms"),
        Measure("ack p99 at rest", "ms"),
        Measure("ack p99 meanwhile", "ms"),
        Measure("p99 meanwhile / at rest", "times", at_most=2),
        Measure("let go of", "1/s"),
    ),
    run,
)
