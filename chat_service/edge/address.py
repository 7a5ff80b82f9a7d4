"""Who is calling, for limits by address. Pure."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from chat_service.core.bans import IP, ip_of
from chat_service.edge.limits import DEFAULT_ADDRESSES, AddressLimits

# What proxies add to an address: brackets, and a port.
_FORWARDED = re.compile(r"\[([^\[\]]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}|([^\[\]]+)")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client is."""

    # In the usual form, without port, brackets or zone; a peer that has no address as it is.
    text: str
    # What it is counted under; empty if it is exempt.
    network: str
    # Whether a proxy named it. Then many clients may share the proxy's connection.
    forwarded: bool = False


class Addresses:
    """Finds the addresses of callers, by which networks are exempt and which are proxies."""

    def __init__(self, limits: AddressLimits = DEFAULT_ADDRESSES) -> None:
        """Go by these networks. Raises ValueError where one is none."""
        self._exempt = [ipaddress.ip_network(text) for text in limits.exempt]
        self._proxies = [ipaddress.ip_network(text) for text in limits.proxies]

    def of(self, peer: str, forwarded_for: Iterable[str] = ()) -> Address:
        """Return the address of a call.

        `peer` is as gRPC names it, `forwarded_for` the values of x-forwarded-for in the order
        in which they came. They count only if the peer is a proxy: then the rightmost
        address that is no proxy is the caller's. Where there is none, or a proxy wrote
        what is no address, the peer is the caller.
        """
        host = host_of(peer)
        ip = ip_of(host)
        if ip is None:
            return Address(host, peer)
        if self._is_proxy(ip):
            named = self._named(forwarded_for)
            if named is not None:
                return Address(str(named), self._network(named), forwarded=True)
        return Address(str(ip), self._network(ip))

    def _named(self, forwarded_for: Iterable[str]) -> IP | None:
        entries = ",".join(forwarded_for).split(",")
        for entry in reversed(entries):
            found = _FORWARDED.fullmatch(entry.strip())
            text = next(filter(None, found.groups())) if found else ""
            # A zone says nothing here of who calls.
            ip = ip_of(text.partition("%")[0])
            if ip is None or not self._is_proxy(ip):
                return ip
        return None

    def _is_proxy(self, ip: IP) -> bool:
        return any(ip in network for network in self._proxies)

    def _network(self, ip: IP) -> str:
        """Return what an address is counted under.

        IPv6 counts by /64, since that is what one subscriber of a network has.
        """
        if any(ip in network for network in self._exempt):
            return ""
        return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))


def host_of(peer: str) -> str:
    """Return the address of a peer of gRPC without its port; a peer of another kind as it is.

    `ipv4:127.0.0.1:60082` and `ipv6:%5B::1%5D:55808` are the forms.
    """
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return peer
    return unquote(rest).rpartition(":")[0].strip("[]").partition("%")[0]
