"""The log of a process: what one line of it looks like, as text or as JSON.

    2026-11-20T13:50:48.123Z INFO 127.0.0.1:50051 a stream was opened session=s7 user=alice

    {"time": "2026-11-20T13:50:48.123Z", "level": "info", "source": "127.0.0.1:50051",
     "message": "a stream was opened", "session": "s7", "user": "alice"}        (on one line)

What a line is about travels as fields of the logging call, not as a part of the message:
`logger.info("a stream was opened", extra={"fields": {"session": "s7"}})`. Ids, names,
addresses and reasons are told; a token or the text of a message never is.

A line of text that begins with a time is a record, and a record is one such line: control
characters become symbols, and the lines of an exception are indented. JSON is ASCII, with
the exception as one string.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime

from chat_text.sanitize import sanitize

# Two libraries that tell of every call at debug level, and of nothing that helps.
_TALKATIVE = ("grpc", "asyncio")
_PLAIN = re.compile(r"[^\s\"=]+")
_INDENT = "    "


class TextFormatter(logging.Formatter):
    """Makes a line for people of a record, and indented ones of its exception."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines, without an end."""
        head = f"{_time(record)} {record.levelname} {self._source} {record.getMessage()}"
        told = [f"{name}={_shown(value)}" for name, value in _fields(record).items()]
        further = _exception(self, record).split("\n") if record.exc_info else []
        lines = [sanitize(" ".join([head, *told])), *(_INDENT + sanitize(line) for line in further)]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """Makes one line of JSON of a record."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        head: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "source": self._source,
            "message": record.getMessage(),
        }
        # Once more at the end: no field takes the place of these.
        line = head | _fields(record) | head
        if record.exc_info:
            line["exception"] = _exception(self, record)
        return json.dumps(line, default=str)


def configure_logging(level: str, source: str, log_format: str = "text") -> None:
    """Send the log of this process to stderr, in one of LOG_FORMATS; each line names `source`.

    Times are UTC. May be called again when something of it has changed.
    """
    formatter = (JsonFormatter if log_format == "json" else TextFormatter)(source)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(max(logging.INFO, logging.getLevelName(level.upper())))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return fields


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    assert record.exc_info
    return formatter.formatException(record.exc_info)


def _shown(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
