"""What a password may be, what is stored of it, and how many are looked at in the same time."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from chat_service.core.errors import Reason, RefusedError
from chat_service.edge.limits import DEFAULT_PASSWORDS, PasswordLimits
from chat_service.edge.passwords import Passwords
from tests.edge.clients import CHEAP, PATIENCE, story

LIMITS = CHEAP.passwords
LONG_ENOUGH = "correct horse"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Give passwords whose hashes cost little."""
    passwords = Passwords(LIMITS)
    yield passwords
    passwords.close()


def test_figures_are_those_of_the_guarantees() -> None:
    """argon2id with 19 MiB, two passes and one lane; 8 to 256 characters."""
    assert PasswordLimits() == DEFAULT_PASSWORDS
    assert (DEFAULT_PASSWORDS.memory_bytes, DEFAULT_PASSWORDS.passes) == (19 << 20, 2)
    assert DEFAULT_PASSWORDS.lanes == 1
    assert (DEFAULT_PASSWORDS.min_chars, DEFAULT_PASSWORDS.max_chars) == (8, 256)


@story
async def test_hash_is_argon2id_with_these_parameters() -> None:
    """It is written with its parameters and a salt of its own, and is only of this password."""
    passwords = Passwords()
    first, second = await passwords.hashed(LONG_ENOUGH), await passwords.hashed(LONG_ENOUGH)
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert LONG_ENOUGH not in first
    assert await passwords.matches(LONG_ENOUGH, first)
    assert not await passwords.matches(LONG_ENOUGH + " ", first)
    assert not await passwords.matches("", first)
    passwords.close()


@pytest.mark.parametrize("password", ["12345678", "x" * 256, "päßwörter", "🐎" * 8, "  spaces  "])
def test_what_a_password_can_be(passwords: Passwords, password: str) -> None:
    """Any characters, so many of them."""
    passwords.check_new(password, "password")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "1234567",
        "🐎" * 7,
        "e\u0301" * 7,
        "x" * 257,
        "x" * 65_000,
        "tab\tulator",
        "nul\x00nul\x00",
    ],
)
def test_what_no_password_can_be(passwords: Passwords, password: str) -> None:
    """Too short or too long in NFC, or with control characters; never cut. The field is named."""
    with pytest.raises(RefusedError) as refused:
        passwords.check_new(password, "new_password")
    rejection = refused.value.rejection
    assert (rejection.reason, rejection.field) == (Reason.PASSWORD_INVALID, "new_password")
    assert not password or password not in rejection.message


@story
async def test_same_password_typed_otherwise() -> None:
    """A letter with its mark is one character, however the keyboard sends it."""
    passwords = Passwords(LIMITS)
    stored = await passwords.hashed("caf\u00e9 au lait")
    assert await passwords.matches("cafe\u0301 au lait", stored)
    await passwords.hashed("e\u0301" * 256)
    passwords.close()


@story
async def test_long_passwords_differ_in_their_last_character() -> None:
    """Nothing is cut before it is hashed."""
    passwords = Passwords(LIMITS)
    stored = await passwords.hashed("x" * 255 + "y")
    assert not await passwords.matches("x" * 256, stored)
    assert not await passwords.matches("x" * 255, stored)
    assert not await passwords.matches("x" * 70_000, stored)
    passwords.close()


@story
async def test_nobody_has_a_password() -> None:
    """Where nothing is stored, or what is stored is no hash, none is right, the empty one too."""
    passwords = Passwords(LIMITS)
    for stored in ("", "no hash", "$argon2id$v=19$m=64,t=1,p=1$broken"):
        for password in ("", LONG_ENOUGH, "x" * 70_000):
            assert not await passwords.matches(password, stored)
    passwords.close()


class Watched(PasswordHasher):
    """Remembers what it compared passwords with."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__()
        self._seen = seen

    __slots__ = ("_seen",)

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 # theirs
        self._seen.append(str(hash))
        return super().verify(hash, password)


@story
async def test_nobody_takes_as_much_work() -> None:
    """A name without an account is compared with a hash of the same parameters."""
    passwords = Passwords(LIMITS)
    stored = await passwords.hashed(LONG_ENOUGH)
    seen: list[str] = []
    for limits in (LIMITS, replace(LIMITS, passes=3)):
        passwords.change(limits)
        passwords._hasher = Watched(seen)
        await passwords.matches("a guess", "")
        await passwords.matches("x" * 70_000, "")
    await passwords.matches("a guess", stored)
    assert [extract_parameters(one).time_cost for one in seen] == [1, 1, 3, 3, 1]
    assert extract_parameters(seen[0]) == extract_parameters(stored)
    passwords.close()


@pytest.mark.parametrize(
    "weaker",
    [
        {"time_cost": 1},
        {"memory_cost": 32},
        {"type": Type.I},
        {"type": Type.D},
        {"hash_len": 16},
        {"salt_len": 8},
    ],
)
def test_weaker_hash_is_known(weaker: dict[str, int]) -> None:
    """One that was made with less, or by another of the argon2s; not one with more."""
    passwords = Passwords(replace(LIMITS, passes=2))
    usual = {"time_cost": 2, "memory_cost": 64, "parallelism": 1, "hash_len": 32, "salt_len": 16}
    assert not passwords.is_weak(PasswordHasher(**usual).hash("x"))  # type: ignore[arg-type] # int
    stored = PasswordHasher(**(usual | weaker)).hash("x")  # type: ignore[arg-type] # as above
    assert passwords.is_weak(stored)
    assert not passwords.is_weak(PasswordHasher(3, 128, 2).hash("x"))
    assert passwords.is_weak("no hash")
    passwords.close()


class Slow(PasswordHasher):
    """Makes hashes when the test says so."""

    __slots__ = ("_counting", "_now", "may_go", "most", "running")

    def __init__(self) -> None:
        super().__init__()
        self.may_go = threading.Event()
        self.running = threading.Semaphore(0)
        self.most = 0
        self._now = 0
        self._counting = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:  # noqa: ARG002 # theirs
        with self._counting:
            self._now += 1
            self.most = max(self.most, self._now)
        self.running.release()
        self.may_go.wait(PATIENCE)
        with self._counting:
            self._now -= 1
        return "hash"


@story
async def test_as_many_at_once_as_it_says() -> None:
    """The others wait, up to their number; one more is told to come back. Then all is well."""
    passwords = Passwords(replace(LIMITS, at_once=2, waiting=3))
    slow = passwords._hasher = Slow()
    begun = [asyncio.create_task(passwords.hashed(LONG_ENOUGH)) for _ in range(5)]
    await asyncio.sleep(0)
    for _ in range(2):
        await asyncio.to_thread(slow.running.acquire, timeout=PATIENCE)
    with pytest.raises(RefusedError) as refused:
        await passwords.hashed(LONG_ENOUGH)
    rejection = refused.value.rejection
    assert (rejection.reason, rejection.retry_after_ms) == (Reason.OVERLOADED, 1000)
    with pytest.raises(RefusedError):
        await passwords.matches(LONG_ENOUGH, "")
    slow.may_go.set()
    assert await asyncio.wait_for(asyncio.gather(*begun), PATIENCE) == ["hash"] * 5
    assert slow.most == 2
    passwords.check_room()
    passwords.close()


@story
async def test_no_network_has_the_line_for_itself() -> None:
    """It has a quarter of the places; the next of it is refused, and others are not."""
    passwords = Passwords(replace(LIMITS, at_once=1, waiting=8))
    slow = passwords._hasher = Slow()
    begun = [asyncio.create_task(passwords.hashed(LONG_ENOUGH, network="a")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(RefusedError) as refused:
        passwords.check_room("a")
    assert refused.value.rejection.reason is Reason.OVERLOADED
    with pytest.raises(RefusedError):
        await passwords.hashed(LONG_ENOUGH, network="a")
    with pytest.raises(RefusedError):
        await passwords.matches(LONG_ENOUGH, "", network="a")
    begun += [asyncio.create_task(passwords.hashed(LONG_ENOUGH, network="b")) for _ in range(2)]
    # Who is exempt may have what is left.
    begun += [asyncio.create_task(passwords.hashed(LONG_ENOUGH)) for _ in range(3)]
    slow.may_go.set()
    assert await asyncio.wait_for(asyncio.gather(*begun), PATIENCE) == ["hash"] * 7
    passwords.check_room("a")
    passwords.close()


@story
async def test_who_goes_away_makes_room() -> None:
    """A call that ends while its password waits leaves its place, and no hash is made for it."""
    passwords = Passwords(replace(LIMITS, at_once=1, waiting=1))
    slow = passwords._hasher = Slow()
    first = asyncio.create_task(passwords.hashed(LONG_ENOUGH))
    second = asyncio.create_task(passwords.hashed(LONG_ENOUGH))
    await asyncio.sleep(0)
    await asyncio.to_thread(slow.running.acquire, timeout=PATIENCE)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    passwords.check_room()
    slow.may_go.set()
    assert await first == "hash"
    passwords.close()
    assert not slow.running.acquire(blocking=False)
