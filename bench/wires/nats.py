"""The client protocol of NATS, as far as a load needs it.

A server hands on what each client published in its order, but mixes what several clients
published differently for each subscriber. So subscribers have as many bytes as each other,
not the same ones.
"""

from functools import partial

from bench.rpc import CallError
from bench.texts import TEXT_BYTES
from bench.wires.lines import LineSender, LineSubscriber, LineSubscribers
from bench.wires.wire import Wire

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\nPING\r\n'


class NatsSubscriber(LineSubscriber):
    """Subscribes to the room as a subject; live when the PING after that is answered."""

    IN_ONE_ORDER = False

    def sign_in(self) -> None:
        """Connect and subscribe."""
        self._in_message = False
        self.send(CONNECT.replace(b"PING", f"SUB {self.room} 1\r\nPING".encode()))

    def line(self, line: bytes) -> None:
        """Take a line of the server, or the text that follows the line of a message."""
        if self._in_message:
            self._in_message = False
            self.heard(line)
        elif line.startswith(b"MSG "):
            self._in_message = True
        elif line == b"PING":
            self.send(b"PONG\r\n")
        elif line == b"PONG":
            self.live = True
        elif line.startswith(b"-ERR"):
            self.tally.ended(line.decode())


class NatsSender(LineSender):
    """Publishes to the room's subject."""

    QUESTION = b"PING\r\n"

    def sign_in(self) -> None:
        """Connect."""
        self._command = f"PUB {self.room} {TEXT_BYTES}\r\n".encode()
        self.send(CONNECT)

    def encode(self, text: bytes) -> bytes:
        """Return a post of the text."""
        return self._command + text + b"\r\n"

    def line(self, line: bytes) -> None:
        """Take a line of the server."""
        if line == b"PONG":
            if self.ready:
                self.answered()
            self.ready = True
        elif line == b"PING":
            self.send(b"PONG\r\n")
        elif line.startswith(b"-ERR"):
            raise CallError(f"a sender was refused: {line.decode()}")


WIRE = Wire("nats", partial(LineSubscribers, NatsSubscriber), NatsSender)
