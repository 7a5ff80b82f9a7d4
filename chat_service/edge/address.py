"""Who is calling, for limits by address."""

import ipaddress
from urllib.parse import unquote


def host_of(peer: str) -> str:
    """Return the address of a peer of gRPC without its port; a peer of another kind as it is.

    `ipv4:127.0.0.1:60082` and `ipv6:%5B::1%5D:55808` are the forms.
    """
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return peer
    return unquote(rest).rpartition(":")[0].strip("[]").partition("%")[0]


def network_of(peer: str) -> str:
    """Return the address that a peer of gRPC is counted under; empty if it is exempt.

    IPv6 counts by /64, since that is what one subscriber of a network has; IPv4
    mapped to IPv6 counts as IPv4. Loopback is exempt: who is on the machine shares it.
    """
    try:
        address = ipaddress.ip_address(host_of(peer))
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif not address.is_loopback:
            return str(ipaddress.ip_network((address, 64), strict=False))
    return "" if address.is_loopback else str(address)
