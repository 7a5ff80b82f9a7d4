"""Accounts on a real server: registering, passwords, bots, and what others see of it."""

from dataclasses import replace
from pathlib import Path

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.codes import code_hash
from chat_service.core.limits import CLOSED, GUEST_GRACE_MS, INVITE, Limits
from tests.edge.clients import (
    CHEAP,
    Clock,
    Server,
    direct,
    refused,
    room,
    story,
)
from tests.edge.ticking import OTHER, PASSWORD, ticking

ALL = (pb.SCOPE_READ, pb.SCOPE_POST, pb.SCOPE_ROOMS, pb.SCOPE_MODERATE, pb.SCOPE_ADMIN)
"""What an API token may have."""

DAY_S = 24 * 3600


# ------------------------------------------------------------------- registering


@story
async def test_somebody_new_registers(tmp_path: Path) -> None:
    """The answer is that of a Join, with the account; the token works at once."""
    async with Server(tmp_path) as server:
        alice = await server.registers("Alice", PASSWORD, client="laptop")
        assert (alice.joined.user.name, alice.joined.user.account) == ("Alice", True)
        assert alice.token
        limits = alice.joined.limits
        assert (limits.password_min_chars, limits.password_max_chars) == (8, 256)
        assert (limits.reason_bytes, limits.description_bytes) == (390, 2000)
        account = (await alice.asks("GetAccount")).account
        assert account.user.name == "Alice"
        assert not account.admin
        assert account.create_ms > 0
        await alice.opens("lobby")
        await alice.says("hello")


@story
async def test_guest_registers_and_goes_on(tmp_path: Path) -> None:
    """The token, the open stream and the rooms stay; others see an account from then on."""
    async with Server(tmp_path) as server:
        alice, bob = await server.guests("alice", "bob")
        await alice.says("as a guest")
        response = await alice.asks("Register", password=PASSWORD)
        assert response.joined.token == ""
        assert response.joined.user.user_id == alice.user_id
        assert response.joined.expires_ms > 0
        assert response.account.user.account
        said = await alice.says("as an account")
        assert said.seq == 2
        carol = await server.guest("carol")
        picture = next(item for item in carol.chat.items if item.HasField("presence"))
        assert {user.name: user.account for user in picture.presence.joined}["alice"]
        listed = await bob.calls("ListUsers", chat_pb2.ListUsersRequest(room=room("lobby")))
        assert [user.name for user in listed.users if user.account] == ["alice"]
        again = await server.joins("alice", password=PASSWORD)
        assert again.user_id == alice.user_id
        await again.opens("lobby")
        joined = await again.calls("ListRooms", chat_pb2.ListRoomsRequest(joined=True))
        assert [one.name for one in joined.rooms] == ["lobby"]


@story
async def test_get_account_of_a_guest(tmp_path: Path) -> None:
    """Only the user is told."""
    async with Server(tmp_path) as server:
        alice = await server.guest("alice")
        account = (await alice.asks("GetAccount")).account
        assert (account.user.user_id, account.user.connected) == (alice.user_id, True)
        assert not account.user.account
        assert account.create_ms == 0


@story
async def test_registrations_that_are_refused(tmp_path: Path) -> None:
    """Each with its status, its reason and the field that is at fault."""
    async with Server(tmp_path) as server:
        await server.registers("alice", PASSWORD)
        guest = await server.joins("guest")
        for name, password, status, reason, field in (
            ("ALICE", PASSWORD, "ALREADY_EXISTS", "NAME_REGISTERED", "name"),
            ("guest", PASSWORD, "ALREADY_EXISTS", "NAME_TAKEN", "name"),
            ("Admin", PASSWORD, "ALREADY_EXISTS", "NAME_RESERVED", "name"),
            ("server", PASSWORD, "ALREADY_EXISTS", "NAME_RESERVED", "name"),
            ("system", PASSWORD, "ALREADY_EXISTS", "NAME_RESERVED", "name"),
            ("\u0430lice", PASSWORD, "INVALID_ARGUMENT", "NAME_INVALID", "name"),
            ("bob", "short", "INVALID_ARGUMENT", "PASSWORD_INVALID", "password"),
            ("bob", "", "INVALID_ARGUMENT", "PASSWORD_INVALID", "password"),
        ):
            refusal = await refused(server.registers(name, password))
            assert (refusal.code.name, refusal.reason) == (status, reason), name
            assert refusal.fields == (field,)
        twice = guest.asks("Register", name="guest", password=PASSWORD)
        await twice
        refusal = await refused(guest.asks("Register", password=PASSWORD))
        assert (refusal.code.name, refusal.reason) == ("ALREADY_EXISTS", "ACCOUNT_EXISTS")


@story
async def test_server_that_is_closed_or_asks_for_a_code(tmp_path: Path) -> None:
    """Codes are made by an admin, are good for so many, and do not open what is closed."""
    core = Limits(registration=INVITE)
    made_at_start = code_hash("OPEN-SESA-ME22-2222").hex()
    limits = replace(CHEAP, core=core)
    async with Server(tmp_path, limits=limits, owner_code_hash=made_at_start) as server:
        refusal = await refused(server.registers("alice", PASSWORD))
        assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "INVITE_INVALID")
        refusal = await refused(server.registers("chief", PASSWORD, owner_code="WRONG"))
        assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "OWNER_CODE_INVALID")
        chief = await server.registers("chief", PASSWORD, owner_code="open-sesa-me22-2222")
        assert (await chief.asks("GetAccount")).account.admin
        made = await chief.asks("CreateInvite", uses=1)
        alice = await server.registers("alice", PASSWORD, invite_code=made.code)
        for refusal in (
            await refused(server.registers("bob", PASSWORD, invite_code=made.code)),
            await refused(server.registers("bob", PASSWORD, invite_code="no-code")),
        ):
            assert refusal.reason == "INVITE_INVALID"
        for call in ("CreateInvite", "ListInvites"):
            refusal = await refused(alice.asks(call))
            assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "ADMIN_NEEDED")
        await server.changes_to(limits=replace(CHEAP, core=replace(core, registration=CLOSED)))
        made = await chief.asks("CreateInvite", uses=1)
        refusal = await refused(server.registers("bob", PASSWORD, invite_code=made.code))
        assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "REGISTRATION_CLOSED")


# ---------------------------------------------------------------- the end of things


@story
async def test_another_password_ends_all_other_streams(tmp_path: Path) -> None:
    """Sessions, API tokens and what they opened; the caller and the caller's bots stay."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        other = await server.joins("alice", password=PASSWORD)
        token = (await alice.asks("CreateApiToken", scopes=ALL)).token
        child = await server.joins("", token=token)
        await alice.asks("CreateBot", name="robot")
        robot_token = (await alice.asks("CreateApiToken", bot="robot", scopes=ALL)).token
        robot = await server.joins("", token=robot_token)
        for one in (alice, other, child, robot):
            await one.opens("lobby")
        reading = await other.subscribes("lobby")
        await reading.begun()
        changed = await alice.asks("ChangePassword", old_password=PASSWORD, new_password=OTHER)
        assert changed.ended == 3
        for stream in (other.chat, child.chat, reading):
            end = await stream.end()
            assert end is not None
            assert (end.code.name, end.reason) == ("UNAUTHENTICATED", "SESSION_ENDED")
        for gone in (other, child):
            refusal = await refused(gone.posts("again"))
            assert (refusal.code.name, refusal.reason) == ("UNAUTHENTICATED", "TOKEN_INVALID")
        await alice.says("still here")
        await robot.hears("still here")
        assert (await refused(server.joins("alice", password=PASSWORD))).reason == "PASSWORD_WRONG"
        await server.joins("alice", password=OTHER)


@story
async def test_closed_account_is_gone_with_its_bots(tmp_path: Path) -> None:
    """Streams end, nobody signs in, others see it leave; the name stays taken, also later."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        bob = await server.guest("bob")
        await alice.opens("lobby")
        await bob.chat.joined("alice", (await alice.chat.opened("lobby")).room.room_id)
        await alice.asks("CreateBot", name="robot")
        token = (await alice.asks("CreateApiToken", bot="robot", scopes=ALL)).token
        robot = await server.joins("", token=token)
        await robot.opens("lobby")
        await alice.asks("DeactivateAccount", password=PASSWORD)
        for gone in (alice, robot):
            end = await gone.chat.end()
            assert end is not None
            assert end.reason == "SESSION_ENDED"
        lobby = (await bob.chat.opened("lobby")).room.room_id
        await bob.chat.left("alice", lobby)
        listed = await bob.calls("ListUsers", chat_pb2.ListUsersRequest())
        assert [user.name for user in listed.users] == ["bob"]
        await server.restarts()
        refusal = await refused(server.joins("alice", password=PASSWORD))
        assert refusal.reason == "PASSWORD_WRONG"
        for name in ("alice", "ROBOT"):
            assert (await refused(server.joins(name))).reason == "NAME_REGISTERED"
        refusal = await refused(server.joins("", token=token))
        assert refusal.reason == "TOKEN_INVALID"


@story
async def test_one_bot_is_closed(tmp_path: Path) -> None:
    """Without a password; only a bot of the caller; it is listed no more."""
    async with Server(tmp_path) as server:
        alice, bob = (
            await server.registers("alice", PASSWORD),
            await server.registers("bob", PASSWORD),
        )
        for name in ("zed", "Ann"):
            made = await alice.asks("CreateBot", name=name)
            assert (made.bot.user.bot, made.bot.bot_owner.name) == (True, "alice")
        listed = (await alice.asks("ListBots")).bots
        assert [bot.user.name for bot in listed] == ["Ann", "zed"]
        refusal = await refused(bob.asks("DeactivateAccount", bot="zed"))
        assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "USER_NOT_FOUND")
        await alice.asks("DeactivateAccount", bot="ZED")
        assert [bot.user.name for bot in (await alice.asks("ListBots")).bots] == ["Ann"]


@story
async def test_session_of_an_account_ends_after_a_day_of_silence(tmp_path: Path) -> None:
    """A call each day keeps it, two weeks end it whatever it does; the account stays."""
    clock = Clock()
    async with Server(tmp_path, timing=ticking(clock)) as server:
        alice = await server.registers("alice", PASSWORD)
        silent = await server.joins("alice", password=PASSWORD)
        for _ in range(13):
            clock.now += 0.99 * DAY_S
            await alice.asks("GetAccount")
            # Stored behind what the call has moved.
            await alice.posts("still here")
        assert (await refused(silent.asks("GetAccount"))).reason == "TOKEN_INVALID"
        clock.now += 1.2 * DAY_S
        assert (await refused(alice.asks("GetAccount"))).reason == "TOKEN_INVALID"
        again = await server.joins("alice", password=PASSWORD)
        assert again.user_id == alice.user_id


@story
async def test_account_outlives_what_ends_a_guest(tmp_path: Path) -> None:
    """After the last session has signed out, and after a restart, it is as it was."""
    clock = Clock()
    async with Server(tmp_path, timing=ticking(clock)) as server:
        alice, bob = await server.registers("alice", PASSWORD), await server.guest("bob")
        await alice.opens("lobby", "den")
        await alice.says("hello", direct("bob"))
        token = (await alice.asks("CreateApiToken", scopes=ALL)).token
        await alice.asks("BlockUser", user=pb.UserTarget(name="bob"))
        kept = await server.joins("alice", password=PASSWORD)
        await alice.signs_out()
        clock.now += 2 * GUEST_GRACE_MS / 1000
        await server.restarts()
        assert (await refused(server.joins("alice"))).reason == "NAME_REGISTERED"
        again = await server.joins("alice", password=PASSWORD)
        assert again.user_id == alice.user_id
        joined = await again.calls("ListRooms", chat_pb2.ListRoomsRequest(joined=True))
        assert [one.name for one in joined.rooms] == ["lobby", "den"]
        blocked = (await again.asks("ListBlockedUsers")).users
        assert [user.user_id for user in blocked] == [bob.user_id]
        for held in (kept.token, token):
            assert (await server.joins("", token=held)).user_id == alice.user_id
        assert (await refused(server.joins("", token=alice.token))).reason == "TOKEN_INVALID"


@story
async def test_session_of_somebody_else_is_not_to_be_had(tmp_path: Path) -> None:
    """An id of a session is no token: it opens nothing, and the owner's stream is untouched."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        mallory = await server.registers("mallory", PASSWORD)
        await alice.opens("lobby")
        stolen = alice.joined.session_id
        assert (await refused(server.joins("", token=stolen))).reason == "TOKEN_INVALID"
        refusal = await refused(mallory.asks("RevokeSession", session_id=stolen))
        assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "SESSION_NOT_FOUND")
        refusal = await refused(server.joins("alice", token=mallory.token))
        assert (refusal.reason, refusal.fields) == ("NAME_INVALID", ("name",))
        await alice.says("still here")
