"""`chat_cli.scripts.post` and `tail` with an API token, which leave nothing behind."""

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chat_cli.exits import Exit
from chat_cli.known_hosts import KnownHosts
from chat_cli.scripts import post as posting
from chat_cli.scripts.post import post
from chat_cli.scripts.script import Address
from chat_cli.scripts.tail import tail
from chat_cli.trust import Trust
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.authority import issue
from tests.cli.desk import run
from tests.cli.fake_service import FakeService
from tests.cli.test_scripts import Stdin, texts


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Show whether anything is kept."""
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    # A fiftieth of the longest delay between attempts to connect.
    monkeypatch.setattr("random.random", lambda: 0.02)
    return tmp_path


def at(fake: FakeService) -> Address:
    """Make the address of a bot that has a token."""
    token = fake.open_session(pb.User(user_id="u77", name="helper", bot=True), "")
    return Address(fake.target, "", "lobby", token=token)


def test_a_text_is_one_call(state_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No sign-in, no stream, no file; the token goes on."""

    async def story() -> None:
        async with FakeService() as fake:
            where = at(fake)
            assert where.token not in repr(where)
            assert await post(where, where.token, ["hello there"], as_json=True) == Exit.DONE
            assert texts(fake) == ["hello there"]
            assert (fake.joins, fake.hellos, fake.signed_out) == ([], [], [])
            assert list(fake.sessions) == [where.token]

    run(story())
    output = capsys.readouterr()
    report = json.loads(output.out)
    assert (report["room"], report["seq"], report["duplicate"]) == ("lobby", 1, False)
    assert output.err == ""
    assert list(state_dir.iterdir()) == []


def test_lines_are_messages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, each with an id of its own; what comes before a bad one is sent."""
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Stdin(reading))
    os.write(writing, b"one\n \ntwo\n\xff\nthree\n")
    os.close(writing)

    async def story() -> None:
        async with FakeService() as fake:
            where = at(fake)
            assert await post(where, where.token, [], as_json=False) == Exit.REFUSED
            assert texts(fake) == ["one", "two"]
            assert len(fake.posts) == 2

    run(story())
    os.close(reading)
    assert capsys.readouterr().err == "chat-cli: line 4 is not UTF-8 (2 sent before it)\n"


def test_the_pace_of_the_server_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """What was refused for now is sent again with the same id; it is told once."""
    slow = pb.Error(code=8, reason="TOO_FAST", message="slowly", retry_after_ms=1)

    async def story() -> None:
        async with FakeService(refuse_posts=[slow, None, slow, slow]) as fake:
            where = at(fake)
            assert await post(where, where.token, ["one", "two"], as_json=True) == Exit.DONE
            assert texts(fake) == ["one", "two"]

    run(story())
    output = capsys.readouterr()
    ids = [json.loads(line)["client_msg_id"] for line in output.out.splitlines()]
    assert len(set(ids)) == 2
    assert output.err == "chat-cli: going on at the server's pace\n"


def test_what_is_refused_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    """In the server's words, with how many were sent."""
    muted = pb.Error(code=7, reason="MUTED", message="you may not speak in lobby")

    async def story() -> None:
        async with FakeService(refuse_posts=[None, muted]) as fake:
            where = at(fake)
            given = ["one", "two", "three"]
            assert await post(where, where.token, given, as_json=False) == Exit.REFUSED
            assert texts(fake) == ["one"]

    run(story())
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("(1 sent before it)")


def test_a_server_that_comes_back_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once something was sent; the message whose answer was lost is stored once."""
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Stdin(reading))
    os.write(writing, b"one\n")

    async def story() -> None:
        async with FakeService() as fake:
            where = at(fake)
            task = asyncio.create_task(post(where, where.token, [], as_json=True))
            await fake.until(lambda: len(texts(fake)) == 1)
            fake.swallow_acks = 1
            os.write(writing, b"two\n")
            os.close(writing)
            assert await task == Exit.DONE
            assert texts(fake) == ["one", "two"]

    run(story())
    os.close(reading)
    output = capsys.readouterr()
    assert [json.loads(line)["duplicate"] for line in output.out.splitlines()] == [False, True]
    assert "trying again" in output.err


def test_a_server_that_stays_away_is_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the patience is over; at once if it never answered."""
    monkeypatch.setattr(posting, "PATIENCE", 0.0)
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Stdin(reading))
    os.write(writing, b"one\n")

    async def story() -> None:
        async with FakeService() as fake:
            where = at(fake)
            task = asyncio.create_task(post(where, where.token, [], as_json=True))
            await fake.until(lambda: len(texts(fake)) == 1)
            await fake.stop()
            os.write(writing, b"two\n")
            os.close(writing)
            assert await task == Exit.UNREACHABLE
            assert await post(where, where.token, ["late"], as_json=False) == Exit.UNREACHABLE

    run(story())
    os.close(reading)
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == told[-2].removesuffix(" (1 sent before it)")


def test_a_token_goes_to_no_server_that_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is asked: the certificate is known, or nothing is sent."""

    async def story() -> None:
        async with FakeService(issued=issue("127.0.0.1")) as fake:
            known = KnownHosts(tmp_path / "known_hosts")
            where = replace(at(fake), trust=Trust(fake.target, True, known=known))
            assert await post(where, where.token, ["hi"], as_json=False) == Exit.REFUSED
            plain = replace(where, trust=Trust(fake.target, False, known=known))
            assert await post(plain, where.token, ["hi"], as_json=False) == Exit.REFUSED
            assert texts(fake) == []

    run(story())
    unknown, plain = capsys.readouterr().err.splitlines()
    assert "not known here" in unknown
    assert "speaks TLS" in plain


@pytest.mark.parametrize("what", ["post", "tail"])
def test_a_token_that_is_not_good_is_refused(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no other way in: nobody is asked, nothing is tried again."""

    async def story() -> None:
        async with FakeService() as fake:
            where = at(fake)
            fake.forget_everybody()
            if what == "post":
                ended = await post(where, where.token, ["hi"], as_json=False)
            else:
                ended = await tail(where, 0, 1, as_json=False)
            assert ended == Exit.REFUSED
            assert fake.joins == []

    run(story())
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_tail_reads_with_the_token_alone(
    state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over a break too, in the epoch that the stream names; it ends nobody's session."""

    async def story() -> None:
        async with FakeService() as fake:
            where = at(fake)
            fake.say("bob", "one")
            task = asyncio.create_task(tail(where, 0, 3, as_json=False, hear_bots=True))
            await fake.is_read()
            fake.end_streams()
            fake.say("bob", "two")
            await fake.until(lambda: len(fake.subscribes) == 2)
            fake.replace_data("e2")
            fake.sessions[where.token] = pb.User(user_id="u77", name="helper", bot=True)
            former = list(fake.streams)
            fake.end_streams()
            await fake.until(lambda: any(s.rooms for s in fake.streams if s not in former))
            fake.say("bob", "three")
            assert await task == Exit.DONE
            assert [one.hear_bots for one in fake.subscribes[:2]] == [True, True]
            assert [one.epoch for one in fake.subscribes[:2]] == ["", "e1"]
            assert (fake.joins, fake.signed_out) == ([], [])

    run(story())
    output = capsys.readouterr()
    assert [line[6:] for line in output.out.splitlines()] == ["bob: one", "bob: two", "bob: three"]
    assert "the server's data was replaced" in output.err
    assert list(state_dir.iterdir()) == []
