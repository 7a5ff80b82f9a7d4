"""The settings of one server: rates, sizes, counts and times; see `table`."""

from collections.abc import Iterator

from chat_service.core.limits import REGISTRATION
from chat_service.settings.kinds import Choice, Count, Kind, Names, Number, Switch
from chat_service.settings.measures import DAY, HOUR, MINUTE, SECOND, YEAR, G, K, M, Size, Span
from chat_service.settings.networks import Networks
from chat_service.settings.setting import Group, Setting


def _rate(name: str, per: str, help_: str) -> Iterator[Setting]:
    field = f"limits.rates.{name}"
    yield Setting(
        f"rates.{name}_burst", Count(1, 100_000), f"{field}_burst", f"{help_} at once", live=True
    )
    yield Setting(
        f"rates.{name}_per_{per}",
        Number(0.001, 100_000),
        f"{field}_per_{per}",
        f"and so many each {per} after that",
        live=True,
    )


_RATES = (
    Setting(
        "rates.enabled",
        Switch(),
        "rate_limits",
        "whether rates are limited at all; sizes always are",
        flag="--no-rate-limits",
        flag_help="let everybody send as fast as they can; for benchmarks and private machines",
        live=True,
    ),
    *_rate("sends", "second", "messages of a user"),
    *_rate(
        "joins", "minute", "rooms that a user enters, and right or wrong passwords of an account"
    ),
    *_rate("guests", "minute", "new guests of an address"),
    *_rate("rooms", "hour", "rooms opened from an address"),
    *_rate("accounts", "hour", "accounts registered from an address"),
    *_rate("bot_sends", "second", "messages of a bot that was granted them"),
    Setting(
        "rates.strikes",
        Count(1, 1000),
        "limits.rates.strikes",
        "a sender who ignores so many refusals loses the stream",
        live=True,
    ),
    Setting(
        "rates.strikes_within",
        Span(SECOND, HOUR, SECOND),
        "limits.rates.strikes_within_s",
        "refusals that were ignored longer ago are forgotten",
        live=True,
    ),
    Setting(
        "rates.strike_after",
        Span(100, MINUTE, SECOND),
        "limits.rates.strike_after_s",
        "how long a refusal may be on its way; who sends on after that ignores it",
        live=True,
    ),
    Setting(
        "rates.reads_burst",
        Span(10, MINUTE, SECOND),
        "limits.rates.reads_burst_s",
        "time that lists and history are read at once for an address, or a user of an exempt one",
        live=True,
    ),
    Setting(
        "rates.reads_share",
        Number(0.001, 1),
        "limits.rates.reads_share",
        "and this part of the time after that, before it waits in line",
        live=True,
    ),
    Setting(
        "rates.reads_line_share",
        Number(0.01, 1),
        "limits.rates.reads_line_share",
        "the part of the time in which those in line are read for, one after the other",
        live=True,
    ),
)


def _login(name: str, kind: Kind, help_: str, field: str = "") -> Setting:
    return Setting(f"logins.{name}", kind, f"limits.logins.{field or name}", help_, live=True)


_LOGINS = (
    _login("account_failures", Count(1, 1000), "wrong passwords for an account without a delay"),
    _login(
        "first_delay",
        Span(100, HOUR, SECOND),
        "the delay after that, which each further failure doubles",
        "first_delay_s",
    ),
    _login(
        "longest_delay",
        Span(SECOND, HOUR, SECOND),
        "and never becomes longer",
        "longest_delay_s",
    ),
    _login(
        "forget",
        Span(HOUR, YEAR, SECOND),
        "an account for which no password was wrong for so long begins anew",
        "forget_s",
    ),
    _login(
        "address_failures",
        Count(1, 1000),
        "wrong passwords from an address, whatever the accounts",
    ),
    _login(
        "address_within",
        Span(SECOND, HOUR, SECOND),
        "within so long; then it waits until one of them is longer ago",
        "address_within_s",
    ),
)


def _password(name: str, kind: Kind, help_: str, field: str = "", live: bool = True) -> Setting:
    return Setting(f"passwords.{name}", kind, f"limits.passwords.{field or name}", help_, live=live)


_PASSWORDS = (
    _password("min_chars", Count(1, 64), "fewest characters of a new password"),
    _password("max_chars", Count(64, 1024), "most characters of a password"),
    _password(
        "memory",
        Size(M, 4 * G),
        "what one hash takes while it is made; more is harder to guess against",
        "memory_bytes",
    ),
    _password("passes", Count(1, 100), "how often it goes through that memory"),
    _password("lanes", Count(1, 64), "in how many parts the memory is; argon2's parallelism"),
    _password(
        "at_once",
        Count(0, 1024),
        "hashes that are made at the same time; 0: as many as there are cores",
        live=False,
    ),
    _password("waiting", Count(0, 100_000), "sign-ins that may wait for their hash"),
)


def _limit(name: str, kind: Kind, help_: str, field: str = "") -> Setting:
    return Setting(f"limits.{name}", kind, f"limits.core.{field or name}", help_, live=True)


_LIMITS = (
    _limit("text_bytes", Size(1, 32 * K), "longest text of a message"),
    _limit("text_lines", Count(1, 1000), "most lines of a text"),
    _limit("name_bytes", Count(4, 32), "longest name of a user"),
    _limit("room_name_bytes", Count(5, 64), "longest name of a room"),
    _limit("topic_bytes", Size(0, 4 * K), "longest topic of a room"),
    _limit("reason_bytes", Size(0, 4 * K), "longest reason of a kick, a ban, a deletion"),
    _limit("description_bytes", Size(0, 16 * K), "longest description of a room"),
    _limit("label_bytes", Size(1, K), "longest name of a session or an API token"),
    # Not less than by default: a retry of a message that is stored could not be known.
    _limit("client_id_bytes", Count(64, 256), "longest id that a client gives a message"),
    _limit("recipients", Count(1, 100), "most recipients of one direct message"),
    _limit("rooms_per_user", Count(1, 1000), "most rooms that a user is in, public and private"),
    _limit("directs_per_user", Count(1, 1000), "most direct messages that a user opened"),
    _limit("sessions_per_user", Count(1, 100_000), "most clients and API tokens of an account"),
    _limit("sessions_per_guest", Count(1, 100_000), "most clients of a guest at once"),
    _limit("reserved_names", Names(32), "names that no user can take"),
    _limit(
        "guest_grace",
        Span(SECOND, YEAR),
        "how long after the last stream or call of a guest the name is kept",
        "guest_grace_ms",
    ),
    _limit("bots_per_user", Count(0, 1000), "most bots of an account"),
    _limit("blocks_per_user", Count(1, 100_000), "most users that a user blocks"),
    _limit("bans_per_room", Count(1, 100_000), "most bans and mutes of a room"),
    _limit("bans_of_server", Count(1, 1_000_000), "most bans of the server"),
    _limit("invites", Count(1, 10_000), "most codes of a room, or of the server, at once"),
    _limit("invitations_per_user", Count(1, 10_000), "most rooms that a user is invited to"),
    _limit(
        "first_answer_life",
        Span(14 * DAY, 100 * YEAR),
        "how long a repeated message is known as such, at least, also when it is kept no more",
        "first_answer_ms",
    ),
)


_ACCOUNTS = (
    Setting(
        "accounts.registration",
        Choice(REGISTRATION),
        "limits.core.registration",
        "who may make an account: anybody, who has a code, or nobody",
        live=True,
    ),
    Setting(
        "accounts.guests",
        Switch(),
        "limits.core.guests",
        "whether people may come without an account",
        live=True,
    ),
    Setting(
        "accounts.token_life",
        Span(MINUTE, 10 * YEAR),
        "limits.core.account_token_ms",
        "who signed in with a password has to do it again after so long",
        live=True,
    ),
    Setting(
        "accounts.token_idle",
        Span(MINUTE, 10 * YEAR),
        "limits.core.account_idle_ms",
        "and after so long without being there",
        live=True,
    ),
)


def _connection(name: str, kind: Kind, help_: str, field: str = "") -> Setting:
    return Setting(f"connections.{name}", kind, f"limits.transport.{field or name}", help_)


_CONNECTIONS = (
    _connection("message_bytes", Size(16 * K, M), "largest request of a client"),
    _connection("streams", Count(4, 1000), "most calls of one connection at once"),
    _connection(
        "handshake_timeout",
        Span(SECOND, MINUTE),
        "a connection that does not speak gRPC by then is closed",
        "handshake_ms",
    ),
    Setting(
        "connections.hello_timeout",
        Span(100, 5 * MINUTE, SECOND),
        "limits.calls.hello_s",
        "a chat stream that says nothing by then is ended",
    ),
    _connection(
        "idle_timeout", Span(SECOND, DAY), "a connection without calls is closed", "idle_ms"
    ),
    _connection(
        "keepalive_time",
        Span(SECOND, HOUR),
        "a peer that is silent for so long is asked for a sign",
        "keepalive_ms",
    ),
    _connection(
        "keepalive_timeout",
        Span(SECOND, 5 * MINUTE),
        "and counts as gone without one",
        "keepalive_timeout_ms",
    ),
    _connection(
        "ping_timeout",
        Span(SECOND, 5 * MINUTE),
        "the same for a ping of HTTP/2; the longer of the two counts",
        "ping_timeout_ms",
    ),
    # The client asks every 30 s.
    _connection(
        "min_ping_interval",
        Span(SECOND, 25 * SECOND),
        "a client that asks for signs more often is cut",
        "min_ping_interval_ms",
    ),
)

_ADDRESSES = (
    Setting(
        "addresses.connections",
        Count(1, 100_000),
        "limits.addresses.connections",
        "most connections of an address that have calls open; IPv6 counts by /64",
        live=True,
    ),
    Setting(
        "addresses.calls",
        Count(1, 1_000_000),
        "limits.addresses.calls",
        "most calls of an address that are open at once, streams included",
        live=True,
    ),
    Setting(
        "addresses.exempt",
        Networks(),
        "limits.addresses.exempt",
        "networks without limits by address, of rates and sign-ins too",
        live=True,
    ),
    Setting(
        "addresses.proxies",
        Networks(),
        "limits.addresses.proxies",
        "networks of proxies that are trusted to say in x-forwarded-for whom they speak for",
        live=True,
    ),
)

_QUEUES = (
    # A quarter may be queued already when a page of history comes: 256 KiB of texts, one text
    # more, and 500 times what an event has beside it.
    Setting(
        "queues.reader_bytes",
        Size(768 * K, 64 * M),
        "limits.hub.queue_bytes",
        "a reader that is further behind is cut, and may resume",
    ),
    Setting(
        "queues.reader_age",
        Span(SECOND, 5 * MINUTE, SECOND),
        "limits.hub.queue_age_s",
        "the same by time; also a write that is blocked for so long",
    ),
    Setting(
        "queues.frame_bytes",
        Size(64 * K, M),
        "limits.hub.frame_bytes",
        "what waits for a reader is joined up to so much",
    ),
    Setting(
        "queues.unacked_of_stream",
        Count(1, 4096),
        "limits.calls.unacked_posts",
        "messages of a stream that may wait to be stored; with more it is not read",
    ),
    Setting(
        "queues.unacked",
        Count(1000, 1_000_000),
        "limits.unacked_posts",
        "orders of all that may wait to be stored; more are refused for a moment",
    ),
)

_RINGS = (
    Setting(
        "rings.events",
        Count(1, 1_000_000),
        "limits.hub.ring_events",
        "newest events of a room that are held in memory for those who come back",
    ),
    Setting("rings.bytes", Size(64 * K, G), "limits.hub.ring_bytes", "and their bytes, at most"),
    Setting("rings.total_bytes", Size(M, 64 * G), "limits.hub.rings_bytes", "of all rooms"),
)

_PAGES = (
    Setting(
        "pages.default",
        Count(1, 1000),
        "limits.calls.page_items",
        "items of a page where the client names no number",
    ),
    Setting("pages.largest", Count(1, 1000), "limits.calls.max_page_items", "most items of a page"),
    Setting(
        "pages.bytes",
        Size(64 * K, 2 * M),
        "limits.calls.page_bytes",
        "most bytes of texts in a page of history",
    ),
)

_PRESENCE = (
    Setting(
        "presence.grace",
        Span(0, HOUR, SECOND),
        "limits.hub.presence_grace_s",
        "a user whose connection dropped counts as present for so long",
    ),
)

_STOP = (
    Setting(
        "stop.drain",
        Span(SECOND, 5 * MINUTE, SECOND),
        "limits.drain_s",
        "a stop takes no longer: what is queued is sent, streams are ended, the log is closed",
        live=True,
    ),
)

FIGURES = (
    Group("rates", "How often. Who is too fast is told how long to wait.", _RATES),
    Group(
        "logins",
        "Wrong passwords. A network from which an account has signed in is not held up by others.",
        _LOGINS,
    ),
    Group(
        "passwords",
        "What is stored of passwords: argon2id. Hashes with less are made anew at a sign-in.",
        _PASSWORDS,
    ),
    Group("accounts", "Names with passwords.", _ACCOUNTS),
    Group("limits", "How large and how many.", _LIMITS),
    Group("connections", "What a connection may do, and how long it is waited for.", _CONNECTIONS),
    Group("addresses", "What all clients of one address may do together.", _ADDRESSES),
    Group("queues", "What waits.", _QUEUES),
    Group("rings", "What is held in memory.", _RINGS),
    Group("pages", "Lists.", _PAGES),
    Group("presence", "Who is there.", _PRESENCE),
    Group("stop", "The end.", _STOP),
)
