"""`chat_cli.session.identity`: windows, scripts and crashes of one person are one user."""

import asyncio
import os
from pathlib import Path

import grpc
import pytest

from chat_cli.session.api import ChatApi
from chat_cli.session.errors import CallError
from chat_cli.session.identity import Identity
from tests.cli.desk import Desk, run
from tests.cli.fake_service import EndError, FakeService


def tokens(root: Path) -> list[Path]:
    """Give the files of tokens."""
    return list(root.rglob("*.json"))


def test_a_second_window_is_the_same_user(tmp_path: Path) -> None:
    """It uses the token of the first; both receive what either says."""

    async def story() -> None:
        async with (
            FakeService() as fake,
            Desk(fake.target, "anna", tmp_path) as first,
        ):
            await first.settled()
            async with Desk(fake.target, "Anna", tmp_path) as second:
                await second.settled()
                assert second.state.own_id == first.state.own_id
                assert fake.joins[1][1] != ""
                second.types("from here")
                await first.sees("anna: from here ✓")
            # The end of the second leaves the first signed in.
            first.types("still here")
            await first.sees("anna: still here ✓")

    run(story())


def test_another_state_directory_is_another_person(tmp_path: Path) -> None:
    """Who has no token finds the name taken."""

    async def story() -> None:
        async with (
            FakeService() as fake,
            Desk(fake.target, "anna", tmp_path / "a") as anna,
        ):
            await anna.settled()
            async with Desk(fake.target, "anna", tmp_path / "b") as other:
                await other.sees("this name is taken")

    run(story())


def test_a_crashed_client_is_taken_over_and_signed_out(tmp_path: Path) -> None:
    """The next start is the same user, and the name is free when that one ends."""

    async def story() -> None:
        async with FakeService() as fake:
            async with Desk(fake.target, "anna", tmp_path) as first:
                await first.settled()
                old = first.identity.token
                await first.crash()
                # The process is gone, and with it the lock.
                assert first.identity._kept
                first.identity._kept.leave()
                first.identity._joined = None
            async with Desk(fake.target, "anna", tmp_path) as second:
                await second.settled()
                assert second.state.own_id == first.state.own_id
                assert fake.signed_out == [old]
            assert fake.sessions == {}
            assert tokens(tmp_path) == []

    run(story())


def test_a_token_that_is_no_longer_valid_is_forgotten(tmp_path: Path) -> None:
    """A crash of long ago does not keep anybody from joining anew."""

    async def story() -> None:
        async with FakeService() as fake:
            async with ChatApi(fake.target) as api:
                crashed = Identity(fake.target, tmp_path)
                await crashed.sign_in(api, "anna")
                assert crashed._kept
                crashed._kept.leave()
            fake.forget_everybody()
            async with Desk(fake.target, "anna", tmp_path) as anna:
                await anna.settled()
                assert len(tokens(tmp_path)) == 1

    run(story())


def test_clients_that_start_at_once_are_one_user(tmp_path: Path) -> None:
    """They take turns, so that the second finds the token of the first."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            identities = [Identity(fake.target, tmp_path) for _ in range(5)]
            joined = await asyncio.gather(*(one.sign_in(api, "anna") for one in identities))
            assert len({one.user.user_id for one in joined}) == 1
            assert len({one.token for one in joined}) == 5
            for identity in identities:
                await identity.sign_out(api)
            assert fake.sessions == {}

    run(story())


def test_a_failed_sign_in_leaves_the_tokens(tmp_path: Path) -> None:
    """A server that cannot answer now does not cost the identity of a crashed client."""

    async def story() -> None:
        async with FakeService() as fake, ChatApi(fake.target) as api:
            crashed = Identity(fake.target, tmp_path)
            user = (await crashed.sign_in(api, "anna")).user
            assert crashed._kept
            crashed._kept.leave()
            fake.refuse_joins = [EndError(grpc.StatusCode.UNAVAILABLE, "busy", "OVERLOADED")]
            later = Identity(fake.target, tmp_path)
            with pytest.raises(CallError, match="busy"):
                await later.sign_in(api, "anna")
            assert (await later.sign_in(api, "anna")).user == user

    run(story())


def test_signing_out_without_a_server_keeps_the_token(tmp_path: Path) -> None:
    """The next start takes the session over; the end of the program is not held up."""

    async def story() -> None:
        async with FakeService() as fake:
            identity = Identity(fake.target, tmp_path)
            async with ChatApi(fake.target) as api:
                user = (await identity.sign_in(api, "anna")).user
            await fake.stop()
            async with ChatApi(fake.target) as api:
                await identity.sign_out(api)
            assert identity.token == ""
            await fake.start()
            async with ChatApi(fake.target) as api:
                again = Identity(fake.target, tmp_path)
                assert (await again.sign_in(api, "anna")).user == user
                await again.sign_out(api)

    run(story())


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files in the way of POSIX directories")
def test_a_client_works_without_a_state_directory(tmp_path: Path) -> None:
    """It says once that the sign-in is not shared, and goes on."""

    async def story() -> None:
        (tmp_path / "sessions").write_text("in the way")
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.end_streams()
            await anna.sees("back, nothing missed")
            assert anna.seen("cannot be shared with other windows") == 1
            anna.types("hi")
            await anna.sees("anna: hi ✓")
        assert fake.sessions == {}

    run(story())


def test_the_token_stays_out_of_sight(tmp_path: Path) -> None:
    """Neither the representation of an answer nor a seen line has it."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            token = anna.identity.token
            assert token not in "\n".join(anna.screen.lines)
            assert token not in repr(anna.identity._joined)

    run(story())
