"""Lines of the log while there is a console: from every process to file, screen and console.

Whoever has the terminal must not have lines of others written over it. So the standard error
of each process is a pipe to the launcher, which passes whole lines on: to `chat-server.log`,
to the console, and, while no console has the terminal, to the launcher's own standard error.
File and standard error are written by a thread each: a disk that is slow or full, or a terminal
that stands still, costs lines, no more.
"""

import logging
import os
import queue
import selectors
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import TextIOBase, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from chat_service.link import LogLine

FILE_BYTES = 8 << 20
"""When a file is full, and a new one begins."""

FULL_FILES = 2
"""Full files that are kept beside the present one."""

MAX_UNWRITTEN = 10_000
"""Lines that wait for the disk, or for the terminal; more are lost to it."""

MAX_LINE_BYTES = 16 * 1024
"""Longer lines are told in parts."""

STDERR = 2

RECENT_LINES = 500
"""What a console is told at its beginning."""

CLOSE_SECONDS = 1.0
"""How long the disk, or the terminal, may take for the last lines."""


Output = Callable[[int], AbstractContextManager[int]]
"""Gives, for an instance (0: the admin process), the descriptor that it writes lines to."""


@contextmanager
def inherited(_number: int) -> Iterator[int]:
    """Let a process write to the launcher's own standard error."""
    yield STDERR


class Journal:
    """All lines, each with the number of its instance (0: the launcher or the admin process)."""

    def __init__(self, file: "LogFile", screen: Callable[[str], None]) -> None:
        self._file = file
        self._screen = screen
        # Whether the screen shows lines: until a console has it.
        self.on_screen = True
        self.recent: deque[LogLine] = deque(maxlen=RECENT_LINES)
        # Gets each line, while there is a console.
        self.listener: Callable[[LogLine], None] | None = None

    def add(self, number: int, line: str) -> None:
        """Pass a line on, which has no end."""
        self._file.write(line)
        if self.on_screen:
            self._screen(line)
        logged = LogLine(number, line)
        self.recent.append(logged)
        if self.listener:
            self.listener(logged)

    def stream(self) -> TextIOBase:
        """Return what the launcher's own log can be written to."""
        return _OwnLines(self)

    def output(self, selector: selectors.BaseSelector) -> Output:
        """Return what gives each process a pipe, which the loop of `selector` reads."""

        @contextmanager
        def pipe(number: int) -> Iterator[int]:
            reader, writer = os.pipe()
            _Pipe(reader, selector, lambda line: self.add(number, line))
            try:
                yield writer
            finally:
                os.close(writer)

        return pipe

    def close(self) -> None:
        """Write what waits, if the disk takes it soon."""
        self._file.close()


class _OwnLines(TextIOBase):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def write(self, text: str, /) -> int:
        for line in text.splitlines():
            self._journal.add(0, line)
        return len(text)


class _Pipe:
    """The reading end of a pipe, until its last writer is gone."""

    def __init__(
        self, reader: int, selector: selectors.BaseSelector, add: Callable[[str], None]
    ) -> None:
        os.set_blocking(reader, False)
        self._reader = reader
        self._selector = selector
        self._add = add
        self._unread = b""
        selector.register(reader, selectors.EVENT_READ, self._read)

    def _read(self, _events: int) -> None:
        try:
            received = os.read(self._reader, 64 * 1024)
        except BlockingIOError:
            return
        if not received:
            self._selector.unregister(self._reader)
            os.close(self._reader)
        *lines, self._unread = (self._unread + received).split(b"\n")
        if self._unread and (not received or len(self._unread) > MAX_LINE_BYTES):
            lines.append(self._unread)
            self._unread = b""
        for line in lines:
            for start in range(0, max(1, len(line)), MAX_LINE_BYTES):
                part = line[start : start + MAX_LINE_BYTES]
                self._add(part.decode("utf-8", "backslashreplace"))


class _Lines:
    """Lines that a thread puts where they belong; writing never waits and never fails."""

    def __init__(self, name: str) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_UNWRITTEN)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Have a line written soon."""
        with suppress(queue.Full):
            self._lines.put_nowait(line)

    def close(self) -> None:
        """Let the last lines be written within CLOSE_SECONDS."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=CLOSE_SECONDS)
        self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            self._put(line)

    def _put(self, line: str) -> None:
        raise NotImplementedError


class LogFile(_Lines):
    """A file of lines, and the full ones before it."""

    def __init__(self, path: Path, max_bytes: int = FILE_BYTES) -> None:
        self._handler = _File(path, max_bytes)
        super().__init__("log file")

    def _work(self) -> None:
        super()._work()
        self._handler.close()

    def _put(self, line: str) -> None:
        self._handler.emit(logging.makeLogRecord({"msg": line}))


class ScreenLines(_Lines):
    """Standard error, or another descriptor, as long as somebody reads it."""

    def __init__(self, descriptor: int = STDERR) -> None:
        self._descriptor = descriptor
        # Whether a line that has waited may still be shown: not where a console has begun.
        self.wanted: Callable[[], bool] = lambda: True
        super().__init__("screen")

    def _put(self, line: str) -> None:
        if not self.wanted():
            return
        # Not by `sys.stderr`, whose lock a thread that hangs would keep from the interpreter's
        # end.
        octets = f"{line}\n".encode(errors="backslashreplace")
        with suppress(OSError):
            while octets:
                octets = octets[os.write(self._descriptor, octets) :]


class _File(RotatingFileHandler):
    def __init__(self, path: Path, max_bytes: int) -> None:
        super().__init__(
            path,
            maxBytes=max_bytes,
            backupCount=FULL_FILES,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )

    def _open(self) -> TextIOWrapper:
        # Names are in it: for the owner alone.
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802  # as its base
        # The line is lost; the next one tries anew, from opening the file on.
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()


def show(line: str) -> None:
    """Write a line to standard error, as long as somebody reads it."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
