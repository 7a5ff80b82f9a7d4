"""What wires of lines have in common: each client has its socket, and reads lines or bytes.

A subscriber reads lines until it counts; then it counts the bytes as they come, and only
a witness goes on reading.
"""

import socket
import time
from collections import deque
from collections.abc import Callable

from bench.rpc import RECEIVE_BYTES, CallError
from bench.texts import OrderError, Texts, Witness
from bench.wires.tally import Tally
from bench.wires.wire import Connection, ReadersConfig

SIGN_IN_S = 30.0


class LineSocket:
    """A connection whose server speaks in lines. Read it when a selector says so."""

    def __init__(self, address: str, buffer: memoryview, *, timeout_s: float | None = None) -> None:
        """Connect; `buffer` is scratch space that sockets of one thread may share."""
        host, _, port = address.rpartition(":")
        self.is_open = True
        self.rest = b""
        self._buffer = buffer
        self._socket = socket.create_connection((host, int(port)), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """Return the socket's number, for selectors."""
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        """Send what fits the buffers of the system."""
        try:
            self._socket.sendall(data)
        except ConnectionError as error:
            self.lost(str(error))

    def read(self) -> None:
        """Take in what has arrived, at least something."""
        try:
            size = self._socket.recv_into(self._buffer)
        except ConnectionError as error:
            self.lost(str(error))
            return
        if not size:
            self.lost("the server closed the connection")
            return
        self.take(self._buffer[:size])

    def take(self, piece: memoryview) -> None:
        """Cut what has come into lines."""
        *lines, self.rest = (self.rest + piece).split(b"\n")
        for line in lines:
            self.line(line.removesuffix(b"\r"))

    def line(self, line: bytes) -> None:
        """Take a line, without its end."""
        raise NotImplementedError

    def lost(self, how: str) -> None:
        """Learn that nothing more comes, and why."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the socket."""
        self.is_open = False
        self._socket.close()


class LineSubscriber(LineSocket):
    """One subscriber on a connection of its own."""

    # Whether every subscriber gets the messages of several senders in the same order.
    IN_ONE_ORDER = True

    def __init__(
        self, address: str, buffer: memoryview, name: str, room: str, *, is_witness: bool
    ) -> None:
        super().__init__(address, buffer)
        self.tally = Tally(is_witness=is_witness)
        self.live = False
        self.present: int | None = None
        self.name = name
        self.room = room
        self._witness = Witness()
        self.sign_in()

    def sign_in(self) -> None:
        """Send what asks the server for the room."""
        raise NotImplementedError

    def count(self) -> bool:
        """Begin to count from here; False in the middle of a line."""
        if not self.rest:
            self.tally.begin()
        return not self.rest

    def take(self, piece: memoryview) -> None:
        """Count the bytes; read the lines if that is still wanted."""
        tally = self.tally
        if tally.counting:
            if self.IN_ONE_ORDER:
                tally.piece(piece)
            else:
                tally.size += len(piece)
            if not tally.is_witness:
                return
        super().take(piece)

    def heard(self, text: bytes) -> None:
        """Note a message."""
        tally = self.tally
        tally.events += 1
        try:
            due_ns = self._witness.due_ns(text)
        except OrderError as error:
            tally.ended(str(error))
            return
        if tally.counting:
            tally.delays_us.append((time.monotonic_ns() - due_ns) // 1000)

    def lost(self, how: str) -> None:
        """Note that the subscriber is cut off."""
        self.is_open = False
        self.tally.ended(how)


class LineSubscribers:
    """Opens subscribers of one kind."""

    def __init__(
        self,
        kind: type[LineSubscriber],
        config: ReadersConfig,
        buffer: memoryview,
        watch: Callable[[Connection], None],
    ) -> None:
        self._kind = kind
        self._config = config
        self._buffer = buffer
        self._watch = watch

    def open(self, index: int, *, is_witness: bool) -> LineSubscriber:
        """Begin to sign in."""
        config = self._config
        subscriber = self._kind(
            config.address,
            self._buffer,
            f"{config.prefix}{index}",
            config.room,
            is_witness=is_witness,
        )
        self._watch(subscriber)
        return subscriber


class LineSender(LineSocket):
    """One sender on a connection of its own."""

    # What asks for the answer; it follows each bunch. Empty where every post is answered.
    QUESTION = b""

    def __init__(self, address: str, name: str, room: str) -> None:
        super().__init__(address, memoryview(bytearray(RECEIVE_BYTES)), timeout_s=SIGN_IN_S)
        self.name = name
        self.room = room
        self.ready = False
        self.sent = 0
        self.acked = 0
        self.refused = 0
        self._texts = Texts(name)
        # How many posts each answer that is still to come stands for.
        self._bunches: deque[int] = deque()
        self.sign_in()
        while not self.ready:
            self.read()

    @property
    def connection(self) -> Connection:
        """The connection to be watched: this one."""
        return self

    @property
    def unanswered(self) -> int:
        """How many posts wait for their answer."""
        return self.sent - self.acked - self.refused

    def sign_in(self) -> None:
        """Send what makes the server listen."""
        raise NotImplementedError

    def encode(self, text: bytes) -> bytes:
        """Return a post of the text."""
        raise NotImplementedError

    def post(self, most: int, due_ns: int) -> int:
        """Post so many messages."""
        posts = [
            self.encode(self._texts.text(number, due_ns))
            for number in range(self.sent, self.sent + most)
        ]
        self.sent += most
        if self.QUESTION:
            self._bunches.append(most)
        self.send(b"".join(posts) + self.QUESTION)
        return most

    def answered(self) -> None:
        """Note that the oldest bunch was answered."""
        self.acked += self._bunches.popleft()

    def lost(self, how: str) -> None:
        """Tell that this sender can send nothing more."""
        self.is_open = False
        raise CallError(f"a sender was cut off: {how}")
