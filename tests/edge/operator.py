"""The operator of a real server in this process: its admin socket, and calls on it.

async with Operated() as server, server.operator() as operator:
    alice = await server.guest("alice")
    await operator.calls("Say", text="hello")
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import grpc

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import admin_pb2_grpc as stubs
from tests.edge.clients import CONNECTION, PATIENCE, Server


class Operator:
    """A connection to an admin socket."""

    def __init__(self, path: Path) -> None:
        self.channel = grpc.aio.insecure_channel(f"unix:{path}", options=CONNECTION)
        self.stub = stubs.AdminServiceStub(self.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    # Any: each method has its own messages.
    async def calls(self, method: str, **fields: Any) -> Any:
        """Call a unary method."""
        request = getattr(pb, f"{method}Request")(**fields)
        return await getattr(self.stub, method)(request, timeout=PATIENCE)

    async def exports(self, room_name: str) -> list[pb.ExportRoomResponse]:
        """Export a room; return the parts."""
        request = pb.ExportRoomRequest(room_name=room_name)
        return [part async for part in self.stub.ExportRoom(request, timeout=PATIENCE)]

    async def figures(self) -> dict[str, pb.Figure]:
        """Return the figures by name."""
        return {figure.name: figure for figure in (await self.calls("GetFigures")).figures}


class Operated(Server):
    """A server with an admin socket, in a directory whose path is short enough for one."""

    def __init__(self, **how: Any) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="chat-")
        super().__init__(Path(self._directory.name), **how)
        self.socket = self.data_dir / "admin.sock"
        self.admin_socket = str(self.socket)

    async def __aexit__(self, *error: Any) -> None:
        try:
            await super().__aexit__(*error)
        finally:
            self._directory.cleanup()

    def operator(self) -> Operator:
        """Return a new connection to the admin socket."""
        return Operator(self.socket)


async def settled(operator: Operator, name: str, value: float, **labels: str) -> None:
    """Wait until a figure has a value; ends and writes are counted when they are done."""
    await agreed(operator, lambda found: (value_of(found[name], **labels), value))


async def agreed(
    operator: Operator, pair: Callable[[dict[str, pb.Figure]], tuple[float, float]]
) -> None:
    """Wait until a figure is what it should be; `pair` makes both of the present figures."""
    seen = None
    try:
        async with asyncio.timeout(PATIENCE):
            while seen is None or seen[0] != seen[1]:
                seen = pair(await operator.figures())
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"it is {seen and seen[0]} and not {seen and seen[1]}") from None


def value_of(figure: pb.Figure, **labels: str) -> float:
    """Return the value of these labels, 0 where there is none yet."""
    for value in figure.values:
        if dict(value.labels) == labels:
            return value.value
    return 0.0
