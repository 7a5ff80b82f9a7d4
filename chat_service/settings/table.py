"""The settings: one table, from which flags, help, checks and documentation are made.

A default is that of the field that the setting fills; what it comes from stands there.
Bounds are such that no value alone breaks what the server promises; what two values must
have in common is in `checks`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

import platformdirs

from chat_service.config import (
    LOG_FORMATS,
    LOG_LEVELS,
    MAX_INSTANCES,
    MAX_PORT,
    LaunchConfig,
    Transcripts,
)
from chat_service.settings.kinds import (
    Address,
    Choice,
    Count,
    Directory,
    Kind,
    Names,
    Number,
    Size,
    Span,
    Switch,
    Value,
)

PREFIX = "CHAT_SERVER_"
CONFIG_NAME = f"{PREFIX}CONFIG"
"""The environment's name for --config."""

K, M, G = 1 << 10, 1 << 20, 1 << 30
SECOND = 1000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
YEAR = 365 * DAY


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table."""

    # As in the file: `limits.text_bytes` is `text_bytes` of the table `[limits]`.
    key: str
    kind: Kind
    # Where it goes in a LaunchConfig.
    field: str
    # One sentence, without its full stop.
    help: str
    # With hyphens; that of a Switch is for the contrary of the default.
    flag: str = ""
    # What --help says of it, where that is not `help`.
    flag_help: str = ""
    # Whether a reload applies it to servers that run.
    live: bool = False
    # What it means to have no value, where that can be.
    unset: str = ""
    # What is told of the default, where that is not the value itself.
    default_words: str = ""

    @property
    def environment(self) -> str:
        """The name of the environment's variable."""
        return PREFIX + self.key.replace(".", "_").upper()

    @property
    def default(self) -> Value:
        """The value where nobody gave one."""
        return self.of(defaults())

    def of(self, config: LaunchConfig) -> Value:
        """Return the value that a configuration has."""
        value: Value = _field(config, self.field)
        return value


@dataclass(frozen=True, slots=True)
class Group:
    """The settings of one table of the file; the first has no name."""

    name: str
    about: str
    settings: tuple[Setting, ...]


@cache
def defaults() -> LaunchConfig:
    """Return what is done where nobody asked for anything."""
    directory = platformdirs.user_data_path("durable-chat", appauthor=False)
    return LaunchConfig("127.0.0.1", 50051, 1, directory)


# Any: fields of several dataclasses by name.
def _field(config: LaunchConfig, path: str) -> Any:
    first, *rest = path.split(".")
    found: Any = getattr(config, first)
    if found is None and rest:
        found = Transcripts(None) if first == "transcripts" else None  # type: ignore[arg-type] # its sizes are asked for
    return reduce(lambda part, name: None if part is None else getattr(part, name), rest, found)


_SERVE = (
    Setting(
        "host",
        Address(),
        "host",
        "the IP address to listen on; one that other machines can reach needs `insecure`",
        flag="--host",
    ),
    Setting(
        "port",
        Count(0, MAX_PORT),
        "port",
        "the first server's port, the next ones follow; 0: any free ports",
        flag="--port",
    ),
    Setting(
        "instances",
        Count(1, MAX_INSTANCES),
        "instances",
        "how many independent servers",
        flag="--instances",
    ),
    Setting(
        "data_dir",
        Directory(),
        "data_dir",
        "where the servers keep their data, each in DIR/PORT",
        flag="--data-dir",
        default_words="the platform's directory for data, `~/.local/share/durable-chat` on Linux",
    ),
    Setting(
        "insecure",
        Switch(),
        "insecure",
        "let other machines reach servers that encrypt nothing",
        flag="--insecure",
    ),
    Setting(
        "console",
        Switch(),
        "console",
        "show the console where there is a terminal",
        flag="--no-console",
        flag_help="plain lines instead of the console, also on a terminal",
    ),
)

_LOG = (
    Setting(
        "log.level",
        Choice(LOG_LEVELS),
        "log_level",
        "what is told in the log, from everything to errors alone",
        flag="--log-level",
        live=True,
    ),
    Setting(
        "log.format",
        Choice(LOG_FORMATS),
        "log_format",
        "how it is told: lines of text, or objects of JSON",
        flag="--log-format",
    ),
)

_STATS = (
    Setting(
        "stats.interval",
        Span(SECOND, 5 * MINUTE, SECOND, bare=True),
        "stats_interval_s",
        "how often the servers are looked at; a number alone counts seconds",
        flag="--stats-interval",
        live=True,
    ),
)

_TRANSCRIPTS = (
    Setting(
        "transcripts.directory",
        Directory(),
        "transcripts.directory",
        "write each public room to a text file as people talk, in DIR/PORT",
        flag="--transcripts",
        unset="none are written",
    ),
    Setting(
        "transcripts.rotate_size",
        Size(4 * K, 16 * G),
        "transcripts.rotate_bytes",
        "a new file begins when the present one has so many bytes",
        flag="--transcripts-rotate-size",
        live=True,
    ),
    Setting(
        "transcripts.rotate_age",
        Span(MINUTE, 10 * YEAR, SECOND, whole=True),
        "transcripts.rotate_age_s",
        "a new file begins when the present one began so long ago",
        flag="--transcripts-rotate-age",
        live=True,
    ),
    Setting(
        "transcripts.keep_files",
        Count(0, 100_000),
        "transcripts.keep_files",
        "how many files of a room are kept beside the present one; 0: all",
        flag="--transcripts-keep",
        live=True,
    ),
)

_METRICS = (
    Setting(
        "metrics.port",
        Count(0, MAX_PORT),
        "metrics_port",
        "answer Prometheus and health checks over HTTP on this port; 0: the system chooses",
        flag="--metrics-port",
        live=True,
        unset="nowhere",
    ),
    Setting(
        "metrics.host",
        Address(),
        "metrics_host",
        "the IP address of that port; one that other machines can reach needs `insecure`",
        flag="--metrics-host",
        live=True,
    ),
)

_DISK = (
    Setting(
        "disk.reserve",
        Size(0, 1 << 50),
        "disk_reserve",
        "how much of the disk posts leave free, so that people can still sign in and out when "
        "it is full",
        flag="--disk-reserve",
        live=True,
        unset="64M or 2 % of the disk, the smaller",
    ),
)

AGE = Span(SECOND, 1000 * YEAR)
MESSAGES = Count(1, 10**12)

_RETENTION = (
    Setting(
        "retention.max_age",
        AGE,
        "retention.default.max_age_ms",
        "messages that are older are let go of",
        live=True,
        unset="for ever",
    ),
    Setting(
        "retention.max_messages",
        MESSAGES,
        "retention.default.max_messages",
        "so many messages of a room are kept, the newest; a change of topic counts as one",
        live=True,
        unset="all",
    ),
    Setting(
        "retention.direct.max_age",
        AGE,
        "retention.direct.max_age_ms",
        "the same for direct messages; with a table of their own they go by that alone",
        live=True,
        unset="as rooms",
    ),
    Setting(
        "retention.direct.max_messages",
        MESSAGES,
        "retention.direct.max_messages",
        "the same for direct messages",
        live=True,
        unset="as rooms",
    ),
)


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
    *_rate("joins", "minute", "rooms that a user enters"),
    *_rate("guests", "minute", "new guests of an address"),
    *_rate("rooms", "hour", "rooms opened from an address"),
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
)


def _limit(name: str, kind: Kind, help_: str, field: str = "") -> Setting:
    return Setting(f"limits.{name}", kind, f"limits.core.{field or name}", help_, live=True)


_LIMITS = (
    _limit("text_bytes", Size(1, 32 * K), "longest text of a message"),
    _limit("text_lines", Count(1, 1000), "most lines of a text"),
    _limit("name_bytes", Count(4, 32), "longest name of a user"),
    _limit("room_name_bytes", Count(5, 64), "longest name of a room"),
    _limit("topic_bytes", Size(0, 4 * K), "longest topic of a room"),
    # Not less than by default: a retry of a message that is stored could not be known.
    _limit("client_id_bytes", Count(64, 256), "longest id that a client gives a message"),
    _limit("recipients", Count(1, 100), "most recipients of one direct message"),
    _limit("rooms_per_user", Count(1, 1000), "most public rooms that a user is in"),
    _limit("directs_per_user", Count(1, 1000), "most direct messages that a user opened"),
    _limit("sessions_per_user", Count(1, 100_000), "most clients of a user at once"),
    _limit("reserved_names", Names(32), "names that no user can take"),
    _limit(
        "guest_grace",
        Span(SECOND, YEAR),
        "how long after the last stream or call of a guest the name is kept",
        "guest_grace_ms",
    ),
    _limit(
        "first_answer_life",
        Span(14 * DAY, 100 * YEAR),
        "how long a repeated message is known as such, at least, also when it is kept no more",
        "first_answer_ms",
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

GROUPS = (
    Group("", "What is started, and where.", _SERVE),
    Group("log", "What the servers tell about themselves.", _LOG),
    Group("stats", "The figures of the console, of the log and of `chat-admin`.", _STATS),
    Group("transcripts", "Public rooms as plain text.", _TRANSCRIPTS),
    Group("metrics", "Prometheus.", _METRICS),
    Group("disk", "What is kept back for the day when the disk is full.", _DISK),
    Group("retention", "How much rooms keep. A room may have a table of its own.", _RETENTION),
    Group("rates", "How often. Who is too fast is told how long to wait.", _RATES),
    Group("limits", "How large and how many.", _LIMITS),
    Group("connections", "What a connection may do, and how long it is waited for.", _CONNECTIONS),
    Group("queues", "What waits.", _QUEUES),
    Group("rings", "What is held in memory.", _RINGS),
    Group("pages", "Lists.", _PAGES),
    Group("presence", "Who is there.", _PRESENCE),
    Group("stop", "The end.", _STOP),
)

SETTINGS: dict[str, Setting] = {
    setting.key: setting for group in GROUPS for setting in group.settings
}
"""Each setting by its key."""
