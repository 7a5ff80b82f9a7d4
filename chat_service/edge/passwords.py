"""Passwords: what they may be, and the hashes that are stored of them.

argon2id takes tens of milliseconds and megabytes, on purpose. So it runs in threads, no more
at once than there are cores, and those who wait for one are bounded too: in all, and of each
network, so that nobody alone keeps everybody else from signing in.
"""

import asyncio
import base64
import os
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.limits import DEFAULT_PASSWORDS, PasswordLimits

T = TypeVar("T")

# In bytes. Source: RFC 9106, section 4.
SALT_BYTES = 16
HASH_BYTES = 32
# Of argon2, as hashes have it.
_VERSION = 19
# One character of NFC comes from four at most; more need not be looked at. Putting many
# marks in order takes the square of their number.
_LONGEST_FORM = 4
# When there will be room again, as far as anybody knows.
RETRY_MS = 1000
# The part of all who may wait that one network may have, with those that run.
SHARE = 4


class Passwords:
    """Makes hashes of passwords and compares with them, off the event loop."""

    def __init__(self, limits: PasswordLimits = DEFAULT_PASSWORDS) -> None:
        """Go by these limits; `limits.at_once` and no other one holds for ever."""
        self._at_once = limits.at_once or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="passwords")
        # Those that wait or run; and by network, of which the empty one is exempt.
        self._begun = 0
        self._of_network: Counter[str] = Counter()
        self.change(limits)

    def change(self, limits: PasswordLimits) -> None:
        """Go by other limits from now on; hashes that are stored keep their parameters."""
        self.limits = limits
        self._hasher = PasswordHasher(
            time_cost=limits.passes,
            memory_cost=limits.memory_bytes // 1024,
            parallelism=limits.lanes,
            hash_len=HASH_BYTES,
            salt_len=SALT_BYTES,
            type=Type.ID,
        )
        self._nobodys = self._hash_of_nothing()

    def close(self) -> None:
        """Let go of the threads; what they do is finished first."""
        self._threads.shutdown(cancel_futures=True)

    def check_new(self, password: str, field: str) -> None:
        """Refuse what no password can be. Raises RefusedError: PASSWORD_INVALID."""
        limits = self.limits
        text = self._normal(password)
        if text is not None and limits.min_chars <= len(text) <= limits.max_chars:
            if not any(unicodedata.category(char) == "Cc" for char in text):
                return
            words = "a password has no control characters"
        else:
            words = f"a password has {limits.min_chars} to {limits.max_chars} characters"
        raise RefusedError(Rejection(Reason.PASSWORD_INVALID, words, field=field))

    def check_room(self, network: str = "") -> None:
        """Refuse where too many wait already. Raises RefusedError: OVERLOADED.

        `network` is what the caller's address is counted under; empty: it is exempt.
        """
        most = max(1, self.limits.waiting // SHARE)
        is_greedy = network and self._of_network[network] >= most
        if is_greedy or self._begun >= self._at_once + self.limits.waiting:
            raise RefusedError(
                Rejection(
                    Reason.OVERLOADED,
                    "too many passwords at once: try again",
                    retry_after_ms=RETRY_MS,
                )
            )

    async def hashed(self, password: str, field: str = "password", *, network: str = "") -> str:
        """Return what is stored of a new password; `network` as in `check_room`.

        Raises RefusedError: PASSWORD_INVALID, which names the field; OVERLOADED.
        """
        self.check_new(password, field)
        return await self.hashed_again(password, network=network)

    async def hashed_again(self, password: str, *, network: str = "") -> str:
        """Return what is stored of a password that was found right, whatever it looks like.

        Raises RefusedError: OVERLOADED.
        """
        hasher, text = self._hasher, self._normal(password)
        return await self._run(lambda: hasher.hash(text or ""), network)

    async def matches(self, password: str, stored: str, *, network: str = "") -> bool:
        """Whether a password is that of a stored hash; where that is empty, never.

        Then it is compared with a hash of nobody, so that it takes as long. Raises
        RefusedError: OVERLOADED.
        """
        hasher, nobodys = self._hasher, self._nobodys
        text = self._normal(password)
        against = nobodys if text is None or not stored else stored

        def compare() -> bool:
            try:
                return hasher.verify(against, text or "")
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(compare, network) and against is not nobodys

    def is_weak(self, stored: str) -> bool:
        """Whether a stored hash was made with parameters weaker than those of today."""
        try:
            was = extract_parameters(stored)
        except InvalidHashError:
            return True
        limits = self.limits
        return (
            was.type is not Type.ID
            or was.version < _VERSION
            or was.memory_cost < limits.memory_bytes // 1024
            or was.time_cost < limits.passes
            or was.hash_len < HASH_BYTES
            or was.salt_len < SALT_BYTES
        )

    def _normal(self, password: str) -> str | None:
        """Return the form in which a password is hashed; None: it is far too long for one."""
        if len(password) > _LONGEST_FORM * self.limits.max_chars:
            return None
        return unicodedata.normalize("NFC", password)

    def _hash_of_nothing(self) -> str:
        """Return what looks like a hash of today, and is that of no password."""
        limits = self.limits
        salt, digest = (
            base64.b64encode(secrets.token_bytes(count)).decode().rstrip("=")
            for count in (SALT_BYTES, HASH_BYTES)
        )
        memory = limits.memory_bytes // 1024
        costs = f"m={memory},t={limits.passes},p={limits.lanes}"
        return f"$argon2id$v={_VERSION}${costs}${salt}${digest}"

    async def _run(self, work: Callable[[], T], network: str) -> T:
        self.check_room(network)
        self._begun += 1
        self._of_network[network] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._begun -= 1
            self._of_network[network] -= 1
            if not self._of_network[network]:
                del self._of_network[network]
