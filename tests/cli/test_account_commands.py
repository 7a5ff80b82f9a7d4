"""`chat_cli.account_commands`: the own account, at a desk of the fake service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chat_cli.account_commands import flaw_of
from chat_cli.ports import Secret
from tests.cli.desk import Desk, run
from tests.cli.fake_service import FakeService


@asynccontextmanager
async def signed_in(tmp_path: Path, admin: bool = False) -> AsyncIterator[tuple[FakeService, Desk]]:
    """Sit anna, who has an account, down at a desk."""
    async with FakeService() as fake:
        fake.accounts.open("anna", "secret-1", admin=admin)
        async with Desk(fake.target, "anna", tmp_path) as anna:
            anna.answers("secret-1")
            await anna.settled()
            anna.screen.asked.clear()
            yield fake, anna


@asynccontextmanager
async def as_guest(tmp_path: Path) -> AsyncIterator[tuple[FakeService, Desk]]:
    """Sit anna, who is a guest, down at a desk."""
    async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
        await anna.settled()
        yield fake, anna


def test_a_guest_becomes_an_account(tmp_path: Path) -> None:
    """The password is asked for twice, and the session goes on and stays."""

    async def story() -> None:
        async with as_guest(tmp_path) as (fake, anna):
            anna.types("/register")
            assert anna.screen.asking == 1
            anna.answers("secret-1", "secret-1")
            await anna.sees("anna is yours: an account.")
            assert anna.screen.asked == [
                ("Choose a password: ", Secret.NEW_PASSWORD),
                ("Again: ", Secret.NEW_PASSWORD),
            ]
            assert anna.screen.asking == 0
            assert fake.accounts.held["anna"].password == "secret-1"
            anna.types("/whoami")
            await anna.sees("an account since")
        assert fake.signed_out == []

    run(story())


def test_a_code_is_asked_for_where_one_is_needed(tmp_path: Path) -> None:
    """By the server, or because the person says so; it may stand behind the command."""

    async def story() -> None:
        async with as_guest(tmp_path) as (fake, anna):
            fake.accounts.invite_code = "let-me-in"
            anna.types("/register")
            anna.answers("secret-1", "secret-1", "let-me-in")
            await anna.sees("anna is yours: an account.")
            assert anna.screen.asked[-1] == (
                "This server asks for an invite code: ",
                Secret.CODE,
            )
        async with as_guest(tmp_path / "2") as (fake, anna):
            anna.types("/register --owner")
            anna.answers("own-er", "secret-1", "secret-1")
            await anna.sees("anna is yours: an admin of this server.")
        async with as_guest(tmp_path / "3") as (fake, anna):
            anna.types("/register owner wrong")
            anna.answers("secret-1", "secret-1")
            await anna.sees("this is not the owner code")
            anna.types("/register please now")
            await anna.sees("/register [--invite|--owner [CODE]]")
            assert anna.screen.asking == 0

    run(story())


def test_a_password_is_chosen_with_care(tmp_path: Path) -> None:
    """Too short, not the same twice, and given up after three times."""

    async def story() -> None:
        async with as_guest(tmp_path) as (fake, anna):
            anna.types("/register")
            anna.answers("short", "secret-1", "secret-2", "secret-1", "secret-3")
            await anna.sees("no password was chosen")
            assert [question for question, _ in anna.screen.asked] == [
                "Choose a password: ",
                "Too short: at least 8 characters. Another: ",
                "Again: ",
                "These were two different ones. Choose a password: ",
                "Again: ",
            ]
            assert fake.accounts.held == {}
            anna.types("/register")
            anna.answers(None)
            await anna.sees("cancelled")

    run(story())


@pytest.mark.parametrize(
    ("password", "flaw"),
    [
        ("12345678", ""),
        ("e\u0301" * 8, ""),
        ("e\u0301" * 7, "Too short"),
        ("x" * 256, ""),
        ("x" * 257, "Too long"),
        ("one\n/kick bob", "one line"),
        ("with\x1bescape", "one line"),
    ],
)
def test_flaws_of_passwords(password: str, flaw: str) -> None:
    """Characters are counted as the server does, in the form NFC."""
    found = flaw_of(password, 8, 256)
    assert (flaw in found) if flaw else not found


def test_the_password_is_changed(tmp_path: Path) -> None:
    """By the old one; how many other sign-ins ended is told, and this one goes on."""

    async def story() -> None:
        async with signed_in(tmp_path) as (fake, anna):
            fake.open_session(fake.accounts.held["anna"].user, "elsewhere")
            anna.types("/password")
            anna.answers("secret-1", "secret-2", "secret-2")
            await anna.sees("Your password is changed; 1 other sign-in or token ended.")
            anna.types("/password")
            anna.answers("secret-1", "secret-3", "secret-3")
            await anna.sees("the name or the password is wrong")
            anna.types("still here")
            await anna.sees("anna: still here ✓")

    run(story())


def test_an_account_is_closed_only_when_meant(tmp_path: Path) -> None:
    """A question, the password, and the end of the client."""

    async def story() -> None:
        async with signed_in(tmp_path) as (fake, anna):
            anna.types("/deactivate")
            anna.answers("n")
            await anna.sees("nothing was done")
            anna.types("/deactivate")
            anna.answers("yes", "wrong")
            await anna.sees("the name or the password is wrong")
            assert not anna.screen.closed
            anna.types("/deactivate")
            anna.answers("y", "secret-1")
            await anna.sees("The account anna is closed.")
            assert anna.screen.closed
            assert anna.seen("Your sign-in") == 0
            assert fake.sessions == {}

    run(story())


def test_people_are_blocked(tmp_path: Path) -> None:
    """And listed, and let write again."""

    async def story() -> None:
        async with signed_in(tmp_path) as (fake, anna):
            fake.user("bob")
            anna.types("/block @bob")
            await anna.sees("bob cannot write to you alone any more.")
            anna.types("/blocked")
            await anna.sees("blocked: bob")
            anna.types("/unblock bob")
            await anna.sees("bob can write to you again.")
            anna.types("/blocked")
            await anna.sees("blocked: nobody")

    run(story())


def test_an_account_is_asked_for_nothing_by_a_register(tmp_path: Path) -> None:
    """Whoever lost its rights as an admin is told at once that a code does not bring them back."""

    async def story() -> None:
        async with signed_in(tmp_path) as (_, anna):
            for line in ("/register", "/register --owner", "/register --owner GBGV-346M"):
                anna.types(line)
            await anna.sees("your name is an account already", times=3)
            assert anna.screen.asked == []

    run(story())


def test_admins_make_codes_for_registering(tmp_path: Path) -> None:
    """Shown once, listed without the code, ended by their id; others are refused."""

    async def story() -> None:
        async with signed_in(tmp_path, admin=True) as (_, anna):
            anna.types("/invite-code 3 2")
            await anna.sees("By this code 3 people may register within")
            await anna.sees("code-i")
            anna.types("/invite-code list")
            await anna.sees("3 uses")
            row = next(line for line in anna.screen.lines if "3 uses" in line)
            anna.types(f"/invite-code revoke {row.split()[0]}")
            await anna.sees("The code is good no longer.")
            for wrong in ("many", "0", "1 2 3", "revoke"):
                anna.types(f"/invite-code {wrong}")
            await anna.sees("/invite-code [USES", times=4)
        async with signed_in(tmp_path / "2") as (_, anna):
            anna.types("/invite-code")
            await anna.sees("only admins of this server can do this")

    run(story())


def test_guests_are_told_how_to_get_an_account(tmp_path: Path) -> None:
    """By what they are, and by what they may not do."""

    async def story() -> None:
        async with as_guest(tmp_path) as (_, anna):
            anna.types("/whoami")
            await anna.sees("a guest: /register makes the name yours")
            anna.types("/sessions")
            await anna.sees("only accounts can do this: /register")

    run(story())
