"""Which instance is meant."""

from chat_cli.admin.api import AdminApi
from chat_cli.errors import ChatError
from chat_protos.chat.v1 import admin_pb2 as pb


class AmbiguousError(ChatError):
    """A port is needed, since it is not plain which instance is meant."""


async def serving_ports(api: AdminApi) -> list[int]:
    """Give the ports of the instances that serve, the smallest first."""
    answer = await api.ask(api.stub.ListInstances, pb.ListInstancesRequest())
    serving = (one for one in answer.instances if one.state == pb.INSTANCE_STATE_SERVING)
    return sorted(one.port for one in serving if one.port)


async def one_port(api: AdminApi, port: int) -> int:
    """Give the port, or that of the only instance that serves. Raises AmbiguousError."""
    if port:
        return port
    serving = await serving_ports(api)
    if len(serving) == 1:
        return serving[0]
    if not serving:
        raise ChatError("no instance serves")
    ports = ", ".join(map(str, serving))
    raise AmbiguousError(f"several instances serve, so a port is needed: one of {ports}")
