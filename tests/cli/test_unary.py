"""`chat_cli.session.unary`: how calls fail, and what is known then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import pytest

from chat_cli.errors import UnknownOutcomeError
from chat_cli.model import ById, Role
from chat_cli.session.errors import CallError, UnansweredCallError, UnreachableError
from chat_cli.session.rooms import RoomApi
from chat_protos.chat.v1 import rooms_pb2 as pb
from tests.cli.desk import run
from tests.cli.ends import Code, Context, EndError, abort

HERE = ById("r1")


class Rooms:
    """Rooms of which every call ends as the test says, or never."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.end: EndError | None = None

    def handler(self) -> grpc.GenericRpcHandler:
        """Serve two calls: one that changes something and one that does not."""
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            self._called
        )
        name = pb.DESCRIPTOR.services_by_name["RoomService"].full_name
        return grpc.method_handlers_generic_handler(name, {"SetRole": method, "GetRoom": method})

    async def _called(self, _: bytes, context: Context) -> bytes:
        self.came.set()
        if self.end:
            await abort(context, self.end)
        await asyncio.Event().wait()
        return b""


@asynccontextmanager
async def rooms() -> AsyncIterator[tuple[Rooms, RoomApi, grpc.aio.Server, grpc.aio.Channel]]:
    """Serve such rooms; give them with the calls on a channel of their own."""
    service, server = Rooms(), grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    server.add_generic_rpc_handlers((service.handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield service, RoomApi(channel, "secret"), server, channel
    finally:
        await server.stop(None)


async def closes(_: grpc.aio.Server, channel: grpc.aio.Channel) -> None:
    """Close the channel, as a session does whose stream has ended."""
    await channel.close()


async def stops(server: grpc.aio.Server, _: grpc.aio.Channel) -> None:
    """Stop the server at once."""
    await server.stop(None)


@pytest.mark.parametrize("breaks", [closes, stops])
def test_a_change_that_breaks_off_may_be_done(
    breaks: Callable[[grpc.aio.Server, grpc.aio.Channel], Awaitable[None]],
) -> None:
    """A question that breaks off has no answer, and that is all."""

    async def story() -> None:
        async with rooms() as (service, api, server, channel):
            changing = asyncio.create_task(api.set_role(HERE, "bob", Role.MEMBER))
            await service.came.wait()
            service.came.clear()
            asking = asyncio.create_task(api.get_room(HERE))
            await service.came.wait()
            await breaks(server, channel)
            with pytest.raises(UnansweredCallError, match="look before you repeat it"):
                await changing
            with pytest.raises(UnreachableError) as caught:
                await asking
            assert not isinstance(caught.value, UnknownOutcomeError)

    run(story())


def test_what_the_server_does_not_know_itself_is_not_known() -> None:
    """Every other refusal says that nothing was done."""

    async def story() -> None:
        async with rooms() as (service, api, *_):
            service.end = EndError(Code.UNAVAILABLE, "outcome unknown", "STORAGE_FAILED", 1000)
            with pytest.raises(UnansweredCallError):
                await api.set_role(HERE, "bob", Role.MEMBER)
            service.end = EndError(Code.UNAVAILABLE, "too busy", "OVERLOADED", 1000)
            with pytest.raises(CallError, match="too busy") as caught:
                await api.set_role(HERE, "bob", Role.MEMBER)
            assert not isinstance(caught.value, UnknownOutcomeError)

    run(story())


def test_who_asks_no_more_is_not_told_of_an_error() -> None:
    """The task of a call is cancelled as any task."""

    async def story() -> None:
        async with rooms() as (service, api, *_):
            changing = asyncio.create_task(api.set_role(HERE, "bob", Role.MEMBER))
            await service.came.wait()
            changing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await changing

    run(story())
