"""`chat_cli.scripts`: send and tail against a service in memory, with real pipes."""

import asyncio
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import grpc
import pytest

from chat_cli.exits import Exit
from chat_cli.scripts import send as sending
from chat_cli.scripts.script import Address
from chat_cli.scripts.send import send
from chat_cli.scripts.tail import tail
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.cli.desk import run
from tests.cli.fake_service import EndError, FakeService, Stream


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep tokens out of the person's own directory."""
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    # A fiftieth of the longest delay between attempts to connect.
    monkeypatch.setattr("random.random", lambda: 0.02)
    return tmp_path


def at(fake: FakeService, room: str = "lobby", name: str = "bot") -> Address:
    """Make the address of a script."""
    return Address(fake.target, name, room)


def texts(fake: FakeService, room: str = "lobby") -> list[str]:
    """Give what was said in a room."""
    return [event.message.text for event in fake.room(room).events]


def has_said(fake: FakeService, count: int) -> bool:
    """Tell whether the lobby has so many messages."""
    return len(texts(fake)) >= count


class Stdin:
    """Stands for sys.stdin: only its descriptor is asked for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Give the descriptor."""
        return self._descriptor


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> int:
    """Put a pipe in the place of stdin; give its writing end."""
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Stdin(reading))
    return writing


# -------------------------------------------------------------------------- send


def test_send_posts_its_text_and_signs_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, no output, and the name is free again."""

    async def story() -> None:
        async with FakeService() as fake:
            assert await send(at(fake), ["hello there"], as_json=False) == Exit.DONE
            assert texts(fake) == ["hello there"]
            assert fake.sessions == {}
            # No room was read, so nobody was told of a join.
            assert fake.hellos == [pb.Hello()]

    run(story())
    assert capsys.readouterr() == ("", "")


def test_send_reports_each_ack(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json one object a message; a retry after a lost ack is a duplicate."""

    async def story() -> None:
        async with FakeService(swallow_acks=1) as fake:
            assert await send(at(fake, "ops"), ["hi"], as_json=True) == Exit.DONE
            assert texts(fake, "ops") == ["hi"]

    run(story())
    output = capsys.readouterr()
    (line,) = output.out.splitlines()
    report = json.loads(line)
    assert set(report) == {"room", "seq", "client_msg_id", "duplicate"}
    assert (report["room"], report["seq"], report["duplicate"]) == ("ops", 1, True)
    assert "back" in output.err


@pytest.mark.parametrize("burst", [0, 20])
def test_send_streams_lines(stdin: int, burst: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line is a message, in order; blank ones are skipped, and counted."""
    lines = [f"line {number}" for number in range(400)]
    os.write(stdin, b"\n".join(line.encode() for line in lines[:200]) + b"\n \n")
    os.write(stdin, b"\n".join(line.encode() for line in lines[200:]))
    os.close(stdin)

    async def story() -> None:
        async with FakeService(send_burst=burst) as fake:
            assert await send(at(fake), [], as_json=False) == Exit.DONE
            assert texts(fake) == lines

    run(story())
    assert capsys.readouterr().err == "chat-cli: blank lines skipped: 1\n"


@pytest.mark.parametrize("bad", [b"x" * 5000, b"\xff"])
def test_send_sends_what_came_before_a_bad_line(
    stdin: int, bad: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing behind the bad line is sent; the line and the count are named."""
    os.write(stdin, b"one\ntwo\nthree\n" + bad + b"\nfive\n")
    os.close(stdin)

    async def story() -> None:
        async with FakeService() as fake:
            assert await send(at(fake), [], as_json=False) == Exit.REFUSED
            assert texts(fake) == ["one", "two", "three"]

    run(story())
    said = capsys.readouterr().err
    assert said.startswith("chat-cli: line 4")
    assert said.endswith("(3 sent before it)\n")


def test_send_survives_breaks(stdin: int) -> None:
    """Streams that break lose nothing and double nothing."""
    os.write(stdin, b"".join(b"%d\n" % number for number in range(200)))
    os.close(stdin)

    async def story() -> None:
        async with FakeService(send_burst=0) as fake:
            task = asyncio.create_task(send(at(fake), [], as_json=False))
            for count in (20, 60, 150):
                await fake.until(partial(has_said, fake, count))
                fake.end_streams()
            assert await task == Exit.DONE
            assert texts(fake) == [str(number) for number in range(200)]

    run(story())


def test_send_waits_as_long_as_it_is_told() -> None:
    """A rate refusal and an overload are retried, not reported."""

    async def story() -> None:
        slow = pb.Error(code=8, reason="RATE_LIMITED", message="slow", retry_after_ms=5)
        async with FakeService(refuse_posts=[slow, slow]) as fake:
            assert await send(at(fake), ["hi"], as_json=False) == Exit.DONE
            assert texts(fake) == ["hi"]

    run(story())


def test_send_ends_with_1_when_it_is_refused(
    stdin: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the server, by a limit that is known here, by bytes that are no text."""

    async def story() -> None:
        no = pb.Error(code=3, reason="TEXT_INVALID", message="not \x1b[31m that")
        async with FakeService(refuse_posts=[no]) as fake:
            assert await send(at(fake), ["hi"], as_json=False) == Exit.REFUSED
            assert await send(at(fake), ["x" * 5000], as_json=False) == Exit.REFUSED
            os.write(stdin, b"fine\n\xff\n")
            os.close(stdin)
            assert await send(at(fake), [], as_json=False) == Exit.REFUSED
            fake.user("taken")
            assert await send(at(fake, name="taken"), ["hi"], as_json=False) == Exit.REFUSED
            assert await send(at(fake, name="no good"), ["hi"], as_json=False) == Exit.REFUSED

    run(story())
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == "chat-cli: not ␛[31m that (0 sent before it)"
    assert errors[1] == "chat-cli: Too long: 5000 bytes of at most 4096. (0 sent before it)"
    assert errors[2].startswith("chat-cli: line 2 is not UTF-8")
    assert errors[3].startswith("chat-cli: this name is taken: choose another name")
    assert errors[4:] == ["chat-cli: a bad name"]


def test_nobody_listening_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    """At once, for both commands, with the address in the line."""

    async def story() -> None:
        fake = FakeService()
        await fake.start()
        await fake.stop()
        assert await send(at(fake), ["hi"], as_json=False) == Exit.UNREACHABLE
        assert await tail(at(fake), None, None, as_json=False) == Exit.UNREACHABLE

    run(story())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("127.0.0.1" in line and "no answer" in line for line in lines)


def test_a_server_that_goes_away_for_good_is_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the patience is over, the messages without an answer are counted."""
    monkeypatch.setattr(sending, "PATIENCE", 0.02)

    async def story() -> None:
        async with FakeService() as fake:
            slow = pb.Error(code=8, reason="RATE_LIMITED", message="slow", retry_after_ms=60_000)
            fake.refuse_posts = [slow]
            task = asyncio.create_task(send(at(fake), ["hi"], as_json=False))
            await fake.until(lambda: not fake.refuse_posts)
            await fake.stop()
            assert await task == Exit.UNREACHABLE

    run(story())
    assert "messages without an answer: 1" in capsys.readouterr().err


def test_an_expired_sign_in_does_not_send_as_somebody_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was written under the former identity is reported, not sent."""

    async def story() -> None:
        slow = pb.Error(code=8, reason="RATE_LIMITED", message="slow", retry_after_ms=60_000)
        async with FakeService(refuse_posts=[slow]) as fake:
            task = asyncio.create_task(send(at(fake), ["hi"], as_json=False))
            await fake.until(lambda: not fake.refuse_posts)
            fake.forget_everybody()
            fake.end_streams()
            assert await task == Exit.REFUSED
            assert texts(fake) == []

    run(story())
    assert "not sent: 1" in capsys.readouterr().err


def test_what_a_send_left_is_told_and_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """The next run sends its own lines alone: whoever started the first may have repeated it."""

    async def story() -> None:
        async with FakeService() as fake:
            await gives_up(fake, "left")
            assert await send(at(fake), ["own"], as_json=False) == Exit.DONE
            assert await send(at(fake), ["more"], as_json=False) == Exit.DONE
            assert texts(fake) == ["own", "more"]

    run(story())
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == [
        "chat-cli: messages without an answer: 1; within ten minutes send --resume sends them",
        "chat-cli: an earlier run got no answer to: #lobby left",
    ]


def test_resume_sends_what_was_left_once(
    stdin: int, capsys: pytest.CaptureFixture[str], state_dir: Path
) -> None:
    """Before the own lines, with the same ids, as the same user; then nothing is left."""
    os.close(stdin)

    async def story() -> None:
        async with FakeService() as fake:
            await gives_up(fake, "left")
            # As if it had been stored and only the answer was lost.
            (kept,) = outboxes(state_dir)
            (user,) = {user.user_id for user in fake.sessions.values()}
            post = pb.Post(room=pb.RoomTarget(room_name="lobby"), text="left", client_msg_id=kept)
            fake._post(Stream(next(iter(fake.sessions.values())), ""), "x", post)
            address = at(fake)
            assert await send(address, ["own"], as_json=True, resume=True) == Exit.DONE
            assert texts(fake) == ["left", "own"]
            assert {event.author.user_id for event in fake.room("lobby").events} == {user}
            # Nothing from stdin and nothing left: done.
            assert await send(address, [], as_json=False, resume=True) == Exit.DONE
            assert texts(fake) == ["left", "own"]
            assert outboxes(state_dir) == []

    run(story())
    output = capsys.readouterr()
    reports = [json.loads(line) for line in output.out.splitlines()]
    assert [(report["seq"], report["duplicate"]) for report in reports] == [(1, True), (2, False)]
    assert output.err.endswith("chat-cli: messages of an earlier run, sent first: 1\n")


def test_resume_reports_what_cannot_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Its sign-in is over, or the server refuses it: the own lines are sent, the exit code is 1."""

    async def story() -> None:
        async with FakeService() as fake:
            await gives_up(fake, "of another")
            fake.forget_everybody()
            assert await send(at(fake), ["own"], as_json=False, resume=True) == Exit.REFUSED
            await gives_up(fake, "not liked")
            fake.refuse_posts = [pb.Error(code=3, reason="TEXT_INVALID", message="no")]
            assert await send(at(fake), ["more"], as_json=False, resume=True) == Exit.REFUSED
            assert texts(fake) == ["own", "more"]
            assert await send(at(fake), ["again"], as_json=False, resume=True) == Exit.DONE

    run(story())
    lines = capsys.readouterr().err.splitlines()
    assert "chat-cli: not sent, its sign-in is over: #lobby of another" in lines
    assert "chat-cli: not sent, no: #lobby not liked" in lines


def test_data_of_another_epoch_ends_a_send(capsys: pytest.CaptureFixture[str]) -> None:
    """A token that is still valid there makes nobody the same user: nothing is sent."""

    async def story() -> None:
        slow = pb.Error(code=8, reason="RATE_LIMITED", message="slow", retry_after_ms=60_000)
        async with FakeService(refuse_posts=[slow]) as fake:
            task = asyncio.create_task(send(at(fake), ["hi"], as_json=False))
            await fake.until(lambda: not fake.refuse_posts)
            fake.epoch = "e2"
            fake.end_streams()
            assert await task == Exit.REFUSED
            assert texts(fake) == []

    run(story())
    assert "not sent: 1" in capsys.readouterr().err


def outboxes(root: Path) -> list[str]:
    """Give the ids of the messages that are kept."""
    return [
        json.loads(line)["post"]
        for path in root.rglob("*.jsonl")
        for line in path.read_bytes().splitlines()
        if b'"post"' in line
    ]


def test_send_that_is_removed_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    """It says why, counts what has no answer, and promises nobody that it will be sent."""

    async def story() -> None:
        slow = pb.Error(code=8, reason="RATE_LIMITED", message="slow", retry_after_ms=60_000)
        async with FakeService(refuse_posts=[slow]) as fake:
            task = asyncio.create_task(send(at(fake), ["hi"], as_json=True))
            await fake.until(lambda: not fake.refuse_posts)
            fake.kick_everybody()
            assert await task == Exit.REFUSED
            assert len(fake.joins) == 1

    run(story())
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines()[-2:] == [
        "chat-cli: ended by the test",
        "chat-cli: messages without an answer: 1",
    ]


async def gives_up(fake: FakeService, text: str) -> None:
    """Let a send end without an answer, as one that is stopped by a signal."""
    fake.refuse_posts = [
        pb.Error(code=8, reason="RATE_LIMITED", message="slow", retry_after_ms=60_000)
    ]
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(send(at(fake), [text], as_json=False))
    await fake.until(lambda: not fake.refuse_posts)
    loop.call_soon(os.kill, os.getpid(), signal.SIGTERM)
    assert await task == 128 + signal.SIGTERM


# -------------------------------------------------------------------------- tail


def test_tail_begins_anew_when_its_room_is_shorter(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that was restored from a copy: it is told, and what comes then is shown."""

    async def story() -> None:
        async with FakeService() as fake:
            for text in ("one", "two"):
                fake.say("bob", text)
            task = asyncio.create_task(tail(at(fake), 0, 3, as_json=True))
            await fake.is_read()
            del fake.room("lobby").events[1:]
            streams = len(fake.subscribes)
            fake.end_streams()
            # Refused once for its position, then again without one.
            await fake.until(lambda: len(fake.subscribes) == streams + 2 and bool(fake.streams))
            await fake.is_read()
            assert not fake.subscribes[-1].rooms[0].HasField("after_seq")
            fake.say("bob", "two again")
            assert await task == Exit.DONE

    run(story())
    output = capsys.readouterr()
    printed = [json.loads(line)["text"] for line in output.out.splitlines()]
    assert printed == ["one", "two", "two again"]
    assert "beyond the head: only what comes from now on is shown" in output.err


def test_tail_finds_its_room_in_other_data(capsys: pytest.CaptureFixture[str]) -> None:
    """The id is another room's there: nothing of that one is printed."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.say("bob", "one")
            task = asyncio.create_task(tail(at(fake), 0, 2, as_json=True))
            await fake.is_read()
            kitchen = fake.room("lobby")
            kitchen.name, fake.epoch = "kitchen", "e2"
            lobby = fake.room("lobby")
            streams = len(fake.subscribes)
            fake.end_streams()
            await fake.until(lambda: len(fake.subscribes) == streams + 2 and bool(fake.streams))
            await fake.until(lambda: any(lobby.room_id in one.rooms for one in fake.streams))
            fake.say("bob", "of the kitchen", kitchen)
            fake.say("bob", "of the lobby", lobby)
            assert await task == Exit.DONE

    run(story())
    output = capsys.readouterr()
    printed = [json.loads(line)["text"] for line in output.out.splitlines()]
    assert printed == ["one", "of the lobby"]


def test_tail_finds_a_hole_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """The live marker says more than what came: it is read again."""

    async def story() -> None:
        async with FakeService(skip_seqs={2}) as fake:
            for text in ("one", "two"):
                fake.say("bob", text)
            assert await tail(at(fake), 0, 2, as_json=True) == Exit.DONE
            assert len(fake.subscribes) == 2

    run(story())
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_tail_from_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has every field, exact texts and ASCII alone."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.say("bob", "é \x1b[2J \u202e")
            room = fake.room("lobby")
            fake._append(room, fake.user("bob"), pb.TopicChange(topic="tea"))
            action = pb.Message(text="waves", style=pb.MESSAGE_STYLE_ACTION)
            fake._append(room, fake.user("bob"), action)
            for event in room.events:
                event.time_ms = 1_763_625_600_007
            assert await tail(at(fake), 0, 3, as_json=True) == Exit.DONE
            assert "bot" not in [user.name for user in fake.sessions.values()]

    run(story())
    output = capsys.readouterr().out
    assert output.isascii()
    assert "\x1b" not in output
    message, topic, action = map(json.loads, output.splitlines())
    assert message == {
        "type": "message",
        "room": "lobby",
        "seq": 1,
        "author": "bob",
        "text": "é \x1b[2J \u202e",
        "time": "2025-11-20T08:00:00.007Z",
    }
    assert (topic["type"], topic["text"], topic["seq"]) == ("topic", "tea", 2)
    assert (action["type"], action["style"]) == ("message", "action")


def test_tail_in_plain_text_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a message, control characters shown, no line for the day in a pipe."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.say("bob", "a\x1b[2J\nb")
            assert await tail(at(fake), 0, 1, as_json=False) == Exit.DONE

    run(story())
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("bob: a␛[2J")
    assert second == "      b"


def test_tail_without_since_begins_now(capsys: pytest.CaptureFixture[str]) -> None:
    """What was said before is not printed."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.say("bob", "before")
            task = asyncio.create_task(tail(at(fake), None, 1, as_json=True))
            await fake.is_read()
            fake.say("bob", "after")
            assert await task == Exit.DONE

    run(story())
    assert json.loads(capsys.readouterr().out)["text"] == "after"


def test_tail_resumes_without_holes_or_doubles(capsys: pytest.CaptureFixture[str]) -> None:
    """Over streams that break and a stream that leaves out an event."""

    async def story() -> None:
        async with FakeService(skip_seqs={12}) as fake:
            task = asyncio.create_task(tail(at(fake), 0, 30, as_json=True))
            for number in range(1, 31):
                fake.say("bob", str(number))
                if number in (5, 20):
                    await fake.is_read()
                    fake.end_streams()
                if number == 25:
                    await fake.stop()
                    await fake.start()
            assert await task == Exit.DONE
            assert fake.subscribes[-1].rooms[0].room.room_id == fake.room("lobby").room_id

    run(story())
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["seq"] for event in printed] == list(range(1, 31))


def test_tail_says_what_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    """A gap is a line on stderr, and printing goes on with what is kept."""

    async def story() -> None:
        async with FakeService(kept_from=3) as fake:
            for number in range(1, 5):
                fake.say("bob", str(number))
            assert await tail(at(fake), 0, 2, as_json=True) == Exit.DONE

    run(story())
    output = capsys.readouterr()
    assert [json.loads(line)["seq"] for line in output.out.splitlines()] == [3, 4]
    assert output.err == "chat-cli: events 1 to 2 are no longer kept\n"


def test_tail_of_other_data_begins_now(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers of the former life are forgotten, with a line on stderr."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.say("bob", "one")
            task = asyncio.create_task(tail(at(fake), 0, 2, as_json=True))
            await fake.is_read()
            streams = len(fake.subscribes)
            fake.replace_data("e2")
            fake.say("bob", "of the new life, before")
            fake.end_streams()
            await fake.until(lambda: len(fake.subscribes) > streams and bool(fake.streams))
            await fake.is_read()
            fake.say("bob", "two")
            assert await task == Exit.DONE

    run(story())
    output = capsys.readouterr()
    printed = [json.loads(line)["text"] for line in output.out.splitlines()]
    assert printed[0] == "one"
    assert "data was replaced" in output.err


def test_tail_is_refused_beyond_the_head(capsys: pytest.CaptureFixture[str]) -> None:
    """A number that the room has not reached is an error, not a wait."""

    async def story() -> None:
        async with FakeService() as fake:
            assert await tail(at(fake), 5, None, as_json=False) == Exit.REFUSED

    run(story())
    assert capsys.readouterr().err == "chat-cli: beyond the head\n"


def test_tail_waits_for_a_server_that_asks_to(capsys: pytest.CaptureFixture[str]) -> None:
    """Too many guests from one address: the delay is obeyed and told."""

    async def story() -> None:
        full = EndError(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many guests", "RATE_LIMITED", 5)
        async with FakeService(refuse_joins=[full]) as fake:
            fake.say("bob", "hi")
            assert await tail(at(fake), 0, 1, as_json=True) == Exit.DONE

    run(story())
    assert "too many guests, trying again" in capsys.readouterr().err


def test_a_count_of_zero_is_done_at_once() -> None:
    """Nothing is asked of the server that could fail later."""

    async def story() -> None:
        async with FakeService() as fake:
            assert await tail(at(fake), 0, 0, as_json=False) == Exit.DONE

    run(story())


def test_tail_that_is_removed_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    """It says why, and does not come back."""

    async def story() -> None:
        async with FakeService() as fake:
            task = asyncio.create_task(tail(at(fake), None, None, as_json=False))
            await fake.is_read()
            fake.kick_everybody()
            assert await task == Exit.REFUSED
            assert len(fake.subscribes) == 1

    run(story())
    assert capsys.readouterr().err == "chat-cli: ended by the test\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_an_announcement_is_a_remark(*, as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to stderr, line by line and harmless; the output has messages alone."""

    async def story() -> None:
        async with FakeService() as fake:
            task = asyncio.create_task(tail(at(fake), None, 1, as_json=as_json))
            await fake.is_read()
            notice = pb.Notice(kind=pb.NOTICE_KIND_ANNOUNCEMENT, text="at noon\nor \x1b[2Jso")
            fake.tell(pb.StreamItem(notice=notice))
            fake.say("bob", "hello")
            assert await task == Exit.DONE

    run(story())
    output = capsys.readouterr()
    assert output.err == "chat-cli: the operator: at noon\nchat-cli: the operator: or ␛[2Jso\n"
    assert len(output.out.splitlines()) == 1
    assert "noon" not in output.out


@pytest.mark.parametrize("as_json", [True, False])
def test_tail_tells_what_keeps_order(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Each event once, under the name that the room has then, also after a lost stream."""

    async def story() -> None:
        async with FakeService() as fake:
            bob = fake.user("bob")
            fake.say("bob", "spam")
            fake.does("eve", pb.Deletion(seq=1, author=bob, reason="ad\x1b[2J"))
            task = asyncio.create_task(tail(at(fake), 0, 5 if as_json else 4, as_json=as_json))
            await fake.is_read()
            fake.does("eve", pb.RoomChange(name="hall"))
            streams = len(fake.subscribes)
            fake.end_streams()
            await fake.until(lambda: len(fake.subscribes) > streams and bool(fake.streams))
            await fake.is_read()
            fake.does("bob", pb.Withheld(), fake.room("hall"))
            fake.say("bob", "bye", fake.room("hall"))
            assert await task == Exit.DONE

    run(story())
    lines = capsys.readouterr().out.splitlines()
    if as_json:
        told = [json.loads(line) for line in lines]
        kinds = ["message", "deletion", "change", "withheld", "message"]
        assert [one["type"] for one in told] == kinds
        assert [one["room"] for one in told] == ["lobby", "lobby", "hall", "hall", "hall"]
        assert (told[1]["deleted_seq"], told[1]["deleted_author"]) == (1, "bob")
        assert told[2]["changes"] == {"name": "hall"}
    else:
        assert [line[6:] for line in lines] == [
            "bob: spam",
            "· eve deleted a message of bob: ad␛[2J",
            "· eve renamed the room to hall",
            "bob: bye",
        ]


def test_tail_ends_when_it_is_put_out(capsys: pytest.CaptureFixture[str]) -> None:
    """It does not come back by itself, and says by whom and why."""

    async def story() -> None:
        async with FakeService() as fake:
            task = asyncio.create_task(tail(at(fake), 0, None, as_json=True))
            await fake.is_read()
            closed = pb.RoomClosed(
                room_id=fake.room("lobby").room_id, reason=pb.CLOSE_REASON_BANNED, text="spam",
                by=fake.user("eve"),
            )  # fmt: skip
            fake.tell(pb.StreamItem(closed=closed))
            assert await task == Exit.REFUSED

    run(story())
    assert capsys.readouterr().err.splitlines()[-1] == "chat-cli: banned from lobby by eve: spam"
