"""The services that every gRPC server has: health and reflection, behind the same gate.

Their libraries do the work. What they do not do is here: a request that cannot be parsed is
INVALID_ARGUMENT, a refusal is its status, and a stream that ends leaves nothing open.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection, reflection_pb2

from chat_service.core.errors import RefusedError
from chat_service.edge.calls import (
    MALFORMED,
    Context,
    Malformed,
    await_first,
    call_of,
    malformed,
    parser,
    serialize,
)
from chat_service.edge.gate import Gate
from chat_service.edge.methods import register
from chat_service.edge.status import refuse

HEALTH = "grpc.health.v1.Health"
REFLECTION = reflection.SERVICE_NAME


def add_health(server: grpc.aio.Server, gate: Gate) -> health_aio.HealthServicer:
    """Register the health service with a server; return what is told of changes."""
    health = health_aio.HealthServicer()
    request = parser(health_pb2.HealthCheckRequest)
    # Its List is younger, and not answered by the library.
    entries = {
        "Check": grpc.unary_unary_rpc_method_handler(
            _guarded(health.Check, gate),
            request_deserializer=request,
            response_serializer=serialize,
        ),
        "Watch": grpc.unary_stream_rpc_method_handler(
            _guarded(health.Watch, gate),
            request_deserializer=request,
            response_serializer=serialize,
        ),
    }
    register(server, HEALTH, entries)
    return health


def add_reflection(server: grpc.aio.Server, services: Sequence[str], gate: Gate) -> None:
    """Register the reflection service with a server, which tells of these and the standard ones."""
    # Any: the library is not typed.
    servicer: Any = reflection.aio.ReflectionServicer((*services, HEALTH, REFLECTION))

    async def parsed(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            if request is MALFORMED:
                raise malformed()
            yield request

    async def info(requests: AsyncIterator[Any], context: Context) -> None:
        async with aclosing(servicer.ServerReflectionInfo(parsed(requests), context)) as answers:
            async for answer in answers:
                await context.write(answer)

    entry = grpc.stream_stream_rpc_method_handler(
        _guarded(info, gate),
        request_deserializer=parser(reflection_pb2.ServerReflectionRequest),
        response_serializer=serialize,
    )
    register(server, REFLECTION, {"ServerReflectionInfo": entry})


# Any: a method takes its own request, or an iterator of them.
def _guarded(
    method: Callable[[Any, Context], Awaitable[Message | None]], gate: Gate
) -> Callable[[Any, Context], Awaitable[Message | None]]:
    async def guarded(request: Any, context: Context) -> Message | None:
        call = call_of(context, gate)
        try:
            with gate.passing(call.network, call.connection):
                if request is MALFORMED:
                    raise malformed()
                return await method(request, context)
        except RefusedError as error:
            # An iterator: the requests of a stream are yet to come.
            if not isinstance(request, Message | Malformed):
                await await_first(context, error.rejection)
            await refuse(context, error.rejection)

    return guarded
