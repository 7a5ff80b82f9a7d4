"""Codes to register by, on a real server: made, listed, ended by admins."""

from dataclasses import replace
from pathlib import Path

from chat_service.codes import code_hash
from chat_service.core.invites import DAY_MS
from chat_service.core.limits import INVITE, Limits
from tests.edge.clients import CHEAP, Clock, Guest, Server, refused, story
from tests.edge.ticking import PASSWORD, ticking

OWNER_CODE = "ABCD-EFGH-JKLM-NPQR"


def invite_only(data_dir: Path, clock: Clock) -> Server:
    """Return a server that takes accounts by codes, and its owner by one of its own."""
    return Server(
        data_dir,
        timing=ticking(clock),
        limits=replace(CHEAP, core=Limits(registration=INVITE)),
        owner_code_hash=code_hash(OWNER_CODE).hex(),
    )


async def admin(server: Server) -> Guest:
    """Return the first admin."""
    return await server.registers("chief", PASSWORD, owner_code=OWNER_CODE)


@story
async def test_codes_are_listed_without_themselves(tmp_path: Path) -> None:
    """The newest first, by page, with what is left of each; those that ran out are not."""
    clock = Clock()
    async with invite_only(tmp_path, clock) as server:
        chief = await admin(server)
        first = await chief.asks("CreateInvite", uses=2, lifetime_ms=DAY_MS)
        usual = await chief.asks("CreateInvite")
        assert first.code != usual.code
        assert (usual.invite.uses_left, usual.invite.creator.name) == (1, "chief")
        assert usual.invite.expires_ms == clock.ms() + 7 * DAY_MS
        await server.registers("alice", PASSWORD, invite_code=first.code.lower())
        page = await chief.asks("ListInvites", page_size=1)
        assert list(page.invites) == [usual.invite]
        rest = await chief.asks("ListInvites", page_token=page.next_page_token)
        assert [invite.uses_left for invite in rest.invites] == [1]
        assert not rest.next_page_token
        clock.now += DAY_MS / 1000
        await chief.asks("GetAccount")
        listed = (await chief.asks("ListInvites")).invites
        assert list(listed) == [usual.invite]
        refusal = await refused(server.registers("bob", PASSWORD, invite_code=first.code))
        assert refusal.reason == "INVITE_INVALID"


@story
async def test_code_is_ended(tmp_path: Path) -> None:
    """It is good no longer, and there is none to end then."""
    async with invite_only(tmp_path, Clock()) as server:
        chief = await admin(server)
        made = await chief.asks("CreateInvite", uses=5)
        await chief.asks("RevokeInvite", invite_id=made.invite.invite_id)
        refusal = await refused(server.registers("bob", PASSWORD, invite_code=made.code))
        assert refusal.reason == "INVITE_INVALID"
        for invite_id in (made.invite.invite_id, "", "i0", "s1", made.code):
            refusal = await refused(chief.asks("RevokeInvite", invite_id=invite_id))
            assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "INVITE_NOT_FOUND")


@story
async def test_only_admins_have_codes(tmp_path: Path) -> None:
    """Accounts are told so; figures out of bounds are named."""
    async with invite_only(tmp_path, Clock()) as server:
        chief = await admin(server)
        made = await chief.asks("CreateInvite")
        alice = await server.registers("alice", PASSWORD, invite_code=made.code)
        for method in ("CreateInvite", "ListInvites", "RevokeInvite"):
            refusal = await refused(alice.asks(method))
            assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "ADMIN_NEEDED")
        for fields, field in (
            ({"uses": -1}, "uses"),
            ({"uses": 1001}, "uses"),
            ({"lifetime_ms": -1}, "lifetime_ms"),
            ({"lifetime_ms": 91 * DAY_MS}, "lifetime_ms"),
        ):
            refusal = await refused(chief.asks("CreateInvite", **fields))
            assert (refusal.code.name, refusal.fields) == ("INVALID_ARGUMENT", (field,))
