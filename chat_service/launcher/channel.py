"""Lines both ways between the launcher and a child, on a socket that never holds up the loop."""

import logging
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress

from chat_service.launcher.outbox import Outbox

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 64 * 1024
"""Longer than any line, so that a process gone wild fills no memory here."""


class Channel:
    """The launcher's end of a socket. `selector`'s data is what to call when it is ready.

    `heard` gets each line, without its end; `gone` is called once, when the other end is
    closed, after which this one is closed too.
    """

    def __init__(
        self,
        connection: socket.socket,
        selector: selectors.BaseSelector,
        *,
        heard: Callable[[bytes], None],
        gone: Callable[[], None],
    ) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._selector = selector
        self._heard = heard
        self._gone = gone
        self.outbox = Outbox()
        self._unread = b""
        # Whether the present line is too long to be one.
        self._wild = False
        # A piece of the outbox that is on its way.
        self._unsent = b""
        self._ending = self._ended = False
        selector.register(connection, selectors.EVENT_READ, self._ready)

    def flush(self) -> None:
        """Send what is in the outbox as far as the other side takes it, the rest later."""
        try:
            while not self._ended and (self._unsent or self.outbox):
                self._unsent = self._unsent or self.outbox.take()
                self._unsent = self._unsent[self._connection.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            # It is gone, which reading tells.
            self._unsent = b""
            self._ended = True
        if self._ending and not self._unsent and not self.outbox:
            self.end_now()
        self._watch()

    def end(self) -> None:
        """Let the file of the other side end after all that waits."""
        self._ending = True
        self.flush()

    def end_now(self) -> None:
        """Let the file of the other side end, whatever waits."""
        self._ended = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of the socket."""
        if self._connection.fileno() >= 0:
            self._selector.unregister(self._connection)
            self._connection.close()

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_READ:
            self._read()
        if self._connection.fileno() >= 0:
            self.flush()

    def _read(self) -> None:
        try:
            received = self._connection.recv(MAX_LINE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.close()
            self._gone()
            return
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            if not self._wild:
                self._heard(line)
            self._wild = False
        if self._wild:
            self._unread = b""
        elif len(self._unread) > MAX_LINE_BYTES:
            self._unread, self._wild = b"", True
            log.warning("a process said a line of more than %d bytes", MAX_LINE_BYTES)

    def _watch(self) -> None:
        if self._connection.fileno() < 0:
            return
        waits = bool(self._unsent or self.outbox) and not self._ended
        hears = not (waits and self.outbox.crowded)
        events = selectors.EVENT_WRITE * waits | selectors.EVENT_READ * hears
        self._selector.modify(self._connection, events, self._ready)
