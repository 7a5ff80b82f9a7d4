"""IRC, as far as a load needs it: RFC 1459 and 2812.

Senders do not join the channel, which must let outsiders speak, so that they get nothing
but the answers to their PINGs. A server answers a PING when it has handed on all that the
same client said before.
"""

from functools import partial

from bench.rpc import CallError
from bench.wires.lines import LineSender, LineSubscriber, LineSubscribers
from bench.wires.wire import Wire

WELCOME = b"001"
NAMES = b"353"
END_OF_NAMES = b"366"
NO_MOTD = b"422"


def registration(name: str) -> bytes:
    """Return what a client says first."""
    return f"NICK {name}\r\nUSER {name} 0 * :load\r\n".encode()


def is_refusal(command: bytes) -> bool:
    """Tell whether a reply is an error: a numeric from 400 on, except the missing MOTD."""
    return command == b"ERROR" or (
        command.isdigit() and b"400" <= command < b"600" and command != NO_MOTD
    )


class IrcSubscriber(LineSubscriber):
    """Joins the channel as soon as it is welcome, and counts who is there."""

    def sign_in(self) -> None:
        """Register."""
        self.present: int = 0
        self.send(registration(self.name))

    def line(self, line: bytes) -> None:
        """Take a message of the server."""
        if line.startswith(b":"):
            _, command, rest = line.split(b" ", 2)
        else:
            command, _, rest = line.partition(b" ")
        if command == b"PRIVMSG":
            self.heard(rest.partition(b" :")[2])
        elif command == b"PING":
            self.send(b"PONG " + rest + b"\r\n")
        elif command == WELCOME:
            self.send(f"JOIN #{self.room}\r\n".encode())
        elif command == NAMES:
            self.present += len(rest.partition(b" :")[2].split())
        elif command == END_OF_NAMES:
            self.live = True
        elif command == b"JOIN":
            # Its own comes before the names, which include it.
            self.present += self.live
        elif is_refusal(command):
            self.tally.ended(line.decode(errors="replace"))


class IrcSender(LineSender):
    """Speaks to the channel from outside."""

    QUESTION = b"PING :load\r\n"

    def sign_in(self) -> None:
        """Register."""
        self._target = f"PRIVMSG #{self.room} :".encode()
        self.send(registration(self.name))

    def encode(self, text: bytes) -> bytes:
        """Return a post of the text."""
        return self._target + text + b"\r\n"

    def line(self, line: bytes) -> None:
        """Take a message of the server."""
        command = line.split(b" ", 2)[1 if line.startswith(b":") else 0]
        if command == b"PONG":
            self.answered()
        elif command == b"PING":
            self.send(b"PONG" + line.partition(b"PING")[2] + b"\r\n")
        elif command == WELCOME:
            self.ready = True
        elif is_refusal(command):
            raise CallError(f"a sender was refused: {line.decode(errors='replace')}")


WIRE = Wire("irc", partial(LineSubscribers, IrcSubscriber), IrcSender)
