"""A connection in between, on loopback, that can be cut or fall silent."""

import asyncio
from types import TracebackType
from typing import Self


class _End(asyncio.Protocol):
    """One end of a relayed connection; what it reads goes to its peer."""

    def __init__(self, relay: "Relay", peer: "_End | None" = None) -> None:
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._relay.ends[self] = None
        if self._relay.is_silent:
            transport.pause_reading()
        if self.peer is None:
            self._relay.dial(self)
        else:
            self.peer.peer = self
            for data in self.peer._early:
                transport.write(data)

    def data_received(self, data: bytes) -> None:
        if self.peer is not None and self.peer._transport is not None:
            self.peer._transport.write(data)
        else:
            self._early.append(data)

    def pause_writing(self) -> None:
        if self.peer is not None:
            self.peer.listen(on=False)

    def resume_writing(self) -> None:
        if self.peer is not None:
            self.peer.listen(on=not self._relay.is_silent)

    def connection_lost(self, _: Exception | None) -> None:
        self._relay.ends.pop(self, None)
        if self.peer is not None:
            self.peer.close()

    def listen(self, *, on: bool) -> None:
        """Go on reading, or no more."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    def close(self) -> None:
        """Close, once what was written is on its way."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection at once, with all that is on its way."""
        if self._transport is not None:
            self._transport.abort()


class Relay:
    """Passes connections on to an address; a block with it closes all."""

    def __init__(self, target: str) -> None:
        self.address = ""
        self.is_silent = False
        self.ends: dict[_End, None] = {}
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._server: asyncio.Server | None = None
        self._dials: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(self), "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for dial in self._dials:
            dial.cancel()

    def cut(self) -> None:
        """Drop every connection, without a word to either side before."""
        for end in list(self.ends):
            end.abort()

    def silence(self) -> None:
        """Forward nothing more, and close nothing: a network that drops every packet."""
        self.is_silent = True
        for end in list(self.ends):
            end.listen(on=False)

    def speak(self) -> None:
        """Forward again, what was held up first."""
        self.is_silent = False
        for end in list(self.ends):
            end.listen(on=True)

    def dial(self, caller: _End) -> None:
        """Connect one caller to the target; a target that is not there ends the call."""
        task = asyncio.get_running_loop().create_task(self._dial(caller))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _dial(self, caller: _End) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _End(self, caller), self._host, self._port)
        except OSError:
            caller.abort()
