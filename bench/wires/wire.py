"""What the processes of readers and senders need of a wire."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bench.wires.tally import Tally


class Connection(Protocol):
    """A connected socket that a selector watches."""

    is_open: bool

    def fileno(self) -> int:
        """Return the socket's number."""
        ...

    def read(self) -> None:
        """Take in what has arrived, at least something."""
        ...

    def close(self) -> None:
        """Close the socket."""
        ...


@dataclass(frozen=True, slots=True)
class ReadersConfig:
    """What a process of readers is told."""

    address: str
    # The wire's name.
    wire: str
    room: str
    # Begins the name of each subscriber.
    prefix: str
    count: int
    # Sign-ins that may be under way at once.
    at_once: int
    # Streams that share a connection, on a wire where they can; a server may allow 32.
    streams: int
    # Every so manyth subscriber is a witness; the first always is.
    witness_every: int


@dataclass(frozen=True, slots=True)
class SendersConfig:
    """What a process of senders is told."""

    address: str
    # The wire's name.
    wire: str
    room: str
    # Begins the name of each sender; one digit follows.
    prefix: str
    count: int


class Subscriber(Protocol):
    """One client that listens to the room, from its connecting on."""

    tally: Tally
    # Whether it gets all that is said from now on.
    live: bool
    # How many the room has, by what it was told last; None where servers do not tell.
    present: int | None

    def count(self) -> bool:
        """Begin to count from here; False in the middle of a message."""
        ...


class Subscribers(Protocol):
    """Opens the subscribers of a process, one after the other."""

    def open(self, index: int, *, is_witness: bool) -> Subscriber:
        """Begin to sign in; the subscriber is live some time later."""
        ...


class Sender(Protocol):
    """One client that posts. Making it signs it in, and waits for that."""

    @property
    def connection(self) -> Connection:
        """The connection to be watched."""
        ...

    sent: int
    acked: int
    refused: int

    @property
    def unanswered(self) -> int:
        """How many posts wait for their answer."""
        ...

    def post(self, most: int, due_ns: int) -> int:
        """Post up to `most` messages, as many as there is room for; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """One protocol between the load and a kind of server."""

    name: str
    # Makes the subscribers of a process. They share the scratch buffer, and hand on each
    # connection that is to be watched.
    subscribers: Callable[
        [ReadersConfig, memoryview, Callable[[Connection], None]],
        Subscribers,
    ]
    # Makes one sender: address, name, room. Raises CallError where it is refused.
    sender: Callable[[str, str, str], Sender]
