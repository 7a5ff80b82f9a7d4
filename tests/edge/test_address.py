"""The address that a caller has, and that it is counted under."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.edge.address import Address, Addresses, host_of
from chat_service.edge.limits import AddressLimits


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("ipv4:192.0.2.7:60082", "192.0.2.7"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:55808", "2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2:ffff::1]:55808", "2001:db8:1:2::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:55808", "fe80::/64"),
        # IPv4 that came in as IPv6 is the same caller.
        ("ipv6:%5B::ffff:192.0.2.7%5D:55808", "192.0.2.7"),
        # Who is on the machine shares it, unless it is said otherwise.
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
    assert Addresses().of(peer).network == network


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:60082", Address("127.0.0.1", "127.0.0.1")),
        ("ipv6:%5B::1%5D:55808", Address("::1", "::/64")),
        ("ipv4:192.0.2.7:1", Address("192.0.2.7", "")),
        ("ipv6:%5B::ffff:192.0.2.7%5D:55808", Address("192.0.2.7", "")),
        ("ipv4:192.0.3.7:1", Address("192.0.3.7", "192.0.3.7")),
        ("ipv6:%5B2001:DB8:0::7%5D:55808", Address("2001:db8::7", "2001:db8::/64")),
        ("unix:/run/chat.sock", Address("unix:/run/chat.sock", "unix:/run/chat.sock")),
    ],
)
def test_exempt_networks_are_a_setting(peer: str, address: Address) -> None:
    """What is exempt is what was asked for, loopback only if it is among it."""
    assert Addresses(AddressLimits(exempt=("192.0.2.0/24",))).of(peer) == address


BEHIND = AddressLimits(proxies=("10.0.0.0/8", "2001:db8:ffff::/48"))


@pytest.mark.parametrize(
    ("forwarded_for", "text"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        # What the client claims stands to the left of what the proxy saw.
        (["203.0.113.9, 192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9", "192.0.2.7"], "192.0.2.7"),
        (["garbage, 192.0.2.7"], "192.0.2.7"),
        # A chain of proxies.
        (["203.0.113.9, 192.0.2.7,10.0.0.2 , 10.0.0.3"], "192.0.2.7"),
        (["192.0.2.7", "2001:db8:ffff::1"], "192.0.2.7"),
        # Forms that proxies write.
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["[2001:DB8::7]:4711"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
    ],
)
def test_proxy_says_whom_it_speaks_for(forwarded_for: list[str], text: str) -> None:
    """The rightmost address that is no proxy is the caller's."""
    address = Addresses(BEHIND).of("ipv4:10.0.0.1:5", forwarded_for)
    assert (address.text, address.forwarded) == (text, True)
    assert address.network == ("2001:db8::/64" if ":" in text else text)


@pytest.mark.parametrize(
    "forwarded_for",
    [
        [],
        [""],
        [","],
        ["192.0.2.7,"],
        ["192.0.2.7, unknown"],
        ["192.0.2.7, 10.0.0.2, _hidden"],
        ["192.0.2.7, 300.1.1.1"],
        ["192.0.2.7, [2001:db8::7"],
        ["192.0.2.7, 1.2.3.4:port"],
        ["10.0.0.2"],
        ["," * 8000],
    ],
)
def test_proxy_that_names_nobody_is_the_caller(forwarded_for: list[str]) -> None:
    """Where a proxy tells no address, or what is none, it is counted itself."""
    address = Addresses(BEHIND).of("ipv4:10.0.0.1:5", forwarded_for)
    assert address == Address("10.0.0.1", "10.0.0.1")


@pytest.mark.parametrize("peer", ["ipv4:192.0.2.1:5", "unix:", "ipv6:%5B::1%5D:1"])
def test_who_is_no_proxy_speaks_for_itself(peer: str) -> None:
    """Anybody can write what a proxy writes: it counts for nothing."""
    trusting = Addresses(BEHIND)
    assert trusting.of(peer, ["203.0.113.9"]) == trusting.of(peer)
    assert Addresses().of("ipv4:10.0.0.1:5", ["203.0.113.9"]).text == "10.0.0.1"


def test_who_is_forwarded_may_be_exempt() -> None:
    """What is exempt goes by the caller, not by the proxy."""
    limits = AddressLimits(proxies=("127.0.0.1/32",), exempt=("127.0.0.0/8", "192.0.2.0/24"))
    addresses = Addresses(limits)
    assert addresses.of("ipv4:127.0.0.1:5", ["192.0.2.7"]).network == ""
    assert addresses.of("ipv4:127.0.0.1:5", ["203.0.113.9"]).network == "203.0.113.9"


@given(st.text(), st.lists(st.text(alphabet="0123456789abcdef.:,[]% x")))
def test_whatever_is_written_has_an_address(peer: str, forwarded_for: list[str]) -> None:
    """No peer and no header breaks it, and what the header says is an address or nothing."""
    Addresses(BEHIND).of(peer, forwarded_for)
    address = Addresses(BEHIND).of("ipv4:10.0.0.1:5", forwarded_for)
    assert address.forwarded or address.text == "10.0.0.1"


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
