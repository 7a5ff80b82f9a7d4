"""`chat_cli.scripts.account`: register, login, password and logout without a screen."""

from asyncio import gather
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from chat_cli.answers import FiledQuestions
from chat_cli.errors import NobodyError
from chat_cli.exits import Exit
from chat_cli.ports import Secret
from chat_cli.scripts.account import login, login_by_token, logout, password, register
from chat_cli.scripts.script import Address
from chat_cli.scripts.send import send
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.cli.desk import Desk, run
from tests.cli.fake_service import FakeService


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep tokens out of the person's own directory."""
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    return tmp_path


class Nobody:
    """Cannot be asked. Obeys `ports.Questions`."""

    async def answer(self, question: str, secret: Secret | None = None) -> str:
        """Refuse."""
        raise NobodyError(f"there is no terminal to ask on ({question}{secret})")

    def close(self) -> None:
        """Do nothing."""


def at(fake: FakeService, **secrets: str) -> Address:
    """Make the address of a script of anna, who has these secrets in files."""
    found: Mapping[Secret, str] = {Secret[name.upper()]: text for name, text in secrets.items()}
    return Address(fake.target, "anna", "lobby", ask=partial(FiledQuestions, found, Nobody))


def tokens(state_dir: Path) -> list[Path]:
    """Give the files with tokens."""
    return list(state_dir.rglob("sessions/*/*.json"))


def test_a_sign_in_serves_what_comes_later(
    state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Login once, send twice, logout; nothing needs the password in between."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            assert await login(at(fake, password="secret-1")) == Exit.DONE
            for text in ("one", "two"):
                assert await send(at(fake), [text], as_json=False) == Exit.DONE
            assert len(fake.sessions) == 1
            assert await logout(at(fake)) == Exit.DONE
            assert fake.sessions == {}
            assert await logout(at(fake)) == Exit.DONE
            texts = [event.message.text for event in fake.room("lobby").events]
            assert texts == ["one", "two"]
            assert fake.accounts.tried == ["secret-1"]

    run(story())
    assert tokens(state_dir) == []
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("chat-cli: signed in as anna until 20")
    assert told[1:] == ["chat-cli: signed out anna", "chat-cli: anna is not signed in here"]


def test_a_token_signs_a_bot_in(state_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What starts later under its name has a session of its own; the token itself is not kept."""

    async def story() -> None:
        async with FakeService() as fake:
            api_token = fake.open_session(pb.User(user_id="u8", name="Anna", bot=True), "")
            assert await login_by_token(at(fake, token=f" {api_token} ")) == Exit.DONE
            _, kept = fake.sessions
            assert [kept in one.read_text() for one in tokens(state_dir)] == [True]
            assert api_token not in tokens(state_dir)[0].read_text()
            assert await send(at(fake), ["beep"], as_json=False) == Exit.DONE
            assert await logout(at(fake)) == Exit.DONE
            assert list(fake.sessions) == [api_token]
            others = fake.open_session(pb.User(user_id="u9", name="bob"), "")
            assert await login_by_token(at(fake, token=others)) == Exit.REFUSED
            assert list(fake.sessions) == [api_token, others]
            assert await login_by_token(at(fake, token="no töken")) == Exit.REFUSED
            assert await login_by_token(at(fake, token="gone")) == Exit.REFUSED
            assert await login_by_token(at(fake)) == Exit.REFUSED

    run(story())
    assert tokens(state_dir) == []
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "chat-cli: signed in as Anna"
    assert "this is a token of bob, not of anna" in told[2]
    assert "this is no token" in told[3]
    assert "--token-file FILE" in told[5]


def test_without_a_password_a_script_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says how to give it; a wrong one, and a sign-in that is over, are told too."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            assert await send(at(fake), ["hi"], as_json=False) == Exit.REFUSED
            assert await send(at(fake, password="wrong"), ["hi"], as_json=False) == Exit.REFUSED
            assert await login(at(fake, password="wrong")) == Exit.REFUSED
            assert await login(at(fake)) == Exit.REFUSED
            assert fake.room("lobby").events == []

    run(story())
    told = capsys.readouterr().err.splitlines()
    assert "--password-file FILE" in told[0]
    assert all("the password in the file is wrong" in line for line in told[1:3])
    assert "--password-file FILE" in told[3]


def test_a_script_ends_when_its_sign_in_is_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """With a status and a line, and what was not sent."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            fake.swallow_acks = 1
            assert await login(at(fake, password="secret-1")) == Exit.DONE
            # The stream breaks before the answer, and the session is gone when it comes back.

            def gone() -> bool:
                if fake.room("lobby").events:
                    fake.accounts.end_sessions("anna")
                return bool(fake.room("lobby").events)

            sending = send(at(fake), ["hi"], as_json=False)
            watching = fake.until(gone)
            code, _ = await gather(sending, watching)
            assert code == Exit.REFUSED

    run(story())
    assert "your sign-in" in capsys.readouterr().err


def test_a_name_is_registered_and_signed_in(
    state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a code if the server wants one; a client finds the token."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.invite_code = "let-me-in"
            secrets = {"new_password": "secret-1", "code": "let-me-in"}
            assert await register(at(fake, new_password="secret-1")) == Exit.REFUSED
            assert await register(at(fake, **secrets), "invite") == Exit.DONE
            assert await register(at(fake, **secrets), "invite") == Exit.REFUSED
            async with Desk(fake.target, "anna", state_dir) as anna:
                await anna.sees("You are anna")
                assert anna.screen.asked == []

    run(story())
    told = capsys.readouterr().err.splitlines()
    assert "an invite code is needed" in told[0]
    assert told[1].startswith("chat-cli: anna is yours: an account, signed in here until 20")


def test_a_code_is_asked_for_where_the_server_wants_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After its refusal, and the password is not asked for again; a bad code is the end."""
    asked: list[str] = []

    class Person(Nobody):
        """Answers what is asked in the order of `lines`. Obeys `ports.Questions`."""

        def __init__(self, *lines: str) -> None:
            self._lines = list(lines)

        async def answer(self, question: str, secret: Secret | None = None) -> str:
            """Give the next line."""
            asked.append(f"{question}{secret}")
            return self._lines.pop(0)

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.invite_code = "let-me-in"
            for code, outcome in (("wrong", Exit.REFUSED), ("let-me-in", Exit.DONE)):
                ask = partial(Person, "secret-1", "secret-1", code)
                address = Address(fake.target, "anna", "lobby", ask=ask)
                assert await register(address) == outcome
            filed = Address(fake.target, "ben", "lobby", ask=at(fake, new_password="secret-1").ask)
            assert await register(filed) == Exit.REFUSED
            both = at(fake, new_password="secret-1", code="let-me-in").ask
            assert await register(Address(fake.target, "ben", "lobby", ask=both)) == Exit.DONE

    run(story())
    wanted = "This server asks for an invite code: Secret.CODE"
    choosing = ["Choose a password: Secret.NEW_PASSWORD", "Again: Secret.NEW_PASSWORD"]
    assert asked == [*choosing, wanted] * 2
    told = capsys.readouterr().err.splitlines()
    assert ["an invite code is needed" in line for line in told] == [True, False, True, False]


def test_a_password_is_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """By the old one, after which the old one is wrong."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            change = at(fake, password="secret-1", new_password="secret-2")
            assert await password(change) == Exit.DONE
            assert await password(change) == Exit.REFUSED
            assert await login(at(fake, password="secret-2")) == Exit.DONE

    run(story())
    assert "the password is changed" in capsys.readouterr().err


def test_nobody_listening_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    """As for all commands."""

    async def story() -> None:
        async with FakeService() as fake:
            address = at(fake, password="secret-1")
            await fake.stop()
            assert await login(address) == Exit.UNREACHABLE

    run(story())
    assert "no answer" in capsys.readouterr().err


def test_logout_leaves_running_clients_alone(
    state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their tokens are theirs, and that is told."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with Desk(fake.target, "anna", state_dir) as anna:
                anna.answers("secret-1")
                await anna.settled()
                assert await logout(at(fake)) == Exit.DONE
                assert fake.signed_out == []

    run(story())
    told = capsys.readouterr().err
    assert "not signed in here; running clients that stay signed in: 1" in told
