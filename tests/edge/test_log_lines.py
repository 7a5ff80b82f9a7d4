"""What the log tells of calls: who came and went and why, and never what was said.

A real server is driven with every kind of request at debug level; each line is written in
both formats.
"""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat_protos.chat.v1 import accounts_pb2 as accounts_pb
from chat_protos.chat.v1 import admin_pb2 as admin_pb
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.logs import JsonFormatter, TextFormatter
from tests.edge.clients import (
    PATIENCE,
    Guest,
    Server,
    direct,
    hello,
    outcome,
    place,
    raw,
    refused,
    story,
)
from tests.edge.operator import Operated, Operator
from tests.edge.test_bad_input import REQUESTS, string_fields, with_text

NAMES = ("edge.calls", "edge.chat", "edge.entrance", "edge.admin", "server")
CALLS = {f"chat_service.{name}" for name in NAMES}
DOCUMENT = Path(__file__).parents[2] / "docs" / "log.md"

SECRET = "unmistakable-words"
"""Stands for what people write. No name is like it."""


class Lines(logging.Handler):
    """The lines of a log, in both formats."""

    def __init__(self) -> None:
        super().__init__()
        self._formats = TextFormatter("here"), JsonFormatter("here")
        self.text: list[str] = []
        # Any: what was JSON may be anything.
        self.told: list[dict[str, Any]] = []
        # Those of the calls, which the document tells.
        self.of_calls: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        text, line = (one.format(record) for one in self._formats)
        self.text.append(text)
        self.told.append(json.loads(line))
        if record.name in CALLS:
            self.of_calls.append(self.told[-1])
        self._news.set()

    def of(self, message: str) -> list[dict[str, Any]]:
        """Return the lines with this message."""
        return [line for line in self.told if line["message"] == message]

    async def appear(self, message: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many lines have this message."""
        async with asyncio.timeout(PATIENCE):
            while len(self.of(message)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(message)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Have every line kept, at the levels that `--log-level debug` gives."""
    lines = Lines()
    loggers = {logging.getLogger(): logging.DEBUG}
    loggers |= {logging.getLogger(name): logging.INFO for name in ("grpc", "asyncio")}
    before = {logger: logger.level for logger in loggers}
    for logger, level in loggers.items():
        logger.setLevel(level)
    logging.getLogger().addHandler(lines)
    yield lines
    logging.getLogger().removeHandler(lines)
    for logger, level in before.items():
        logger.setLevel(level)


@story
async def test_who_comes_and_goes_is_told(tmp_path: Path, lines: Lines) -> None:
    """Sign-in, the beginning and the end of a stream have a line each, with the session's id."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        session = alice.joined.session_id
        await alice.chat.done()
        (joined,) = lines.of("signed in")
        assert joined["level"] == "info"
        assert (joined["session"], joined["user"]) == (session, "alice")
        assert joined["user_id"] == alice.user_id
        assert joined["peer"].startswith("ipv4:127.0.0.1:")
        (opened,) = lines.of("stream opened")
        assert (opened["method"], opened["session"], opened["user"]) == ("Chat", session, "alice")
        assert opened["peer"] == joined["peer"]
        (closed,) = await lines.appear("stream closed")
        assert (closed["session"], closed["reason"]) == (session, "OK")
        assert closed["request"] == opened["request"]


@story
async def test_why_a_stream_ended_is_told(tmp_path: Path, lines: Lines) -> None:
    """A client that goes away, a newer stream, the end of a session: each has its reason."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        # Not Chat: gRPC may tell its reader of a cancel as of the end of what the client says.
        listening = await alice.subscribes("lobby")
        await listening.begun()
        await listening.cancel()
        (closed,) = await lines.appear("stream closed")
        assert (closed["session"], closed["reason"]) == (alice.joined.session_id, "CANCELLED")
        await alice.chat.done()
        _, done = await lines.appear("stream closed", 2)
        assert (done["session"], done["reason"]) == (alice.joined.session_id, "OK")
        reading = await bob.subscribes("lobby")
        await reading.begun()
        await bob.opens("lobby")
        (replaced,) = await lines.appear("stream cut")
        assert replaced["reason"] == "SESSION_REPLACED"
        await bob.signs_out()
        _, *ended = await lines.appear("stream cut", 3)
        assert {(line["method"], line["reason"]) for line in ended} == {
            ("Chat", "SESSION_ENDED"),
            ("Subscribe", "SESSION_ENDED"),
        }
    (drained,) = lines.of("drained")
    assert drained["streams"] == 0


@story
async def test_stop_is_told(tmp_path: Path, lines: Lines) -> None:
    """Those who were there are counted, and each stream ends with the reason."""
    async with Server(tmp_path) as server:
        await server.guests("alice", "bob")
        await server.ends()
    assert [line["reason"] for line in lines.of("stream cut")] == ["DRAINING", "DRAINING"]
    (drained,) = lines.of("drained")
    assert drained["streams"] == 2
    assert 0 <= drained["seconds"] < 10


@story
async def test_refused_call_is_told_at_debug_level(tmp_path: Path, lines: Lines) -> None:
    """With the method, the reason and the session, where there is one."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        for method in ("SignOut", "Chat", "Subscribe"):
            await outcome(raw(alice.channel, method, b"", token="wrong"))
        await outcome(raw(alice.channel, "ListUsers", b"\xff", token=alice.token))
        await outcome(raw(alice.channel, "PostMessage", b"", token=alice.token))
        told = lines.of("call refused")
    assert [(line["method"], line["reason"], line.get("session")) for line in told] == [
        ("SignOut", "TOKEN_INVALID", None),
        ("Chat", "TOKEN_INVALID", None),
        ("Subscribe", "TOKEN_INVALID", None),
        ("ListUsers", "MALFORMED", None),
        ("PostMessage", "TARGET_MISSING", alice.joined.session_id),
    ]
    assert {line["level"] for line in told} == {"debug"}
    assert len({line["request"] for line in told}) == 5


@story
async def test_messages_have_no_lines(tmp_path: Path, lines: Lines) -> None:
    """A hundred messages, by stream and by call, and their refusals, leave nothing in the log."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        before = len(lines.told)
        for number in range(50):
            await alice.says(f"{SECRET} {number}")
            await bob.posts(f"{SECRET} again {number}")
        refused = [await alice.chat.posts("", "lobby") for _ in range(20)]
        for order_id in refused:
            await alice.chat.refusal(order_id)
        assert lines.told[before:] == []


async def drive(server: Server) -> list[str]:
    """Make every kind of request, with words that nobody may find again; return the tokens."""
    people: list[Guest] = [await server.guest(name) for name in ("alice", "bob", "carol")]
    alice, bob, carol = people
    again = await server.joins("", token=alice.token)
    await alice.says(SECRET)
    await alice.says(SECRET, direct("bob"))
    await alice.posts(SECRET)
    topic = pb.SetTopic(room=pb.RoomTarget(room_name="lobby"), topic=SECRET)
    await alice.chat.ack(await alice.chat.order(set_topic=topic))
    await alice.chat.joins("ops")
    await alice.chat.leaves("ops")
    await alice.calls("ListMessages", pb.ListMessagesRequest(room=pb.RoomTarget(room_name="lobby")))
    reading = await bob.subscribes(place("lobby", after_seq=0))
    await reading.hears(SECRET)
    # The same id for other words, and words that are too many.
    await alice.posts(SECRET, client_msg_id="m1")
    for post in (pb.Post(text=f"{SECRET}!", client_msg_id="m1"), pb.Post(text=SECRET * 999)):
        post.room.room_name = "lobby"
        request = pb.PostMessageRequest(post=post).SerializeToString()
        assert await outcome(raw(alice.channel, "PostMessage", request, token=alice.token))
    # Each text of each request, in requests that are as they should be otherwise or not.
    first = hello("lobby").SerializeToString()
    for method, kind in REQUESTS.items():
        for path in string_fields(kind.DESCRIPTOR):
            request = with_text(kind, path, SECRET).SerializeToString()
            for token in ("", SECRET, carol.token):
                if method == "Join" and token != SECRET:
                    # Names may be told: nobody is to have this one.
                    continue
                requests = (first, request) if method == "Chat" else (request,)
                call = raw(carol.channel, method, *requests, token=token)
                waiting = asyncio.create_task(outcome(call))
                await asyncio.wait((waiting,), timeout=0.05)
                call.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            broken = request.replace(SECRET.encode(), SECRET.encode()[:-1] + b"\xff")
            await outcome(raw(carol.channel, method, broken, token=SECRET))
    await again.signs_out()
    secrets = [SECRET, f"{SECRET} changed"]
    dave = await server.registers("dave", secrets[0])
    for name, password in (("dave", f"{SECRET}?"), ("nobody", SECRET), ("alice", SECRET)):
        await refused(server.joins(name, password=password))
    await refused(dave.asks("ChangePassword", old_password=f"{SECRET}?", new_password=SECRET))
    await dave.asks("ChangePassword", old_password=secrets[0], new_password=secrets[1])
    made = await dave.asks("CreateApiToken", label=SECRET, scopes=[accounts_pb.SCOPE_READ])
    reader = await server.joins("", token=made.token)
    await refused(reader.asks("CreateBot", name=SECRET))
    await dave.asks("DeactivateAccount", password=secrets[1])
    return [made.token, *(guest.token for guest in (*people, again, dave, reader))]


def documented() -> dict[str, tuple[str, set[str]]]:
    """Return the level and the fields of each message that the document tells."""
    _, _, chapter = DOCUMENT.read_text("utf-8").partition("\n## What is told of calls\n")
    chapter, _, _ = chapter.partition("\n## ")
    table = re.findall(r"^\| ([a-z ]+) \| (\w+) \| (`.*) \|$", chapter, re.M)
    return {message: (level, set(re.findall(r"`(\w+)`", names))) for message, level, names in table}


async def operate(operator: Operator) -> None:
    """Make every request of an operator."""
    await operator.calls("Say", text=SECRET)
    await operator.calls("KickUser", name="bob", reason=SECRET)
    for method in ("ListInstanceUsers", "ListInstanceRooms", "GetFigures"):
        await operator.calls(method)
    for name in ("lobby", SECRET):
        await outcome(operator.stub.ExportRoom(admin_pb.ExportRoomRequest(room_name=name)))
    for request in (
        operator.calls("Say", text=f"{SECRET}\0"),
        operator.calls("KickUser", name=SECRET),
        operator.calls("KickUser", name="carol", reason=f"{SECRET}\n"),
        operator.calls("ListInstanceUsers", page_token=SECRET),
    ):
        await refused(request)


@story
async def test_operators_acts_are_told(lines: Lines) -> None:
    """An announcement with how many heard it, a kick with whom it was about; no words."""
    async with Operated() as server, server.operator() as operator:
        alice, _ = await server.guests("alice", "bob")
        await operator.calls("Say", text=SECRET)
        await operator.calls("KickUser", name="ALICE", reason=SECRET)
        (announced,) = lines.of("announced")
        assert announced["streams"] == 2
        (kicked,) = lines.of("kicked")
        assert (kicked["user"], kicked["user_id"]) == ("alice", alice.user_id)
        assert kicked["sessions"] == 1
        (cut,) = await lines.appear("stream cut")
        assert (cut["session"], cut["reason"]) == (alice.joined.session_id, "KICKED")


@story
async def test_no_line_has_a_token_or_a_text(lines: Lines) -> None:
    """Whatever is asked, answered or refused, at debug level and in both formats."""
    async with Operated() as server:
        tokens = await drive(server)
        async with server.operator() as operator:
            await operate(operator)
    assert len(lines.text) == len(lines.told) > 50
    known = documented()
    rare = {"a call failed", "a write failed", "a client took no status"}
    assert {line["message"] for line in lines.of_calls} >= known.keys() - rare
    for one in lines.of_calls:
        level, names = known[one["message"]]
        assert one["level"] == level
        told = one.keys() - {"time", "level", "source", "message"}
        assert names - {"session"} <= told <= names
    for line in (*lines.text, *map(json.dumps, lines.told)):
        assert SECRET[:-1] not in line
        assert not any(token in line for token in tokens)
