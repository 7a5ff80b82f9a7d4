"""`chat_cli.session.moderation`: each call asks for what it was given, and gives what came."""

from collections.abc import Awaitable, Callable

import pytest
from google.protobuf.message import Message

from chat_cli.model import ById, Said, User
from chat_cli.moderation import AuditEntry, Restriction, ServerBan
from chat_cli.session.moderation import ModerationApi
from chat_protos.chat.v1 import accounts_pb2, chat_pb2
from chat_protos.chat.v1 import moderation_pb2 as pb
from tests.cli.desk import run
from tests.cli.recorded_calls import recording

SERVICES = (
    pb.DESCRIPTOR.services_by_name["ModerationService"],
    chat_pb2.DESCRIPTOR.services_by_name["ChatService"],
)
HERE = ById("r5")
WHERE = chat_pb2.RoomTarget(room_id="r5")
BOB = accounts_pb2.UserTarget(name="bob")
EVE = chat_pb2.User(user_id="u3", name="eve")


@pytest.mark.parametrize(
    ("ask", "request_", "answer", "result"),
    [
        (
            lambda api: api.kick(HERE, "bob", "spam"),
            pb.KickMemberRequest(room=WHERE, user=BOB, reason="spam"),
            pb.KickMemberResponse(),
            None,
        ),
        (
            lambda api: api.ban(HERE, "bob", 60_000, "spam"),
            pb.BanMemberRequest(room=WHERE, user=BOB, duration_ms=60_000, reason="spam"),
            pb.BanMemberResponse(until_ms=9),
            9,
        ),
        (
            lambda api: api.unban(HERE, "bob"),
            pb.UnbanMemberRequest(room=WHERE, user=BOB),
            pb.UnbanMemberResponse(),
            None,
        ),
        (
            lambda api: api.mute(HERE, "bob", 0, ""),
            pb.MuteMemberRequest(room=WHERE, user=BOB),
            pb.MuteMemberResponse(until_ms=9),
            9,
        ),
        (
            lambda api: api.unmute(HERE, "bob"),
            pb.UnmuteMemberRequest(room=WHERE, user=BOB),
            pb.UnmuteMemberResponse(),
            None,
        ),
        (
            lambda api: api.list_restrictions(HERE),
            pb.ListRestrictionsRequest(room=WHERE, page_size=1000),
            pb.ListRestrictionsResponse(
                restrictions=[pb.Restriction(user=EVE, banned_until_ms=7, reason="spam", by=EVE)]
            ),
            [Restriction(User("u3", "eve"), 7, 0, User("u3", "eve"), "spam")],
        ),
        (
            lambda api: api.delete_message(HERE, 7, "spam"),
            pb.DeleteMessageRequest(room=WHERE, seq=7, reason="spam"),
            pb.DeleteMessageResponse(seq=8),
            True,
        ),
        (
            lambda api: api.delete_message(HERE, 7, ""),
            pb.DeleteMessageRequest(room=WHERE, seq=7),
            pb.DeleteMessageResponse(),
            False,
        ),
        (
            lambda api: api.remove_user("bob", "spam"),
            pb.RemoveUserRequest(user=BOB, reason="spam"),
            pb.RemoveUserResponse(sessions=2),
            2,
        ),
        (
            lambda api: api.ban_user("bob", 60_000, "spam"),
            pb.BanUserRequest(user=BOB, duration_ms=60_000, reason="spam"),
            pb.BanUserResponse(until_ms=9),
            9,
        ),
        (
            lambda api: api.unban_user("bob"),
            pb.UnbanUserRequest(name="bob"),
            pb.UnbanUserResponse(),
            None,
        ),
        (
            lambda api: api.ban_network("192.0.2.1", 60_000, "spam"),
            pb.BanNetworkRequest(network="192.0.2.1", duration_ms=60_000, reason="spam"),
            pb.BanNetworkResponse(network="192.0.2.1/32", until_ms=9, streams=3),
            ("192.0.2.1/32", 9, 3),
        ),
        (
            lambda api: api.unban_network("192.0.2.1"),
            pb.UnbanNetworkRequest(network="192.0.2.1"),
            pb.UnbanNetworkResponse(),
            None,
        ),
        (
            lambda api: api.list_server_bans(),
            pb.ListServerBansRequest(page_size=1000),
            pb.ListServerBansResponse(
                bans=[pb.ServerBan(network="192.0.2.0/24", until_ms=9, reason="x", time_ms=3)]
            ),
            [ServerBan("", "192.0.2.0/24", 9, "x", User("", ""), 3)],
        ),
        (
            lambda api: api.set_lockdown(True, False, "spam"),
            pb.SetLockdownRequest(registrations=True, reason="spam"),
            pb.SetLockdownResponse(),
            None,
        ),
        (
            lambda api: api.set_admin("bob", True),
            pb.SetAdminRequest(user=BOB, admin=True),
            pb.SetAdminResponse(),
            None,
        ),
        (
            lambda api: api.set_deactivated("bob", True, "spam"),
            pb.SetDeactivatedRequest(user=BOB, deactivated=True, reason="spam"),
            pb.SetDeactivatedResponse(),
            None,
        ),
        (
            lambda api: api.set_fast("bob", True),
            pb.SetFastRequest(user=BOB, fast=True),
            pb.SetFastResponse(),
            None,
        ),
        (
            lambda api: api.list_audit(None, 5),
            pb.ListAuditEntriesRequest(page_size=5),
            pb.ListAuditEntriesResponse(
                entries=[
                    pb.AuditEntry(
                        time_ms=3, actor=EVE, action="mute", room_name="dev", target=EVE,
                        details="d", until_ms=9, reason="x",
                    )
                ]
            ),
            [AuditEntry(3, User("u3", "eve"), "mute", "dev", User("u3", "eve"), "d", 9, "x")],
        ),
    ],
)  # fmt: skip
def test_each_call_carries_what_it_is_about(
    ask: Callable[[ModerationApi], Awaitable[object]],
    request_: Message,
    answer: Message,
    result: object,
) -> None:
    """Whom, where, how long and why; the answer comes back in words of ours."""

    async def story() -> None:
        async with recording(*SERVICES) as (calls, channel):
            method = type(request_).__name__.removesuffix("Request")
            calls.answers(method, answer)
            assert await ask(ModerationApi(channel, "secret")) == result
            assert calls.came == [(method, request_, "Bearer secret")]

    run(story())


def test_the_audit_log_is_read_as_far_as_asked() -> None:
    """A page more only where there is one; the rest is not fetched."""

    async def story() -> None:
        async with recording(*SERVICES) as (calls, channel):
            page = pb.ListAuditEntriesResponse(entries=[pb.AuditEntry()] * 2, next_page_token="t")
            calls.answers("ListAuditEntries", page, page)
            found = await ModerationApi(channel, "secret").list_audit(HERE, 4)
            assert len(found) == 4
            assert [request for _, request, _ in calls.came] == [
                pb.ListAuditEntriesRequest(room=WHERE, page_size=4),
                pb.ListAuditEntriesRequest(room=WHERE, page_size=2, page_token="t"),
            ]

    run(story())


def test_an_event_is_found_by_its_number() -> None:
    """Only that one: the next older one is another message."""

    async def story() -> None:
        async with recording(*SERVICES) as (calls, channel):
            api = ModerationApi(channel, "secret")
            event = chat_pb2.RoomEvent(
                room_id="r5", seq=7, author=EVE, message=chat_pb2.Message(text="hi")
            )
            page = chat_pb2.ListMessagesResponse(events=[event])
            calls.answers("ListMessages", page, page)
            found = await api.find_event(HERE, 7)
            assert found
            assert found.body == Said("hi")
            assert await api.find_event(HERE, 8) is None
            assert calls.request() == chat_pb2.ListMessagesRequest(
                room=WHERE, before_seq=9, page_size=1
            )

    run(story())
