"""The tables of methods agree with the contract, and with what gRPC needs of them."""

import inspect
from typing import Any

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.edge.calls import Call, as_is
from chat_service.edge.gate import Gate
from chat_service.edge.methods import CHAT, Unary, streaming_service, unary_service
from chat_service.edge.tally import Tally
from tests.edge.planted import Planted


class Registry:
    """A server that remembers what was registered."""

    def __init__(self) -> None:
        self.generic: list[Any] = []
        self.registered: dict[str, dict[str, Any]] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        self.generic.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.registered[service] = handlers


def registered() -> Registry:
    """Return what the service registers."""

    async def nothing(_: Call) -> None:
        return None

    registry: Any = Registry()
    streaming_service(Planted(nothing), Tally(), Gate()).add_to(registry)
    found: Registry = registry
    return found


def test_both_ways_of_registering_have_every_method() -> None:
    """The methods of the contract are found by the fast way and by the generic one."""
    registry = registered()
    declared = set(pb.DESCRIPTOR.services_by_name["ChatService"].methods_by_name)
    assert set(registry.registered[CHAT.full_name]) == declared
    (generic,) = registry.generic
    assert generic.service_name() == CHAT.full_name


@pytest.mark.parametrize("method", ["Chat", "Subscribe"])
def test_frames_pass_as_they_are(method: str) -> None:
    """The serializer of a stream hands on the very bytes object, which must be exactly bytes."""
    handler = registered().registered[CHAT.full_name][method]
    frame = pb.ChatResponse(items=[pb.StreamItem(live=pb.Live(seq=1))]).SerializeToString()
    assert type(frame) is bytes
    assert handler.response_serializer(frame) is frame
    assert as_is(frame) is frame


def test_handlers_are_coroutines() -> None:
    """No generator, which is not closed on an error; no partial, which a thread would serve."""
    for handler in registered().registered[CHAT.full_name].values():
        serve = handler.unary_unary or handler.unary_stream or handler.stream_stream
        assert inspect.iscoroutinefunction(serve)


def test_table_must_agree_with_the_contract() -> None:
    """A method too few is noticed at the start, not by a caller."""

    class Fewer(Planted):
        def unary(self) -> Unary:
            methods = super().unary()
            del methods["SignOut"]
            return methods

    async def nothing(_: Call) -> None:
        return None

    registry: Any = Registry()
    with pytest.raises(TypeError, match="SignOut"):
        streaming_service(Fewer(nothing), Tally(), Gate()).add_to(registry)


def test_parts_have_no_other_methods_than_the_contract() -> None:
    """A method too many is noticed at the start."""

    class More(Planted):
        def unary(self) -> Unary:
            return super().unary() | {"Shout": self._call}

    async def nothing(_: Call) -> None:
        return None

    with pytest.raises(KeyError, match="Shout"):
        unary_service(CHAT, Tally(), Gate(), More(nothing))


def test_parts_have_the_calls_of_a_service_together() -> None:
    """Each call of a service is of one of its parts, and reads requests of its own kind."""

    class Part:
        def __init__(self, name: str) -> None:
            self._name = name

        def unary(self) -> Unary:
            async def answer(_: Any, __: Call) -> pb.SignOutResponse:
                return pb.SignOutResponse()

            return {self._name: answer}

    service = unary_service(CHAT, Tally(), Gate(), Part("Join"), Part("SignOut"))
    entries: dict[str, Any] = service.entries
    parsed = {name: entry.request_deserializer(b"") for name, entry in entries.items()}
    assert parsed == {"Join": pb.JoinRequest(), "SignOut": pb.SignOutRequest()}
