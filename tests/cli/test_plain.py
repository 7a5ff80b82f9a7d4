"""`chat_cli.plain` and `chat_cli.interactive`: the client in a pipe."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from chat_cli.exits import Exit
from chat_cli.interactive import chat
from chat_cli.journal import Journal, find_orphans
from chat_cli.model import ByName
from chat_cli.pending import PendingPost
from chat_cli.ports import Secret
from chat_cli.records import pending
from chat_cli.storage import directory_for
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.authority import issue
from tests.cli.desk import DEADLINE, run
from tests.cli.fake_service import FakeService


class Pipe:
    """Stands for sys.stdin: lines are written into it."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def fileno(self) -> int:
        """Give the end that is read."""
        return self._reading

    def isatty(self) -> bool:
        """Tell that this is no terminal."""
        return False

    def write(self, text: str) -> None:
        """Write lines."""
        os.write(self._writing, text.encode())

    def end(self) -> None:
        """End the lines."""
        os.close(self._writing)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pipe:
    """Put a pipe in the place of stdin, and the tokens into a directory of the test."""
    pipe = Pipe()
    monkeypatch.setattr(sys, "stdin", pipe)
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("random.random", lambda: 0.02)
    return pipe


def test_lines_in_lines_out(stdin: Pipe, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is done before the next; the end of the lines is the end."""
    stdin.write("hello\n/join dev\nin dev\n/users all\n/nonsense\n")
    stdin.end()

    async def story() -> None:
        async with FakeService() as fake:
            fake.say("bob", "before")
            assert await chat(fake.target, "anna", "lobby") == Exit.DONE
            assert [event.message.text for event in fake.room("lobby").events] == [
                "before",
                "hello",
            ]
            assert [event.message.text for event in fake.room("dev").events] == ["in dev"]
            assert [user.name for user in fake.sessions.values()] == ["bob"]

    run(story())
    lines = capsys.readouterr().out.replace("\u00a0", " ").splitlines()
    said = [line[6:] for line in lines if "bob:" in line or "anna:" in line]
    assert said[:2] == ["bob: before", "anna: hello ✓"]
    assert "anna: in dev ✓" in said
    assert any("2 on 127.0.0.1" in line for line in lines)
    assert "There is no /nonsense." in lines[-1]


def test_quit_ends_before_the_lines_do(stdin: Pipe) -> None:
    """What follows is not read."""
    stdin.write("hello\n/quit\nnot this\n")

    async def story() -> None:
        async with FakeService() as fake:
            assert await chat(fake.target, "anna", "lobby") == Exit.DONE
            assert [event.message.text for event in fake.room("lobby").events] == ["hello"]
            assert fake.sessions == {}

    run(story())
    stdin.end()


def test_a_refused_name_is_1(stdin: Pipe, capsys: pytest.CaptureFixture[str]) -> None:
    """At the end of the lines; a line before it is the next name."""
    stdin.end()

    async def story() -> None:
        async with FakeService() as fake:
            fake.user("anna")
            assert await chat(fake.target, "anna", "lobby") == Exit.REFUSED

    run(story())
    assert "this name is taken" in capsys.readouterr().out


def test_the_first_line_may_be_the_name(stdin: Pipe) -> None:
    """Without --name it is asked for."""
    stdin.write("anna\nhello\n")
    stdin.end()

    async def story() -> None:
        async with FakeService() as fake:
            assert await chat(fake.target, "", "lobby") == Exit.DONE
            (event,) = fake.room("lobby").events
            assert (event.author.name, event.message.text) == ("anna", "hello")

    run(story())


def test_lines_survive_a_lost_connection(stdin: Pipe) -> None:
    """What was typed while the server was away is sent when it is back."""

    async def story() -> None:
        async with FakeService() as fake:
            chatting = asyncio.create_task(chat(fake.target, "anna", "lobby"))
            stdin.write("one\n")
            await fake.until(lambda: bool(fake.room("lobby").events))
            await fake.stop()
            stdin.write("two\n")
            await fake.start()
            await fake.until(lambda: len(fake.room("lobby").events) == 2)
            stdin.end()
            assert await chatting == Exit.DONE

    run(story())


def test_commands_wait_for_the_connection(stdin: Pipe) -> None:
    """So that what follows them is meant for where they lead, and not for the room before."""

    async def story() -> None:
        async with FakeService() as fake:
            chatting = asyncio.create_task(chat(fake.target, "anna", "lobby"))
            stdin.write("one\n")
            await fake.until(lambda: bool(fake.room("lobby").events))
            await fake.stop()
            stdin.write("two\n/join dev\nthree\n/leave\n")
            stdin.end()
            await fake.start()
            assert await chatting == Exit.DONE
            said = [event.message.text for event in fake.room("lobby").events]
            assert said == ["one", "two"]
            assert [event.message.text for event in fake.room("dev").events] == ["three"]

    run(story())


def test_what_was_not_sent_is_told_at_the_end(
    stdin: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing vanishes in silence when the server is gone; the next start sends it."""

    async def story() -> None:
        async with FakeService() as fake:
            chatting = asyncio.create_task(chat(fake.target, "anna", "lobby"))
            stdin.write("one\n")
            shown = ""
            async with asyncio.timeout(DEADLINE):
                while "✓" not in shown:
                    await asyncio.sleep(0.005)
                    shown += capsys.readouterr().out
            await fake.stop()
            stdin.write("lost \x1b[2J\n")
            stdin.end()
            await chatting

            said = capsys.readouterr().err
            assert said.startswith("not sent yet: lost ␛[2J\nThe next start")
            await fake.start()
            chatting = asyncio.create_task(chat(fake.target, "anna", "lobby"))
            await fake.until(lambda: len(fake.room("lobby").events) == 2)
            stdin.end()
            assert await chatting == Exit.DONE
            assert fake.room("lobby").events[1].message.text == "lost \x1b[2J"

    run(story())
    assert "not sent" not in capsys.readouterr().err


@pytest.mark.parametrize("gone", [True, False])
def test_a_sign_in_that_cannot_be_ended_is_told(
    stdin: Pipe, capsys: pytest.CaptureFixture[str], gone: bool
) -> None:
    """/logout without a server forgets the token, and says what goes on there; else nothing."""
    told = "until it ends by itself"

    async def story() -> None:
        async with FakeService() as fake:
            held = fake.accounts.open("anna", "secret-1")
            given = {Secret.PASSWORD: held.password}
            task = asyncio.create_task(chat(fake.target, "anna", "lobby", None, given))
            await fake.is_read()
            if gone:
                await fake.stop()
            stdin.write("/logout\n")
            stdin.end()
            await task

    run(story())
    assert (told in capsys.readouterr().out) is gone


def test_a_server_that_cannot_be_used_is_1(
    stdin: Pipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At once, with one line, though more could be typed; nothing is shown, and none stays."""

    async def story() -> None:
        async with FakeService(issued=issue("any.example")) as fake:
            stdin.write("hello\n")
            async with asyncio.timeout(DEADLINE):
                assert await chat(fake.target, "anna", "lobby") == Exit.REFUSED
            assert fake.joins == []

    run(story())
    stdin.end()
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("chat-cli: 127.0.0.1:")
    assert "--tls encrypts it" in line
    assert list(tmp_path.rglob("outbox/*/*")) == []


def test_what_somebody_wrote_outlives_a_server_that_cannot_be_used(
    stdin: Pipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It belongs to who signed in before; what nobody wrote is dropped, and both are told."""
    mine = PendingPost("a-1", ByName("lobby"), "mine", False, "u1@e1")
    nobodys = PendingPost("a-2", ByName("lobby"), "nobody's", False, None)

    async def story() -> None:
        async with FakeService(issued=issue("any.example")) as fake:
            directory = directory_for("outbox", fake.target, "anna", tmp_path)
            journal = Journal.create(directory, "window")
            journal.append(b"".join(pending(one) for one in (mine, nobodys)))
            journal.leave()
            stdin.end()
            assert await chat(fake.target, "anna", "lobby") == Exit.REFUSED
            (left,) = find_orphans(directory, "window")
            assert list(left.contents.posts) == ["a-1"]
            left.leave()

    run(story())
    why, *rest = capsys.readouterr().err.splitlines()
    assert "--tls encrypts it" in why
    assert rest[:2] == ["not sent yet: mine", "not sent: nobody's"]


def test_a_removed_user_is_1(stdin: Pipe, capsys: pytest.CaptureFixture[str]) -> None:
    """Why is told, and what was written after it is not sent and said to be so."""
    shown = ""

    async def story() -> None:
        nonlocal shown
        async with FakeService() as fake:
            chatting = asyncio.create_task(chat(fake.target, "anna", "lobby"))
            stdin.write("one\n")
            await fake.until(lambda: bool(fake.room("lobby").events))
            notice = pb.Notice(kind=pb.NOTICE_KIND_ANNOUNCEMENT, text="last call")
            fake.tell(pb.StreamItem(notice=notice))
            fake.kick_everybody()
            async with asyncio.timeout(DEADLINE):
                while "Ended by the test" not in shown:
                    await asyncio.sleep(0.005)
                    shown += capsys.readouterr().out
            stdin.write("two\n")
            stdin.end()
            assert await chatting == Exit.REFUSED
            assert len(fake.hellos) == 1

    run(story())
    assert "-- the operator: last call" in shown
    assert capsys.readouterr().err == "not sent: two\n"


def test_a_bug_is_told_and_what_grpc_stumbles_over_is_not(
    stdin: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for a mistake of ours; none for the poller, which goes on."""

    async def story() -> None:
        async with FakeService() as fake:
            chatting = asyncio.create_task(chat(fake.target, "anna", "lobby"))
            await fake.is_read()
            report = asyncio.get_running_loop().call_exception_handler
            callback = "Exception in callback PollerCompletionQueue._handle_events(<loop>)()"
            report({"message": callback, "exception": RuntimeError("Event loop is closed")})
            report({"message": callback, "exception": BlockingIOError(11, "try again")})
            report({"message": "Task exception was never retrieved", "exception": KeyError("x")})
            stdin.end()
            assert await chatting == Exit.DONE

    run(story())
    told = [line for line in capsys.readouterr().out.splitlines() if "bug of chat-cli" in line]
    assert [line.partition("bug of ")[2] for line in told] == ["chat-cli: KeyError: 'x'"]
