"""The two ways of reading: the Chat stream with its orders, and Subscribe without.

Both read until the stream ends and hand every item to the listener. They raise CallError when
it ends with an error, and return when the server ended it well or the listener asked to read
again.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Protocol

import grpc

from chat_cli import items as it
from chat_cli.model import ResumePoint
from chat_cli.outbox import Outbox
from chat_cli.session import wire
from chat_cli.session.api import ChatApi, ChatCall
from chat_cli.session.errors import UnreachableError, call_error
from chat_protos.chat.v1 import chat_pb2 as pb

# Seconds until the first item of a stream. The server has answered Join a moment before.
_WELCOME = 15.0


class Listener(Protocol):
    """The one consumer of items. Its methods are called on the event loop and do not block."""

    @property
    def outbox(self) -> Outbox:
        """What is to be sent."""
        ...

    def receive(self, item: it.Item) -> None:
        """Take in one item, in the order in which they happened."""
        ...

    def resume_point(self) -> ResumePoint:
        """Tell where reading goes on."""
        ...


class Signals:
    """What the outside says to a stream: there is something to send; read again."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.read_again = False


async def converse(
    api: ChatApi, listener: Listener, signals: Signals, clock: Callable[[], float]
) -> None:
    """Run a Chat stream: one reader and one writer, which end together."""
    signals.read_again = False
    async with api.chat() as call:
        welcome = asyncio.Event()
        writer = asyncio.create_task(_write(call, listener, signals, welcome, clock))
        try:
            await _read(call, listener, signals, welcome)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)


async def follow(api: ChatApi, listener: Listener, signals: Signals) -> None:
    """Run a Subscribe stream."""
    signals.read_again = False
    async with aclosing(api.subscribe(listener.resume_point())) as frames:
        async for frame in frames:
            for item in wire.items(frame):
                listener.receive(item)
            if signals.read_again:
                return


async def _read(
    call: ChatCall, listener: Listener, signals: Signals, welcome: asyncio.Event
) -> None:
    try:
        async with asyncio.timeout(_WELCOME):
            frame = await _next_frame(call)
        while frame is not None:
            for item in wire.items(frame):
                listener.receive(item)
            if signals.read_again:
                return
            welcome.set()
            # An answer makes room for the next post.
            signals.wake.set()
            frame = await _next_frame(call)
    except TimeoutError:
        raise UnreachableError(grpc.StatusCode.DEADLINE_EXCEEDED, "no answer") from None
    except grpc.aio.AioRpcError as error:
        raise call_error(error) from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        # grpc.aio tells a status CANCELLED of the other side in this way.
        raise UnreachableError(grpc.StatusCode.CANCELLED, "connection lost") from None


async def _next_frame(call: ChatCall) -> pb.ChatResponse | None:
    """Give the next frame; None at the end."""
    frame = await call.read()
    return frame if isinstance(frame, pb.ChatResponse) else None


async def _write(
    call: ChatCall,
    listener: Listener,
    signals: Signals,
    welcome: asyncio.Event,
    clock: Callable[[], float],
) -> None:
    try:
        await call.write(wire.hello(listener.resume_point()))
        # Only the welcome tells whether the ids of rooms still mean what they meant.
        await welcome.wait()
        while True:
            signals.wake.clear()
            for pending in listener.outbox.take_due(clock()):
                await call.write(wire.request(pending))
            due = listener.outbox.next_due(clock())
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - clock())):
                    await signals.wake.wait()
            except TimeoutError:
                continue
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        # The stream is over, and the reader learns why.
        return
