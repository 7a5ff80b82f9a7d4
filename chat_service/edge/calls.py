"""The table of methods, and what every call goes through.

A request that cannot be parsed, a refusal and a mistake of ours each leave a call
in their own way: INVALID_ARGUMENT, the status of the reason, and INTERNAL with an
id that is also in the log. The text of an exception never leaves the server.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError, Message

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.status import refuse

logger = logging.getLogger(__name__)

SERVICE = "chat.v1.ChatService"

# Any: contexts of grpc.aio are generic in messages; here all kinds meet.
Context = grpc.aio.ServicerContext[Any, Any]


class Malformed:
    """Stands for a request that could not be parsed."""


MALFORMED = Malformed()


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a call when it begins, copied: a context must not be asked later."""

    peer: str
    token: str


class Methods(Protocol):
    """The calls of the service, as the table needs them."""

    # Any: each method takes its own request and gives its own response.
    def unary(self) -> dict[str, Callable[[Any, Call], Awaitable[Message]]]:
        """Return the unary methods by name."""
        ...

    async def chat(self, call: Call, context: Context) -> Rejection | None:
        """Serve a Chat stream; return why it ended, None for a good end."""
        ...

    async def subscribe(
        self, request: pb.SubscribeRequest, call: Call, context: Context
    ) -> Rejection | None:
        """Serve a Subscribe stream; return why it ended, None for a good end."""
        ...


def add_to(server: grpc.aio.Server, methods: Methods) -> None:
    """Register the service with a server."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    for name, method in methods.unary().items():
        handlers[name] = grpc.unary_unary_rpc_method_handler(
            _unary(method), request_deserializer=_parser(name), response_serializer=_serialize
        )
    handlers["Chat"] = grpc.stream_stream_rpc_method_handler(
        _chat(methods), request_deserializer=_parser("Chat"), response_serializer=as_is
    )
    handlers["Subscribe"] = grpc.unary_stream_rpc_method_handler(
        _subscribe(methods), request_deserializer=_parser("Subscribe"), response_serializer=as_is
    )
    declared = pb.DESCRIPTOR.services_by_name["ChatService"].methods_by_name
    missing = sorted(set(declared) ^ set(handlers))
    if missing:
        raise TypeError(f"the contract and the table of methods differ: {missing}")
    # Registered ones are found first; the generic ones serve a grpcio that has no others.
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_registered_method_handlers(SERVICE, handlers)


def as_is(frame: bytes) -> bytes:
    """Serialize a frame that is encoded already; must be exactly `bytes`."""
    return frame


def call_of(context: Context) -> Call:
    """Copy what a call says of itself."""
    token = ""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str):
            scheme, _, rest = value.partition(" ")
            if scheme.lower() == "bearer":
                token = rest.strip()
    return Call(context.peer(), token)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _parser(method: str) -> Callable[[bytes], Message | Malformed]:
    descriptor = pb.DESCRIPTOR.services_by_name["ChatService"].methods_by_name[method]
    parse: Callable[[bytes], Message] = getattr(pb, descriptor.input_type.name).FromString

    def parsed(data: bytes) -> Message | Malformed:
        try:
            return parse(data)
        except DecodeError:
            return MALFORMED

    return parsed


def _malformed() -> RefusedError:
    return RefusedError(Rejection(Reason.MALFORMED, "the request cannot be parsed"))


def _unary(
    method: Callable[[Any, Call], Awaitable[Message]],
) -> Callable[[Any, Context], Awaitable[Message]]:
    async def call_unary(request: Any, context: Context) -> Message:
        try:
            call = call_of(context)
            if request is MALFORMED:
                raise _malformed()
            return await method(request, call)
        except Exception as error:
            await refuse(context, rejection_of(error))

    return call_unary


def _chat(methods: Methods) -> Callable[[Any, Context], Awaitable[None]]:
    async def call_chat(_: Any, context: Context) -> None:
        call = call_of(context)
        await _stream(lambda: methods.chat(call, context), context)

    return call_chat


def _subscribe(methods: Methods) -> Callable[[Any, Context], Awaitable[None]]:
    async def call_subscribe(request: Any, context: Context) -> None:
        if request is MALFORMED:
            await refuse(context, _malformed().rejection)
        call = call_of(context)
        await _stream(lambda: methods.subscribe(request, call, context), context)

    return call_subscribe


# A status behind a full window may never leave; then the call is let go of.
ABORT_S = 2.0


async def _stream(serve: Callable[[], Awaitable[Rejection | None]], context: Context) -> None:
    # By themselves, before any write: when a first write is cancelled with the headers
    # in it, the status cannot follow, and the call hangs.
    await context.send_initial_metadata(())
    try:
        rejection = await serve()
    except Exception as error:
        rejection = rejection_of(error)
    if rejection is None:
        return
    try:
        async with asyncio.timeout(ABORT_S):
            await refuse(context, rejection)
    except (TimeoutError, grpc.aio.InternalError):
        # The latter: the client went away while its status waited for room.
        logger.info("a client took no status: its call was let go (%s)", rejection.reason)


def rejection_of(error: Exception) -> Rejection:
    """Return what a caller is told of an exception."""
    if isinstance(error, RefusedError):
        return error.rejection
    incident = secrets.token_hex(4)
    if isinstance(error, grpc.aio.InternalError):
        # A write that the transport could not do: the client went away.
        logger.info("a write failed, id=%s: %s", incident, error)
    else:
        logger.error("a call failed, id=%s", incident, exc_info=error)
    return Rejection(Reason.INTERNAL, f"internal error, id={incident}")
