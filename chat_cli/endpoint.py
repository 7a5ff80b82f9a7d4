"""Where a server is, read from HOST:PORT. Pure."""

import ipaddress
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host, without the brackets of an IPv6 address, and a port."""

    host: str
    port: int

    @classmethod
    def of(cls, target: str) -> Self:
        """Read `chat.example:50051`, `127.0.0.1:50051` or `[::1]:50051`."""
        host, _, port = target.rpartition(":")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    def __str__(self) -> str:
        host = self.host.lower()
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether nothing that is sent there leaves this machine.

        A name other than `localhost` may mean any address, now or later.
        """
        if self.host.lower() == "localhost":
            return True
        try:
            return self.host == "::1" or ipaddress.IPv4Address(self.host).is_loopback
        except ValueError:
            return False
