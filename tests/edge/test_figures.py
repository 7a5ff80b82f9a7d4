"""The figures of an instance: their form, and that they rise by exactly what happened."""

import re
from typing import Any

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.edge.figures import Snapshot, figures
from chat_service.edge.tally import Tally
from chat_service.histogram import Histogram
from chat_service.hub.hub import HubStatistics
from chat_service.log.contract import LogStatistics
from chat_service.retention import Keep, Retention
from tests.edge.clients import direct, fresh_id, place, refused, room, story
from tests.edge.operator import Operated, agreed, settled, value_of


def snapshot() -> Snapshot:
    """Return something of everything."""
    spread = Histogram((0.5, 2))
    for value in (0.1, 1.0, 7.0):
        spread.add(value)
    tally = Tally()
    tally.rejections["NAME_TAKEN"] += 2
    tally.calls["Join", "OK"] += 3
    tally.ends["Chat", "SLOW_READER"] += 1
    distribution = spread.distribution()
    return Snapshot(
        log=LogStatistics(1, 2, 3, distribution, distribution, disk_full=True),
        hub=HubStatistics(4, 5, 6, distribution, 7, 8, 9),
        edge=tally.statistics(),
        start_ms=1_700_000_000_500,
        chat_streams=10,
        subscribe_streams=11,
        users=12,
        sessions=13,
        public_rooms=14,
        direct_rooms=15,
        members=16,
    )


def test_names_and_kinds_are_those_of_prometheus() -> None:
    """Names are words with our prefix, each once and in order; counters do not end as gauges do."""
    found = figures(snapshot())
    names = [figure.name for figure in found]
    assert names == sorted(set(names))
    for figure in found:
        assert re.fullmatch(r"chat(_[a-z]+)+", figure.name)
        assert not figure.name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert figure.kind != pb.FIGURE_KIND_UNSPECIFIED
        assert re.fullmatch(r"[A-Z0-9].*\.", figure.help)


def test_values_have_the_shape_of_their_kind() -> None:
    """A histogram has one bucket more than bounds; no other figure has any; labels are distinct."""
    for figure in figures(snapshot()):
        is_histogram = figure.kind == pb.FIGURE_KIND_HISTOGRAM
        assert bool(figure.bounds) == is_histogram
        for value in figure.values:
            assert len(value.buckets) == (len(figure.bounds) + 1 if is_histogram else 0)
        labels = [tuple(sorted(value.labels.items())) for value in figure.values]
        assert len(labels) == len(set(labels)) > 0
        assert len({tuple(name for name, _ in pairs) for pairs in labels}) == 1


def test_each_figure_has_its_value() -> None:
    """No value is told under the name of another."""
    found = {figure.name: figure for figure in figures(snapshot())}
    plain = {
        "chat_log_backlog": 1,
        "chat_subscriptions": 4,
        "chat_deliveries": 5,
        "chat_written_bytes": 6,
        "chat_queued_bytes": 7,
        "chat_largest_queue_bytes": 8,
        "chat_ring_bytes": 9,
        "chat_users": 12,
        "chat_sessions": 13,
        "chat_members": 16,
        "chat_disk_full": 1,
        "chat_start_time_seconds": 1_700_000_000.5,
    }
    assert {name: value_of(found[name]) for name in plain} == plain
    assert value_of(found["chat_commits"], outcome="stored") == 2
    assert value_of(found["chat_commits"], outcome="failed") == 3
    assert value_of(found["chat_streams"], kind="chat") == 10
    assert value_of(found["chat_streams"], kind="subscribe") == 11
    assert value_of(found["chat_rooms"], kind="public") == 14
    assert value_of(found["chat_rooms"], kind="direct") == 15
    assert value_of(found["chat_rejections"], reason="NAME_TAKEN") == 2
    assert value_of(found["chat_calls"], method="Join", status="OK") == 3
    assert value_of(found["chat_ended_streams"], method="Chat", reason="SLOW_READER") == 1
    (value,) = found["chat_fan_out_seconds"].values
    assert list(value.buckets) == [1, 1, 1]
    assert value.value == pytest.approx(8.1)


# ------------------------------------------------------------------- over a real server


# Any: each method has its own messages.
def values(found: dict[str, pb.Figure], *names: str) -> dict[str, Any]:
    """Return figures without labels by name."""
    return {name: value_of(found[name]) for name in names}


@story
async def test_new_server_has_counted_nothing() -> None:
    """Counters begin with 0; what is there by itself is the default room."""
    async with Operated() as server, server.operator() as operator:
        found = await operator.figures()
        counted = {"chat_messages", "chat_acks", "chat_deliveries", "chat_kicks"}
        assert set(values(found, *counted).values()) == {0}
        assert value_of(found["chat_rooms"], kind="public") == 1
        assert value_of(found["chat_start_time_seconds"]) > 1.6e9
        commits = value_of(found["chat_commits"], outcome="stored")
        assert _count(found["chat_commit_seconds"]) == commits == 1


@story
async def test_who_is_there() -> None:
    """Streams by kind, users, sessions, rooms and members rise and fall with those who come."""
    names = ("chat_users", "chat_sessions", "chat_members", "chat_subscriptions")
    async with Operated() as server, server.operator() as operator:
        alice, bob = await server.guests("alice", "bob")
        window = await server.joins("bob", token=bob.joined.token)
        chat = await window.opens("lobby", "den")
        await chat.until(lambda: chat.kinds().count("live") >= 2 or None)
        reader = await alice.subscribes(place("lobby"))
        await reader.begun()
        await alice.chat.says("psst", direct("bob"))
        await chat.hears("psst")
        found = await operator.figures()
        # Lobby and direct message for three streams, den for one, lobby for the reader.
        assert list(values(found, *names).values()) == [2, 3, 3, 8]
        assert value_of(found["chat_streams"], kind="chat") == 3
        assert value_of(found["chat_streams"], kind="subscribe") == 1
        assert value_of(found["chat_rooms"], kind="public") == 2
        assert value_of(found["chat_rooms"], kind="direct") == 1
        await reader.cancel()
        await settled(operator, "chat_streams", 0, kind="subscribe")
        await operator.calls("KickUser", name="bob")
        await settled(operator, "chat_streams", 1, kind="chat")
        found = await operator.figures()
        assert list(values(found, *names).values()) == [1, 1, 1, 2]


@story
async def test_what_was_said() -> None:
    """Messages, acks, retries, deliveries and bytes, each by what happened and no more."""
    names = ("chat_messages", "chat_acks", "chat_duplicates", "chat_deliveries")
    async with Operated() as server, server.operator() as operator:
        alice, bob = await server.guests("alice", "bob")
        number = fresh_id()
        await alice.chat.says("one", client_msg_id=number)
        await alice.chat.says("one", client_msg_id=number)
        post = chat_pb2.Post(room=room("lobby"), text="two", client_msg_id=fresh_id())
        for _ in range(2):
            await bob.calls("PostMessage", chat_pb2.PostMessageRequest(post=post))
        await bob.chat.hears("two")
        await alice.chat.hears("two")
        # Alice's two posts and bob's two calls; each message went to two streams.
        assert list(values(await operator.figures(), *names).values()) == [2, 4, 2, 4]
        carol = await server.guest("carol", place("lobby", after_seq=0))
        await carol.chat.hears("two")
        guests = (alice, bob, carol)

        def written_and_read(found: dict[str, pb.Figure]) -> tuple[float, float]:
            frames = [chat_pb2.ChatResponse(items=guest.chat.items) for guest in guests]
            return value_of(found["chat_written_bytes"]), sum(frame.ByteSize() for frame in frames)

        await agreed(operator, written_and_read)
        await settled(operator, "chat_queued_bytes", 0)
        await agreed(operator, lambda found: (_count(found["chat_fan_out_seconds"]), 2))
        found = await operator.figures()
        assert value_of(found["chat_deliveries"]) == 6
        assert value_of(found["chat_ring_bytes"]) > 0
        assert _count(found["chat_commit_orders"]) == _count(found["chat_commit_seconds"])
        assert found["chat_commit_seconds"].values[0].value > 0


def _count(figure: pb.Figure) -> int:
    """Return how many values a histogram without labels has counted."""
    (value,) = figure.values
    return sum(value.buckets)


@story
async def test_what_was_refused_and_how_calls_ended() -> None:
    """Refused orders and calls by reason, calls by status, streams by why they ended."""
    async with Operated() as server, server.operator() as operator:
        alice, bob = await server.guests("alice", "bob")
        await alice.chat.refusal(await alice.chat.posts(""))
        await refused(server.joins("alice"))
        await refused(server.joins("no name"))
        await bob.calls("SignOut", chat_pb2.SignOutRequest())
        await bob.chat.end()
        await operator.calls("KickUser", name="alice", reason="enough")
        await alice.chat.end()
        await settled(operator, "chat_ended_streams", 1, method="Chat", reason="KICKED")
        await settled(operator, "chat_ended_streams", 1, method="Chat", reason="SESSION_ENDED")
        found = await operator.figures()
        rejections = {v.labels["reason"]: v.value for v in found["chat_rejections"].values}
        assert rejections == {"TEXT_INVALID": 1, "NAME_TAKEN": 1, "NAME_INVALID": 1}
        calls = {
            (v.labels["method"], v.labels["status"]): v.value for v in found["chat_calls"].values
        }
        del calls["GetFigures", "OK"]
        assert calls == {
            ("Join", "OK"): 2,
            ("Join", "ALREADY_EXISTS"): 1,
            ("Join", "INVALID_ARGUMENT"): 1,
            ("SignOut", "OK"): 1,
            ("KickUser", "OK"): 1,
            ("Chat", "PERMISSION_DENIED"): 1,
            ("Chat", "UNAUTHENTICATED"): 1,
        }
        assert value_of(found["chat_kicks"]) == 1


@story
async def test_client_that_goes_away_or_is_done() -> None:
    """A stream that its client cancels is told from one that ended well."""
    async with Operated() as server, server.operator() as operator:
        alice, bob = await server.guests("alice", "bob")
        # Not Chat: gRPC may tell its reader of a cancel as of the end of what the client says.
        listening = await alice.subscribes("lobby")
        await listening.begun()
        await listening.cancel()
        await settled(operator, "chat_ended_streams", 1, method="Subscribe", reason="CANCELLED")
        for one in (alice, bob):
            await one.chat.done()
            assert await one.chat.end() is None
        await settled(operator, "chat_ended_streams", 2, method="Chat", reason="OK")
        await settled(operator, "chat_calls", 2, method="Chat", status="OK")
        await settled(operator, "chat_users", 0)


@story
async def test_what_retention_let_go() -> None:
    """Events that are no longer kept are counted, and not twice."""
    keep = Retention(default=Keep(max_messages=3))
    async with Operated(retention=keep) as server:
        alice = await server.guest("alice")
        orders = [await alice.chat.posts(f"m{number}") for number in range(10)]
        await alice.chat.ack(orders[-1])
        await server.restarts()
        async with server.operator() as operator:
            await settled(operator, "chat_pruned_events", 7)


def test_labels_never_come_from_clients() -> None:
    """Labels hold methods, statuses, reasons and kinds, of which there are few."""
    for figure in figures(snapshot()):
        for value in figure.values:
            assert set(value.labels) <= {"method", "status", "reason", "kind", "outcome"}
