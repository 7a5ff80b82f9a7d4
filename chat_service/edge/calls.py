"""What every call goes through.

A request that cannot be parsed, a refusal and a mistake of ours each leave a call
in their own way: INVALID_ARGUMENT, the status of the reason, and INTERNAL with an
id that is also in the log. The text of an exception never leaves the server.
"""

import asyncio
import itertools
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.gate import Gate
from chat_service.edge.status import STATUS, refuse
from chat_service.edge.tally import Tally

logger = logging.getLogger(__name__)

# How calls ended that were not refused, in the counts.
OK = "OK"
CANCELLED = "CANCELLED"

# Any: contexts of grpc.aio are generic in messages; here all kinds meet.
Context = grpc.aio.ServicerContext[Any, Any]
# Any: entries are generic in messages, for a type checker alone; in a table all kinds meet.
Entry: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Malformed:
    """Stands for a request that could not be parsed."""


MALFORMED = Malformed()


_numbers = itertools.count(1)


@dataclass(slots=True)
class Call:
    """What is known of a call, copied: a context must not be asked later."""

    peer: str
    token: str
    # Where the client is, as `Address` has it; that of the peer, or what a proxy tells.
    address: str
    network: str
    # Whether a proxy told the address.
    forwarded: bool = False
    # As it travels; empty until the token was looked up, and if it is not valid.
    session_id: str = ""
    # Whether its stream was accepted.
    opened: bool = False
    # Of this process: 1, 2, 3 …
    number: int = field(default_factory=_numbers.__next__)

    @property
    def connection(self) -> str:
        """What tells its connection from others of the address; see `gate`."""
        return f"call {self.number}" if self.forwarded else self.peer

    def told(self, **further: object) -> dict[str, dict[str, object]]:
        """Return what a line of the log tells of the call, as the `extra` of logging."""
        fields: dict[str, object] = {"request": self.number, "peer": self.peer}
        if self.forwarded:
            fields["address"] = self.address
        if self.session_id:
            fields["session"] = self.session_id
        return {"fields": fields | further}


def as_is(frame: bytes) -> bytes:
    """Serialize a frame that is encoded already; must be exactly `bytes`."""
    return frame


def call_of(context: Context, gate: Gate) -> Call:
    """Copy what a call says of itself."""
    token = ""
    forwarded_for = []
    for key, value in context.invocation_metadata() or ():
        if not isinstance(value, str):
            continue
        if key == "authorization":
            scheme, _, rest = value.partition(" ")
            if scheme.lower() == "bearer":
                token = rest.strip()
        elif key == "x-forwarded-for":
            forwarded_for.append(value)
    peer = context.peer()
    address = gate.address_of(peer, forwarded_for)
    return Call(peer, token, address.text, address.network, address.forwarded)


def serialize(message: Message) -> bytes:
    """Serialize a response."""
    return message.SerializeToString()


def parser(request: type[Message]) -> Callable[[bytes], Message | Malformed]:
    """Return what parses the requests of a method; MALFORMED is one that cannot be parsed."""

    def parsed(data: bytes) -> Message | Malformed:
        try:
            return request.FromString(data)
        except DecodeError:
            return MALFORMED

    return parsed


def malformed() -> RefusedError:
    """Return the refusal of a request that cannot be parsed."""
    return RefusedError(Rejection(Reason.MALFORMED, "the request cannot be parsed"))


# Any: a method takes its own request.
def unary_entry(
    name: str,
    request_type: type[Message],
    method: Callable[[Any, Call], Awaitable[Message]],
    tally: Tally,
    gate: Gate,
) -> Entry:
    """Return the entry of a unary method."""

    async def call_unary(request: Any, context: Context) -> Message:
        status = CANCELLED
        call = call_of(context, gate)
        try:
            with gate.passing(call.network, call.connection):
                if request is MALFORMED:
                    raise malformed()
                response = await method(request, call)
            status = OK
            return response
        except Exception as error:
            rejection = rejection_of(error, name, call)
            status = STATUS[rejection.reason].name
            tally.rejections[rejection.reason.value] += 1
            _tell_refused(name, call, rejection)
            await refuse(context, rejection)
        finally:
            tally.calls[name, status] += 1

    return grpc.unary_unary_rpc_method_handler(
        call_unary, request_deserializer=parser(request_type), response_serializer=serialize
    )


def stream_entry(
    name: str,
    request_type: type[Message],
    method: Callable[[Any, Call, Context], Awaitable[Rejection | None]],
    tally: Tally,
    gate: Gate,
) -> Entry:
    """Return the entry of a method that answers with frames; `method` returns why it ended."""

    async def call_stream(request: Any, context: Context) -> None:
        async def serve() -> Rejection | None:
            with gate.passing(call.network, call.connection):
                if request is MALFORMED:
                    raise malformed()
                return await method(request, call, context)

        call = call_of(context, gate)
        await _stream(name, serve, call, context, tally)

    return grpc.unary_stream_rpc_method_handler(
        call_stream, request_deserializer=parser(request_type), response_serializer=as_is
    )


def dialogue_entry(
    name: str,
    request_type: type[Message],
    method: Callable[[Call, Context], Awaitable[Rejection | None]],
    tally: Tally,
    gate: Gate,
) -> Entry:
    """Return the entry of a method that reads requests too; `method` returns why it ended."""

    async def call_dialogue(_: Any, context: Context) -> None:
        async def serve() -> Rejection | None:
            try:
                with gate.passing(call.network, call.connection):
                    return await method(call, context)
            except RefusedError as error:
                await await_first(context, error.rejection)
                raise

        call = call_of(context, gate)
        await _stream(name, serve, call, context, tally)

    return grpc.stream_stream_rpc_method_handler(
        call_dialogue, request_deserializer=parser(request_type), response_serializer=as_is
    )


# A client that has not said anything by then is refused all the same.
FIRST_S = 1.0


async def await_first(context: Context, rejection: Rejection) -> None:
    """Let the first request of a stream come in that is refused without having been read.

    A status that crosses the first write of a client may be lost to it.
    """
    if rejection.reason is Reason.TOO_MANY_CONNECTIONS:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                await context.read()


# A status behind a full window may never leave; then the call is let go of.
ABORT_S = 2.0


async def _stream(
    name: str,
    serve: Callable[[], Awaitable[Rejection | None]],
    call: Call,
    context: Context,
    tally: Tally,
) -> None:
    status = end = CANCELLED
    rejection: Rejection | None = None
    try:
        # By themselves, before any write: when a first write is cancelled with the headers
        # in it, the status cannot follow, and the call hangs.
        await context.send_initial_metadata(())
        try:
            rejection = await serve()
        except Exception as error:
            rejection = rejection_of(error, name, call)
        status = end = OK
        if rejection is not None:
            status, end = STATUS[rejection.reason].name, rejection.reason.value
    finally:
        tally.calls[name, status] += 1
        tally.ends[name, end] += 1
        if call.opened:
            what = "stream closed" if rejection is None else "stream cut"
            logger.info(what, extra=call.told(method=name, reason=end))
        elif rejection is not None:
            _tell_refused(name, call, rejection)
    if rejection is None:
        return
    try:
        async with asyncio.timeout(ABORT_S):
            await refuse(context, rejection)
    except (TimeoutError, grpc.aio.InternalError):
        # The latter: the client went away while its status waited for room.
        told = call.told(method=name, reason=rejection.reason.value)
        logger.info("a client took no status", extra=told)


def _tell_refused(name: str, call: Call, rejection: Rejection) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("call refused", extra=call.told(method=name, reason=rejection.reason.value))


def rejection_of(error: Exception, name: str, call: Call) -> Rejection:
    """Return what the caller of a method is told of an exception."""
    if isinstance(error, RefusedError):
        return error.rejection
    incident = secrets.token_hex(4)
    if isinstance(error, grpc.aio.InternalError):
        # A write that the transport could not do: the client went away.
        logger.info("a write failed", extra=call.told(method=name, id=incident, error=str(error)))
    else:
        logger.error("a call failed", extra=call.told(method=name, id=incident), exc_info=error)
    return Rejection(Reason.INTERNAL, f"internal error, id={incident}")
