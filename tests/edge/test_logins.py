"""Failed sign-ins, by a clock that the test sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.edge.limits import DEFAULT_LOGINS, LoginLimits
from chat_service.edge.logins import MAX_KNOWN, Account, Logins

NOW = 1000.0
HOME = "192.0.2.1"
OWNER = 7


def networks(count: int) -> list[str]:
    """Return networks of strangers."""
    return [f"198.51.{number >> 8}.{number & 255}" for number in range(count)]


def fails(logins: Logins, account: Account, network: str, now: float) -> int:
    """Try once with a wrong password; return the delay that was told instead, 0 for none."""
    wait_ms = logins.wait_ms(account, network, now)
    if not wait_ms:
        logins.failed(account, network, now)
    return wait_ms


def signs_in(logins: Logins, account: Account, network: str, now: float) -> int:
    """Try once with the right password; return the delay that was told instead, 0 for none."""
    wait_ms = logins.wait_ms(account, network, now)
    if not wait_ms:
        logins.succeeded(account, network, now)
    return wait_ms


@pytest.mark.parametrize("account", [OWNER, "nobody"])
def test_failures_of_an_account_count_wherever_they_come_from(account: Account) -> None:
    """The sixth try is held up, from whatever address; a name without an account is no other."""
    logins = Logins()
    told = [fails(logins, account, network, NOW) for network in networks(6)]
    assert told == [0, 0, 0, 0, 0, 1000]
    assert signs_in(logins, account, "203.0.113.9", NOW) == 1000


def test_delay_doubles_to_the_longest() -> None:
    """After each further failure the delay is twice as long, from 1 s to 15 min."""
    logins = Logins()
    now = NOW
    delays = []
    for network in networks(18):
        wait_ms = fails(logins, OWNER, network, now)
        if wait_ms:
            delays.append(wait_ms)
            now += wait_ms / 1000
            assert fails(logins, OWNER, network, now) == 0
    doubled = [1000 * 2**times for times in range(10)]
    assert delays == [*doubled, 900_000, 900_000, 900_000]


def test_asking_in_vain_costs_nothing() -> None:
    """Who comes too early is told what is left of the delay, and is not held up for longer."""
    logins = Logins()
    for network in networks(5):
        fails(logins, OWNER, network, NOW)
    assert {fails(logins, OWNER, HOME, NOW + 0.25) for _ in range(100)} == {750}
    assert signs_in(logins, OWNER, HOME, NOW + 1) == 0


def test_known_network_is_not_held_up_by_strangers() -> None:
    """Whatever strangers do, the owner signs in from where it has before."""
    logins = Logins()
    assert signs_in(logins, OWNER, HOME, NOW) == 0
    for number, network in enumerate(networks(500)):
        fails(logins, OWNER, network, NOW + number)
    assert fails(logins, OWNER, "203.0.113.9", NOW + 500) > 0
    assert signs_in(logins, OWNER, HOME, NOW + 500) == 0


def test_known_network_is_held_up_by_its_own_failures() -> None:
    """A window that was left open is no way around the delays: that network has its own."""
    logins = Logins()
    signs_in(logins, OWNER, HOME, NOW)
    assert [fails(logins, OWNER, HOME, NOW) for _ in range(6)] == [0, 0, 0, 0, 0, 1000]
    assert fails(logins, OWNER, "203.0.113.9", NOW) == 0


def test_success_from_a_known_network_forgives_what_was_wrong_there() -> None:
    """Who mistypes and then gets it right begins anew."""
    logins = Logins()
    signs_in(logins, OWNER, HOME, NOW)
    for _ in range(10):
        assert [fails(logins, OWNER, HOME, NOW) for _ in range(4)] == [0] * 4
        assert signs_in(logins, OWNER, HOME, NOW) == 0


def test_success_forgives_nothing_of_strangers() -> None:
    """The owner who signs in does not give strangers new tries."""
    logins = Logins()
    for network in networks(5):
        fails(logins, OWNER, network, NOW)
    assert signs_in(logins, OWNER, HOME, NOW + 1) == 0
    assert signs_in(logins, OWNER, HOME, NOW + 1) == 0
    assert fails(logins, OWNER, "203.0.113.9", NOW + 1) == 1000


def test_own_account_is_no_way_to_guess_others() -> None:
    """Signing in to an own account in between forgives no failure at another."""
    logins = Logins()
    told = []
    for _ in range(6):
        told.append(fails(logins, OWNER, HOME, NOW))
        assert signs_in(logins, 99, HOME, NOW) == 0
    assert told == [0, 0, 0, 0, 0, 1000]


def test_failures_of_an_address_count_whatever_the_account() -> None:
    """The twenty-first name within ten minutes is held up until the first is so long ago."""
    logins = Logins()
    told = [fails(logins, f"name{number}", HOME, NOW + number) for number in range(21)]
    assert told == [0] * 20 + [580_000]
    assert fails(logins, "other", "203.0.113.9", NOW + 21) == 0
    assert fails(logins, "name21", HOME, NOW + 600) == 0
    assert fails(logins, "name22", HOME, NOW + 600) == 1000


def test_who_signs_in_well_is_never_held_up_by_address() -> None:
    """Many people of one address sign in one after the other: nothing counts against it."""
    logins = Logins()
    assert {signs_in(logins, number, HOME, NOW) for number in range(1000)} == {0}


def test_exempt_address_is_counted_by_account_alone() -> None:
    """Where no address is counted, a thousand names may be wrong, and each five times."""
    logins = Logins()
    assert {fails(logins, f"name{number}", "", NOW) for number in range(1000)} == {0}
    assert [fails(logins, OWNER, "", NOW) for _ in range(6)] == [0, 0, 0, 0, 0, 1000]


def test_tries_at_once_count_before_they_have_failed() -> None:
    """Of a hundred tries that begin together five go on; one that ends well makes room for one."""
    logins = Logins()
    begun = [logins.wait_ms(OWNER, network, NOW) for network in networks(100)]
    assert begun.count(0) == 5
    logins.succeeded(OWNER, networks(1)[0], NOW)
    assert logins.wait_ms(OWNER, "203.0.113.9", NOW) == 0
    assert logins.wait_ms(OWNER, "203.0.113.9", NOW) > 0


def test_delay_begins_when_the_try_has_failed() -> None:
    """The time that a password waits to be looked at is no part of the delay."""
    logins = Logins()
    for network in networks(5):
        assert logins.wait_ms(OWNER, network, NOW) == 0
    logins.failed(OWNER, networks(1)[0], NOW + 10)
    assert logins.wait_ms(OWNER, HOME, NOW + 10) == 1000


def test_failures_are_forgotten_after_a_quiet_day() -> None:
    """An account that nobody tried to enter for so long begins anew."""
    logins = Logins()
    for network in networks(5):
        fails(logins, OWNER, network, NOW)
    assert fails(logins, OWNER, HOME, NOW + 86_399) == 0
    later = NOW + 86_399 + 86_400
    assert [fails(logins, OWNER, network, later) for network in networks(6)][-2:] == [0, 1000]


def test_other_figures() -> None:
    """Figures that change hold for what was counted before, too."""
    logins = Logins()
    for network in networks(3):
        fails(logins, OWNER, network, NOW)
    logins.limits = LoginLimits(account_failures=2, first_delay_s=3.0, address_failures=1)
    assert fails(logins, OWNER, HOME, NOW) == 6000
    assert fails(logins, "name", networks(1)[0], NOW) == 600_000


def test_owner_cannot_displace_networks_of_others() -> None:
    """Each account has so many known networks; only its own are let go of."""
    logins = Logins()
    signs_in(logins, OWNER, HOME, NOW)
    for network in networks(10 * MAX_KNOWN):
        signs_in(logins, 99, network, NOW)
    for network in networks(5):
        fails(logins, OWNER, network, NOW)
    assert signs_in(logins, OWNER, HOME, NOW) == 0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account, and the network, that was tried longest ago is forgotten."""
    monkeypatch.setattr("chat_service.edge.logins.MAX_ACCOUNTS", 2)
    monkeypatch.setattr("chat_service.edge.logins.MAX_NETWORKS", 2)
    logins = Logins(LoginLimits(account_failures=1, address_failures=1))
    for name, network in (("a", "1"), ("b", "2"), ("c", "3")):
        fails(logins, name, network, NOW)
    assert fails(logins, "c", "4", NOW) > 0
    assert fails(logins, "d", "3", NOW) > 0
    assert fails(logins, "a", "1", NOW) == 0


def test_who_is_refused_displaces_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries that are not begun cost nothing, so they may not make the server forget others."""
    monkeypatch.setattr("chat_service.edge.logins.MAX_ACCOUNTS", 30)
    logins = Logins()
    for network in networks(5):
        fails(logins, OWNER, network, NOW)
    for number in range(1000):
        fails(logins, f"name{number}", HOME, NOW)
    assert fails(logins, OWNER, "203.0.113.9", NOW) == 1000


@given(st.lists(st.tuples(st.floats(0, 2000), st.integers(0, 40)), max_size=120))
def test_strangers_have_no_more_tries_than_the_delays_allow(
    tries: list[tuple[float, int]],
) -> None:
    """Whatever strangers do, a delay that was told is enough, and the owner's way stays open."""
    logins = Logins()
    signs_in(logins, OWNER, HOME, NOW)
    now, begun, last = NOW, 0, 0.0
    for pause, network in tries:
        now += pause
        wait_ms = fails(logins, OWNER, f"198.51.100.{network}", now)
        if wait_ms:
            assert fails(logins, OWNER, f"203.0.113.{network}", now + wait_ms / 1000) == 0
            now += wait_ms / 1000
        if begun >= DEFAULT_LOGINS.account_failures:
            assert now - last >= min(900, 2 ** (begun - 5)) - 1e-6
        begun, last = begun + 1, now
        assert signs_in(logins, OWNER, HOME, now) == 0
