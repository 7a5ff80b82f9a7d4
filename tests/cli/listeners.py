"""Servers that show something when somebody connects, and do no more."""

import asyncio
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.authority import Issued


class Listener:
    """A TLS server, which speaks HTTP/2 and TLS of today unless it is told otherwise."""

    def __init__(
        self, issued: Issued, *also: Issued, protocol: str = "h2", is_old: bool = False
    ) -> None:
        self.port = 0
        self.connections = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_alpn_protocols([protocol])
        if is_old:
            self._context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                self._context.minimum_version = ssl.TLSVersion.TLSv1_1
                self._context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.show(issued, *also)

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def show(self, issued: Issued, *also: Issued) -> None:
        """Show a certificate from now on, and behind it those that vouch for it."""
        with tempfile.TemporaryDirectory() as directory:
            cert, key = issued.write(Path(directory))
            cert.write_bytes(b"".join(one.pem for one in (issued, *also)))
            self._context.load_cert_chain(cert, key)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Listener"]:
        """Listen for as long as the block lasts."""
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0, ssl=self._context)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.read()
        except OSError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[str]:
    """Answer every byte with the same bytes, or hang up, or with None say nothing; give where."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(1024):
                if answer is not None:
                    if not answer:
                        break
                    writer.write(answer)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
