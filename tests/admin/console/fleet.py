"""Five servers that are not there: the contract of Operations, kept in memory.

`wait` holds every order that takes time until a test lets it go on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.admin.operations import AdminError, Logged, Reloaded

NOON = 1_763_640_000_000  # 2025-11-20 12:00:00 UTC in milliseconds
HOUR = 3_600_000


def sample(
    users: int = 0,
    messages_in: float = 0.0,
    time_ms: int = NOON,
    memory_mib: float = 48,
    rooms: int = 1,
) -> pb.Sample:
    """Make a sample in which each message goes to every user."""
    return pb.Sample(
        time_ms=time_ms,
        users=users,
        streams=users,
        rooms=rooms,
        messages_in=messages_in,
        messages_out=messages_in * users,
        cpu=messages_in / 1000,
        memory_bytes=int(memory_mib * 1024 * 1024),
        connections=users,
    )


def instance(
    number: int,
    state: pb.InstanceState.ValueType = pb.INSTANCE_STATE_SERVING,
    problem: str = "",
    of: pb.Sample | None = None,
    host: str = "127.0.0.1",
) -> pb.Instance:
    """Make an instance that has been in its state for two hours and five minutes."""
    port = 50_050 + number
    serving = state == pb.INSTANCE_STATE_SERVING
    return pb.Instance(
        number=number,
        address=f"{host}:{port}",
        port=port,
        state=state,
        since_ms=NOON - 2 * HOUR - 300_000,
        pid=4_000 + number if serving else 0,
        data_directory=f"/srv/chat/{port}",
        problem=problem,
        sample=(of or sample()) if serving else None,
    )


class FakeFleet:
    """Operations on instances that are only said to run."""

    def __init__(self, number: int = 5) -> None:
        self.by_port = {50_050 + n: instance(n) for n in range(1, number + 1)}
        self.stopping = False
        self.sample_interval_s = 5.0
        self.fingerprint = ""
        # What was ordered, in words.
        self.orders: list[str] = []
        self.names: dict[int, list[str]] = {}
        self.rooms_of: dict[int, list[pb.InstanceRoom]] = {}
        self.history: dict[int, list[pb.Sample]] = {}
        self.log: list[Logged] = []
        # Lines that the operator is to see.
        self.shown: list[str] = []
        self._shown: list[Callable[[str, str], None]] = []
        self.reloaded = Reloaded((), ())
        self.wait = asyncio.Event()
        self.wait.set()
        # Raised after the users or rooms of the others.
        self.unanswered: AdminError | None = None
        # Raised by the next order that may fail.
        self.fails: Exception | None = None
        self._changed: list[Callable[[], None]] = []
        self._logged: list[Callable[[Logged], None]] = []

    # --------------------------------------------------------------- what tests do

    def put(self, *instances: pb.Instance) -> None:
        """Let instances be as said."""
        for one in instances:
            self.by_port[one.port] = one
        self.tell()

    def tell(self) -> None:
        """Tell those who watch that something has changed."""
        for changed in self._changed:
            changed()

    def people(self, port: int, *names: str) -> None:
        """Let these people be connected to an instance."""
        self.names[port] = sorted(names)
        self.by_port[port].sample.users = len(names)
        self.tell()

    def logs(self, port: int, line: str) -> None:
        """Let an instance write a line to its log."""
        logged = Logged(port, line)
        self.log.append(logged)
        for told in self._logged:
            told(logged)

    # ------------------------------------------------------------ what Operations says

    def instances(self) -> list[pb.Instance]:
        return sorted(self.by_port.values(), key=lambda one: one.number)

    def samples(self, port: int) -> Sequence[pb.Sample]:
        return self.history.get(port, [])

    async def start(self, port: int) -> pb.Instance:
        port = port or max(self.by_port, default=50_050) + 1
        if port in self.by_port and self.by_port[port].state == pb.INSTANCE_STATE_SERVING:
            raise AdminError("INSTANCE_EXISTS", f"an instance has port {port} already")
        await self._ordered(f"start {port}")
        self.put(instance(port - 50_050))
        return self.by_port[port]

    async def stop(self, port: int) -> list[pb.Instance]:
        await self._ordered(f"stop {port}")
        running = [one for one in self.instances() if one.state == pb.INSTANCE_STATE_SERVING]
        gone = [one for one in running if port in (0, one.port)]
        self.put(*(instance(one.number, pb.INSTANCE_STATE_STOPPED) for one in gone))
        return gone

    async def restart(self, port: int) -> pb.Instance:
        await self._ordered(f"restart {port}")
        return self.by_port[port]

    async def users(self, port: int) -> AsyncIterator[pb.InstanceUser]:
        await self._ordered(f"users {port}")
        for at in [port] if port else sorted(self.names):
            for name in self.names.get(at, []):
                yield pb.InstanceUser(
                    port=at,
                    user=chat_pb2.User(user_id=name, name=name, connected=True),
                    sessions=1,
                    room_names=["lobby"],
                    addresses=["127.0.0.1"],
                    created_ms=NOON - HOUR,
                )
        if self.unanswered:
            raise self.unanswered

    async def rooms(self, port: int) -> AsyncIterator[pb.InstanceRoom]:
        await self._ordered(f"rooms {port}")
        for at in [port] if port else sorted(self.rooms_of):
            for room in self.rooms_of.get(at, []):
                yield room
        if self.unanswered:
            raise self.unanswered

    async def say(self, port: int, text: str) -> int:
        await self._ordered(f"say {port} {text}")
        return sum(len(names) for at, names in self.names.items() if port in (0, at))

    async def kick(self, port: int, name: str, reason: str) -> pb.KickUserResponse:
        await self._ordered(f"kick {port} {name} {reason}".rstrip())
        if name not in self.names.get(port, []):
            raise AdminError("USER_NOT_FOUND", f"nobody is called {name} on {port}")
        self.people(port, *(other for other in self.names[port] if other != name))
        return pb.KickUserResponse(user=chat_pb2.User(name=name), sessions=1)

    async def export(self, port: int, room_name: str) -> AsyncIterator[pb.ExportRoomResponse]:
        await self._ordered(f"export {port} {room_name}")
        yield pb.ExportRoomResponse()

    async def figures(self, port: int) -> list[pb.Figure]:
        await self._ordered(f"figures {port}")
        return []

    async def reload(self) -> Reloaded:
        await self._ordered("reload")
        return self.reloaded

    async def shutdown(self) -> None:
        await self._ordered("shutdown")
        self.stopping = True
        self.tell()

    def recent_log(self, port: int) -> list[Logged]:
        return [logged for logged in self.log if port in (0, logged.port)]

    def watch(self, changed: Callable[[], None]) -> None:
        self._changed.append(changed)

    def watch_log(self, logged: Callable[[Logged], None]) -> None:
        self._logged.append(logged)

    async def owner_code(self, port: int) -> str:
        await self._ordered(f"owner-code {port}")
        return "K7QM-3XZD-P9RT-WB2H"

    def watch_lines(self, shown: Callable[[str, str], None]) -> None:
        for line in self.shown:
            shown(line, "")
        self._shown.append(shown)

    def show(self, line: str, instead: str = "") -> None:
        """Have the console show a line, in the place of another one if that is named."""
        self.shown.append(line)
        for shown in self._shown:
            shown(line, instead)

    async def _ordered(self, order: str) -> None:
        self.orders.append(order)
        await self.wait.wait()
        if self.fails:
            fails, self.fails = self.fails, None
            raise fails
