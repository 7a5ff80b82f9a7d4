"""Who may not be on the server: by name, by address, until when."""

import ipaddress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chat_service.core import events as ev
from chat_service.core.bans import is_banned, is_in, network_named, networks_of
from chat_service.core.errors import Reason
from chat_service.core.evolve import evolve
from chat_service.core.model import FOREVER_MS
from chat_service.core.state import State

T = 1_000


def banned(*bans: ev.UserBanned | ev.NetworkBanned) -> State:
    """Return a state with these bans."""
    state = State()
    for ban in bans:
        evolve(state, ban)
    state.merge()
    return state


def of_user(name: str, until_ms: int = FOREVER_MS, reason: str = "") -> ev.UserBanned:
    """Return that a name is banned."""
    return ev.UserBanned(T, name, until_ms, reason, 0, "")


def of_network(network: str, until_ms: int = FOREVER_MS) -> ev.NetworkBanned:
    """Return that a network is banned."""
    return ev.NetworkBanned(T, network, until_ms, "for the log", 0, "")


def test_nobody_is_banned_from_the_beginning() -> None:
    """Without a ban everybody may come in, with and without an address."""
    assert is_banned(State(), "bob", "192.0.2.1", T) is None
    assert is_banned(State(), "bob", "", T) is None


@pytest.mark.parametrize("name", ["bob", "Bob", "BOB"])
def test_name_is_banned_in_every_case(name: str) -> None:
    """A ban is of the key of a name, and tells its reason and its end."""
    state = banned(of_user("Bob", T + 10, "spam"))
    rejection = is_banned(state, name, "", T)
    assert rejection is not None
    assert rejection.reason is Reason.BANNED
    assert rejection.message == "you are banned from this server: spam"
    assert rejection.metadata == (("until_ms", str(T + 10)),)
    assert is_banned(state, "bobby", "", T) is None


def test_ban_is_over_at_exactly_its_end() -> None:
    """One ms before the end it holds; at the end it does not, though it is still stored."""
    state = banned(of_user("bob", T + 10), of_network("192.0.2.0/24", T + 10))
    assert is_banned(state, "bob", "", T + 9) is not None
    assert is_banned(state, "bob", "", T + 10) is None
    assert is_banned(state, "eve", "192.0.2.7", T + 9) is not None
    assert is_banned(state, "eve", "192.0.2.7", T + 10) is None


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("192.0.2.1/32", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("10.0.0.0/8", "10.9.8.7", "11.0.0.1"),
        ("192.0.2.0/24", "::ffff:192.0.2.4", "::ffff:192.0.3.4"),
        ("2001:db8::/32", "2001:db8:1::5", "2001:db9::1"),
        ("2001:db8::1/128", "2001:db8::1", "2001:db8::2"),
        ("2000::/19", "2000:1fff::1", "2fff::1"),
    ],
)
def test_network_is_banned_with_all_that_is_in_it(network: str, inside: str, outside: str) -> None:
    """Whatever the size of the network, who is in it is found, and who is beside it is not."""
    state = banned(of_network(network))
    rejection = is_banned(state, "eve", inside, T)
    assert rejection is not None
    assert (rejection.reason, rejection.metadata) == (Reason.BANNED, ())
    assert "for the log" not in rejection.message
    assert is_banned(state, "eve", outside, T) is None


@pytest.mark.parametrize("address", ["", "unix:/run/chat.sock", "300.1.1.1", "a\x00b"])
def test_what_is_no_address_is_in_no_network(address: str) -> None:
    """A peer without an address is not kept out by any network."""
    assert networks_of(address) == ()
    assert is_banned(banned(of_network("0.0.0.0/0")), "eve", address, T) is None


@pytest.mark.parametrize(
    ("network", "address", "inside"),
    [
        ("192.0.2.0/24", "192.0.2.9", True),
        ("192.0.2.0/24", "::ffff:192.0.2.9", True),
        ("192.0.2.0/24", "192.0.3.9", False),
        ("192.0.2.0/24", "2001:db8::1", False),
        ("2001:db8::/32", "2001:db8:7::1", True),
        ("2001:db8::/32", "", False),
        ("0.0.0.0/8", "unix:/run/chat.sock", False),
    ],
)
def test_address_is_in_a_network(network: str, address: str, inside: bool) -> None:
    """An address is in a network of its own kind alone; what is no address is in none."""
    assert is_in(network, address) is inside


@settings(max_examples=20, deadline=None)
@given(st.ip_addresses())
def test_network_of_an_address_is_found_by_it(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """However large a network is typed around an address: it has the form that is looked for."""
    assume(ip.version == 4 or not ip.ipv4_mapped)
    found = networks_of(str(ip))
    for prefix in range(32 - 8 + 1 if ip.version == 4 else 128 - 19 + 1):
        bits = ip.max_prefixlen - prefix
        assert network_named(f"{ip}/{bits}") in found
        assert is_in(found[prefix], str(ip))


def test_bots_are_banned_with_their_owner() -> None:
    """The ban of an account is that of its bots, and not the other way round."""
    state = banned(of_user("olga", T + 10, "spam"))
    for event in (
        ev.UserCreated(T, 1, "olga"),
        ev.UserCreated(T, 2, "robot", bot=True),
        ev.AccountCreated(T, 1, "#"),
        ev.AccountCreated(T, 2, "", owner_id=1),
    ):
        evolve(state, event)
    assert is_banned(state, "Robot", "", T) == is_banned(state, "olga", "", T) is not None
    assert is_banned(state, "robot", "", T + 10) is None
    evolve(state, ev.UserUnbanned(T, "olga"))
    evolve(state, of_user("robot"))
    assert is_banned(state, "robot", "", T) is not None
    assert is_banned(state, "olga", "", T) is None
