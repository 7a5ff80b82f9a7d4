"""The address that a caller has, and that it is counted under."""

import pytest

from chat_service.edge.address import host_of, network_of


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("ipv4:192.0.2.7:60082", "192.0.2.7"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:55808", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:ffff::1]:55808", "2001:db8:1:2::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:55808", "fe80::/64"),
        # IPv4 that came in as IPv6 is the same caller.
        ("ipv6:%5B::ffff:192.0.2.7%5D:55808", "192.0.2.7"),
        # Who is on the machine shares it.
        ("ipv4:127.0.0.1:60082", ""),
        ("ipv4:127.8.9.10:60082", ""),
        ("ipv6:%5B::1%5D:55808", ""),
        ("ipv6:%5B::ffff:127.0.0.1%5D:55808", ""),
        # What is not an address counts as it is.
        ("unix:/run/chat.sock", "unix:/run/chat.sock"),
        ("unix:", "unix:"),
        ("ipv4:somewhere:1", "ipv4:somewhere:1"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_network_of_a_peer(peer: str, network: str) -> None:
    """Each form of a peer has its one network; loopback has none."""
    assert network_of(peer) == network


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:127.0.0.1:60082", "127.0.0.1"),
        ("ipv6:%5B2001:db8::7%5D:55808", "2001:db8::7"),
        ("ipv6:[::1]:55808", "::1"),
        ("ipv6:%5Bfe80::1%25eth0%5D:55808", "fe80::1"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_host_of_a_peer(peer: str, host: str) -> None:
    """An address has neither port nor brackets; what is none stays as it is."""
    assert host_of(peer) == host
