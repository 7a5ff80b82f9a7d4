"""Calls that read take turns, so that nobody who reads much is felt by others.

Reading a page and encoding it takes some ms of the one interpreter that all share. A caller
reads one page at a time, and for a while at once: who reads as people do never waits. Who has
read for longer than its share of the time waits in a line with all such callers, in which one
page is read at a time, in turn, with a rest after each. Nothing is refused: who is in a hurry
waits, and what waits is bounded by the calls of a connection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf.message import Message

from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.methods import Method, Part, Unary
from chat_service.edge.pace import Pace

# What calls that read are called in the contract.
READS = ("List", "Get")
# What a call costs beside its reading, in seconds: 1,300 small ones a second took half a core.
CALL_S = 0.0004
# A rest is no longer than this, in seconds, also after a page that was held up.
MAX_REST_S = 0.25
# Callers that are remembered before those are let go of that have all of their time again.
MANY = 1000


class _Reader:
    """What is known of one caller: its time, and the line of its own calls."""

    __slots__ = ("at", "calls", "left_s", "turn")

    def __init__(self, left_s: float, now: float) -> None:
        self.turn = asyncio.Lock()
        # Its calls that read, or wait.
        self.calls = 0
        # Time that it may read at once, negative if it owes some, and when that was so.
        self.left_s = left_s
        self.at = now


class Reads:
    """The turns of all callers. Used on the event loop; `clock` and `sleep` are in seconds."""

    def __init__(
        self,
        directory: Directory,
        pace: Pace,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._directory = directory
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._readers: dict[Hashable, _Reader] = {}
        self._line = asyncio.Lock()
        self._rest_until = 0.0

    def bounding(self, part: Part) -> Part:
        """Return a part of a service whose calls that read take turns."""
        return _Bounded(self, part)

    def bounded(self, method: Method) -> Method:
        """Return a method whose calls take turns with others of the caller, and all others."""

        # Any: each method takes its own request.
        async def in_turn(request: Any, call: Call) -> Message:
            key = self._key_of(call)
            if key is None:
                return await method(request, call)
            async with self.turn(key):
                return await method(request, call)

        return in_turn

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait until a caller may read; the block is the reading, and is taken from its time."""
        if not self._pace.on:
            yield
            return
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = _Reader(self._pace.rates.reads_burst_s, self._clock())
        reader.calls += 1
        try:
            async with reader.turn:
                if self._left_s(reader) > 0:
                    async with self._timed(reader):
                        yield
                else:
                    async with self._line:
                        rest_s = self._rest_until - self._clock()
                        if rest_s > 0:
                            await self._sleep(rest_s)
                        began = self._clock()
                        try:
                            async with self._timed(reader):
                                yield
                        finally:
                            self._rest(began)
        finally:
            reader.calls -= 1
            if len(self._readers) > MANY:
                self._let_go()

    def waiting(self) -> int:
        """Return how many calls read, or wait for their turn."""
        return sum(reader.calls for reader in self._readers.values())

    def _key_of(self, call: Call) -> Hashable | None:
        """Return who calls, as limits count; None where the method itself will refuse it.

        Without asking as the method does: who was removed is told why by one call alone.
        """
        if call.network:
            return call.network
        state = self._directory.state
        session = state.sessions.get(state.session_ids.get(token_hash(call.token)) or 0)
        return None if session is None else session.user_id

    @asynccontextmanager
    async def _timed(self, reader: _Reader) -> AsyncIterator[None]:
        began = self._clock()
        try:
            yield
        finally:
            # What it owes is bounded: who stops reading much is soon quick again.
            left_s = self._left_s(reader) - (self._clock() - began + CALL_S)
            reader.left_s = max(-self._pace.rates.reads_burst_s, left_s)

    def _left_s(self, reader: _Reader) -> float:
        now, rates = self._clock(), self._pace.rates
        gained_s = max(0.0, now - reader.at) * rates.reads_share
        reader.left_s = min(rates.reads_burst_s, reader.left_s + gained_s)
        reader.at = now
        return reader.left_s

    def _rest(self, began: float) -> None:
        now = self._clock()
        rest_s = (now - began + CALL_S) * (1 / self._pace.rates.reads_line_share - 1)
        self._rest_until = now + min(rest_s, MAX_REST_S)

    def _let_go(self) -> None:
        most_s = self._pace.rates.reads_burst_s
        for key, reader in list(self._readers.items()):
            if not reader.calls and self._left_s(reader) >= most_s:
                del self._readers[key]


class _Bounded:
    """A part whose calls that read take turns."""

    def __init__(self, reads: Reads, part: Part) -> None:
        self._reads = reads
        self._part = part

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            name: self._reads.bounded(method) if name.startswith(READS) else method
            for name, method in self._part.unary().items()
        }
