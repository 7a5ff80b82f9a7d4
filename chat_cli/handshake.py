"""What a server shows of itself before anything is said to it: TLS or plain text, a certificate.

gRPC tells a program nothing of a certificate that it does not trust, so it is fetched here, on a
connection of its own. Nothing of the chat goes over these connections.
"""

import asyncio
import hashlib
import os
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from chat_cli.endpoint import Endpoint
from chat_cli.errors import ChatError
from chat_cli.proxy import proxy_for

# Seconds for a connection, and for a handshake: over the slowest lines that people chat on.
PATIENCE = 10.0
# What a client of HTTP/2 begins with (RFC 9113, section 3.4), and an empty frame of SETTINGS.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_HTTP2 = "h2"
_FRAME_HEAD = 9
_SETTINGS = 4
# Of OpenSSL, which found nothing wrong with a certificate.
_NO_FLAW = 0
# Bytes that are taken from a connection at once: a record of TLS.
_AT_ONCE = 16_384
# Of a proxy's answer, in bytes.
_LONGEST_HEAD = 16_384


class HandshakeError(ChatError):
    """What a server shows is not what was asked for."""


class NoAnswerError(HandshakeError):
    """Nobody answers there."""


class NotTrustedError(HandshakeError):
    """The certificate was not taken. The text is OpenSSL's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoTlsError(HandshakeError):
    """What answers speaks no TLS, or none that is safe."""


class NoHttp2Error(HandshakeError):
    """What answers speaks TLS, and in it nothing that gRPC speaks."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate: its bytes, and the names that it is for, which are known once it is taken."""

    der: bytes
    names: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Its SHA-256, written as `openssl x509 -fingerprint -sha256` does."""
        return hashlib.sha256(self.der).digest().hex(":").upper()


async def shown(endpoint: Endpoint, context: ssl.SSLContext, patience: float = PATIENCE) -> Shown:
    """Give what a server shows that `context` takes.

    Raises NotTrustedError where it takes it not, NoHttp2Error, NoTlsError and NoAnswerError.
    """
    context.set_alpn_protocols([_HTTP2])
    with closing(await _connected(endpoint)) as connection:
        try:
            async with asyncio.timeout(patience):
                tls = await _shaken(connection, context, endpoint.host)
        except ssl.SSLCertVerificationError as error:
            raise NotTrustedError(error.verify_code, error.verify_message) from None
        except (OSError, TimeoutError):
            raise NoTlsError("no TLS") from None
    if tls.selected_alpn_protocol() != _HTTP2:
        raise NoHttp2Error("no HTTP/2")
    try:
        names = _names(tls.getpeercert() or {})
    except ValueError:
        # Python decodes them only now.
        raise NotTrustedError(_NO_FLAW, "it has a name that cannot be read") from None
    return Shown(tls.getpeercert(binary_form=True) or b"", names)


async def _shaken(connection: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """Shake hands on a connection; nothing is left of it but what was shown. Raises OSError."""
    loop = asyncio.get_running_loop()
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(heard, said, server_hostname=host)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            await loop.sock_sendall(connection, said.read())
        else:
            return tls
        received = await loop.sock_recv(connection, _AT_ONCE)
        if not received:
            raise ConnectionResetError("the connection was closed in the handshake")
        heard.write(received)


async def speaks_tls(endpoint: Endpoint, patience: float = PATIENCE) -> bool:
    """Tell whether a server speaks TLS, whatever it shows. Raises NoAnswerError."""
    return await _shakes_hands(endpoint, anything(), patience)


async def speaks_old_tls(endpoint: Endpoint) -> bool:
    """Tell whether a server that speaks no TLS of today speaks an older one."""
    context = anything()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    try:
        context.set_ciphers("ALL:@SECLEVEL=0")
        return await _shakes_hands(endpoint, context, PATIENCE)
    except (ssl.SSLError, NoAnswerError):
        # The former of a library that has unlearned it.
        return False


async def _shakes_hands(endpoint: Endpoint, context: ssl.SSLContext, patience: float) -> bool:
    try:
        await shown(endpoint, context, patience)
    except NoHttp2Error:
        return True
    except NoTlsError:
        return False
    return True


async def speaks_plain_text(endpoint: Endpoint) -> bool:
    """Tell whether a server speaks HTTP/2 without encryption."""
    loop = asyncio.get_running_loop()
    try:
        connection = await _connected(endpoint)
    except NoAnswerError:
        return False
    with closing(connection):
        try:
            async with asyncio.timeout(PATIENCE):
                await loop.sock_sendall(connection, _PREFACE)
                head = b""
                while len(head) < _FRAME_HEAD:
                    received = await loop.sock_recv(connection, _FRAME_HEAD - len(head))
                    if not received:
                        return False
                    head += received
        except (OSError, TimeoutError):
            return False
    return head[3] == _SETTINGS


def anything() -> ssl.SSLContext:
    """Give a context that takes whatever is shown: to look at it, not to speak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def only(der: bytes) -> ssl.SSLContext:
    """Give a context that takes one certificate alone, whatever its names are, in its time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=der)
    return context


async def _connected(endpoint: Endpoint) -> socket.socket:
    try:
        async with asyncio.timeout(PATIENCE):
            loop = asyncio.get_running_loop()
            proxy = proxy_for(endpoint, os.environ)
            if proxy is None:
                return await _connect(loop, endpoint)
            connection = await _connect(loop, proxy.endpoint)
            try:
                await _pass(loop, connection, proxy.request(endpoint))
            except BaseException:
                connection.close()
                raise
            return connection
    except (OSError, TimeoutError):
        raise NoAnswerError("no answer") from None


async def _connect(loop: asyncio.AbstractEventLoop, endpoint: Endpoint) -> socket.socket:
    try:
        found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        # Python's own look at a name, before anybody is asked.
        raise OSError("not a name of a host") from None
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        try:
            await loop.sock_connect(connection, address)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


async def _pass(loop: asyncio.AbstractEventLoop, connection: socket.socket, request: bytes) -> None:
    """Ask a proxy for the way. Raises OSError where it has none."""
    await loop.sock_sendall(connection, request)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        # What comes behind the head is the server's, and not to be read here.
        received = await loop.sock_recv(connection, 1)
        head += received
        if not received or len(head) > _LONGEST_HEAD:
            raise OSError("no way through the proxy")
    if not re.match(rb"HTTP/1\.[01] 200\b", head):
        raise OSError("no way through the proxy")


# Any: what the module ssl makes of a certificate.
def _names(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the names of a certificate as gRPC compares them: of a subject only without others."""
    others = told.get("subjectAltName", ())
    names = [name for kind, name in others if kind in ("DNS", "IP Address")]
    if not names:
        subject = (pair for group in told.get("subject", ()) for pair in group)
        names = [value for kind, value in subject if kind == "commonName"]
    return tuple(names)
