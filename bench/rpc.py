"""gRPC on a plain HTTP/2 connection: opening calls, and cutting streams into messages."""

import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bench.http2 import Connection, Sink

PREFIX = struct.Struct(">BI")
RECEIVE_BYTES = 256 * 1024


class CallError(Exception):
    """A call ended without an answer; the text is what the server said of it."""


def framed(message: bytes) -> bytes:
    """Return a message as gRPC lays it into a stream."""
    return PREFIX.pack(0, len(message)) + message


class Messages:
    """A Sink that cuts a stream into messages and hands on their pieces."""

    __slots__ = ("_left", "_prefix")

    def __init__(self) -> None:
        self._left = 0
        self._prefix = bytearray()

    @property
    def between(self) -> bool:
        """Whether no message has come in part."""
        return not self._left and not self._prefix

    def piece(self, piece: memoryview, *, last: bool) -> None:
        """Take the next bytes of a message; `last` ends it."""
        raise NotImplementedError

    def ended(self, how: str) -> None:
        """Note that nothing more comes."""
        raise NotImplementedError

    def data(self, chunk: memoryview) -> None:
        """Take the next bytes of the stream."""
        at = 0
        size = len(chunk)
        while at < size:
            left = self._left
            if left:
                piece = chunk[at : at + left]
                took = len(piece)
                at += took
                self._left = left = left - took
                self.piece(piece, last=not left)
            else:
                part = chunk[at : at + PREFIX.size - len(self._prefix)]
                at += len(part)
                self._prefix += part
                if len(self._prefix) == PREFIX.size:
                    self._left = PREFIX.unpack(self._prefix)[1]
                    self._prefix.clear()
                    if not self._left:
                        self.piece(chunk[at:at], last=True)


class WholeMessages(Messages):
    """Calls back with each whole message, and at the end."""

    __slots__ = ("_on_end", "_on_message", "_parts")

    def __init__(self, on_message: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        super().__init__()
        self._on_message = on_message
        self._on_end = on_end
        self._parts = bytearray()

    def piece(self, piece: memoryview, *, last: bool) -> None:
        """Gather the message."""
        self._parts += piece
        if last:
            message = bytes(self._parts)
            self._parts.clear()
            self._on_message(message)

    def ended(self, how: str) -> None:
        """Call back."""
        self._on_end(how)


class Link:
    """A connection and its socket.

    The socket blocks: read it when a selector says so. What is sent fits the windows
    of HTTP/2 and therefore the buffers of the system, so sending does not block for long.
    """

    def __init__(self, address: str, buffer: memoryview, *, timeout_s: float | None = None) -> None:
        """Connect; `buffer` is scratch space that links of one thread may share."""
        host, _, port = address.rpartition(":")
        self.address = address
        self.connection = Connection()
        self.is_open = True
        self._buffer = buffer
        self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """Return the socket's number, for selectors."""
        return self._socket.fileno()

    def call(self, method: str, token: str, sink: Sink) -> int:
        """Open a call; return the number of its stream."""
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", self.address),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        return self.connection.open(headers, sink)

    def ask(
        self,
        method: str,
        token: str,
        request: bytes,
        on_answer: Callable[[bytes], None],
        on_failure: Callable[[str], None],
    ) -> None:
        """Make a unary call; exactly one of the callbacks is called."""
        answers: list[bytes] = []

        def ended(how: str) -> None:
            if answers:
                on_answer(answers[0])
            else:
                on_failure(f"{method}: {how}")

        stream_id = self.call(method, token, WholeMessages(answers.append, ended))
        self.connection.send(stream_id, framed(request), end=True)

    def flush(self) -> None:
        """Send what is to be sent."""
        outgoing = self.connection.outgoing
        if outgoing and self.is_open:
            try:
                self._socket.sendall(outgoing)
            except ConnectionError as error:
                self._lost(str(error))
            outgoing.clear()

    def read(self) -> None:
        """Take in what has arrived, at least something, and send what that calls for."""
        try:
            size = self._socket.recv_into(self._buffer)
        except ConnectionError as error:
            self._lost(str(error))
            return
        if not size:
            self._lost("the server closed the connection")
            return
        self.connection.receive(self._buffer[:size])
        if self.connection.outgoing:
            self.flush()

    def close(self) -> None:
        """Close the socket."""
        self.is_open = False
        self._socket.close()

    def _lost(self, how: str) -> None:
        self.is_open = False
        self.connection.lost(how)


class Caller:
    """Makes one call after the other on a connection of its own, and waits for each."""

    def __init__(self, address: str, *, timeout_s: float = 30.0) -> None:
        self.link = Link(address, memoryview(bytearray(RECEIVE_BYTES)), timeout_s=timeout_s)
        self._timeout_s = timeout_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.link.close()

    def call(self, method: str, token: str, request: bytes) -> bytes:
        """Return the answer. Raises CallError where there is none, TimeoutError in time."""
        answers: list[bytes] = []
        failures: list[str] = []
        self.link.ask(method, token, request, answers.append, failures.append)
        self.link.flush()
        self.read_until(lambda: bool(answers or failures))
        if failures:
            raise CallError(failures[0])
        return answers[0]

    def read_until(self, done: Callable[[], bool]) -> None:
        """Read until something is so. Raises TimeoutError when it does not come to be."""
        deadline = time.monotonic() + self._timeout_s
        while not done():
            if not self.link.is_open:
                raise CallError("the connection is closed")
            if time.monotonic() > deadline:
                raise TimeoutError("the server did not answer in time")
            self.link.read()
