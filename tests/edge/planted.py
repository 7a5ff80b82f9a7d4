"""The calls of ChatService, doing what a test plants."""

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.message import Message

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.errors import Rejection
from chat_service.edge.calls import Call, Context
from chat_service.edge.gate import Gate
from chat_service.edge.methods import Service, Unary, streaming_service
from chat_service.edge.tally import Tally

UNARY = ("Join", "SignOut", "PostMessage", "ListMessages", "ListRooms", "ListUsers")


class Planted:
    """Methods that all do the one thing that a test plants."""

    def __init__(self, act: Callable[[Call], Awaitable[Any]]) -> None:
        self._act = act

    def unary(self) -> Unary:
        """Return the unary methods."""
        return dict.fromkeys(UNARY, self._call)

    async def _call(self, _: Any, call: Call) -> Message:
        answer: Message = await self._act(call)
        return answer

    async def chat(self, call: Call, context: Context) -> Rejection | None:
        """Read once, and act."""
        await context.read()
        ended: Rejection | None = await self._act(call)
        return ended

    async def subscribe(self, _: object, call: Call, context: Context) -> Rejection | None:
        """Write once, and act."""
        await context.write(pb.SubscribeResponse().SerializeToString())
        ended: Rejection | None = await self._act(call)
        return ended


def silent() -> Service:
    """Return a service that answers nothing of use."""

    async def nothing(_: Call) -> Message:
        return pb.ListRoomsResponse()

    return streaming_service(Planted(nothing), Tally(), Gate())
