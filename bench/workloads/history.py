"""How long it takes to start on, page through and catch up with many stored messages.

They are stored by the server's own log, in this process: the file is what a server would
have made of them, and nothing of that is measured.
"""

import random
import time
from contextlib import ExitStack

from bench import chat
from bench.figures import Measure, percentile
from bench.load import LoadError
from bench.rpc import Caller, WholeMessages
from bench.server import Server
from bench.stored import store
from bench.workload import Result, Round, Workload
from chat_protos.chat.v1 import chat_pb2 as pb

ROOM = "archive"
PAGE = 100


def run(round_: Round) -> Result:
    """Fill a room, start a server on it, and read."""
    scale = round_.scale
    store(round_.directory / "server", ROOM, scale.stored)
    with round_.server() as server, ExitStack() as stack:
        caller = stack.enter_context(Caller(server.address))
        request = chat.join_request("reader", ROOM)
        joined = pb.JoinResponse.FromString(caller.call(chat.JOIN, "", request))
        pages_ms = _pages(caller, joined, scale.stored, scale.pages)
        resumes_ms = [
            _resume(server, joined, scale.stored - scale.resumed, scale.resumed)
            for _ in range(scale.resumes)
        ]
        return Result(
            {
                "start with them": server.start_s,
                "a page of 100 p50": percentile(pages_ms, 50),
                "a page of 100 p99": percentile(pages_ms, 99),
                "resume": percentile(resumes_ms, 50),
            }
        )


def _pages(caller: Caller, joined: pb.JoinResponse, stored: int, count: int) -> list[float]:
    """Ask for pages from anywhere in the room, in both directions; return ms for each."""
    # The same places in every run.
    places = random.Random(1)
    times = []
    for number in range(count):
        request = pb.ListMessagesRequest(
            room=pb.RoomTarget(room_id=joined.room.room_id), page_size=PAGE
        )
        if number % 2:
            request.after_seq = places.randrange(0, stored - PAGE)
        else:
            request.before_seq = places.randrange(PAGE + 1, stored)
        asked = request.SerializeToString()
        began = time.perf_counter()
        answer = caller.call(chat.LIST_MESSAGES, joined.token, asked)
        times.append((time.perf_counter() - began) * 1e3)
        got = len(pb.ListMessagesResponse.FromString(answer).events)
        if got != PAGE:
            raise LoadError(f"a page has {got} events instead of {PAGE}")
    return times


def _resume(server: Server, joined: pb.JoinResponse, after_seq: int, missed: int) -> float:
    """Open a stream that missed so many events; return ms from Hello to the live marker."""
    responses: list[bytes] = []
    # What ends the wait: the live marker, or the end of the stream.
    over: list[str] = []
    live = pb.StreamItem(live=pb.Live(room_id=joined.room.room_id, seq=after_seq + missed))
    marker = pb.ChatResponse(items=[live]).SerializeToString()

    def take(response: bytes) -> None:
        responses.append(response)
        if marker in response:
            over.append("live")

    with Caller(server.address) as caller:
        # The handshake is not what is measured.
        caller.link.flush()
        caller.link.read()
        began = time.perf_counter()
        stream_id = caller.link.call(chat.CHAT, joined.token, WholeMessages(take, over.append))
        hello = chat.hello(joined.room.room_id, after_seq=after_seq)
        caller.link.connection.send(stream_id, hello)
        caller.link.flush()
        caller.read_until(lambda: bool(over))
        took_ms = (time.perf_counter() - began) * 1e3
    got = [
        item.event.seq
        for response in responses
        for item in pb.ChatResponse.FromString(response).items
        if item.HasField("event")
    ]
    if got != list(range(after_seq + 1, after_seq + missed + 1)):
        raise LoadError(f"a resume gave {len(got)} events instead of {missed}: {over}")
    return took_ms


WORKLOAD = Workload(
    "history",
    "History: {stored:,} messages stored, a resume of {resumed:,}",
    (
        Measure("start with them", "s", at_most=1.0),
        Measure("a page of 100 p50", "ms"),
        Measure("a page of 100 p99", "ms", at_most=5.0),
        Measure("resume", "ms", at_most=150.0),
    ),
    run,
)
