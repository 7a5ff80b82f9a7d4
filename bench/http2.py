"""HTTP/2 framing, as far as a load client needs it. Pure: bytes in, bytes out.

The gRPC library costs a reader 25 µs or more for a frame, as much as the server pays
to write it: with it, the load would measure itself. Here a reader of a busy room pays
for its bytes and about 2 µs a frame.

What a common client does not do: the window for what the server sends is as wide as
the protocol allows, so the server is never held up by it, and header blocks of the
server are not decoded, only shown in error texts.
"""

import re
import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Protocol

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
MAX_WINDOW = (1 << 31) - 1
# The window that both sides begin with, for the connection and each stream.
FIRST_WINDOW = 65_535
# Of the connection's window, so much may be used up before it is filled again. No
# measurement sends one stream as much as MAX_WINDOW, so those are not filled.
REFILL_BYTES = 1 << 29

SETTINGS_ENABLE_PUSH = 2
SETTINGS_INITIAL_WINDOW = 4
FLAG_ACK = 0x1
FLAG_END_STREAM = 0x1
FLAG_END_HEADERS = 0x4
FLAG_PADDED = 0x8
FLAG_PRIORITY = 0x20

_HEADER = struct.Struct(">HBBBI")
_SETTING = struct.Struct(">HI")
_NUMBER = struct.Struct(">I")


class Kind(IntEnum):
    """What a frame is."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class ProtocolError(Exception):
    """The server sent what this client does not read."""


class Sink(Protocol):
    """Takes what arrives on one stream."""

    def data(self, chunk: memoryview) -> None:
        """Take the next bytes; they are valid during this call only."""
        ...

    def ended(self, how: str) -> None:
        """Note that nothing more comes; `how` is for people."""
        ...


def frame(kind: Kind, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    size = len(payload)
    return _HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream_id) + payload


def header_block(headers: Iterable[tuple[str, str]]) -> bytes:
    """Return headers in HPACK's plainest form: literal, not indexed, not compressed."""
    return b"".join(
        b"\0" + _sized(name.encode("ascii")) + _sized(value.encode("ascii"))
        for name, value in headers
    )


class Connection:
    """The client's side of one connection.

    What is to be sent gathers in `outgoing`; whoever owns the socket sends and clears it.
    """

    def __init__(self) -> None:
        settings = _SETTING.pack(SETTINGS_ENABLE_PUSH, 0)
        settings += _SETTING.pack(SETTINGS_INITIAL_WINDOW, MAX_WINDOW)
        self.outgoing = bytearray(PREFACE + frame(Kind.SETTINGS, 0, 0, settings))
        self.outgoing += _window_update(MAX_WINDOW - FIRST_WINDOW)
        self._sinks: dict[int, Sink] = {}
        self._next_stream = 1
        # What we may still send.
        self._window = FIRST_WINDOW
        self._first_window = FIRST_WINDOW
        self._windows: dict[int, int] = {}
        # Received and not yet given back to the connection's window.
        self._used = 0
        # The frame that is being read: its header, as far as it came, and its rest.
        self._header = bytearray()
        self._left = 0
        self._kind = 0
        self._flags = 0
        self._stream_id = 0
        self._payload = bytearray()

    def open(self, headers: Iterable[tuple[str, str]], sink: Sink) -> int:
        """Open a stream; return its number."""
        stream_id = self._next_stream
        self._next_stream += 2
        self._sinks[stream_id] = sink
        self._windows[stream_id] = self._first_window
        self.outgoing += frame(Kind.HEADERS, FLAG_END_HEADERS, stream_id, header_block(headers))
        return stream_id

    def window(self, stream_id: int) -> int:
        """Return how many bytes may be sent on a stream now."""
        return min(self._window, self._windows.get(stream_id, 0))

    def send(self, stream_id: int, data: bytes, *, end: bool = False) -> None:
        """Send bytes that the window has room for, as one frame.

        Raises ProtocolError where it has not.
        """
        self.send_frames(
            stream_id,
            frame(Kind.DATA, FLAG_END_STREAM if end else 0, stream_id, data),
            payload_bytes=len(data),
        )

    def send_frames(self, stream_id: int, frames: bytes, *, payload_bytes: int) -> None:
        """Send DATA frames that were made beforehand. Raises ProtocolError as `send`."""
        if payload_bytes > self.window(stream_id):
            raise ProtocolError(f"no room to send {payload_bytes} bytes on stream {stream_id}")
        self._window -= payload_bytes
        self._windows[stream_id] -= payload_bytes
        self.outgoing += frames

    def receive(self, data: memoryview) -> None:
        """Take what the server sent. Raises ProtocolError for what is not understood."""
        at = 0
        size = len(data)
        while at < size:
            left = self._left
            if left:
                chunk = data[at : at + left]
                took = len(chunk)
                at += took
                self._left = left - took
                if self._kind == Kind.DATA:
                    self._used += took
                    sink = self._sinks.get(self._stream_id)
                    if sink is not None:
                        sink.data(chunk)
                else:
                    self._payload += chunk
                if took == left:
                    self._frame_ended()
            elif not self._header and size - at >= HEADER_BYTES:
                self._frame_began(_HEADER.unpack_from(data, at))
                at += HEADER_BYTES
            else:
                part = data[at : at + HEADER_BYTES - len(self._header)]
                at += len(part)
                self._header += part
                if len(self._header) == HEADER_BYTES:
                    self._frame_began(_HEADER.unpack(self._header))
                    self._header.clear()
        if self._used >= REFILL_BYTES:
            self.outgoing += _window_update(self._used)
            self._used = 0

    def lost(self, how: str) -> None:
        """End all streams: the connection is gone."""
        sinks = list(self._sinks.values())
        self._sinks.clear()
        for sink in sinks:
            sink.ended(how)

    def _frame_began(self, header: tuple[int, int, int, int, int]) -> None:
        high, low, self._kind, self._flags, self._stream_id = header
        self._left = high << 8 | low
        if self._kind == Kind.DATA and self._flags & FLAG_PADDED:
            raise ProtocolError("padded frames are not read")
        if not self._left:
            self._frame_ended()

    def _frame_ended(self) -> None:
        kind = self._kind
        payload = bytes(self._payload)
        self._payload.clear()
        if kind in (Kind.DATA, Kind.HEADERS):
            # A header block in several frames is longer than any that we expect.
            if kind == Kind.HEADERS and not self._flags & FLAG_END_HEADERS:
                raise ProtocolError("a header block in several frames is not read")
            if self._flags & FLAG_END_STREAM:
                self._stream_ended(self._stream_id, legible(payload))
        elif kind == Kind.RST_STREAM:
            self._stream_ended(
                self._stream_id, f"reset with code {int.from_bytes(payload[:4], 'big')}"
            )
        elif kind == Kind.SETTINGS:
            if not self._flags & FLAG_ACK:
                self._settings(payload)
        elif kind == Kind.PING:
            if not self._flags & FLAG_ACK:
                self.outgoing += frame(Kind.PING, FLAG_ACK, 0, payload)
        elif kind == Kind.WINDOW_UPDATE:
            (more,) = _NUMBER.unpack(payload)
            if self._stream_id == 0:
                self._window += more
            elif self._stream_id in self._windows:
                self._windows[self._stream_id] += more
        elif kind == Kind.PUSH_PROMISE or kind == Kind.CONTINUATION:
            raise ProtocolError(f"a frame of kind {kind} is not read")

    def _settings(self, payload: bytes) -> None:
        for number, value in _SETTING.iter_unpack(payload):
            if number == SETTINGS_INITIAL_WINDOW:
                for stream_id in self._windows:
                    self._windows[stream_id] += value - self._first_window
                self._first_window = value
        self.outgoing += frame(Kind.SETTINGS, FLAG_ACK, 0)

    def _stream_ended(self, stream_id: int, how: str) -> None:
        self._windows.pop(stream_id, None)
        sink = self._sinks.pop(stream_id, None)
        if sink is not None:
            sink.ended(how)


def legible(block: bytes) -> str:
    """Return what a person can read of an encoded header block."""
    return " ".join(part.decode("ascii") for part in re.findall(rb"[ -~]{3,}", block))


def _window_update(more: int) -> bytes:
    return frame(Kind.WINDOW_UPDATE, 0, 0, _NUMBER.pack(more))


def _sized(text: bytes) -> bytes:
    size = len(text)
    if size < 127:
        return bytes((size,)) + text
    rest = size - 127
    prefix = bytearray((127,))
    while rest >= 128:
        prefix.append(rest % 128 + 128)
        rest //= 128
    prefix.append(rest)
    return bytes(prefix) + text
