"""The lists of what keeps order, over the wire."""

from pathlib import Path

import pytest

from chat_protos.chat.v1 import moderation_pb2
from chat_service.core.commands import RoomByName, SetRole, UserByName
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.model import Role
from chat_service.edge.paging import token_after
from chat_service.edge.records import Records
from chat_service.edge.sessions import Sessions
from chat_service.wiring import wall_clock_ms
from tests.edge.clients import Clock, Guest, Server, refused, room, room_id, story
from tests.edge.order import admin, asks, has_admins
from tests.edge.rooms import named, private_room
from tests.edge.scene import Between, Scene, call_from
from tests.edge.ticking import ticking

FOREVER_MS = 2**53 - 1


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give the data of a server with an admin, ada."""
    has_admins(tmp_path, "ada")
    return tmp_path


@story
async def test_restrictions_of_a_room(data_dir: Path) -> None:
    """By name, by page, with who said so last; those that are over are not listed."""
    clock = Clock(wall_clock_ms() / 1000)
    async with Server(data_dir, timing=ticking(clock)) as server:
        alice = await server.guest("alice", "pub")
        for name in ("Dan", "bob", "carol"):
            await server.joins(name)
        pub = room("pub")
        await asks(alice, "MuteMember", room=pub, user=named("dan"), reason="one")
        await asks(alice, "BanMember", room=pub, user=named("dan"), reason="two")
        await asks(alice, "MuteMember", room=pub, user=named("bob"), duration_ms=1)
        ban = await asks(alice, "BanMember", room=pub, user=named("carol"), duration_ms=3_600_000)
        clock.now += 1
        first = await asks(alice, "ListRestrictions", room=pub, page_size=1)
        token = first.next_page_token
        second = await asks(alice, "ListRestrictions", room=pub, page_size=1, page_token=token)
        assert not second.next_page_token
        (carol,), (dan,) = first.restrictions, second.restrictions
        assert (carol.user.name, carol.banned_until_ms, carol.muted_until_ms) == (
            "carol",
            ban.until_ms,
            0,
        )
        assert (dan.banned_until_ms, dan.muted_until_ms, dan.reason, dan.by.user_id) == (
            FOREVER_MS,
            FOREVER_MS,
            "two",
            alice.user_id,
        )
        other = await refused(asks(alice, "ListRestrictions", room=room("lobby"), page_token=token))
        assert other.reason == "ROLE_NEEDED"


@story
async def test_bans_of_the_server(data_dir: Path) -> None:
    """Names and networks, the newest first, by page, each once."""
    clock = Clock(wall_clock_ms() / 1000)
    async with Server(data_dir, timing=ticking(clock)) as server:
        ada = admin(server, "ada")
        for name in ("bob", "carol"):
            await server.joins(name)
        await asks(ada, "BanUser", user=named("bob"), reason="spam")
        for network in ("192.0.2.0/24", "2001:db8::/32"):
            await asks(ada, "BanNetwork", network=network)
        await asks(ada, "BanUser", user=named("carol"), duration_ms=1)
        clock.now += 1
        bans: list[moderation_pb2.ServerBan] = []
        token = ""
        while not bans or token:
            page = await asks(ada, "ListServerBans", page_size=1, page_token=token)
            bans += page.bans
            token = page.next_page_token
        assert sorted(ban.name or ban.network for ban in bans) == [
            "192.0.2.0/24",
            "2001:db8::/32",
            "bob",
        ]
        times = [ban.time_ms for ban in bans]
        assert times == sorted(times, reverse=True)
        bob = next(ban for ban in bans if ban.name == "bob")
        assert (bob.until_ms, bob.reason, bob.by.name) == (FOREVER_MS, "spam", "ada")
        for token in ("x", token_after("server bans", "soon bob"), token_after("audit", "1")):
            refusal = await refused(asks(ada, "ListServerBans", page_token=token))
            assert (refusal.reason, refusal.fields) == ("PAGE_INVALID", ("page_token",))


async def actions(guest: Guest, **fields: object) -> list[tuple[str, str, str]]:
    """Read the whole audit log, two entries at once: what was done to whom, and why."""
    found: list[tuple[str, str, str]] = []
    token = ""
    while not found or token:
        page = await asks(guest, "ListAuditEntries", page_size=2, page_token=token, **fields)
        found += ((one.action, one.target.name, one.reason) for one in page.entries)
        token = page.next_page_token
        assert len(page.entries) <= 2
    return found


@story
async def test_audit_log(data_dir: Path) -> None:
    """Moderators read that of their room, admins that of the server and its public rooms.

    Nobody else reads either, and nothing of private rooms is in that of the server.
    """
    async with Server(data_dir) as server:
        ada = admin(server, "ada")
        alice, bob, _ = [await server.guest(name, "pub") for name in ("alice", "bob", "eve")]
        den = await private_room(alice)
        await asks(alice, "MuteMember", room=room("pub"), user=named("bob"), reason="noise")
        await asks(alice, "KickMember", room=room("pub"), user=named("bob"), reason="spam")
        target = room_id(den.room_id)
        await asks(alice, "BanMember", room=target, user=named("eve"), reason="private")
        await asks(ada, "BanUser", user=named("eve"), reason="flood")
        in_pub = [("kick", "bob", "spam"), ("mute", "bob", "noise")]
        on_server = [("server-ban", "eve", "flood")]
        assert await actions(alice, room=room("pub")) == in_pub
        assert await actions(ada, room=room("pub")) == in_pub
        log = await actions(ada)
        assert log[: len(on_server)] == on_server
        assert [entry for entry in log if entry in in_pub] == in_pub
        assert not any(reason == "private" for _, _, reason in log)
        assert ("ban", "eve", "private") in await actions(alice, room=target)
        for who, fields, reason in (
            (bob, {"room": room("pub")}, "ROLE_NEEDED"),
            (bob, {"room": target}, "ROOM_NOT_FOUND"),
            (ada, {"room": target}, "ROOM_NOT_FOUND"),
            (alice, {}, "ADMIN_NEEDED"),
            (bob, {}, "ADMIN_NEEDED"),
        ):
            assert (await refused(asks(who, "ListAuditEntries", **fields))).reason == reason
        (entry,) = (await asks(ada, "ListAuditEntries", page_size=1)).entries
        assert (entry.actor.name, entry.room_id, entry.until_ms) == ("ada", "", FOREVER_MS)
        newest = (await asks(alice, "ListAuditEntries", room=room("pub"), page_size=1)).entries[0]
        assert (newest.room_name, newest.actor.user_id, newest.target.user_id) == (
            "pub",
            alice.user_id,
            bob.user_id,
        )
        for token in (token_after("audit", "-1"), token_after("audit", "9" * 20), "x"):
            refusal = await refused(asks(ada, "ListAuditEntries", page_token=token))
            assert refusal.reason == "PAGE_INVALID"


@story
async def test_who_loses_its_role_while_the_audit_log_is_read_is_not_told() -> None:
    """It is answered as somebody who asks only now."""
    scene = Scene()
    olga = scene.joins("olga", "pub")
    scene.joins("mo", "pub")
    pub, mo_is = RoomByName("pub"), UserByName("mo")
    roles = [SetRole(olga.session_id, pub, mo_is, role) for role in (Role.MODERATOR, Role.MEMBER)]
    scene.does(roles[0])
    records = Records(
        log=scene.log,
        directory=scene.directory,
        sessions=Sessions(scene.directory, scene.journal, scene.clock.ms),
        readers=Between(lambda: scene.does(roles[1])),
    )
    request = moderation_pb2.ListAuditEntriesRequest(room=room("pub"))
    with pytest.raises(RefusedError) as refusal:
        await records.list_audit_entries(request, call_from("ipv4:127.0.0.1:1", "mo"))
    assert refusal.value.rejection.reason is Reason.ROLE_NEEDED
