"""Every call of the contract with requests made by chance: nothing breaks, and others go on.

What a request gets may be anything that the contract knows; INTERNAL, UNKNOWN and an
answer that does not come are none of it, nor is a traceback in the server's log.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2, status_pb2

from chat_protos.chat.v1 import accounts_pb2 as accounts_pb
from chat_protos.chat.v1 import accounts_pb2_grpc as accounts
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_protos.chat.v1 import moderation_pb2 as moderation_pb
from chat_protos.chat.v1 import moderation_pb2_grpc as moderation
from tests.chaos.control import Control
from tests.chaos.figures import Figures
from tests.chaos.fuzz import Fuzz, methods, told
from tests.chaos.scale import Scale
from tests.chaos.server import Server
from tests.edge.clients import Refusal

ANSWER_S = 20.0
"""An answer that takes longer does not come."""


# Requests after which the odd value of a field has come up for sure: one in sixty has it.
ENOUGH = 1200

# A status that crosses a client's write; that it was no mistake of the server the log tells.
LOST = "Internal error from Core"

BROKEN = {"INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "DATA_LOSS", "UNIMPLEMENTED"}
"""What no request may get, whatever is in it."""


@dataclass
class Ends:
    """How the calls of one method ended."""

    by_status: Counter[str] = field(default_factory=Counter)
    # Requests that got what none may get, with what that was.
    broken: list[tuple[str, str]] = field(default_factory=list)

    def note(self, request: bytes, status: str, details: str) -> None:
        """Count the end of a call."""
        self.by_status[status] += 1
        if status in BROKEN:
            self.broken.append((request[:200].hex(), f"{status}: {details}"))


class Person:
    """A guest with a connection, who signs in anew when the session is over."""

    def __init__(self, address: str, name: str, chance: random.Random) -> None:
        self.channel = grpc.aio.insecure_channel(
            address, options=(("grpc.use_local_subchannel_pool", 1),)
        )
        self._chance = chance
        self._name = name
        self._times = 0
        self.token = ""

    async def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return what a call carries: mostly a token that holds, sometimes none, or nonsense."""
        way = self._chance.random()
        if way < 0.05:
            return ()
        if way < 0.1:
            return (("authorization", self._chance.choice(("Bearer", "Bearer x", "Basic eDp5"))),)
        if not self.token:
            # Where nobody may come in, this one has no token.
            with suppress(grpc.aio.AioRpcError):
                self.token = await self.sign_in()
        return bearer(self.token)

    async def is_still_there(self) -> None:
        """See whether the session holds; else the next call signs in anew."""
        try:
            await stubs.ChatServiceStub(self.channel).ListRooms(
                pb.ListRoomsRequest(page_size=1), metadata=bearer(self.token), timeout=ANSWER_S
            )
        except grpc.aio.AioRpcError:
            self.token = ""

    async def sign_in(self) -> str:
        """Sign in; return the token."""
        request = pb.JoinRequest(name=self.another_name(), room="lobby")
        stub = stubs.ChatServiceStub(self.channel)
        return (await stub.Join(request, timeout=ANSWER_S)).token

    def another_name(self) -> str:
        """Return a name that nobody has."""
        self._times += 1
        return f"{self._name}-{self._times}"


class Owner(Person):
    """Somebody with an account; a new one, when that one is over."""

    async def sign_in(self) -> str:
        """Register; return the token."""
        return await self.register(self.another_name(), "correct horse")

    async def register(self, name: str, password: str, owner_code: str = "") -> str:
        """Make an account; return the token."""
        request = accounts_pb.RegisterRequest(name=name, password=password, owner_code=owner_code)
        stub = accounts.AccountServiceStub(self.channel)
        return (await stub.Register(request, timeout=ANSWER_S)).joined.token


class Admin(Owner):
    """The admin of the server, whose password nobody finds by chance."""

    PASSWORD = "a password that stands in no list"

    async def begin(self, owner_code: str) -> None:
        """Register as the admin."""
        self.token = await self.register("headmaster", self.PASSWORD, owner_code)

    async def sign_in(self) -> str:
        """Sign in with the password."""
        request = pb.JoinRequest(name="headmaster", password=self.PASSWORD)
        stub = stubs.ChatServiceStub(self.channel)
        async with asyncio.timeout(ANSWER_S):
            while True:
                try:
                    return (await stub.Join(request)).token
                except grpc.aio.AioRpcError as error:
                    # Somebody tried wrong ones under this name: it waits as long as it is told.
                    wait_ms = Refusal.of(error).retry_ms
                    if wait_ms is None:
                        raise
                    await asyncio.sleep(wait_ms / 1000)

    async def open_server(self) -> None:
        """Let people in again, whatever was locked down."""
        await self.is_still_there()
        if not self.token:
            self.token = await self.sign_in()
        await moderation.ModerationServiceStub(self.channel).SetLockdown(
            moderation_pb.SetLockdownRequest(), metadata=bearer(self.token), timeout=ANSWER_S
        )


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that carries a token, if there is one."""
    return (("authorization", f"Bearer {token}"),) if token else ()


# Any: a call of grpc.aio is generic in messages; here requests are bytes.
def call(channel: Any, path: str, method: MethodDescriptor, requests: list[bytes]) -> Any:
    """Return what makes a call, given its metadata."""
    if method.client_streaming:
        multi = channel.stream_stream(path)
        return lambda metadata: multi(iter(requests), metadata=metadata, timeout=ANSWER_S)
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    one = kind(path)
    return lambda metadata: one(requests[0], metadata=metadata, timeout=ANSWER_S)


# Any: as `call`.
async def end_of(made: Any, *, is_endless: bool) -> tuple[str, str]:
    """Return the status of a call and what was told; one without end is good once it answers."""
    try:
        if not hasattr(made, "__aiter__"):
            await made
        else:
            async for _ in made:
                if is_endless:
                    made.cancel()
                    return "OK", ""
    except grpc.aio.AioRpcError as error:
        if error.details() == LOST:
            return "(lost)", ""
        if (name := error.code().name) not in BROKEN:
            check_details(error)
        return name, error.details() or ""
    return "OK", ""


def check_details(error: grpc.aio.AioRpcError) -> None:
    """See that a refusal has its one ErrorInfo."""
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    assert isinstance(packed, bytes), repr(error)
    status = status_pb2.Status.FromString(packed)
    infos = [one for one in status.details if one.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    assert len(infos) == 1, repr(error)
    assert status.code == error.code().value[0]


@dataclass
class Crowd:
    """Those who make the calls: an admin, owners of accounts, guests."""

    admin: Admin
    people: list[Person]

    @classmethod
    @asynccontextmanager
    async def of(
        cls, address: str, owner_code: str, chance: random.Random
    ) -> AsyncIterator["Crowd"]:
        """Give them, each with a connection of their own."""
        admin = Admin(address, "headmaster", chance)
        again = Admin(address, "headmaster", chance)
        owners = (Owner(address, f"owner{number}", chance) for number in range(2))
        guests = (Person(address, f"fuzz{number}", chance) for number in range(4))
        people: list[Person] = [admin, again, *owners, *guests]
        try:
            await admin.begin(owner_code)
            yield cls(admin, people)
        finally:
            for person in people:
                await person.channel.close()


async def fill(address: str) -> None:
    """Have some rooms and users, so that the ids of those that are needed are not hit by chance."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = stubs.ChatServiceStub(channel)
        for number in range(136):
            room = f"filler{number}" if number < 34 else ""
            request = pb.JoinRequest(name=f"filler{number}", room=room)
            await stub.Join(request, timeout=ANSWER_S)


def streams(
    hellos: Iterator[bytes], orders: Iterator[bytes], chance: random.Random
) -> Iterator[list[bytes]]:
    """Yield the requests of Chat streams, most of which begin as they should."""
    good = pb.ChatRequest(hello=pb.Hello()).SerializeToString()
    while True:
        first = [good] if chance.random() < 0.7 else [next(hellos)] if chance.random() < 0.7 else []
        yield first + [next(orders) for _ in range(chance.randint(1, 8))]


async def try_method(
    people: list[Person], path: str, method: MethodDescriptor, count: int, chance: random.Random
) -> Ends:
    """Make calls of one method until so many requests were sent; return how they ended."""
    requests = Fuzz(method.input_type, chance).requests()
    calls = (
        streams(requests, requests, chance)
        if method.client_streaming
        else ([one] for one in requests)
    )
    ends = Ends()
    left = count

    async def work(person: Person) -> None:
        nonlocal left
        while left > 0:
            sent = next(calls)
            left -= len(sent)
            metadata = await person.metadata()
            make = call(person.channel, path, method, sent)
            is_endless = method.server_streaming and not method.client_streaming
            status, details = await end_of(make(metadata), is_endless=is_endless)
            ends.note(b"".join(sent), status, details)
            if status == "UNAUTHENTICATED" or (status == "OK" and "List" not in path):
                await person.is_still_there()

    await asyncio.gather(*(work(person) for person in people))
    return ends


def fuzzed(
    server: Server, chance: random.Random, figures: Figures, count: int, only: str = ""
) -> dict[str, Ends]:
    """Try every call of a server, or only one, beside somebody who is answered meanwhile."""
    results: dict[str, Ends] = {}
    line = server.launcher.stdout.wait_for(lambda line: line.startswith("no admin yet"))
    owner_code = line.partition(" code ")[2].partition(" ")[0]

    async def run(address: str) -> Control:
        await fill(address)
        async with (
            Control(address, "corner") as control,
            Crowd.of(address, owner_code, chance) as crowd,
        ):
            for path, method in methods().items():
                if path.endswith(only):
                    results[path] = await try_method(crowd.people, path, method, count, chance)
                    await crowd.admin.open_server()
                    await control.lives(0.0)
        return control

    asyncio.run(run(server.address)).check(figures, full=False)
    assert server.terminate() == 0
    for path, ends in results.items():
        figures[path.removeprefix("/chat.v1.")] = told(ends.by_status)
    return results


# Wrong passwords are tried for the admin too, who has to sign in again between two calls.
PATIENT = {
    "CHAT_SERVER_LOGINS_ACCOUNT_FAILURES": "1000",
    "CHAT_SERVER_LOGINS_FIRST_DELAY": "100ms",
    "CHAT_SERVER_LOGINS_LONGEST_DELAY": "1s",
}


def test_requests_made_by_chance(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """Whatever is in a request, it is answered as the contract says, and the server goes on."""
    with Server(tmp_path, environment=PATIENT) as server:
        results = fuzzed(server, chance, figures, scale.fuzzed)
    log = "\n".join(server.log)
    assert {path: ends.broken[:3] for path, ends in results.items() if ends.broken} == {}
    assert "Traceback" not in log
    assert " ERROR " not in log


def test_mistake_in_a_call_is_noticed(
    tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """A server that stumbles over a number is found out, by the status and by its log."""
    with Server(tmp_path, fault="careless-number", environment=PATIENT) as server:
        (ends,) = fuzzed(server, chance, figures, ENOUGH, "/ListRooms").values()
    assert {details.partition(",")[0] for _, details in ends.broken} == {"INTERNAL: internal error"}
    assert "OverflowError" in "\n".join(server.log)
