"""Faults of a server, each of which breaks one promise: the negative controls.

Applied by `patched/sitecustomize.py` to the real process of an instance. The product has
no switch for any of them. Each imports what it patches, when it does.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

FAULTS: dict[str, Callable[[], None]] = {}
"""Each fault by its name, as `Server(fault=…)` and CHAT_FAULT know it."""


def fault(patch: Callable[[], None]) -> Callable[[], None]:
    """List a fault under the name of its function, with hyphens."""
    FAULTS[patch.__name__.replace("_", "-")] = patch
    return patch


def apply(names: str) -> None:
    """Apply faults, separated by commas. Raises KeyError for an unknown one."""
    for name in names.split(","):
        FAULTS[name]()


# Any: a patch takes the place of whatever function is named.
def instead(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Put a function in the place of a method or a module's function.

    It gets the original first, then the arguments.
    """
    original = getattr(owner, name)

    def replace(patch: Callable[..., Any]) -> None:
        setattr(owner, name, lambda *given, **named: patch(original, *given, **named))

    return replace


# Figures that a server goes by in place of those that it is told, by part; the last one counts.
_FIGURES: dict[str, dict[str, float]] = {}


def _with_limits(part: str, **figures: float) -> None:
    """Have the server go by other figures than it is told."""
    from chat_service import server

    if not _FIGURES:

        @instead(server, "serve")
        def serving(serve: Callable[..., Any], config: Any, **parts: Any) -> Any:
            changed = {
                part: replace(getattr(config.limits, part), **figures)
                for part, figures in _FIGURES.items()
            }
            return serve(replace(config, limits=replace(config.limits, **changed)), **parts)

    _FIGURES.setdefault(part, {}).update(figures)


class _Late:
    """The writer's connection, with each COMMIT put off for a while.

    Under load the next transaction would come too soon: hardly an ack could leave before it.
    """

    PUT_OFF_S = 0.05

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._committed = time.monotonic()

    # Any: every attribute of a connection.
    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement == "COMMIT":
            return None
        if statement.startswith("BEGIN") and self._connection.in_transaction:
            if time.monotonic() - self._committed < self.PUT_OFF_S:
                return None
            self._commit()
        return self._connection.execute(statement, *parameters)

    def close(self) -> None:
        if self._connection.in_transaction:
            self._commit()
        self._connection.close()

    def _commit(self) -> None:
        self._connection.execute("COMMIT")
        self._committed = time.monotonic()


@fault
def ack_before_commit() -> None:
    """Let acks and events leave before the COMMIT, which comes a while later."""
    from chat_service.log import sqlite

    @instead(sqlite, "open_data_file")
    def late(open_data_file: Callable[..., Any], *given: Any) -> Any:
        connection, state = open_data_file(*given)
        return _Late(connection), state


class _Deaf:
    """The writer's connection, with each COMMIT that fails taken for one that did not."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # Any: every attribute of a connection.
    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *parameters: Any) -> Any:
        try:
            return self._connection.execute(statement, *parameters)
        except sqlite3.OperationalError:
            if statement != "COMMIT":
                raise
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return None


@fault
def deaf_to_errors() -> None:
    """Acknowledge what a full or broken disk did not take."""
    from chat_service.log import sqlite

    @instead(sqlite, "open_data_file")
    def deaf(open_data_file: Callable[..., Any], *given: Any) -> Any:
        connection, state = open_data_file(*given)
        return _Deaf(connection), state


def _synchronous(level: str) -> None:
    from chat_service.log import sqlite

    @instead(sqlite, "open_data_file")
    def weak(open_data_file: Callable[..., Any], *given: Any) -> Any:
        connection, state = open_data_file(*given)
        connection.execute(f"PRAGMA synchronous = {level}")
        return connection, state


@fault
def synchronous_normal() -> None:
    """Leave out the sync of a commit: kill -9 does no harm, the loss of power does."""
    _synchronous("NORMAL")


@fault
def synchronous_off() -> None:
    """Never sync anything."""
    _synchronous("OFF")


@fault
def positions_before_text() -> None:
    """Commit how far a transcript is before its text is there, which comes a round later."""
    from chat_service.transcripts.book import Book
    from chat_service.transcripts.files import Files

    late: list[tuple[int, bytes]] = []

    def write_late() -> None:
        for descriptor, data in late:
            with open(descriptor, "ab") as file:
                file.write(data)
        late.clear()

    @instead(Files, "append")
    def put_off(_: Callable[..., None], __: Files, descriptor: int, data: bytes) -> None:
        late.append((os.dup(descriptor), data))

    @instead(Book, "write")
    def caught_up(write: Callable[..., Any], book: Book, *given: Any) -> Any:
        write_late()
        return write(book, *given)

    @instead(Book, "close")
    def complete(close: Callable[..., None], book: Book) -> None:
        write_late()
        close(book)


@fault
def lost_frame() -> None:
    """Store one event of twenty-five without telling it to those who read live."""
    from chat_service.hub.feed import Feed

    @instead(Feed, "publish")
    def forgetful(
        publish: Callable[..., None], feed: Feed, seq: int, frame: bytes, *more: Any
    ) -> None:
        if seq % 25:
            publish(feed, seq, frame, *more)
        else:
            feed.ring.append(seq, frame)


@fault
def torn_seam() -> None:
    """Leave out the last missed event where a replay from the ring becomes live."""
    from chat_service.hub import catch_up

    @instead(catch_up, "portion")
    def torn(portion: Callable[..., list[bytes]], *given: Any) -> list[bytes]:
        taken = portion(*given)
        # An empty frame is a frame without items.
        return [*taken[:-1], b""] if taken else taken


@fault
def repeated_seam() -> None:
    """Tell the first event of a replay from the ring twice."""
    from chat_service.hub import catch_up

    @instead(catch_up, "portion")
    def repeated(portion: Callable[..., list[bytes]], *given: Any) -> list[bytes]:
        taken = portion(*given)
        return [taken[0] * 2, *taken[1:]] if taken else taken


@fault
def two_orders() -> None:
    """Tell every other reader the events of a tick in reverse."""
    from chat_service.hub.feed import Feed
    from chat_service.hub.subscription import Subscription

    tick: list[bytes] = []

    @instead(Feed, "flush")
    def remembered(flush: Callable[..., None], feed: Feed) -> None:
        tick[:] = feed._tick
        flush(feed)

    @instead(Subscription, "offer_tick")
    def turned(
        offer_tick: Callable[..., None], reader: Subscription, frames: list[bytes], *more: Any
    ) -> None:
        offer_tick(reader, tick[::-1] if reader.session_id % 2 else frames, *more)


@fault
def forgotten_ids() -> None:
    """Never look up what a client_msg_id was answered first: each retry is stored again."""
    from chat_service.log import batch, rows

    @instead(batch, "decide")
    def forgetful(decide: Callable[..., Any], state: Any, command: Any, _: Any, now: int) -> Any:
        return decide(state, command, None, now)

    @instead(rows, "_insert")
    def lenient(
        insert: Callable[..., None],
        connection: sqlite3.Connection,
        table: str,
        new: list[tuple[object, ...]],
    ) -> None:
        if table != "first_answers":
            insert(connection, table, new)
        elif new:
            places = ", ".join("?" * len(new[0]))
            connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({places})", new)


@fault
def unbounded_queue() -> None:
    """Never cut a reader that does not read."""
    _with_limits("hub", queue_bytes=1 << 60, queue_age_s=1e9)


@fault
def deaf_after_a_stall() -> None:
    """Do not tell those who read live what is published after a second of standing still."""
    from chat_service.hub.feed import Feed

    last = time.monotonic()

    @instead(Feed, "publish")
    def deaf(publish: Callable[..., None], feed: Feed, seq: int, frame: bytes, *more: Any) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before < 1.0 or seq == 1:
            publish(feed, seq, frame, *more)
        else:
            feed.ring.append(seq, frame)


@fault
def silent_refusal() -> None:
    """Neither store nor refuse a post over the rate: its sender hears nothing."""
    from chat_service.core.errors import Reason
    from chat_service.edge.answers import Answers

    @instead(Answers, "refuse")
    def silent(
        refuse: Callable[..., None], answers: Any, rejection: Any, *rest: Any, **more: Any
    ) -> None:
        if rejection.reason is not Reason.RATE_LIMITED:
            refuse(answers, rejection, *rest, **more)


@fault
def login_lockout() -> None:
    """Refuse streams as if they were new guests: after twenty, one in three seconds."""
    from chat_service.core.errors import Reason, RefusedError, Rejection
    from chat_service.edge.chat import ChatMethods

    began, streams = time.monotonic(), count(1)

    @instead(ChatMethods, "chat")
    async def locked(chat: Callable[..., Any], *given: Any) -> Any:
        if next(streams) > 20 + (time.monotonic() - began) / 3:
            raise RefusedError(
                Rejection(Reason.RATE_LIMITED, "too many streams", retry_after_ms=3000)
            )
        return await chat(*given)


@fault
def insight() -> None:
    """No fault: on SIGUSR1, append to a file what the server holds, see `insight.Watched`."""
    import asyncio
    import json
    import os
    import signal
    from dataclasses import asdict

    from chat_service import server as serving
    from tests.chaos.insight import PATH, holding

    @instead(serving._Server, "__init__")
    def telling(init: Callable[..., None], server: Any, *parts: Any) -> None:
        init(server, *parts)

        def tell() -> None:
            with open(os.environ[PATH], "a") as file:
                file.write(json.dumps(asdict(holding(server.parts))) + "\n")

        # Before anybody is told that the server is ready.
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)


@fault
def kept_events() -> None:
    """Never let go of anything that was published."""
    from chat_service.hub.rooms import Rooms

    kept: list[tuple[int, int, bytes]] = []

    @instead(Rooms, "publish")
    def hoarding(publish: Callable[..., None], rooms: Rooms, *event: Any) -> None:
        kept.append(event)
        publish(rooms, *event)


@fault
def kept_subscriptions() -> None:
    """Never let go of a reader."""
    from chat_service.hub.hub import Hub

    @instead(Hub, "remove")
    def hoarding(remove: Callable[..., None], hub: Hub, subscription: Any) -> None:
        remove(hub, subscription)
        hub.add(subscription)


@fault
def no_flush() -> None:
    """End the streams of a server that stops with what is still queued for them."""
    from chat_service import server

    server.FLUSH_SHARE = -1.0


def _keepalive(after_ms: int, answer_ms: int) -> None:
    _with_limits(
        "transport",
        keepalive_ms=after_ms,
        keepalive_timeout_ms=answer_ms,
        ping_timeout_ms=answer_ms,
    )


@fault
def quick_keepalive() -> None:
    """No fault: look after silent peers after 1 s instead of 30, and shorten the grace to 1 s."""
    _keepalive(1_000, 1_000)
    _with_limits("hub", presence_grace_s=1.0)


@fault
def no_keepalive() -> None:
    """Never look after a peer that is silent."""
    _keepalive(2_147_483_647, 20_000)


@fault
def hasty_pages() -> None:
    """Read pages for readers far behind without a pace."""
    from chat_service.hub import pages

    pages.AT_ONCE = 1 << 60


@fault
def careless_number() -> None:
    """Believe every number in a request."""
    from chat_service.edge import lists

    @instead(lists, "page_size")
    def careless(page_size: Callable[..., int], size: int, *limits: Any) -> int:
        if size > 1 << 30:
            raise OverflowError(f"{size} items")
        return page_size(size, *limits)


@fault
def slow_secret() -> None:
    """Take longer to refuse a room that is there than one that is not."""
    from chat_service.core import rooms
    from chat_service.core.errors import Rejection

    @instead(rooms, "visible")
    def slow(visible: Callable[..., Any], state: Any, room_id: int, *given: Any) -> Any:
        found = visible(state, room_id, *given)
        if isinstance(found, Rejection) and room_id in state.rooms:
            time.sleep(0.003)
        return found
