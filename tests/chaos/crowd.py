"""A crowd that comes and goes: what a chat server sees in a day, within minutes.

Each person reads a few rooms, posts, writes directly to others, looks things up, enters
and leaves rooms, loses the connection in several ways, and now and then signs out for
good and is followed by somebody else. All of them check what they are sent: each room
goes on where it stopped, without a hole and without a double.
"""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from tests.chaos.load import until

PATIENCE_S = 20.0
"""Seconds after which whoever waits in vain gives up."""

OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)

LOST = (asyncio.InvalidStateError, grpc.aio.UsageError)
"""What a call or a channel says that was given up meanwhile."""


@dataclass(frozen=True)
class Habits:
    """What a crowd does. Rates are of all together, in events a second."""

    people: int
    rooms: int
    # Rooms that each person begins with.
    rooms_each: int
    posts: float
    # Connections that are lost.
    losses: float
    # Rooms that are entered or left.
    moves: float
    # Pages of history, lists of users and of rooms.
    looks: float
    # People who sign out for good; each is followed by another.
    farewells: float
    # Of the posts, the part that goes to somebody directly.
    direct: float = 0.05


class Person:
    """One guest: a session, a stream while there is one, and positions."""

    def __init__(self, crowd: "Crowd", name: str, rooms: list[str]) -> None:
        self.crowd = crowd
        self.name = name
        self.rooms = set(rooms)
        # By room id: the seq of the last event.
        self.positions: dict[str, int] = {}
        # Posts without an answer, by id.
        self.unanswered: dict[str, pb.ChatRequest] = {}
        self.welcomed = asyncio.Event()
        # Orders for the present stream.
        self._outgoing: asyncio.Queue[pb.ChatRequest] | None = None
        self._channel: grpc.aio.Channel | None = None
        self._call: grpc.aio.StreamStreamCall[pb.ChatRequest, pb.ChatResponse] | None = None
        self._metadata: tuple[tuple[str, str], ...] = ()
        self._epoch = ""
        self._task: asyncio.Task[None] | None = None
        self._is_leaving = False

    # ------------------------------------------------------------------- coming and going

    def comes(self) -> None:
        """Sign in, and read from now on."""
        self._task = asyncio.create_task(self._live())

    async def goes(self) -> None:
        """Have all posts answered, then sign out for good."""
        try:
            await until(
                lambda: bool((self._metadata and not self.unanswered) or self.crowd.faults),
                "all is answered",
                patience_s=PATIENCE_S,
            )
        except AssertionError:
            self.crowd.fault(f"{self.name} was not answered: {len(self.unanswered)} posts")
        self._is_leaving = True
        await self.loses()
        if self._task is not None:
            await asyncio.wait_for(self._task, PATIENCE_S)

    async def loses(self, *, hard: bool = True) -> None:
        """Lose the stream; with `hard`, the whole connection."""
        if self._call is not None:
            self._call.cancel()
        if hard and self._channel is not None:
            channel, self._channel = self._channel, None
            await channel.close()

    async def _live(self) -> None:
        try:
            await self._sign_in()
            while not self._is_leaving:
                await self._read()
                self.welcomed.clear()
            await self._stub().SignOut(
                pb.SignOutRequest(), metadata=self._metadata, timeout=PATIENCE_S
            )
        except asyncio.CancelledError:
            # What a call says whose channel was closed: it went before it had signed in.
            if not self._is_leaving:
                raise
        except Exception as error:
            self.crowd.fault(f"{self.name}: {error!r}")
        finally:
            self.welcomed.clear()
            if self._channel is not None:
                await self._channel.close()

    def _stub(self) -> "stubs.ChatServiceAsyncStub":
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self.crowd.address, options=OWN_CONNECTION)
        return stubs.ChatServiceStub(self._channel)

    async def _sign_in(self) -> None:
        joined = await self._stub().Join(pb.JoinRequest(name=self.name), timeout=PATIENCE_S)
        self._metadata = (("authorization", f"Bearer {joined.token}"),)
        self._epoch = joined.epoch

    # ---------------------------------------------------------------------------- reading

    async def _read(self) -> None:
        """Open a stream and read it until it is lost."""
        hello = pb.Hello(epoch=self._epoch)
        for room_id, name in self.crowd.names.items():
            # Its leaving was told on a stream that was lost.
            if name not in self.rooms:
                self.positions.pop(room_id, None)
        for room in sorted(self.rooms):
            position = hello.rooms.add()
            position.room.room_name = room
            room_id = self.crowd.room_ids.get(room, "")
            if room_id in self.positions:
                position.after_seq = self.positions[room_id]
        for room_id, seq in self.positions.items():
            if room_id not in self.crowd.names:
                hello.rooms.add(room=pb.RoomTarget(room_id=room_id), after_seq=seq)
        opened: set[str] = set()
        outgoing = self._outgoing = asyncio.Queue()
        outgoing.put_nowait(pb.ChatRequest(order_id="hello", hello=hello))
        self._call = call = self._stub().Chat(_taken(outgoing), metadata=self._metadata)
        try:
            async for frame in call:
                for item in frame.items:
                    self._take(item, opened)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED:
                self.crowd.fault(f"{self.name} was cut: {error.code()} {error.details()}")
        except LOST:
            pass
        except asyncio.CancelledError:
            # A call that was given up shows itself so, and so does the end of this task.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
        finally:
            self._call = self._outgoing = None
            call.cancel()

    def _take(self, item: pb.StreamItem, opened: set[str]) -> None:
        kind = item.WhichOneof("item")
        if kind == "event":
            event = item.event
            room_id = event.room_id
            self.crowd.delivered += 1
            if room_id not in opened:
                self.crowd.fault(f"{self.name}: an event of {room_id}, which is not open")
            elif event.seq != self.positions[room_id] + 1:
                self.crowd.fault(
                    f"{self.name}: {room_id} went from {self.positions[room_id]} to {event.seq}"
                )
            self.positions[room_id] = event.seq
        elif kind == "ack":
            if self.unanswered.pop(item.ack.client_msg_id, None) is not None:
                self.crowd.acked[item.ack.room_id, item.ack.seq] = item.ack.client_msg_id
        elif kind == "opened":
            room = item.opened.room
            opened.add(room.room_id)
            if room.name:
                self.crowd.know(room.name, room.room_id)
            at = self.positions.setdefault(room.room_id, item.opened.after_seq)
            if at != item.opened.after_seq:
                self.crowd.fault(f"{self.name}: {room.room_id} opened at another place than {at}")
        elif kind == "closed":
            opened.discard(item.closed.room_id)
            self.positions.pop(item.closed.room_id, None)
        elif kind == "welcome":
            self.welcomed.set()
            self._send_again()
        elif kind == "error":
            if item.error.client_msg_id:
                self.unanswered.pop(item.error.client_msg_id, None)
            # Somebody may be gone for ever by the time that a message to them arrives.
            if item.error.reason != "USER_NOT_FOUND":
                self.crowd.fault(f"{self.name}: {item.error.reason} {item.error.message}")
        elif kind in ("gap", "reset"):
            self.crowd.fault(f"{self.name}: {kind}")

    # ---------------------------------------------------------------------------- sending

    def _send_again(self) -> None:
        for request in self.unanswered.values():
            self._send(request)

    def _send(self, request: pb.ChatRequest) -> None:
        if self._outgoing is not None:
            self._outgoing.put_nowait(request)

    def posts(self, target: pb.RoomTarget, text: str) -> None:
        """Say something; it is sent again until it is answered."""
        client_msg_id = f"m{next(self.crowd.numbers)}"
        post = pb.Post(room=target, text=text, client_msg_id=client_msg_id)
        request = pb.ChatRequest(order_id=client_msg_id, post=post)
        self.unanswered[client_msg_id] = request
        self._send(request)

    def enters(self, room: str) -> None:
        """Enter a room, and read it from now on."""
        self.rooms.add(room)
        position = pb.RoomPosition(room=pb.RoomTarget(room_name=room))
        self._send(pb.ChatRequest(join_room=pb.JoinRoom(position=position)))

    def leaves(self, room: str) -> None:
        """Leave a room."""
        self.rooms.discard(room)
        leave = pb.LeaveRoom(room=pb.RoomTarget(room_name=room))
        self._send(pb.ChatRequest(leave_room=leave))

    async def looks(self, room: str, chance: random.Random) -> None:
        """Look something up."""
        target = pb.RoomTarget(room_name=room)
        stub = self._stub()
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: stub.ListMessages(
                pb.ListMessagesRequest(room=target, page_size=chance.randint(1, 100)),
                metadata=self._metadata,
                timeout=PATIENCE_S,
            ),
            lambda: stub.ListUsers(
                pb.ListUsersRequest(room=target), metadata=self._metadata, timeout=PATIENCE_S
            ),
            lambda: stub.ListRooms(
                pb.ListRoomsRequest(), metadata=self._metadata, timeout=PATIENCE_S
            ),
        ]
        try:
            await chance.choice(calls)()
        except grpc.aio.AioRpcError as error:
            if error.code() not in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE):
                self.crowd.fault(f"{self.name} could not look: {error.code()} {error.details()}")
        except (asyncio.CancelledError, *LOST):
            # Its channel was closed meanwhile.
            return


async def _taken(queue: asyncio.Queue[pb.ChatRequest]) -> AsyncIterator[pb.ChatRequest]:
    while True:
        yield await queue.get()


class Crowd:
    """All people of one run. Everything that must not happen is in `faults`."""

    def __init__(self, address: str, habits: Habits, chance: random.Random) -> None:
        self.address = address
        self.habits = habits
        self.chance = chance
        self.faults: list[str] = []
        # By room id and seq: the id of a post that was acknowledged.
        self.acked: dict[tuple[str, int], str] = {}
        self.delivered = 0
        self.numbers = itertools.count(1)
        self.room_ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.people: list[Person] = []
        self._arrivals = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def fault(self, what: str) -> None:
        """Note something that must not happen."""
        self.faults.append(what)

    def know(self, name: str, room_id: str) -> None:
        """Note which id a public room has."""
        self.room_ids[name] = room_id
        self.names[room_id] = name

    def begin(self, work: Awaitable[None]) -> None:
        """Do something beside everything else."""

        async def done() -> None:
            try:
                await work
            except Exception as error:
                self.fault(f"a deed failed: {error!r}")

        task = asyncio.create_task(done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def gather(self) -> None:
        """Have everybody come, and wait until they read."""
        for _ in range(self.habits.people):
            await self._arrive()
        async with asyncio.timeout(PATIENCE_S):
            for person in self.people:
                await person.welcomed.wait()

    async def disperse(self) -> None:
        """Have everybody sign out, once all that they said is answered."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=PATIENCE_S)
            if late:
                self.fault(f"{len(late)} deeds do not end")
        people, self.people = self.people, []
        await asyncio.gather(*(person.goes() for person in people))

    async def check_acked(self) -> None:
        """Read every public room from its beginning: each acknowledged post is there, once."""
        async with grpc.aio.insecure_channel(self.address, options=OWN_CONNECTION) as channel:
            stub: stubs.ChatServiceAsyncStub = stubs.ChatServiceStub(channel)
            joined = await stub.Join(pb.JoinRequest(name="auditor"), timeout=PATIENCE_S)
            metadata = (("authorization", f"Bearer {joined.token}"),)
            found: dict[tuple[str, int], str] = {}
            ids: set[str] = set()
            for room_id in self.names:
                place = pb.RoomPosition(room=pb.RoomTarget(room_id=room_id), after_seq=0)
                request = pb.SubscribeRequest(rooms=[place])
                call = stub.Subscribe(request, metadata=metadata)
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        await self._audit(call, found, ids)
                finally:
                    call.cancel()
            for (room_id, seq), client_msg_id in self.acked.items():
                if room_id in self.names and found.get((room_id, seq)) != client_msg_id:
                    self.fault(f"{room_id} has no {client_msg_id} at {seq}")
            await stub.SignOut(pb.SignOutRequest(), metadata=metadata, timeout=PATIENCE_S)

    async def _audit(
        self,
        call: AsyncIterable[pb.SubscribeResponse],
        found: dict[tuple[str, int], str],
        ids: set[str],
    ) -> None:
        seq = 0
        async for frame in call:
            for item in frame.items:
                if item.HasField("live"):
                    return
                if item.HasField("event"):
                    event = item.event
                    if event.seq != seq + 1 or event.message.client_msg_id in ids:
                        self.fault(f"{event.room_id} has a hole or a double at {event.seq}")
                    seq = event.seq
                    ids.add(event.message.client_msg_id)
                    found[event.room_id, seq] = event.message.client_msg_id

    async def live(self, seconds: float) -> None:
        """Do what a crowd does, for a while; stops early at the first fault."""
        habits, chance = self.habits, self.chance
        deeds: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (habits.posts, self._post),
            (habits.losses, self._lose),
            (habits.moves, self._move),
            (habits.looks, self._look),
            (habits.farewells, self._replace),
        ]
        rates = [rate for rate, _ in deeds]
        total = sum(rates)
        end = time.monotonic() + seconds
        due = time.monotonic()
        while due < end and not self.faults:
            due += chance.expovariate(total)
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self.begin(chance.choices(deeds, rates)[0][1]())

    async def _arrive(self) -> None:
        habits = self.habits
        rooms = [f"room{n}" for n in range(habits.rooms)]
        name = f"guest{next(self._arrivals)}"
        person = Person(self, name, self.chance.sample(rooms, habits.rooms_each))
        self.people.append(person)
        person.comes()
        if len(self.people) % 16 == 0:
            await person.welcomed.wait()

    def _somebody(self) -> Person | None:
        here = [person for person in self.people if person.welcomed.is_set()]
        return self.chance.choice(here) if here else None

    async def _post(self) -> None:
        person = self._somebody()
        if person is None or not person.rooms:
            return
        if self.chance.random() < self.habits.direct:
            other = self._somebody()
            if other is None or other is person:
                return
            target = pb.RoomTarget(direct=pb.Recipients(names=[other.name]))
        else:
            target = pb.RoomTarget(room_name=self.chance.choice(sorted(person.rooms)))
        person.posts(target, "x" * self.chance.randint(1, 200))

    async def _lose(self) -> None:
        person = self._somebody()
        if person is not None:
            await person.loses(hard=self.chance.random() < 0.5)

    async def _move(self) -> None:
        person = self._somebody()
        if person is None:
            return
        if len(person.rooms) > self.habits.rooms_each:
            person.leaves(self.chance.choice(sorted(person.rooms)))
        else:
            person.enters(f"room{self.chance.randrange(self.habits.rooms)}")

    async def _look(self) -> None:
        person = self._somebody()
        if person is not None and person.rooms:
            await person.looks(self.chance.choice(sorted(person.rooms)), self.chance)

    async def _replace(self) -> None:
        person = self._somebody()
        if person is None:
            return
        self.people.remove(person)
        await person.goes()
        await self._arrive()
