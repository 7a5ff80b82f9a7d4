"""The HTTP proxy that leads to a server, if one does. Pure.

gRPC goes by the same variables of the environment. It is told what was found here, so that the
look at a certificate and the connection behind it take the same way.
"""

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from chat_cli.endpoint import Endpoint

# The first that is there counts, as for gRPC.
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXCEPTIONS = ("no_grpc_proxy", "no_proxy")
_DEFAULT_PORT = 80


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its URL, for gRPC, and where it is. `user` is `name:password`, empty without."""

    url: str
    endpoint: Endpoint
    user: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.endpoint})"

    def request(self, target: Endpoint) -> bytes:
        """Give what is said to it before anything is said to `target`."""
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.user:
            lines.append(
                f"Proxy-Authorization: Basic {base64.b64encode(self.user.encode()).decode()}"
            )
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def proxy_for(target: Endpoint, environment: Mapping[str, str]) -> Proxy | None:
    """Give the proxy for a server; None: it is reached directly, as loopback always is."""
    url = next((environment[name] for name in _PROXIES if environment.get(name)), "")
    if not url or target.is_loopback or _is_exception(target.host, environment):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORT
    except ValueError:
        return None
    if parts.scheme != "http" or not host:
        return None
    return Proxy(url, Endpoint(host, port), unquote(parts.netloc.rpartition("@")[0]))


def _is_exception(host: str, environment: Mapping[str, str]) -> bool:
    listed = next((environment[name] for name in _EXCEPTIONS if environment.get(name)), "")
    return any(_covers(entry.strip().lower(), host.lower()) for entry in listed.split(","))


def _covers(entry: str, host: str) -> bool:
    """Tell whether an entry means a host: by its end, or as a network."""
    if not entry:
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return host.endswith(entry)
