"""A batch of orders: decided one after the other and written, all in one transaction.

Each order finds what those before it came to, in the state and in the first answers.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence

from chat_service.core.commands import Command, PruneAnswers
from chat_service.core.decide import decide, fact_key
from chat_service.core.decision import (
    Accepted,
    Answer,
    FactKey,
    FirstAnswer,
    MessageKey,
    StoredMessage,
)
from chat_service.core.errors import Reason, Rejection
from chat_service.core.events import Event, MessagePosted, RoomChanged, TopicChanged
from chat_service.core.evolve import evolve
from chat_service.core.state import State
from chat_service.log import rows, tables
from chat_service.log.contract import Commit

logger = logging.getLogger(__name__)

DISK_FULL = Rejection(Reason.STORAGE_FULL, "the server's disk is full", retry_after_ms=5000)

# What is refused while the disk is down to its reserve; who comes, who goes and who keeps
# order goes on.
TALK = MessagePosted | TopicChanged | RoomChanged

# Orders by ticket, as they were submitted.
Orders = Sequence[tuple[int, tuple[Command, ...]]]


class Batch:
    """The work of one transaction, which its caller begins and ends."""

    __slots__ = ("_connection", "_events", "_facts", "_now_ms", "_short", "_state", "_written")

    def __init__(
        self, connection: sqlite3.Connection, state: State, now_ms: int, *, short: bool
    ) -> None:
        """Work on the writer's connection and the scratch layer of the state.

        `short`: nothing is stored that is said in a room or of it.
        """
        self._connection = connection
        self._state = state
        self._now_ms = now_ms
        self._short = short
        self._events: list[Event] = []
        # How many of them have their rows.
        self._written = 0
        # First answers that are asked for: what is stored, then what the batch adds.
        self._facts: dict[FactKey, FirstAnswer | None] = {}

    def carry_out(self, orders: Orders) -> Commit:
        """Decide the orders and write what follows; return what to announce once it is durable.

        Raises sqlite3.Error, and what `evolve` raises: then nothing of it may be kept.
        """
        keys = iter(self._read_facts(orders))
        answers: list[tuple[int, tuple[Answer | Rejection, ...]]] = []
        for ticket, commands in orders:
            outcomes = [self._decide(command, next(keys)) for command in commands]
            answers.append((ticket, tuple(outcomes)))
        self._write_rows()
        return Commit(tuple(self._events), tuple(answers))

    def _read_facts(self, orders: Orders) -> list[FactKey | None]:
        """Read what the batch asks for; return what each order asks for, as far as is known."""
        keys: list[FactKey | None] = []
        for _, commands in orders:
            for command in commands:
                try:
                    key = fact_key(self._state, command)
                except Exception:
                    # `_decide` asks again, and answers for the mistake.
                    key = None
                keys.append(key if isinstance(key, FactKey) else None)
        asked = [key for key in keys if key is not None]
        if asked:
            self._facts = self._stored(asked)
        return keys

    def _stored(self, keys: Iterable[FactKey]) -> dict[FactKey, FirstAnswer | None]:
        asked = list(keys)
        stored = rows.first_answers(self._connection, asked)
        return {key: stored.get(key) for key in asked}

    def _decide(self, command: Command, key: FactKey | None) -> Answer | Rejection:
        try:
            fact: FirstAnswer | StoredMessage | None = None
            if key is None:
                # Its session may have been opened by an earlier order of the same batch.
                asked = fact_key(self._state, command)
                if isinstance(asked, MessageKey):
                    # It may have been said by one.
                    self._write_rows()
                    fact = rows.stored_message(self._connection, asked)
                elif asked is not None:
                    key = asked
                    if key not in self._facts:
                        self._facts |= self._stored([key])
            if key is not None:
                fact = self._facts[key]
            decision = decide(self._state, command, fact, self._now_ms)
        except sqlite3.Error:
            raise
        except Exception:
            # Deciding changes nothing, so only this order is lost to the mistake.
            logger.exception("could not decide %s", type(command).__name__)
            return Rejection(Reason.INTERNAL, "internal error")
        if not isinstance(decision, Accepted):
            return decision
        if self._short and any(isinstance(event, TALK) for event in decision.events):
            # Refused after the decision: a retry of what is stored has had its answer.
            return DISK_FULL
        for event in decision.events:
            evolve(self._state, event)
            if key is not None and isinstance(event, MessagePosted):
                self._facts[key] = FirstAnswer(
                    event.room_id, event.seq, event.time_ms, event.request_hash
                )
        self._events.extend(decision.events)
        if isinstance(command, PruneAnswers):
            # It removes what the orders before it came to, and those behind it may ask for that.
            self._write_rows()
            self._facts = self._stored(self._facts)
        return decision.answer

    def _write_rows(self) -> None:
        if len(self._events) > self._written:
            rows.write(self._connection, self._events[self._written :])
            tables.write(self._connection, self._state)
            self._written = len(self._events)
