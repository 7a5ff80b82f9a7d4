"""Rates: how often a user or an address may do something. Pure: `now` comes in.

A bucket holds up to `burst` tokens and gains `rate` a second; each act takes one.
The verdict is a delay in milliseconds, 0 for "go on", and travels inside the
order, because a retry of what was stored is answered whatever the rate.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import ceil

from chat_service.edge.limits import DEFAULT_CALLS, DEFAULT_RATES, CallLimits, Rates


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` acts at once, then `per_second`."""

    burst: int
    per_second: float


def sends_of(rates: Rates) -> Rate:
    """Return how fast a user may send, and make mistakes: no faster than without them."""
    return Rate(rates.sends_burst, rates.sends_per_second)


def joins_of(rates: Rates) -> Rate:
    """Return how fast a user may enter rooms."""
    return Rate(rates.joins_burst, rates.joins_per_minute / 60)


def guests_of(rates: Rates) -> Rate:
    """Return how fast new guests may come from an address."""
    return Rate(rates.guests_burst, rates.guests_per_minute / 60)


def rooms_of(rates: Rates) -> Rate:
    """Return how fast rooms may be opened from an address."""
    return Rate(rates.rooms_burst, rates.rooms_per_hour / 3600)


def accounts_of(rates: Rates) -> Rate:
    """Return how fast accounts may be registered from an address."""
    return Rate(rates.accounts_burst, rates.accounts_per_hour / 3600)


def bot_sends_of(rates: Rates) -> Rate:
    """Return how fast a bot may send that was granted to be faster than people."""
    return Rate(rates.bot_sends_burst, rates.bot_sends_per_second)


# Refused orders whose delays are remembered, for each that may be unanswered.
TOLD_EACH = 4
# A client's clock may be this much fast.
EARLY_S = 0.05

# Buckets that are kept; one that was full again would tell nothing.
MAX_BUCKETS = 100_000


class Buckets:
    """One token bucket for each user or address."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        # Tokens left, and when that was so; the one used last at the end.
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> int:
        """Take a token; return 0, or the milliseconds until there is one."""
        tokens = self._level(key, now)
        if tokens < 1.0:
            return max(1, ceil((1.0 - tokens) / self.rate.per_second * 1000))
        self._put(key, tokens - 1.0, now)
        return 0

    def give_back(self, key: Hashable, now: float) -> None:
        """Return a token that was taken for nothing."""
        self._put(key, min(self._level(key, now) + 1.0, float(self.rate.burst)), now)

    def _level(self, key: Hashable, now: float) -> float:
        held = self._buckets.get(key)
        if held is None:
            return float(self.rate.burst)
        tokens, since = held
        return min(float(self.rate.burst), tokens + (now - since) * self.rate.per_second)

    def _put(self, key: Hashable, tokens: float, now: float) -> None:
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)


class Strikes:
    """Whether one stream's sender ignores the refusals of a rate.

    Each refused order is told a delay. Who repeats it after that obeys, though it may
    run into the next delay because it repeats others at the same time. Any other send
    is ignoring when it comes inside the delay that an earlier refusal named. For
    `strike_after_s` after the first such send, it may have crossed the refusal on its
    way; one that comes later is a strike, at most one for each delay. A sender that
    was obedient for as long begins anew.
    """

    def __init__(
        self, rates: Callable[[], Rates] = Rates, calls: CallLimits = DEFAULT_CALLS
    ) -> None:
        """Go by the rates as they are when an order is refused."""
        self._rates = rates
        self._max_told = TOLD_EACH * calls.unacked_posts
        self._wait_until = 0.0
        # When each refused order may come again, by its id; the one refused last at the end.
        self._told: OrderedDict[str, float] = OrderedDict()
        # From when on the present run of ignoring sends is counted, and its last one.
        self._since = 0.0
        self._ignored_at = float("-inf")
        self._strikes: list[float] = []

    def refused(self, now: float, wait_ms: int, order: str) -> bool:
        """Note a refusal; return whether the sender has had its last strike.

        `order` is the id by which a repetition is known; empty for an order without.
        """
        wait_s = wait_ms / 1000
        obeys = now + EARLY_S >= self._told.pop(order, float("inf"))
        ignoring = now < self._wait_until and not obeys
        self._wait_until = max(self._wait_until, now + wait_s)
        if order:
            self._told[order] = now + wait_s
            if len(self._told) > self._max_told:
                self._told.popitem(last=False)
        if not ignoring:
            return False
        rates = self._rates()
        if now - self._ignored_at > rates.strike_after_s:
            self._since = now
        self._ignored_at = now
        if now - self._since >= rates.strike_after_s:
            self._since = now + max(0.0, wait_s - rates.strike_after_s)
            within_s = rates.strikes_within_s
            self._strikes = [at for at in self._strikes if now - at < within_s]
            self._strikes.append(now)
        return len(self._strikes) >= rates.strikes


class Pace:
    """All rates of a server; with `on` false, nothing is ever too fast."""

    def __init__(self, *, on: bool, rates: Rates = DEFAULT_RATES) -> None:
        self.on = on
        self.rates = rates
        self._sends = Buckets(sends_of(rates))
        self._mistakes = Buckets(sends_of(rates))
        self._joins = Buckets(joins_of(rates))
        self._guests = Buckets(guests_of(rates))
        self._rooms = Buckets(rooms_of(rates))
        self._accounts = Buckets(accounts_of(rates))
        self._passwords = Buckets(joins_of(rates))
        self._bot_sends = Buckets(bot_sends_of(rates))

    def change(self, *, on: bool, rates: Rates) -> None:
        """Go by other rates from now on; what was taken stays taken."""
        self.on = on
        self.rates = rates
        self._sends.rate = self._mistakes.rate = sends_of(rates)
        self._joins.rate = self._passwords.rate = joins_of(rates)
        self._guests.rate = guests_of(rates)
        self._rooms.rate = rooms_of(rates)
        self._accounts.rate = accounts_of(rates)
        self._bot_sends.rate = bot_sends_of(rates)

    def send(self, user_id: int, now: float, *, granted: bool = False) -> int:
        """Return the delay of one more send of a user, in milliseconds.

        `granted`: the user is a bot that may send as fast as bots.
        """
        return self._sends_of(granted).take(user_id, now) if self.on else 0

    def send_was_retry(self, user_id: int, now: float, *, granted: bool = False) -> None:
        """Give back what a send took that turned out to be stored already."""
        if self.on:
            self._sends_of(granted).give_back(user_id, now)

    def mistake(self, user_id: int, now: float) -> int:
        """Return the delay of one more order that cannot be carried out, in milliseconds."""
        return self._mistakes.take(user_id, now) if self.on else 0

    def join(self, user_id: int, now: float) -> int:
        """Return the delay of one more room of a user, in milliseconds."""
        return self._joins.take(user_id, now) if self.on else 0

    def guest(self, network: str, now: float) -> int:
        """Return the delay of one more guest of an address, in milliseconds."""
        return self._guests.take(network, now) if self.on and network else 0

    def room(self, network: str, now: float) -> int:
        """Return the delay of one more room of an address, in milliseconds."""
        return self._rooms.take(network, now) if self.on and network else 0

    def account(self, network: str, now: float) -> int:
        """Return the delay of one more account registered from an address, in milliseconds."""
        return self._accounts.take(network, now) if self.on and network else 0

    def password(self, account: Hashable, network: str, now: float) -> int:
        """Return the delay of one more look at a password, right or wrong, in milliseconds.

        By account and address together: strangers use up nothing of its owner's.
        """
        return self._passwords.take((account, network), now) if self.on and network else 0

    def _sends_of(self, granted: bool) -> Buckets:
        return self._bot_sends if granted else self._sends
