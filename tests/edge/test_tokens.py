"""Sessions and API tokens on a real server: listed, made, limited, revoked."""

from pathlib import Path

import pytest

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.core.model import Scope
from chat_service.edge.limits import DEFAULT_RATES
from chat_service.edge.tokens import SCOPES
from tests.edge.clients import Clock, Guest, Reading, Server, refused, room, story
from tests.edge.ticking import PASSWORD, ticking

ALL = (pb.SCOPE_READ, pb.SCOPE_POST, pb.SCOPE_ROOMS, pb.SCOPE_MODERATE, pb.SCOPE_ADMIN)
"""What an API token may have."""

HOUR_MS = 3_600_000


async def reason_of_end(stream: Reading) -> str:
    """Wait for the end of a stream; return why it was cut."""
    end = await stream.end()
    assert end is not None
    assert end.code.name == "UNAUTHENTICATED"
    return end.reason


def test_every_scope_travels() -> None:
    """Those of the core and those of the contract are the same."""
    assert set(SCOPES) == set(Scope)
    assert {scope.name for scope in SCOPES} == {
        name.removeprefix("SCOPE_") for name, number in pb.Scope.items() if number
    }
    assert len(set(SCOPES.values())) == len(SCOPES)


@story
async def test_sessions_are_listed_the_newest_first(tmp_path: Path) -> None:
    """With what they are called, where from, until when, and which is the caller's."""
    clock = Clock()
    async with Server(tmp_path, timing=ticking(clock)) as server:
        start_ms = clock.ms()
        alice = await server.registers("alice", PASSWORD, client="desk")
        clock.now += 1
        phone = await server.joins("alice", password=PASSWORD, client="phone")
        await phone.opens("lobby")
        clock.now += 1
        made = await alice.asks(
            "CreateApiToken", label="deploys", scopes=[pb.SCOPE_READ], lifetime_ms=HOUR_MS
        )
        await server.registers("bob", PASSWORD)
        listed = list((await alice.asks("ListSessions")).sessions)
        token, second, first = listed
        assert token == made.session
        assert [one.label for one in listed] == ["deploys", "phone", "desk"]
        assert [one.current for one in listed] == [False, False, True]
        assert [one.connected for one in listed] == [False, True, False]
        assert [one.api_token for one in listed] == [True, False, False]
        assert [len(one.scopes) for one in listed] == [1, 6, 6]
        assert [one.address for one in listed] == ["", "127.0.0.1", "127.0.0.1"]
        assert [one.create_ms - start_ms for one in listed] == [2000, 1000, 0]
        assert (token.expires_ms, token.idle_until_ms) == (start_ms + 2000 + HOUR_MS, 0)
        assert first.expires_ms == alice.joined.expires_ms
        assert second.idle_until_ms == clock.ms() + 24 * HOUR_MS
        clock.now += HOUR_MS / 1000
        assert [one.label for one in (await alice.asks("ListSessions")).sessions] == [
            "phone",
            "desk",
        ]


@story
async def test_sessions_are_listed_by_page(tmp_path: Path) -> None:
    """Each once; a token of another list is refused."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        for number in range(4):
            await alice.asks("CreateApiToken", label=str(number), scopes=ALL)
        labels, page = [], ""
        while True:
            answer = await alice.asks("ListSessions", page_size=2, page_token=page)
            labels.append([one.label for one in answer.sessions])
            page = answer.next_page_token
            if not page:
                break
        assert labels == [["3", "2"], ["1", "0"], [""]]
        refusal = await refused(alice.asks("ListSessions", page_token="broken"))
        assert (refusal.reason, refusal.fields) == ("PAGE_INVALID", ("page_token",))


@story
async def test_session_is_revoked_with_its_streams(tmp_path: Path) -> None:
    """Chat and Subscribe end at once; the token is good for nothing."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        lost = await server.joins("alice", password=PASSWORD)
        await lost.opens("lobby")
        reading = await lost.subscribes("lobby")
        await reading.begun()
        answer = await alice.asks("RevokeSession", session_id=lost.joined.session_id)
        assert answer.ended == 1
        assert await reason_of_end(lost.chat) == "SESSION_ENDED"
        assert await reason_of_end(reading) == "SESSION_ENDED"
        assert (await refused(lost.posts("hi"))).reason == "TOKEN_INVALID"
        refusal = await refused(server.joins("alice", token=lost.token))
        assert (refusal.code.name, refusal.reason) == ("UNAUTHENTICATED", "TOKEN_INVALID")


@story
async def test_token_is_revoked_with_what_it_opened(tmp_path: Path) -> None:
    """Sessions of the token end, and those that these opened; others go on."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        made = await alice.asks("CreateApiToken", label="script", scopes=ALL)
        child = await server.joins("", token=made.token)
        grandchild = await server.joins("", token=child.token)
        direct_user = Guest(server.address, server.channel(), child.joined)
        direct_user.joined.token = made.token
        for one in (direct_user, grandchild):
            await one.opens("lobby")
        answer = await alice.asks("RevokeSession", session_id=made.session.session_id)
        assert answer.ended == 3
        for one in (direct_user, grandchild):
            assert await reason_of_end(one.chat) == "SESSION_ENDED"
        assert [one.current for one in (await alice.asks("ListSessions")).sessions] == [True]


@story
async def test_all_others_are_revoked(tmp_path: Path) -> None:
    """The caller stays. Which ones are meant has to be said, and only once."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        others = [await server.joins("alice", password=PASSWORD) for _ in range(2)]
        await alice.asks("CreateApiToken", scopes=ALL)
        for fields in ({}, {"others": True, "session_id": others[0].joined.session_id}):
            refusal = await refused(alice.asks("RevokeSession", **fields))
            assert (refusal.code.name, refusal.fields) == ("INVALID_ARGUMENT", ("session_id",))
        for unknown in ("s999", "x", "u1", others[0].token):
            refusal = await refused(alice.asks("RevokeSession", session_id=unknown))
            assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "SESSION_NOT_FOUND")
        assert (await alice.asks("RevokeSession", others=True)).ended == 3
        await alice.posts("still here")


@story
async def test_new_tokens_are_paced_and_their_ends_are_not(tmp_path: Path) -> None:
    """Whoever speaks by a stolen token, too fast at that, keeps nobody from revoking it."""
    clock = Clock()
    async with Server(tmp_path, rate_limits=True, timing=ticking(clock)) as server:
        alice = await server.registers("alice", PASSWORD)
        for number in range(DEFAULT_RATES.sends_burst):
            made = await alice.asks("CreateApiToken", label=f"t{number}", scopes=ALL)
        refusal = await refused(alice.asks("CreateApiToken", label="late", scopes=ALL))
        assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert refusal.retry_ms == 200
        await alice.asks("RevokeSession", session_id=made.session.session_id)
        ended = (await alice.asks("RevokeSession", others=True)).ended
        assert ended == DEFAULT_RATES.sends_burst - 1


@story
async def test_bots_have_tokens_of_their_own(tmp_path: Path) -> None:
    """The owner makes, lists and revokes them; nobody else does."""
    async with Server(tmp_path) as server:
        alice, bob = [await server.registers(name, PASSWORD) for name in ("alice", "bob")]
        await alice.asks("CreateBot", name="Robot")
        made = await alice.asks("CreateApiToken", bot="robot", label="r", scopes=ALL)
        robot = await server.joins("", token=made.token)
        assert (robot.name, robot.joined.user.bot, robot.joined.user.account) == (
            "Robot",
            True,
            True,
        )
        account = (await robot.asks("GetAccount")).account
        assert account.bot_owner.name == "alice"
        listed = (await alice.asks("ListSessions", bot="ROBOT")).sessions
        assert [one.api_token for one in listed] == [False, True]
        for method, fields in (
            ("ListSessions", {"bot": "robot"}),
            ("CreateApiToken", {"bot": "robot", "scopes": ALL}),
            ("DeactivateAccount", {"bot": "robot"}),
        ):
            refusal = await refused(bob.asks(method, **fields))
            assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "USER_NOT_FOUND")
        refusal = await refused(bob.asks("RevokeSession", session_id=made.session.session_id))
        assert refusal.reason == "SESSION_NOT_FOUND"
        await alice.asks("RevokeSession", session_id=made.session.session_id)
        assert (await refused(robot.posts("hi"))).reason == "TOKEN_INVALID"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "scopes"),
        ({"scopes": [pb.SCOPE_ACCOUNT]}, "scopes"),
        ({"scopes": [pb.SCOPE_UNSPECIFIED]}, "scopes"),
        ({"scopes": [77]}, "scopes"),
        ({"scopes": ALL, "label": "x" * 65}, "label"),
        ({"scopes": ALL, "label": "a\nb"}, "label"),
        ({"scopes": ALL, "lifetime_ms": -1}, "lifetime_ms"),
    ],
)
@story
async def test_token_that_cannot_be_made(
    tmp_path: Path, fields: dict[str, object], field: str
) -> None:
    """The field at fault is named."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        refusal = await refused(alice.asks("CreateApiToken", **fields))
        assert (refusal.code.name, refusal.fields) == ("INVALID_ARGUMENT", (field,))


@story
async def test_token_does_what_its_scopes_say(tmp_path: Path) -> None:
    """A reader reads; a poster posts; neither touches the account. All calls are asked."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        await alice.opens("lobby")
        bob = await server.guest("bob")
        await bob.says("hello")
        reader, poster = [
            await server.joins("", token=(await alice.asks("CreateApiToken", scopes=[scope])).token)
            for scope in (pb.SCOPE_READ, pb.SCOPE_POST)
        ]
        await (await reader.opens("lobby")).begun()
        await poster.posts("by a poster")
        reads = {
            "ListUsers": chat_pb2.ListUsersRequest(),
            "ListRooms": chat_pb2.ListRoomsRequest(),
            "ListMessages": chat_pb2.ListMessagesRequest(room=room("lobby")),
        }
        for method, request in reads.items():
            await reader.calls(method, request)
            refusal = await refused(poster.calls(method, request))
            assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "SCOPE_MISSING")
            assert refusal.metadata == {"scope": "READ"}
        assert (await refused(reader.posts("hi"))).metadata == {"scope": "POST"}
        order = await reader.chat.posts("hi")
        assert (await reader.chat.refusal(order)).reason == "SCOPE_MISSING"
        deaf = await poster.dials()
        await deaf.order(hello=chat_pb2.Hello())
        end = await deaf.end()
        assert end is not None
        assert end.reason == "SCOPE_MISSING"
        for method in (
            "Register",
            "ChangePassword",
            "ListSessions",
            "RevokeSession",
            "CreateApiToken",
            "CreateBot",
            "ListBots",
            "DeactivateAccount",
            "CreateInvite",
            "ListInvites",
            "RevokeInvite",
        ):
            refusal = await refused(poster.asks(method))
            assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "SCOPE_MISSING")
        for method in ("BlockUser", "UnblockUser"):
            await poster.asks(method, user=pb.UserTarget(name="bob"))
            refusal = await refused(reader.asks(method, user=pb.UserTarget(name="bob")))
            assert refusal.reason == "SCOPE_MISSING"
        await reader.asks("GetAccount")


@story
async def test_guests_have_no_account_to_ask_about(tmp_path: Path) -> None:
    """Each call says so, and what a guest may do it may."""
    async with Server(tmp_path) as server:
        bob = await server.guest("bob")
        for method in (
            "ChangePassword",
            "ListSessions",
            "RevokeSession",
            "CreateApiToken",
            "CreateBot",
            "ListBots",
            "DeactivateAccount",
            "CreateInvite",
            "ListInvites",
            "RevokeInvite",
        ):
            refusal = await refused(bob.asks(method))
            assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "ACCOUNT_NEEDED")
        await bob.asks("GetAccount")
        await bob.asks("ListBlockedUsers")
