"""The way back in: what whoever runs a server does about its accounts, over a real Unix socket."""

import pytest

from chat_protos.chat.v1 import accounts_pb2, admin_pb2, chat_pb2
from chat_service.core.events import Audited
from chat_service.edge.audit import entry_message
from tests.edge.clients import refused, story
from tests.edge.operator import Operated, Operator
from tests.edge.order import asks

PASSWORD = "correct horse battery"


async def kind_of(operator: Operator, name: str) -> tuple[bool, bool, bool]:
    """Return whether a user has an account, is an admin, and is closed."""
    listed = await operator.calls("ListInstanceUsers")
    (found,) = [one for one in listed.users if one.user.name == name]
    return found.user.account, found.admin, found.closed


@story
async def test_code_makes_an_admin_once() -> None:
    """Typed in any case; a second one takes its place, a used one opens nothing."""
    async with Operated() as server, server.operator() as operator:
        first = (await operator.calls("CreateOwnerCode")).code
        code = (await operator.calls("CreateOwnerCode")).code
        assert first != code
        refusal = await refused(server.registers("alice", PASSWORD, owner_code=first))
        assert refusal.reason == "OWNER_CODE_INVALID"
        alice = await server.registers("alice", PASSWORD, owner_code=code.lower())
        assert (await alice.asks("GetAccount")).account.admin
        assert await kind_of(operator, "alice") == (True, True, False)
        refusal = await refused(server.registers("bob", PASSWORD, owner_code=code))
        assert refusal.reason == "OWNER_CODE_INVALID"


@story
async def test_account_is_made_with_a_password() -> None:
    """Whoever knows it signs in; nobody is signed in by the making."""
    async with Operated() as server, server.operator() as operator:
        made = await operator.calls("CreateAccount", name="Carol", password=PASSWORD)
        assert (made.user.name, made.password) == ("Carol", "")
        assert await kind_of(operator, "Carol") == (True, False, False)
        carol = await server.joins("carol", password=PASSWORD)
        assert carol.user_id == made.user.user_id
        refusal = await refused(operator.calls("CreateAccount", name="carol", password=PASSWORD))
        assert (refusal.code.name, refusal.reason) == ("ALREADY_EXISTS", "NAME_REGISTERED")
        refusal = await refused(operator.calls("CreateAccount", name="dave", password="short"))
        assert (refusal.reason, refusal.fields) == ("PASSWORD_INVALID", ("password",))


@story
async def test_password_is_made_where_none_is_given() -> None:
    """It is in the answer, and good; an admin is made in the same step."""
    async with Operated() as server, server.operator() as operator:
        made = await operator.calls("CreateAccount", name="carol", admin=True)
        assert await kind_of(operator, "carol") == (True, True, False)
        carol = await server.joins("carol", password=made.password)
        again = await operator.calls("SetPassword", name="CAROL")
        assert again.user == chat_pb2.User(user_id=carol.user_id, name="carol", account=True)
        assert again.password not in ("", made.password)
        await server.joins("carol", password=again.password)


@story
async def test_lost_password_is_replaced() -> None:
    """The new one is good, the old one is not; who is signed in by the account is out."""
    async with Operated() as server, server.operator() as operator:
        await server.registers("alice", PASSWORD)
        alice = await server.joins("alice", password=PASSWORD)
        chat = await alice.opens("lobby")
        answer = await operator.calls("SetPassword", name="alice", password="another " + PASSWORD)
        # That of the registration too.
        assert answer.ended == 2
        ended = await chat.end()
        assert ended is not None
        assert (ended.code.name, ended.reason) == ("UNAUTHENTICATED", "SESSION_ENDED")
        refusal = await refused(server.joins("alice", password=PASSWORD))
        assert refusal.reason == "PASSWORD_WRONG"
        await server.joins("alice", password="another " + PASSWORD)


@story
async def test_admin_is_made_and_unmade() -> None:
    """Also the last one; a guest cannot be one."""
    async with Operated() as server, server.operator() as operator:
        await server.registers("alice", PASSWORD)
        for admin in (True, False):
            await operator.calls("GrantAdmin", name="Alice", admin=admin)
            assert await kind_of(operator, "alice") == (True, admin, False)
        await server.joins("guest")
        refusal = await refused(operator.calls("GrantAdmin", name="guest", admin=True))
        assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "NOT_AN_ACCOUNT")
        refusal = await refused(operator.calls("GrantAdmin", name="nobody", admin=True))
        assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "USER_NOT_FOUND")


@story
async def test_account_is_closed_and_opened() -> None:
    """Nobody signs in by a closed one; its password is good again afterwards."""
    async with Operated() as server, server.operator() as operator:
        await server.registers("alice", PASSWORD)
        closed = await operator.calls("CloseAccount", name="alice", closed=True, reason="left")
        assert (closed.user.name, closed.ended) == ("alice", 1)
        assert await kind_of(operator, "alice") == (True, False, True)
        assert (await refused(server.joins("alice", password=PASSWORD))).reason == "PASSWORD_WRONG"
        await operator.calls("CloseAccount", name="alice", closed=False)
        await server.joins("alice", password=PASSWORD)


@story
async def test_bans_are_lifted() -> None:
    """Of a name, and of a network; a call that names neither is refused."""
    async with Operated() as server, server.operator() as operator:
        refusal = await refused(operator.calls("Unban"))
        assert (refusal.code.name, refusal.fields) == ("INVALID_ARGUMENT", ("banned",))
        await operator.calls("CreateAccount", name="chief", password=PASSWORD, admin=True)
        chief = await server.joins("chief", password=PASSWORD)
        await server.registers("mallory", PASSWORD)
        await asks(chief, "BanUser", user=accounts_pb2.UserTarget(name="mallory"))
        assert (await refused(server.joins("mallory", password=PASSWORD))).reason == "BANNED"
        await operator.calls("Unban", name="Mallory")
        await server.joins("mallory", password=PASSWORD)
        await asks(chief, "BanNetwork", network="192.0.2.7/24")
        assert len((await asks(chief, "ListServerBans")).bans) == 1
        await operator.calls("Unban", network="192.0.2.0/24")
        assert len((await asks(chief, "ListServerBans")).bans) == 0
        await operator.calls("Unban", name="nobody")
        refusal = await refused(operator.calls("Unban", network="192.0.2"))
        assert refusal.code.name == "INVALID_ARGUMENT"


@story
async def test_audit_log_is_listed_in_pages() -> None:
    """The newest first, with what was done here; an order without effect has no entry."""
    async with Operated() as server, server.operator() as operator:
        for name in ("alice", "bob", "carol"):
            await server.registers(name, PASSWORD)
            await operator.calls("GrantAdmin", name=name, admin=True)
            await operator.calls("GrantAdmin", name=name, admin=True)
        first = await operator.calls("ListAudit", page_size=2)
        assert [(one.action, one.target.name) for one in first.entries] == [
            ("admin", "carol"),
            ("admin", "bob"),
        ]
        token = first.next_page_token
        rest = await operator.calls("ListAudit", page_size=2, page_token=token)
        assert [one.target.name for one in rest.entries] == ["alice"]
        assert rest.next_page_token == ""
        assert not any(one.actor.user_id for one in first.entries)
        for damaged in ("x", token[:-4]):
            refusal = await refused(operator.calls("ListAudit", page_token=damaged))
            assert refusal.reason == "PAGE_INVALID"


# What changes nothing of what is stored, or only reads; with what the launcher answers.
NOT_AUDITED = {
    "ExportRoom",
    "GetFigures",
    "GetStatistics",
    "ListAudit",
    "ListInstanceRooms",
    "ListInstanceUsers",
    "ListInstances",
    "ReloadConfiguration",
    "RestartInstance",
    "Say",
    "Shutdown",
    "StartInstance",
    "StopInstance",
}


@story
async def test_all_that_an_operator_does_is_in_the_audit_log() -> None:
    """Each call has one entry, or has nothing to be held against anybody."""
    async with Operated() as server, server.operator() as operator:
        await operator.calls("CreateAccount", name="chief", password=PASSWORD, admin=True)
        chief = await server.joins("chief", password=PASSWORD)
        await asks(chief, "BanNetwork", network="192.0.2.7/24")
        audited: dict[str, dict[str, str | bool]] = {
            "CreateOwnerCode": {},
            "CreateAccount": {"name": "carol", "password": PASSWORD},
            "SetPassword": {"name": "carol", "password": PASSWORD},
            "GrantAdmin": {"name": "carol", "admin": True},
            "KickUser": {"name": "carol", "reason": "why"},
            "CloseAccount": {"name": "carol", "closed": True},
            "Unban": {"network": "192.0.2.0/24"},
        }
        known = admin_pb2.DESCRIPTOR.services_by_name["AdminService"].methods_by_name
        assert set(known) == set(audited) | NOT_AUDITED
        before = len((await operator.calls("ListAudit")).entries)
        for number, (method, fields) in enumerate(audited.items(), 1):
            await operator.calls(method, **fields)
            entries = (await operator.calls("ListAudit")).entries
            assert len(entries) == before + number, method
            assert not entries[0].actor.user_id
        assert [entry.action for entry in reversed(entries)][before:] == [
            "owner-code",
            "account",
            "password-reset",
            "admin",
            "server-kick",
            "deactivate",
            "network-unban",
        ]


@story
async def test_nothing_is_told_of_passwords_and_codes(caplog: pytest.LogCaptureFixture) -> None:
    """The log has who and what; neither it nor the data has a password or a code."""
    caplog.set_level("DEBUG")
    async with Operated() as server, server.operator() as operator:
        secrets = [
            (await operator.calls("CreateOwnerCode")).code,
            (await operator.calls("CreateAccount", name="carol")).password,
            (await operator.calls("SetPassword", name="carol")).password,
            PASSWORD,
        ]
        await operator.calls("SetPassword", name="carol", password=PASSWORD)
        await refused(operator.calls("CreateAccount", name="carol", password=PASSWORD))
        told = caplog.text + "".join(str(vars(record)) for record in caplog.records)
        assert "set a password" in told
        stored = b"".join(path.read_bytes() for path in server.data_dir.glob("chat.sqlite3*"))
        for secret in secrets:
            assert secret not in told
            assert secret.encode() not in stored
            assert secret.replace("-", "").encode() not in stored


def test_entry_without_a_user_has_none() -> None:
    """What an entry is not about is not set; the operator has no id."""
    message = entry_message(Audited(5, 3, 0, "", "lockdown", details="guests closed"))
    assert message.entry_id == "3"
    assert not message.HasField("target")
    assert (message.actor.user_id, message.room_id) == ("", "")
    message = entry_message(Audited(5, 4, 1, "alice", "ban", 7, "lobby", 2, "bob", "", 9, "spam"))
    assert (message.actor.user_id, message.target.user_id) == ("u1", "u2")
    assert (message.room_id, message.room_name, message.until_ms) == ("r7", "lobby", 9)
    assert message.reason == "spam"
