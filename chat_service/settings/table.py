"""The settings: one table, from which flags, help, checks and documentation are made.

A default is that of the field that the setting fills; what it comes from stands there.
Bounds are such that no value alone breaks what the server promises; what two values must
have in common is in `checks`.
"""

from chat_service.config import LOG_FORMATS, LOG_LEVELS, MAX_INSTANCES, MAX_PORT
from chat_service.settings.figures import FIGURES
from chat_service.settings.kinds import Address, Choice, Count, Directory, File, Hosts, Switch
from chat_service.settings.measures import MINUTE, SECOND, YEAR, G, K, Size, Span
from chat_service.settings.setting import Group, Setting

_SERVE = (
    Setting(
        "host",
        Address(),
        "host",
        "the IP address to listen on; one that other machines can reach is encrypted",
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
        "let other machines reach servers and metrics in plain text",
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

_TLS = (
    Setting(
        "tls.cert",
        File(),
        "tls.cert",
        "the certificate that clients are shown, in PEM, with those that vouch for it behind it; "
        "read again at each reload",
        flag="--tls-cert",
        unset="one is made where `host` needs it",
    ),
    Setting(
        "tls.key",
        File(),
        "tls.key",
        "its key, in PEM without a password",
        flag="--tls-key",
        unset="that of the one that is made",
    ),
    Setting(
        "tls.names",
        Hosts(),
        "tls.names",
        "names of this machine that the certificate has when one is made, beside `host`, "
        "`localhost` and what the machine calls itself",
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

GROUPS = (
    Group("", "What is started, and where.", _SERVE),
    Group("tls", "Encryption: of all that other machines can reach, or that has a `cert`.", _TLS),
    Group("log", "What the servers tell about themselves.", _LOG),
    Group("stats", "The figures of the console, of the log and of `chat-admin`.", _STATS),
    Group("transcripts", "Public rooms as plain text.", _TRANSCRIPTS),
    Group("metrics", "Prometheus.", _METRICS),
    Group("disk", "What is kept back for the day when the disk is full.", _DISK),
    Group("retention", "How much rooms keep. A room may have a table of its own.", _RETENTION),
    *FIGURES,
)

SETTINGS: dict[str, Setting] = {
    setting.key: setting for group in GROUPS for setting in group.settings
}
"""Each setting by its key."""
