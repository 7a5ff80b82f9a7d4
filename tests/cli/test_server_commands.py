"""`chat_cli.server_commands`: what admins do, as it is typed and as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from google.protobuf.message import Message

from chat_protos.chat.v1 import accounts_pb2, chat_pb2
from chat_protos.chat.v1 import moderation_pb2 as pb
from tests.cli.desk import run
from tests.cli.recorded_calls import RecordedCalls, recording
from tests.cli.test_client import Seat

SERVICE = pb.DESCRIPTOR.services_by_name["ModerationService"]
BOB = accounts_pb2.UserTarget(name="bob")
FOREVER = 2**53 - 1


@asynccontextmanager
async def seated() -> AsyncIterator[tuple[Seat, RecordedCalls]]:
    """Seat anna, who looks after the server, in the lobby."""
    async with recording(SERVICE) as (calls, channel):
        anna = Seat()
        anna.connection.channel = channel
        yield anna, calls


@pytest.mark.parametrize(
    ("line", "request_", "answer", "told"),
    [
        (
            "/server-kick bob spam",
            pb.RemoveUserRequest(user=BOB, reason="spam"),
            pb.RemoveUserResponse(sessions=1),
            "bob is removed: 1 session ended.",
        ),
        (
            "/server-ban bob 1h spam",
            pb.BanUserRequest(user=BOB, duration_ms=3_600_000, reason="spam"),
            pb.BanUserResponse(until_ms=FOREVER),
            "bob is kept out of the server for ever",
        ),
        (
            "/server-ban 192.0.2.7/24 1h spam",
            pb.BanNetworkRequest(network="192.0.2.7/24", duration_ms=3_600_000, reason="spam"),
            pb.BanNetworkResponse(network="192.0.2.0/24", until_ms=FOREVER, streams=2),
            "2 connections ended; 192.0.2.0/24 is kept out for ever",
        ),
        (
            "/server-ban 2001:db8::1",
            pb.BanNetworkRequest(network="2001:db8::1"),
            pb.BanNetworkResponse(network="2001:db8::1/128", until_ms=FOREVER),
            "2001:db8::1/128 is kept out for ever",
        ),
        ("/server-unban bob", pb.UnbanUserRequest(name="bob"), None, "bob may come again."),
        (
            "/server-unban 192.0.2.0/24",
            pb.UnbanNetworkRequest(network="192.0.2.0/24"),
            None,
            "192.0.2.0/24 may come again.",
        ),
        (
            "/lockdown guests spam",
            pb.SetLockdownRequest(guests=True, reason="spam"),
            None,
            "Locked down: no guest can come. Those who are here stay. /lockdown off ends it.",
        ),
        (
            "/lockdown all",
            pb.SetLockdownRequest(guests=True, registrations=True),
            None,
            "Locked down: nobody can make an account, and no guest can come. "
            "Those who are here stay. /lockdown off ends it.",
        ),
        (
            "/lockdown off",
            pb.SetLockdownRequest(),
            None,
            "No lock-down: newcomers may do what the configuration lets them.",
        ),
        (
            "/admin bob on",
            pb.SetAdminRequest(user=BOB, admin=True),
            None,
            "bob is an admin of this server.",
        ),
        ("/admin bob off", pb.SetAdminRequest(user=BOB), None, "bob is no admin any more."),
        (
            "/fast bob on",
            pb.SetFastRequest(user=BOB, fast=True),
            None,
            "bob sends as fast as bots may.",
        ),
        (
            "/reopen-account bob",
            pb.SetDeactivatedRequest(user=BOB),
            None,
            "bob may sign in again, with the password as it was.",
        ),
    ],
)
def test_each_command_is_one_call_and_one_line(
    line: str, request_: Message, answer: Message | None, told: str
) -> None:
    """An address or a network is known by its form; all else is a name."""

    async def story() -> None:
        async with seated() as (anna, calls):
            if answer:
                calls.answers(type(request_).__name__.removesuffix("Request"), answer)
            assert await anna.types(line) == [f"08:00 · {told}"]
            assert [request for _, request, _ in calls.came] == [request_]

    run(story())


@pytest.mark.parametrize("line", ["/lockdown", "/lockdown me", "/admin bob", "/fast bob perhaps"])
def test_a_mistake_is_told_and_changes_nothing(line: str) -> None:
    """With how the command is typed."""

    async def story() -> None:
        async with seated() as (anna, calls):
            (told,) = await anna.types(line)
            assert f"{line.split()[0]} " in told
            assert calls.came == []

    run(story())


def test_an_account_is_closed_after_a_question() -> None:
    """Only a yes does it."""

    async def story() -> None:
        async with seated() as (anna, calls):
            anna.screen.answers.put_nowait("no")
            assert await anna.types("/close-account bob") == ["08:00 · Nothing is closed."]
            assert calls.came == []
            anna.screen.answers.put_nowait("Yes")
            await anna.types("/close-account bob spam")
            assert calls.request() == pb.SetDeactivatedRequest(
                user=BOB, deactivated=True, reason="spam"
            )

    run(story())


def test_who_is_kept_out_is_listed() -> None:
    """Names and networks, until when, by whom and why."""

    async def story() -> None:
        async with seated() as (anna, calls):
            assert await anna.types("/server-bans") == ["08:00 · Nobody is kept out."]
            bans = [
                pb.ServerBan(name="bob", until_ms=FOREVER, by=chat_pb2.User(name="anna")),
                pb.ServerBan(network="192.0.2.0/24", until_ms=FOREVER, reason="spam"),
            ]
            calls.answers("ListServerBans", pb.ListServerBansResponse(bans=bans))
            _, first, second = await anna.types("/server-bans")
            assert first.split() == ["bob", "for", "ever", "by", "anna"]
            assert second.split()[-3:] == ["the", "operator", "spam"]

    run(story())
