"""Signing in to an account: the session of `chat_cli.session`, at a desk of the fake service."""

from pathlib import Path

import pytest

from chat_cli.ports import Secret
from chat_cli.state import Link
from tests.cli.desk import Desk, run
from tests.cli.ends import Code, EndError
from tests.cli.fake_service import FakeService

QUESTION = ("Password for anna: ", Secret.PASSWORD)


def test_a_name_of_an_account_asks_for_its_password(tmp_path: Path) -> None:
    """Once, hidden, and the line is given back; a further window needs none."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with Desk(fake.target, "anna", tmp_path) as anna:
                anna.answers("secret-1")
                await anna.sees("You are anna")
                assert anna.screen.asked == [QUESTION]
                assert anna.screen.asking == 0
                async with Desk(fake.target, "anna", tmp_path) as again:
                    await again.sees("You are anna")
                    assert again.screen.asked == []
            assert fake.accounts.tried == ["secret-1"]

    run(story())


def test_an_account_stays_signed_in_when_the_client_ends(tmp_path: Path) -> None:
    """The next start has the token; only /logout ends the session."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with Desk(fake.target, "anna", tmp_path) as anna:
                anna.answers("secret-1")
                await anna.settled()
            assert fake.signed_out == []
            async with Desk(fake.target, "anna", tmp_path) as anna:
                await anna.settled()
                assert anna.screen.asked == []
                # That of before, which nobody else ends.
                assert len(fake.signed_out) == 1
                anna.types("/logout")
                await anna.until(lambda: anna.screen.closed)
            assert len(fake.signed_out) == 2
            assert fake.sessions == {}

    run(story())
    assert list(tmp_path.rglob("sessions/*/*.json")) == []


def test_logout_without_a_server_forgets_the_token(tmp_path: Path) -> None:
    """Who comes to this machine later is not signed in, whatever the server knows."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with Desk(fake.target, "anna", tmp_path) as anna:
                anna.answers("secret-1")
                await anna.settled()
                await fake.stop()
                anna.types("/logout")
                await anna.until(lambda: anna.screen.closed)

    run(story())
    assert list(tmp_path.rglob("sessions/*/*.json")) == []


def test_a_wrong_password_is_asked_for_again_three_times(tmp_path: Path) -> None:
    """Then another name may be given; the line is held from the first question to the last."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with Desk(fake.target, "anna", tmp_path) as anna:
                anna.answers("wrong-1", "wrong-2", "wrong-3")
                await anna.sees("the password for anna was wrong 3 times")
                assert [question for question, _ in anna.screen.asked] == [
                    "Password for anna: ",
                    "Wrong password (1 of 3). Password for anna: ",
                    "Wrong password (2 of 3). Password for anna: ",
                ]
                assert anna.screen.asking == 0
                assert anna.state.link is Link.NAMELESS
                anna.types("carla")
                await anna.sees("You are carla")

    run(story())


def test_who_does_not_answer_may_give_another_name(tmp_path: Path) -> None:
    """Esc at the first sign-in asks for a name again."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with Desk(fake.target, "anna", tmp_path) as anna:
                anna.answers(None)
                await anna.sees("anna is an account: cancelled")
                assert anna.state.link is Link.NAMELESS
                assert fake.accounts.tried == []

    run(story())


def test_a_delay_is_told_and_waited_for(tmp_path: Path) -> None:
    """The password is kept for the next attempt, and not asked for again."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            wait = EndError(Code.RESOURCE_EXHAUSTED, "wait", "LOGIN_DELAYED", retry_ms=300)
            fake.accounts.refuse_passwords = [wait]
            async with Desk(fake.target, "anna", tmp_path) as anna:
                anna.answers("secret-1")
                await anna.sees("too many wrong passwords: the next one is looked at in 1 s")
                await anna.sees("You are anna")
                assert anna.screen.asked == [QUESTION]
                assert fake.accounts.tried == ["secret-1", "secret-1"]

    run(story())


@pytest.mark.parametrize("reason", ["SESSION_ENDED", "TOKEN_INVALID"])
def test_a_sign_in_that_is_over_is_told_and_asked_for_again(tmp_path: Path, reason: str) -> None:
    """In plain words, with what was written meanwhile sent after it, once."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with Desk(fake.target, "anna", tmp_path) as anna:
                anna.answers("secret-1")
                await anna.settled()
                fake.accounts.end([anna.identity.token], reason)
                await anna.sees("Your sign-in")
                await anna.until(lambda: anna.state.link is Link.SIGNED_OUT)
                anna.types("meanwhile")
                anna.answers("secret-1")
                await anna.sees("anna: meanwhile ✓")
                assert len(anna.screen.asked) == 2
                assert anna.screen.asking == 0
            texts = [event.message.text for event in fake.room("lobby").events]
            assert texts == ["meanwhile"]

    run(story())


def test_an_ended_sign_in_takes_no_token_of_another_window(tmp_path: Path) -> None:
    """Whoever ended it meant it; Esc waits until the person wants to go on."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.accounts.open("anna", "secret-1")
            async with (
                Desk(fake.target, "anna", tmp_path) as anna,
                Desk(fake.target, "anna", tmp_path) as other,
            ):
                anna.answers("secret-1")
                other.answers("secret-1")
                await anna.settled()
                await other.settled()
                fake.accounts.end([anna.identity.token])
                await anna.sees("Sign in again")
                anna.answers(None)
                await anna.sees("Enter asks for the password, /quit leaves.")
                joins = len(fake.joins)
                anna.types("")
                anna.answers("secret-1")
                await anna.until(lambda: anna.state.link is Link.ONLINE)
                assert [join.password for join, _ in fake.joins[joins:]] == ["secret-1"]

    run(story())


def test_guests_that_are_refused_may_give_another_name(tmp_path: Path) -> None:
    """And are told how an account is made."""

    async def story() -> None:
        no = EndError(Code.PERMISSION_DENIED, "accounts only", "GUESTS_REFUSED")
        async with (
            FakeService(refuse_joins=[no]) as fake,
            Desk(fake.target, "anna", tmp_path) as anna,
        ):
            await anna.sees("chat-cli register")
            assert anna.state.link is Link.NAMELESS

    run(story())


def test_who_is_banned_does_not_come_back_by_itself(tmp_path: Path) -> None:
    """The reason is told once, and nothing is tried before Enter."""

    async def story() -> None:
        no = EndError(Code.PERMISSION_DENIED, "banned: spam", "BANNED")
        async with (
            FakeService(refuse_joins=[no]) as fake,
            Desk(fake.target, "anna", tmp_path) as anna,
        ):
            await anna.sees("Banned: spam")
            assert len(fake.joins) == 1
            anna.types("")
            await anna.settled()
            assert anna.seen("Banned") == 1

    run(story())
