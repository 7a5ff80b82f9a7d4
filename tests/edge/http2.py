"""Bare HTTP/2 frames, for what no gRPC client would send."""

import asyncio
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.edge.clients import PATIENCE

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ACK, END_STREAM, END_HEADERS = 1, 1, 4
ENHANCE_YOUR_CALM = 11
CANCEL = 8


@dataclass(frozen=True)
class Frame:
    """One frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def literal(name: str, value: str) -> bytes:
    """Encode a header by HPACK, as a literal that is not indexed."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def call_headers(path: str) -> bytes:
    """Encode the headers of a gRPC call."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "test"}
    fields |= {"content-type": "application/grpc", "te": "trailers"}
    return b"".join(literal(name, value) for name, value in fields.items())


class Connection:
    """One connection to a server: `async with Connection(address) as connection`."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, int(self._port))
        self._writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.send(SETTINGS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def send(self, kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> None:
        """Queue a frame."""
        head = struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream)
        self._writer.write(head + payload)

    async def flush(self) -> None:
        """Wait until the server has taken what was queued, or nearly so."""
        await asyncio.wait_for(self._writer.drain(), PATIENCE)

    async def receive(self, *kinds: int) -> Frame:
        """Wait for the next frame of one of these kinds; settings are acknowledged."""
        async with asyncio.timeout(PATIENCE):
            while True:
                head = await self._reader.readexactly(9)
                size = int.from_bytes(head[:3], "big")
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                frame = Frame(kind, flags, stream, await self._reader.readexactly(size))
                if kind == SETTINGS and not flags & ACK:
                    self.send(SETTINGS, ACK)
                if kind in kinds:
                    return frame
