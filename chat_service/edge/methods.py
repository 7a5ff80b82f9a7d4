"""The tables of methods that servers have for services, made by the contract."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.errors import Rejection
from chat_service.edge.calls import (
    Call,
    Context,
    Entry,
    dialogue_entry,
    stream_entry,
    unary_entry,
)
from chat_service.edge.gate import Gate
from chat_service.edge.tally import Tally

CHAT = pb.DESCRIPTOR.services_by_name["ChatService"]

# Any: each method takes its own request and gives its own response.
Method: TypeAlias = Callable[[Any, Call], Awaitable[Message]]
Unary: TypeAlias = dict[str, Method]
Entries: TypeAlias = dict[str, Entry]


class Part(Protocol):
    """Some of the calls of a service."""

    def unary(self) -> Unary:
        """Return the unary methods by name."""
        ...


class ChatPart(Part, Protocol):
    """The calls of ChatService."""

    async def chat(self, call: Call, context: Context) -> Rejection | None:
        """Serve a Chat stream; return why it ended, None for a good end."""
        ...

    async def subscribe(
        self, request: pb.SubscribeRequest, call: Call, context: Context
    ) -> Rejection | None:
        """Serve a Subscribe stream; return why it ended, None for a good end."""
        ...


class Service(NamedTuple):
    """A service of the contract, and all of its methods."""

    descriptor: ServiceDescriptor
    entries: Entries

    def add_to(self, server: grpc.aio.Server) -> None:
        """Register it with a server. Raises TypeError where methods are missing or too many."""
        differ = sorted(set(self.descriptor.methods_by_name) ^ set(self.entries))
        if differ:
            raise TypeError(f"the contract and the table of methods differ: {differ}")
        register(server, self.descriptor.full_name, self.entries)


def streaming_service(part: ChatPart, tally: Tally, gate: Gate, *others: Part) -> Service:
    """Return ChatService; its calls pass `gate` and count in `tally`."""
    service = unary_service(CHAT, tally, gate, part, *others)
    service.entries["Chat"] = dialogue_entry("Chat", pb.ChatRequest, part.chat, tally, gate)
    service.entries["Subscribe"] = stream_entry(
        "Subscribe", pb.SubscribeRequest, part.subscribe, tally, gate
    )
    return service


def unary_service(descriptor: ServiceDescriptor, tally: Tally, gate: Gate, *parts: Part) -> Service:
    """Return a service with the unary methods that the parts have together.

    Its calls pass `gate` and count in `tally`. Raises KeyError for a method that the contract
    does not have.
    """
    methods = {name: method for part in parts for name, method in part.unary().items()}
    entries = {}
    for name, method in methods.items():
        request = GetMessageClass(descriptor.methods_by_name[name].input_type)
        entries[name] = unary_entry(name, request, method, tally, gate)
    return Service(descriptor, entries)


def register(server: grpc.aio.Server, name: str, entries: Entries) -> None:
    """Register methods of a service of this name with a server."""
    # Registered ones are found first; the generic ones serve a grpcio that has no others.
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, entries),))
    server.add_registered_method_handlers(name, entries)
