"""What chat programs of an afternoon speak: a name in the first line, then a line a message.

There is one room. A message comes back to its sender as to everybody else, and that is
the answer to it.
"""

from functools import partial

from bench.wires.lines import LineSender, LineSubscriber, LineSubscribers
from bench.wires.wire import Wire

WELCOME = b"welcome"


class PlainSubscriber(LineSubscriber):
    """Says its name; live when it is welcome."""

    def sign_in(self) -> None:
        """Say the name."""
        self.send(f"{self.name}\n".encode())

    def line(self, line: bytes) -> None:
        """Take a line of the server."""
        if line == WELCOME:
            self.live = True
        else:
            self.heard(line.partition(b": ")[2])


class PlainSender(LineSender):
    """Says its name, then something; a message of its own is the answer to it."""

    def sign_in(self) -> None:
        """Say the name."""
        self._mine = f"{self.name}: ".encode()
        self.send(f"{self.name}\n".encode())

    def encode(self, text: bytes) -> bytes:
        """Return a post of the text."""
        return text + b"\n"

    def line(self, line: bytes) -> None:
        """Take a line of the server."""
        if line == WELCOME:
            self.ready = True
        elif line.startswith(self._mine):
            self.acked += 1


WIRE = Wire("plain", partial(LineSubscribers, PlainSubscriber), PlainSender)
