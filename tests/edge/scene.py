"""The edge without gRPC: a log in memory whose commits a test makes, and one stream's client.

What the real log and the real transport decide by chance (which orders share a commit,
what comes in between) a test decides here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any, TypeVar

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.decide import decide, fact_key
from chat_service.core.decision import (
    Accepted,
    Answer,
    FactKey,
    FirstAnswer,
    MessageKey,
    StoredMessage,
)
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.events import (
    AnswersPruned,
    Audited,
    Event,
    MessageDeleted,
    MessagePosted,
    RoomEvent,
    RoomPruned,
    Tombstone,
    TopicChanged,
)
from chat_service.core.evolve import evolve
from chat_service.core.limits import Limits
from chat_service.core.model import Account, RoomKind, Session, Style
from chat_service.core.state import State
from chat_service.edge.address import Addresses
from chat_service.edge.calls import Call
from chat_service.edge.conversation import Conversation
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.doors import Doors
from chat_service.edge.entrance import Entrance
from chat_service.edge.frames import HubFrames, event_frame, withheld_frame
from chat_service.edge.journal import Journal, Outcome
from chat_service.edge.logins import Logins
from chat_service.edge.orders import Orders
from chat_service.edge.pace import Pace
from chat_service.edge.passwords import Passwords
from chat_service.edge.sessions import Sessions
from chat_service.edge.stream import Stream
from chat_service.edge.streams import Streams
from chat_service.histogram import Histogram
from chat_service.hub.hub import Hub
from chat_service.hub.replay import Page
from chat_service.hub.subscription import Subscription
from chat_service.log.contract import Commit, LogStatistics
from chat_service.log.limits import MAX_BACKLOG
from tests.core.facts import stored_message
from tests.edge.clients import CHEAP, PATIENCE, Clock
from tests.edge.passwords import PlainPasswords
from tests.hub.timers import FakeTimers

T = TypeVar("T")

LOBBY = 1
"""The number of the default room."""


class MemoryLog:
    """Keeps the contract of `chat_service.log.contract.Log`; commits when it is told to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.state = State()
        self._events: list[Event] = []
        self.first_answers: dict[FactKey, FirstAnswer] = {}
        # The first seq of each room that was pruned, also when the room is forgotten.
        self._firsts: dict[int, int] = {}
        # First answers whose messages are gone, with their times.
        self.orphans: set[tuple[int, FactKey]] = set()
        self.waiting: list[tuple[int, tuple[cmd.Command, ...]]] = []
        # Why no more orders are taken.
        self.refusal: Rejection | None = None
        # Rooms whose events cannot be read.
        self.damaged: set[int] = set()

    def load(self) -> State:
        state = State()
        for event in self._events:
            evolve(state, event)
        state.merge()
        return state

    def submit(self, ticket: int, commands: tuple[cmd.Command, ...]) -> None:
        if self.refusal is not None:
            raise RefusedError(self.refusal)
        if sum(len(waiting) for _, waiting in self.waiting) + len(commands) > MAX_BACKLOG:
            raise RefusedError(Rejection(Reason.OVERLOADED, "too much", retry_after_ms=1000))
        self.waiting.append((ticket, commands))

    def commit(self) -> Commit:
        """Decide all that waits, in one commit."""
        before = len(self._events)
        answers = tuple(
            (ticket, tuple(self._decide(command) for command in commands))
            for ticket, commands in self.waiting
        )
        self.waiting.clear()
        self.state.merge()
        return Commit(tuple(self._events[before:]), answers)

    def fail(self, rejection: Rejection) -> Commit:
        """Refuse all that waits."""
        answers = tuple((ticket, (rejection,) * len(cmds)) for ticket, cmds in self.waiting)
        self.waiting.clear()
        return Commit((), answers)

    def read_after(
        self, room_id: int, after_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        if room_id in self.damaged:
            raise RefusedError(Rejection(Reason.STORAGE_DAMAGED, "cannot be read"))
        return self._within([e for e in self._of(room_id) if e.seq > after_seq], count, max_bytes)

    def read_before(
        self, room_id: int, before_seq: int, *, count: int, max_bytes: int
    ) -> list[RoomEvent]:
        older = [event for event in self._of(room_id) if event.seq < before_seq]
        return self._within(older[::-1], count, max_bytes)

    def read_first(self, room_id: int) -> int:
        return self.state.first(room_id)

    def read_oldest_orphan_ms(self) -> int | None:
        return min((time_ms for time_ms, _ in self.orphans), default=None)

    def read_audit(self, room_id: int | None, before_id: int, *, count: int) -> list[Audited]:
        def is_asked(entry: Audited) -> bool:
            if room_id is not None:
                return entry.room_id == room_id
            room = self.state.rooms.get(entry.room_id)
            return not entry.room_id or (room is not None and room.kind is RoomKind.PUBLIC)

        entries = [event for event in self._events if isinstance(event, Audited)]
        asked = [e for e in entries if e.audit_id < before_id and is_asked(e)]
        return asked[::-1][:count]

    def statistics(self) -> LogStatistics:
        nothing = Histogram(()).distribution()
        backlog = sum(len(commands) for _, commands in self.waiting)
        return LogStatistics(backlog, 0, 0, nothing, nothing, disk_full=False)

    def close(self) -> None:
        self.refusal = Rejection(Reason.DRAINING, "closed")

    def _decide(self, command: cmd.Command) -> Answer | Rejection:
        key = fact_key(self.state, command)
        first: FirstAnswer | StoredMessage | None = None
        if isinstance(key, MessageKey):
            first = stored_message(self._events, key)
        elif key is not None:
            first = self.first_answers.get(key)
        decision = decide(self.state, command, first, self._clock.ms())
        if not isinstance(decision, Accepted):
            return decision
        for event in decision.events:
            evolve(self.state, event)
            self._keep(event)
        self._events.extend(decision.events)
        return decision.answer

    def _keep(self, event: Event) -> None:
        """Keep first answers, and let go of them once their messages are gone for long."""
        if isinstance(event, MessagePosted):
            self.first_answers[FactKey(event.author_id, event.client_msg_id)] = FirstAnswer(
                event.room_id, event.seq, event.time_ms, event.request_hash
            )
        elif isinstance(event, RoomPruned):
            self._firsts[event.room_id] = event.first_seq
            for key, answer in self.first_answers.items():
                if answer.room_id == event.room_id and answer.seq < event.first_seq:
                    self.orphans.add((answer.time_ms, key))
        elif isinstance(event, AnswersPruned):
            over = sorted(orphan for orphan in self.orphans if orphan[0] < event.before_ms)
            for orphan in over[: event.at_most]:
                self.orphans.remove(orphan)
                del self.first_answers[orphan[1]]

    def _of(self, room_id: int) -> list[RoomEvent]:
        events = [
            event
            for event in self._events
            if isinstance(event, RoomEvent)
            and event.room_id == room_id
            and event.seq >= self._firsts.get(room_id, 1)
        ]
        deleted = {event.deleted_seq for event in events if isinstance(event, MessageDeleted)}
        return [
            Tombstone(event.time_ms, room_id, event.seq, event.author_id, event.author_name)
            if event.seq in deleted
            else event
            for event in events
        ]

    def _within(self, events: list[RoomEvent], count: int, max_bytes: int) -> list[RoomEvent]:
        taken: list[RoomEvent] = []
        size = 0
        for event in events[:count]:
            taken.append(event)
            if isinstance(event, MessagePosted):
                size += len(event.text.encode())
            else:
                size += len(event.topic.encode()) if isinstance(event, TopicChanged) else 512
            if size >= max_bytes:
                break
        return taken


def call_from(peer: str, token: str = "") -> Call:
    """Return what is known of a call from a peer."""
    address = Addresses().of(peer)
    return Call(peer, token, address.text, address.network)


class Between(Executor):
    """Runs what is read at once, and lets something happen before the answer, the first time."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = [happens]

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:  # Any: as theirs
        """Run it."""
        read: Future[Any] = Future()
        read.set_result(fn(*args, **kwargs))
        while self._happens:
            self._happens.pop()()
        return read


class Scene:
    """All of the edge behind the transport, with clocks and commits that a test makes."""

    def __init__(self, *, rate_limits: bool = False) -> None:
        self.clock = Clock()
        self.timers = FakeTimers()
        self.log = MemoryLog(self.clock)
        self.directory = Directory(self.log.load(), self.clock.ms)
        # Pages of the log wait for each other here; a test may take the lock.
        self.reading = asyncio.Lock()
        self.hub = Hub({}, {}, timers=self.timers, encode=HubFrames(), read_page=self.read_page)
        self.streams = Streams(self.hub)
        self.journal = Journal(self.log, self.directory, self.hub, self.streams)
        self.pace = Pace(on=rate_limits)
        self.passwords = PlainPasswords()
        self.logins = Logins()
        self.doors = Doors(self.passwords, self.logins, self.directory, self.clock.seconds)
        self.attachments = 0
        self.does(cmd.StartInstance("here", "epoch", Limits(), "lobby"))

    def entrance(self) -> Entrance:
        """Return the ways in."""
        return Entrance(
            instance="here",
            journal=self.journal,
            directory=self.directory,
            hub=self.hub,
            pace=self.pace,
            sessions=Sessions(self.directory, self.journal, self.clock.ms),
            passwords=Passwords(CHEAP.passwords),
            logins=self.logins,
            clock=self.clock.seconds,
        )

    async def read_page(self, room_id: int, after_seq: int) -> Page:
        async with self.reading:
            page = self.log.read_after(room_id, after_seq, count=10, max_bytes=1 << 16)
            encoded = [(event.seq, event_frame(event)) for event in page]
            marks = ((event.seq, withheld_frame(event)) for event in page)
            withheld = {seq: mark for seq, mark in marks if mark is not None}
            return Page(encoded, self.log.read_first(room_id), withheld)

    def commits(self) -> None:
        """Commit what waits, and tell it."""
        self.journal.apply(self.log.commit())
        self.timers.step()

    def passes(self, seconds: int) -> None:
        """Let time pass as a running server has it pass, with a sweep each second."""
        for _ in range(seconds):
            self.timers.advance(1)
            self.hub.sweep()

    def asks(self, *commands: cmd.Command) -> tuple[Outcome, ...]:
        """Submit orders and commit them; return what each came to."""
        outcomes: list[tuple[Outcome, ...]] = []
        self.journal.submit(commands, outcomes.append)
        self.commits()
        return outcomes[0]

    def does(self, command: cmd.Command) -> Answer:
        """Submit an order that is accepted, and commit it."""
        (outcome,) = self.asks(command)
        assert isinstance(outcome, Answer), outcome
        return outcome

    def joins(self, name: str, room: str = "") -> Session:
        """Sign somebody in; the token is the name."""
        answer = self.does(cmd.OpenGuest(name, token_hash(name), "here", room))
        return self.directory.state.sessions[answer.session_id]

    def becomes_bot(self, session: Session, *, fast: bool = False) -> Session:
        """Make a bot of a user, that has no owner."""
        for state in (self.log.state, self.directory.state):
            user_id = session.user_id
            state.users.put(user_id, replace(state.users[user_id], account=True, bot=True))
            state.accounts.put(user_id, Account(user_id, "", 0, fast=fast))
            state.merge()
        return session

    def says(self, session: Session, text: str, target: cmd.Target | None = None) -> Answer:
        """Post a message, its text being its id too; into the lobby unless told otherwise."""
        return self.does(post(session, text, target))

    def opens_direct(self, session: Session, *names: str) -> int:
        """Open a direct message; return its number."""
        return self.does(cmd.JoinRoom(session.session_id, cmd.Direct(names))).room_id

    def stream(
        self,
        session: Session,
        *,
        chat: bool = True,
        welcomed: bool = True,
        hear_bots: bool = False,
        address: str = "",
    ) -> Stream:
        """Open a stream as Chat or Subscribe does."""
        self.attachments += chat
        stream = Stream(
            session,
            self.attachments if chat else 0,
            directory=self.directory,
            hub=self.hub,
            address=address,
            hear_bots=hear_bots,
        )
        self.streams.add(stream)
        if chat:
            self.does(cmd.AttachSession(session.session_id, stream.attachment))
        if welcomed:
            stream.welcome("epoch", epoch_holds=True)
        return stream

    def orders(self, session: Session, network: str = "") -> Orders:
        """Return what makes the commands of a session."""
        return Orders(
            session,
            network,
            directory=self.directory,
            pace=self.pace,
            doors=self.doors,
            clock=self.clock.seconds,
        )

    async def told(self, subscription: Subscription) -> list[pb.StreamItem]:
        """Take all that is sent to a reader until nothing more comes."""
        items: list[pb.StreamItem] = []
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0)
            self.timers.step()
            quiet += 1
            while subscription.queued_bytes:
                self.timers.step()
                items += pb.ChatResponse.FromString(await subscription.wait_frame()).items
                quiet = 0
        return items


class Caller:
    """The other end of one Chat stream: what it sends, and what it is sent.

    Keeps the contract of the parts of `grpc.aio.ServicerContext` that a conversation uses.
    """

    def __init__(self, scene: Scene, session: Session) -> None:
        self.scene = scene
        scene.attachments += 1
        self.stream = Stream(session, scene.attachments, directory=scene.directory, hub=scene.hub)
        self.items: list[pb.StreamItem] = []
        # Requests that were taken.
        self.taken = 0
        # While it is clear, writes do not return.
        self.reads = asyncio.Event()
        self.reads.set()
        # Whether writes fail, as when the client is gone.
        self.is_gone = False
        self._requests: asyncio.Queue[pb.ChatRequest | None] = asyncio.Queue()
        self._conversation = Conversation(
            self.stream,
            epoch="epoch",
            journal=scene.journal,
            hub=scene.hub,
            streams=scene.streams,
            orders=scene.orders(session),
            clock=scene.clock.seconds,
        )
        self.ends: asyncio.Task[Rejection | None] | None = None

    def calls(self, hello: pb.Hello | None = None, hello_id: str = "hello") -> None:
        """Begin the stream."""
        # Any: a context of grpc.aio is generic in messages.
        context: Any = self
        run = self._conversation.run(hello_id, hello or pb.Hello(), self._read, context)
        self.ends = asyncio.create_task(run)

    async def opens(self, *rooms: pb.RoomPosition) -> None:
        """Begin the stream, and wait until all is told that it begins with."""
        self.calls(pb.Hello(rooms=rooms))
        await self.goes_on()
        self.scene.commits()
        await self.goes_on()

    def sends(self, *requests: pb.ChatRequest) -> None:
        """Send orders."""
        for request in requests:
            self._requests.put_nowait(request)

    def says_done(self) -> None:
        """Send no more."""
        self._requests.put_nowait(None)

    async def goes_on(self) -> None:
        """Let all that can happen without a commit happen."""
        for _ in range(10):
            await asyncio.sleep(0)
            self.scene.timers.step()

    async def ended(self) -> Rejection | None:
        """Wait for the end; return its reason."""
        assert self.ends is not None
        return await within(self.ends)

    def kinds(self) -> list[str]:
        """Return what kinds of items came, in order."""
        return [item.WhichOneof("item") or "" for item in self.items]

    async def _read(self) -> pb.ChatRequest | None:
        request = await self._requests.get()
        self.taken += 1
        return request

    async def write(self, frame: bytes) -> None:
        assert type(frame) is bytes
        if self.is_gone:
            raise grpc.aio.InternalError("the client is gone")
        self.items += pb.ChatResponse.FromString(frame).items
        await self.reads.wait()


def post(session: Session, text: str, target: cmd.Target | None = None) -> cmd.PostMessage:
    """Return the order to say something, its text being its id too."""
    target = target or cmd.RoomByName("lobby")
    request = f"{target} {text}".encode()
    return cmd.PostMessage(
        session.session_id, target, Style.TEXT, text, text.replace(" ", "-"), request
    )


async def within(awaitable: Awaitable[T]) -> T:
    """Wait, but not for ever."""
    return await asyncio.wait_for(awaitable, PATIENCE)
