"""The gRPC servers that carry the calls: for clients, and for the operator.

Their options, their health, their addresses.
"""

import os
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2

from chat_service.edge import standard
from chat_service.edge.encryption import Encryption
from chat_service.edge.gate import Gate
from chat_service.edge.limits import DEFAULT_TRANSPORT, TransportLimits
from chat_service.edge.methods import Service


def options(limits: TransportLimits) -> tuple[tuple[str, int], ...]:
    """Return what gRPC is told, each with its reason in docs/design.md."""
    return (
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_concurrent_streams", limits.streams),
        ("grpc.http.overload_protection", 0),
        ("grpc.server_handshake_timeout_ms", limits.handshake_ms),
        ("grpc.max_connection_idle_ms", limits.idle_ms),
        ("grpc.keepalive_time_ms", limits.keepalive_ms),
        ("grpc.keepalive_timeout_ms", limits.keepalive_timeout_ms),
        ("grpc.http2.ping_timeout_ms", limits.ping_timeout_ms),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", limits.min_ping_interval_ms),
    )


class CannotListenError(Exception):
    """The address cannot be bound. The text names it."""


PRIVATE = 0o077


class Transport:
    """One listening gRPC server: services, their health, and reflection."""

    def __init__(
        self,
        services: Sequence[Service],
        gate: Gate,
        limits: TransportLimits = DEFAULT_TRANSPORT,
    ) -> None:
        self._server = grpc.aio.server(options=options(limits))
        for service in services:
            service.add_to(self._server)
        self._health = standard.add_health(self._server, gate)
        self._names = tuple(service.descriptor.full_name for service in services)
        standard.add_reflection(self._server, self._names, gate)

    async def listen(self, host: str, port: int, encryption: Encryption | None = None) -> str:
        """Accept calls; return the address, with the port that was bound.

        `host` is an IP address, `port` 0 lets the system choose. Without `encryption` all is
        plain text. Raises CannotListenError.
        """
        place = f"[{host}]" if ":" in host else host
        try:
            if encryption is None:
                bound = self._server.add_insecure_port(f"{place}:{port}")
            else:
                bound = self._server.add_secure_port(f"{place}:{port}", encryption.credentials())
        except RuntimeError as error:
            raise CannotListenError(
                f"cannot listen on {place}:{port}: the port is in use or not allowed"
            ) from error
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return f"{place}:{bound}"

    async def say_not_serving(self) -> None:
        """Answer health checks with NOT_SERVING from now on."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_s: float) -> None:
        """Accept no more, and end what is left after `grace_s` seconds."""
        await self._server.stop(grace_s)


class LocalTransport:
    """One gRPC server on a Unix socket, for whoever owns its file and for nobody else."""

    def __init__(self, service: Service) -> None:
        # Of a socket that only the owner of the data can open: requests have the usual 4 MiB, so
        # that words that are too long are refused for what they are.
        self._server = grpc.aio.server()
        service.add_to(self._server)

    async def listen(self, path: str) -> None:
        """Accept calls on the socket `path`; one that a dead process left there is replaced.

        Raises CannotListenError. The file is removed by `stop`.
        """
        # The file is private from its first moment on, whatever the process does otherwise.
        before = os.umask(PRIVATE)
        try:
            self._server.add_insecure_port(f"unix:{path}")
        except RuntimeError as error:
            raise CannotListenError(f"cannot listen on the socket {path}") from error
        finally:
            os.umask(before)
        await self._server.start()

    async def stop(self, grace_s: float) -> None:
        """Accept no more, and end what is left after `grace_s` seconds."""
        await self._server.stop(grace_s)
