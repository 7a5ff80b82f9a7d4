"""The services of the contract, put together: none is forgotten."""

from pathlib import Path
from typing import Any

from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from chat_protos.chat.v1 import accounts_pb2, chat_pb2, moderation_pb2, rooms_pb2
from tests.edge.clients import PATIENCE, Server, story

FILES = (accounts_pb2, chat_pb2, moderation_pb2, rooms_pb2)


@story
async def test_every_service_of_the_contract_is_served(tmp_path: Path) -> None:
    """What the proto files have is what the server says that it serves, the operator's apart."""
    wanted = {
        service.full_name for file in FILES for service in file.DESCRIPTOR.services_by_name.values()
    }
    async with Server(tmp_path) as server:
        # Any: the stub has no types for asyncio.
        channel: Any = server.channel()
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        async for answer in stub.ServerReflectionInfo(iter((asked,)), timeout=PATIENCE):
            found = {one.name for one in answer.list_services_response.service}
    assert {name for name in found if name.startswith("chat.")} == wanted
