"""A server that notes every unary call and answers with what the test put there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message

from tests.cli.ends import EndError, abort


class RecordedCalls:
    """The calls that came, by the name of their method, and the answers to them, in turn."""

    def __init__(self) -> None:
        self.came: list[tuple[str, Message, str]] = []
        self._answers: dict[str, list[Message | EndError]] = {}

    def answers(self, method: str, *answers: Message | EndError) -> None:
        """Answer the next calls of a method like this."""
        self._answers[method] = list(answers)

    def request(self) -> Message:
        """Give the request of the last call."""
        return self.came[-1][1]

    # Any: the generator's services know their methods only as descriptors.
    def handler(self, service: Any) -> grpc.GenericRpcHandler:
        """Serve all methods of a service."""
        # Any: each method has messages of its own.
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        for method in service.methods:
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(
                self._method(method.name, method.output_type._concrete_class),
                request_deserializer=method.input_type._concrete_class.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
        return grpc.method_handlers_generic_handler(service.full_name, handlers)

    def _method(self, name: str, answer: type[Message]) -> Any:
        async def called(
            request: Message, context: "grpc.aio.ServicerContext[Any, Any]"
        ) -> Message:
            token = dict(context.invocation_metadata() or ()).get("authorization", "")
            self.came.append((name, request, str(token)))
            waiting = self._answers.get(name)
            given = waiting.pop(0) if waiting else answer()
            return await abort(context, given) if isinstance(given, EndError) else given

        return called


@asynccontextmanager
async def recording(*services: Any) -> AsyncIterator[tuple[RecordedCalls, grpc.aio.Channel]]:
    """Serve these services; give what notes their calls, and a channel to them."""
    calls = RecordedCalls()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    server.add_generic_rpc_handlers(tuple(calls.handler(service) for service in services))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield calls, channel
    finally:
        await server.stop(None)
