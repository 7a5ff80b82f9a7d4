"""A server whose time the test sets, and whose callers say where they are."""

from dataclasses import replace
from pathlib import Path

from chat_protos.chat.v1 import accounts_pb2
from chat_protos.chat.v1 import accounts_pb2_grpc as accounts_stubs
from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs
from chat_service.edge.limits import AddressLimits
from chat_service.wiring import Timing
from tests.edge.clients import CHEAP, PATIENCE, Clock, Server

PASSWORD = "correct horse battery"
OTHER = "another staple 77"


def ticking(clock: Clock) -> Timing:
    """Return the time by a clock that the test sets."""
    return replace(Timing(), wall_ms=clock.ms, rate_s=clock.seconds)


def behind_proxy(data_dir: Path, clock: Clock, *, rate_limits: bool = False) -> Server:
    """Return a server that believes what loopback says of where a call comes from."""
    addresses = AddressLimits(exempt=(), proxies=("127.0.0.0/8",))
    limits = replace(CHEAP, addresses=addresses)
    return Server(data_dir, rate_limits=rate_limits, timing=ticking(clock), limits=limits)


async def joined_from(server: Server, address: str, name: str, password: str) -> pb.JoinResponse:
    """Sign in with a password from an address."""
    stub = stubs.ChatServiceStub(server.channel())
    request = pb.JoinRequest(name=name, password=password)
    metadata = (("x-forwarded-for", address),)
    joined: pb.JoinResponse = await stub.Join(request, metadata=metadata, timeout=PATIENCE)
    return joined


async def registered_from(server: Server, address: str, name: str) -> pb.JoinResponse:
    """Register from an address."""
    stub = accounts_stubs.AccountServiceStub(server.channel())
    request = accounts_pb2.RegisterRequest(name=name, password=PASSWORD)
    metadata = (("x-forwarded-for", address),)
    answer: accounts_pb2.RegisterResponse = await stub.Register(
        request, metadata=metadata, timeout=PATIENCE
    )
    return answer.joined
