"""Failed sign-ins: how long the next try has to wait. Pure: `now` comes in, in seconds.

Tries of an account are counted wherever they come from, so that many addresses guess no
faster than one. A network from which the account has signed in well has a counter of its
own instead: strangers hold up each other, and never the owner at home. Tries of an address
are counted whatever the account, so that nobody goes through all names.

A try counts as failed from its beginning until it succeeded. Otherwise many at once
would all begin before the first of them has failed.
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

from chat_service.edge.limits import DEFAULT_LOGINS, LoginLimits

Account: TypeAlias = int | str
"""The id of an account, or the key of a name that has none: both are counted alike."""

# What is remembered of whom; those that were not used for longest are let go of. To have one
# account forgotten takes as many tries at others, each with the cost of a password's hash.
MAX_ACCOUNTS = 10_000
MAX_NETWORKS = 10_000
# Networks of one account, so that whoever owns one cannot displace those of others.
MAX_KNOWN = 8

# More doublings than any two figures are apart.
_MAX_DOUBLINGS = 60


@dataclass(slots=True)
class _Tries:
    """Tries that did not succeed, and when the last of them was."""

    count: int = 0
    last: float = 0.0


class Logins:
    """The failed sign-ins of one server."""

    def __init__(self, limits: LoginLimits = DEFAULT_LOGINS) -> None:
        self.limits = limits
        # By account: tries from networks that are strange to it.
        self._strange: OrderedDict[Account, _Tries] = OrderedDict()
        # By account: networks that it has signed in from, with the tries from there.
        self._known: OrderedDict[Account, OrderedDict[str, _Tries]] = OrderedDict()
        # By network: when each try was, of those that still count.
        self._networks: OrderedDict[str, list[float]] = OrderedDict()

    def wait_ms(self, account: Account, network: str, now: float) -> int:
        """Begin a try and return 0, or return the milliseconds until one may begin.

        Call it before the password is looked at. `network` is what the caller's address
        is counted under; the empty one, which is exempt, is not counted by address.
        """
        own = self._own(account, network)
        tries = own or self._strange.get(account) or _Tries()
        if now - tries.last >= self.limits.forget_s:
            tries.count = 0
        wait_s = self._account_wait(tries, now)
        if own is None:
            wait_s = max(wait_s, self._network_wait(network, now))
        if wait_s > 0:
            return ceil(wait_s * 1000)
        tries.count += 1
        tries.last = now
        if own is None:
            self._count_strange(account, tries, network, now)
        return 0

    def failed(self, account: Account, network: str, now: float) -> None:
        """End a try: the password was wrong. The delay of the next one begins now."""
        tries = self._own(account, network) or self._strange.get(account)
        if tries is not None:
            tries.last = now

    def succeeded(self, account: Account, network: str, now: float) -> None:
        """End a try: the password was right. What counted against this one counts no more."""
        networks = self._known.setdefault(account, OrderedDict())
        if network not in networks:
            tries, of_network = self._strange.get(account), self._networks.get(network)
            if tries is not None and tries.count:
                tries.count -= 1
            if of_network:
                of_network.pop()
        networks[network] = _Tries(last=now)
        networks.move_to_end(network)
        if len(networks) > MAX_KNOWN:
            networks.popitem(last=False)
        self._known.move_to_end(account)
        if len(self._known) > MAX_ACCOUNTS:
            self._known.popitem(last=False)

    def _own(self, account: Account, network: str) -> _Tries | None:
        networks = self._known.get(account)
        return None if networks is None else networks.get(network)

    def _account_wait(self, tries: _Tries, now: float) -> float:
        limits = self.limits
        over = tries.count - limits.account_failures
        if over < 0:
            return 0.0
        delay_s = limits.first_delay_s * 2.0 ** min(over, _MAX_DOUBLINGS)
        return tries.last + min(delay_s, limits.longest_delay_s) - now

    def _network_wait(self, network: str, now: float) -> float:
        limits = self.limits
        times = self._networks.get(network, ())
        if len(times) < limits.address_failures:
            return 0.0
        return times[-limits.address_failures] + limits.address_within_s - now

    def _count_strange(self, account: Account, tries: _Tries, network: str, now: float) -> None:
        self._strange[account] = tries
        self._strange.move_to_end(account)
        if len(self._strange) > MAX_ACCOUNTS:
            self._strange.popitem(last=False)
        if not network:
            return
        within_s = self.limits.address_within_s
        times = [at for at in self._networks.get(network, ()) if now - at < within_s]
        self._networks[network] = [*times, now]
        self._networks.move_to_end(network)
        if len(self._networks) > MAX_NETWORKS:
            self._networks.popitem(last=False)
