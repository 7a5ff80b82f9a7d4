"""What waits to be said to another process, which may be slow or hang. Pure.

Bounded, and nothing that matters is lost: of what is said again and again only the newest
waits, lines of the log are left out with their number told, and what remains are answers,
of which there are no more than questions: while `crowded` no further one should be heard.
"""

from collections.abc import Hashable

from chat_service.link import LogLine, encode

MAX_LOG_LINES = 1000
"""Lines of the log that wait; a console shows fewer."""

MAX_ANSWERS = 1000
"""Answers that wait; nobody has so many questions who reads."""

PIECE_BYTES = 64 * 1024
"""About how much is taken at once."""


class Outbox:
    """Lines in the order in which they are to be said."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, bytes] = {}
        self._count = 0
        self._log_lines = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._lines)

    @property
    def crowded(self) -> bool:
        """Whether more waits than a healthy reader leaves."""
        return len(self._lines) - self._log_lines >= MAX_ANSWERS

    def put(self, line: bytes) -> None:
        """Say this."""
        self._count += 1
        self._lines[self._count] = line

    def put_latest(self, topic: str, line: bytes) -> None:
        """Say this in place of what waits about the same topic."""
        self._lines[topic] = line

    def put_log(self, line: LogLine) -> None:
        """Say this line of the log, if there is room."""
        if self._log_lines >= MAX_LOG_LINES:
            self._dropped += 1
            return
        self._tell_dropped()
        self._log(line)

    def take(self) -> bytes:
        """Take what is to be said next: some lines, or nothing."""
        taken = bytearray()
        while self._lines and len(taken) < PIECE_BYTES:
            key = next(iter(self._lines))
            taken += self._lines.pop(key)
            self._log_lines -= isinstance(key, tuple)
        if not self._lines:
            self._tell_dropped()
        return bytes(taken)

    def _log(self, line: LogLine) -> None:
        self._count += 1
        self._lines["log", self._count] = encode(line)
        self._log_lines += 1

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._log(LogLine(0, f"{self._dropped} lines of the log were left out here"))
            self._dropped = 0
