"""The ways in, on a real server: passwords right and wrong, and how long the next one waits."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from chat_protos.chat.v1 import accounts_pb2 as pb
from chat_protos.chat.v1 import accounts_pb2_grpc as accounts_stubs
from chat_service.core.limits import ACCOUNT_TOKEN_MS, Limits
from chat_service.edge.limits import DEFAULT_RATES, LoginLimits
from tests.edge.clients import (
    CHEAP,
    Clock,
    Server,
    bearer,
    refused,
    story,
)
from tests.edge.ticking import (
    OTHER,
    PASSWORD,
    behind_proxy,
    joined_from,
    registered_from,
    ticking,
)

# -------------------------------------------------------------------- signing in


@story
async def test_account_signs_in_from_many_places(tmp_path: Path) -> None:
    """Each session has its own token and stream; all are the same user."""
    clock = Clock()
    async with Server(tmp_path, timing=ticking(clock)) as server:
        await server.registers("alice", PASSWORD)
        phone = await server.joins("ALICE", "lobby", password=PASSWORD, client="phone")
        laptop = await server.joins("alice", password=PASSWORD, client="laptop")
        assert phone.user_id == laptop.user_id
        assert phone.joined.session_id != laptop.joined.session_id
        assert phone.joined.expires_ms == clock.ms() + ACCOUNT_TOKEN_MS
        assert phone.joined.room.name == "lobby"
        for guest in (phone, laptop):
            await guest.opens("lobby")
        await phone.says("hi")
        await laptop.hears("hi")


@story
async def test_wrong_passwords_and_missing_accounts_are_answered_alike(tmp_path: Path) -> None:
    """Status, reason, words, details and lines of the log are the same for all of them."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        await alice.asks("CreateBot", name="robot")
        closed = await server.registers("closed", PASSWORD)
        await closed.asks("DeactivateAccount", password=PASSWORD)
        await server.joins("guest")
        answers = [
            await refused(server.joins(name, password=password))
            for name, password in (
                ("alice", OTHER),
                ("alice", "x"),
                ("alice", "x" * 60_000),
                ("closed", PASSWORD),
                ("robot", PASSWORD),
                ("robot", "x"),
                ("guest", PASSWORD),
                ("nobody", PASSWORD),
            )
        ]
        assert answers == [answers[0]] * 8
        assert (answers[0].code.name, answers[0].reason) == ("UNAUTHENTICATED", "PASSWORD_WRONG")


@story
async def test_sign_ins_that_make_no_sense(tmp_path: Path) -> None:
    """A token beside a password, and a name that nobody can have."""
    async with Server(tmp_path) as server:
        alice = await server.registers("alice", PASSWORD)
        both = await refused(server.joins("alice", token=alice.token, password=PASSWORD))
        assert (both.reason, both.fields) == ("FIELD_INVALID", ("password",))
        bad = await refused(server.joins("x" * 60_000, password=PASSWORD))
        assert (bad.reason, bad.fields) == ("NAME_INVALID", ("name",))
        guest = await refused(server.joins("ALICE"))
        assert (guest.code.name, guest.reason) == ("ALREADY_EXISTS", "NAME_REGISTERED")


@story
async def test_guests_are_refused(tmp_path: Path) -> None:
    """A server may take accounts only; registering is the way in."""
    limits = replace(CHEAP, core=Limits(guests=False))
    async with Server(tmp_path, limits=limits) as server:
        refusal = await refused(server.joins("bob"))
        assert (refusal.code.name, refusal.reason) == ("PERMISSION_DENIED", "GUESTS_REFUSED")
        await server.registers("bob", PASSWORD)
        await server.joins("bob", password=PASSWORD)


@story
async def test_sign_ins_at_once_with_a_weak_hash_are_all_right(tmp_path: Path) -> None:
    """One of them makes the hash anew, against which the others are looked at again."""
    async with Server(tmp_path) as server:
        await server.registers("alice", PASSWORD)
        stronger = replace(CHEAP, passwords=replace(CHEAP.passwords, passes=2))
        await server.changes_to(limits=stronger)
        joining = (server.joins("alice", password=PASSWORD) for _ in range(4))
        assert len({guest.token for guest in await asyncio.gather(*joining)}) == 4


@story
async def test_weak_hash_is_made_anew_once(tmp_path: Path) -> None:
    """A hash of less than today's parameters is replaced at the next sign-in, and only then."""
    async with Server(tmp_path) as server:
        await server.registers("alice", PASSWORD)
        weak = stored_hash(tmp_path)
        await server.joins("alice", password=PASSWORD)
        assert stored_hash(tmp_path) == weak
        stronger = replace(CHEAP, passwords=replace(CHEAP.passwords, passes=2))
        await server.changes_to(limits=stronger)
        await refused(server.joins("alice", password=OTHER))
        assert stored_hash(tmp_path) == weak
        await server.joins("alice", password=PASSWORD)
        strong = stored_hash(tmp_path)
        assert weak.startswith("$argon2id$v=19$m=64,t=1,p=1$")
        assert strong.startswith("$argon2id$v=19$m=64,t=2,p=1$")
        await server.joins("alice", password=PASSWORD)
        await server.changes_to(limits=CHEAP)
        await server.joins("alice", password=PASSWORD)
        assert stored_hash(tmp_path) == strong


def stored_hash(data_dir: Path) -> str:
    """Return what is stored of the only password, as a reader of the file sees it."""
    with closing(sqlite3.connect(f"file:{data_dir}/chat.sqlite3?mode=ro", uri=True)) as file:
        (row,) = file.execute("SELECT password_hash FROM accounts").fetchall()
    return str(row[0])


# ----------------------------------------------------------------------- delays


@story
async def test_sixth_wrong_password_waits_wherever_it_comes_from(tmp_path: Path) -> None:
    """From six addresses; the delay doubles; the owner's own network is not held up by it."""
    clock = Clock()
    async with behind_proxy(tmp_path, clock) as server:
        home = "198.51.100.7"
        await registered_from(server, home, "alice")
        assert (await joined_from(server, home, "alice", PASSWORD)).token
        for number in range(5):
            refusal = await refused(joined_from(server, f"192.0.2.{number}", "alice", OTHER))
            assert refusal.reason == "PASSWORD_WRONG"
        stranger = "192.0.2.9"
        sixth = await refused(joined_from(server, stranger, "alice", OTHER))
        assert (sixth.code.name, sixth.reason) == ("RESOURCE_EXHAUSTED", "LOGIN_DELAYED")
        assert sixth.retry_ms == 1000
        # The right one waits too: else the delay would tell which it is.
        assert (await refused(joined_from(server, stranger, "alice", PASSWORD))).retry_ms == 1000
        assert (await joined_from(server, home, "alice", PASSWORD)).token
        clock.now += 1.001
        assert (await refused(joined_from(server, stranger, "alice", OTHER))).retry_ms is None
        assert (await refused(joined_from(server, stranger, "alice", OTHER))).retry_ms == 2000
        clock.now += 2.001
        assert (await joined_from(server, stranger, "alice", PASSWORD)).token


@story
async def test_name_without_an_account_is_delayed_as_one_with(tmp_path: Path) -> None:
    """Who is delayed learns nothing of whether there is an account."""
    clock = Clock()
    async with behind_proxy(tmp_path, clock) as server:
        await registered_from(server, "198.51.100.7", "alice")
        for name in ("alice", "nobody"):
            told = [
                (refusal.reason, refusal.retry_ms)
                for number in range(7)
                for refusal in [
                    await refused(joined_from(server, f"192.0.2.{number}", name, OTHER))
                ]
            ]
            assert told == [("PASSWORD_WRONG", None)] * 5 + [("LOGIN_DELAYED", 1000)] * 2


@story
async def test_address_is_delayed_whatever_the_names(tmp_path: Path) -> None:
    """Twenty wrong passwords from one address; another is free."""
    clock = Clock()
    async with behind_proxy(tmp_path, clock) as server:
        await registered_from(server, "198.51.100.7", "alice")
        for number in range(20):
            await refused(joined_from(server, "192.0.2.1", f"name{number}", OTHER))
        refusal = await refused(joined_from(server, "192.0.2.1", "alice", PASSWORD))
        assert refusal.reason == "LOGIN_DELAYED"
        assert (await joined_from(server, "192.0.2.2", "alice", PASSWORD)).token


@story
async def test_password_of_a_signed_in_account_is_guessed_no_faster(tmp_path: Path) -> None:
    """ChangePassword and DeactivateAccount count as sign-ins: a stolen token guesses slowly."""
    limits = replace(CHEAP, logins=LoginLimits(account_failures=2))
    clock = Clock()
    async with Server(tmp_path, timing=ticking(clock), limits=limits) as server:
        alice = await server.registers("alice", PASSWORD)
        change = {"old_password": OTHER, "new_password": OTHER}
        refusal = await refused(alice.asks("ChangePassword", **change))
        assert (refusal.code.name, refusal.reason) == ("UNAUTHENTICATED", "PASSWORD_WRONG")
        assert refusal.fields == ("old_password",)
        refusal = await refused(alice.asks("DeactivateAccount", password=OTHER))
        assert (refusal.reason, refusal.fields) == ("PASSWORD_WRONG", ("password",))
        for call in (
            alice.asks("ChangePassword", old_password=PASSWORD, new_password=OTHER),
            alice.asks("DeactivateAccount", password=PASSWORD),
            server.joins("alice", password=PASSWORD),
        ):
            assert (await refused(call)).reason == "LOGIN_DELAYED"
        clock.now += 1.001
        await alice.asks("ChangePassword", old_password=PASSWORD, new_password=OTHER)


@story
async def test_right_passwords_are_paced_too(tmp_path: Path) -> None:
    """Each is the work of a hash: so many at once from an address, by whatever call."""
    clock = Clock()
    async with behind_proxy(tmp_path, clock, rate_limits=True) as server:
        joined = await registered_from(server, "192.0.2.1", "alice")
        for _ in range(DEFAULT_RATES.joins_burst):
            assert (await joined_from(server, "192.0.2.1", "alice", PASSWORD)).token
        refusal = await refused(joined_from(server, "192.0.2.1", "alice", PASSWORD))
        assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert refusal.retry_ms == 5000
        stub = accounts_stubs.AccountServiceStub(server.channel())
        there = (*bearer(joined.token), ("x-forwarded-for", "192.0.2.1"))
        request = pb.ChangePasswordRequest(old_password=PASSWORD, new_password=OTHER)
        refusal = await refused(stub.ChangePassword(request, metadata=there))
        assert refusal.reason == "RATE_LIMITED"
        # Neither another account nor another address is held up by it.
        await registered_from(server, "192.0.2.1", "bob")
        assert (await joined_from(server, "192.0.2.1", "bob", PASSWORD)).token
        assert (await joined_from(server, "192.0.2.2", "alice", PASSWORD)).token
        clock.now += 5
        assert (await joined_from(server, "192.0.2.1", "alice", PASSWORD)).token


@story
async def test_new_accounts_of_an_address_are_paced(tmp_path: Path) -> None:
    """Five at once, bots too; what would be refused anyway costs nothing of it."""
    clock = Clock()
    async with behind_proxy(tmp_path, clock, rate_limits=True) as server:
        for _ in range(9):
            await refused(registered_from(server, "192.0.2.1", "admin"))
        for number in range(4):
            await registered_from(server, "192.0.2.1", f"name{number}")
        last = await registered_from(server, "192.0.2.1", "last")
        late = await refused(registered_from(server, "192.0.2.1", "late"))
        assert (late.code.name, late.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert late.retry_ms == 360_000
        stub = accounts_stubs.AccountServiceStub(server.channel())
        there = (*bearer(last.token), ("x-forwarded-for", "192.0.2.1"))
        bot = stub.CreateBot(pb.CreateBotRequest(name="robot"), metadata=there)
        assert (await refused(bot)).reason == "RATE_LIMITED"
        await registered_from(server, "192.0.2.2", "late")
