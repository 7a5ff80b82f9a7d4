"""What callers may do, and how long they are waited for. Pure.

Source of all defaults: the service's guarantees.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Of one call or stream."""

    # A Chat stream whose client says nothing is ended after so many seconds.
    hello_s: float = 10.0
    # Orders of a stream that may wait for their commit; a client is told of posts, but no
    # order may fill the log's line for others.
    unacked_posts: int = 256
    # Items of a page: where the caller names no number, and at most.
    page_items: int = 100
    max_page_items: int = 1000
    # Bytes of texts in a page of history.
    page_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Of one connection; times in milliseconds."""

    message_bytes: int = 64 * 1024
    streams: int = 32
    handshake_ms: int = 5_000
    idle_ms: int = 300_000
    # A silent peer is asked for a sign after this time, and is gone without one after the
    # longer of the two timeouts.
    keepalive_ms: int = 30_000
    keepalive_timeout_ms: int = 10_000
    ping_timeout_ms: int = 10_000
    # Peers may ask this often.
    min_ping_interval_ms: int = 15_000


@dataclass(frozen=True, slots=True)
class Rates:
    """How often: so many at once, then so many in each stretch of time."""

    # Of a user, who also makes mistakes (what is not there) no faster.
    sends_burst: int = 20
    sends_per_second: float = 5.0
    # Of a user: rooms entered, and their passwords set; of an account at an address: its
    # password looked at.
    joins_burst: int = 15
    joins_per_minute: float = 12.0
    # Of an address: users who sign in for the first time.
    guests_burst: int = 20
    guests_per_minute: float = 20.0
    # Of an address: rooms opened.
    rooms_burst: int = 10
    rooms_per_hour: float = 10.0
    # Of an address: accounts registered.
    accounts_burst: int = 5
    accounts_per_hour: float = 10.0
    # Of a bot that was granted them, instead of those of a user.
    bot_sends_burst: int = 100
    bot_sends_per_second: float = 50.0
    # A stream ends with this many strikes within so many seconds. A refusal is on its way
    # for `strike_after_s` at most; who sends on after that ignores it.
    strikes: int = 3
    strikes_within_s: float = 60.0
    strike_after_s: float = 1.0
    # Of who is counted under an address, or of a user of an exempt one: time that it is read
    # for at once, in seconds, and its part of the time after that.
    reads_burst_s: float = 0.25
    reads_share: float = 0.02
    # The part of the time in which all are read for that are over theirs: as for readers far
    # behind (see `hub/pages.py`), who read the same pages.
    reads_line_share: float = 0.25


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """How often a password may be wrong; times in seconds."""

    # For an account: so many, then a delay that doubles from the first to the longest.
    account_failures: int = 5
    first_delay_s: float = 1.0
    longest_delay_s: float = 900.0
    # A day of guessing at the longest delay has more tries than beginning anew each day.
    forget_s: float = 86_400.0
    # For an address, whatever the accounts.
    address_failures: int = 20
    address_within_s: float = 600.0


@dataclass(frozen=True, slots=True)
class PasswordLimits:
    """What a password may be, and what its hash costs: argon2id."""

    # In characters of the Unicode form NFC.
    min_chars: int = 8
    max_chars: int = 256
    # Of each hash while it is made.
    memory_bytes: int = 19 << 20
    passes: int = 2
    lanes: int = 1
    # Hashes made at the same time; 0: as many as there are cores.
    at_once: int = 0
    # Those that may wait for their turn.
    waiting: int = 64


@dataclass(frozen=True, slots=True)
class AddressLimits:
    """Of all callers of one address. Networks are in the form of `10.0.0.0/8`."""

    # Distinct peers that have calls open.
    connections: int = 128
    # Open at once on all of them: each may be a stream that is owed up to 1 MiB.
    calls: int = 512
    # Whose callers have no limits by address: by default who is on the machine, which they share.
    exempt: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    # Whose callers are proxies, which say whom they speak for.
    proxies: tuple[str, ...] = ()


DEFAULT_CALLS = CallLimits()
DEFAULT_TRANSPORT = TransportLimits()
DEFAULT_RATES = Rates()
DEFAULT_ADDRESSES = AddressLimits()
DEFAULT_LOGINS = LoginLimits()
DEFAULT_PASSWORDS = PasswordLimits()
