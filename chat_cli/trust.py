"""Whether a server may be spoken to, and how: in plain text, or encrypted, and with whom.

Loopback is spoken to in plain text, everything else over TLS, unless the person says otherwise.
Whose certificate it is, is asked in this order:

    --ca FILE      what the authorities of that file vouch for, for the name that was given
    known_hosts    what the person trusted before: that certificate and no other
    the system     what its authorities vouch for, for the name that was given
    the person     who is shown the fingerprint, on a terminal, before anything is sent
"""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from chat_cli.endpoint import Endpoint
from chat_cli.errors import ChatError
from chat_cli.handshake import (
    NoAnswerError,
    NoHttp2Error,
    NoTlsError,
    NotTrustedError,
    Shown,
    anything,
    only,
    shown,
    speaks_old_tls,
    speaks_plain_text,
    speaks_tls,
)
from chat_cli.known_hosts import KnownHosts, KnownHostsError

# Codes of OpenSSL (x509_vfy.h): whoever vouches for it is unknown, be it the certificate itself.
# Every other flaw is one of a certificate that is not to be trusted, whoever asks.
_NOBODY_VOUCHES = {18, 19, 20, 21}
_NOT_YET, _EXPIRED = 9, 10
_OTHER_NAMES = {62, 64}
# What gRPC can be told to expect; a name in a certificate may be anything.
_NAME = re.compile(r"[\x20-\x7e]{1,253}")
# Seconds for a server that was meant to speak plain text to answer TLS: it may be frozen.
_BRIEFLY = 3.0


class TrustError(ChatError):
    """The server cannot be spoken to as was asked; the text says why and what to do."""


class UnknownServerError(TrustError):
    """Nobody vouches for the certificate, and the person has not been asked."""

    def __init__(self, host: str, fingerprint: str, *, local: bool) -> None:
        # Without it nothing is encrypted on this machine, and so nothing asked.
        tls = "--tls " if local else ""
        super().__init__(
            f"{host} shows a certificate that is not known here: SHA-256 {fingerprint}. "
            f"chat-cli {tls}--target {host} asks on a terminal whether to trust it, --ca FILE does "
            "without asking"
        )
        self.fingerprint = fingerprint


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a channel goes by: certificates that are trusted (PEM), and the name to expect."""

    roots: bytes
    name: str


class Trust:
    """What is known of one server. `encrypted` is None unless the person said it.

    `ca` is a file of certificates in PEM, `known` is for tests.
    """

    def __init__(
        self,
        target: str,
        encrypted: bool | None = None,
        ca: Path | None = None,
        known: KnownHosts | None = None,
    ) -> None:
        self._endpoint = Endpoint.of(target)
        self.encrypted = not self._endpoint.is_loopback if encrypted is None else encrypted
        self._ca = ca
        self.known = known or KnownHosts()
        # The fingerprint that the person took in this run, also where it could not be kept.
        self._accepted: str | None = None
        # Those that were found last.
        self.found: Credentials | None = None

    @property
    def host(self) -> str:
        """The server, as it is called in known_hosts."""
        return str(self._endpoint)

    async def credentials(self) -> Credentials | None:
        """Give what a channel goes by; None: plain text. What was found once is given again.

        Raises TrustError, and NoAnswerError while nobody is there.
        """
        if self.encrypted and self.found is None:
            self.found = await self._find()
        return self.found

    async def look_again(self) -> None:
        """Find out why a connection failed, and what a server shows now.

        Raises TrustError where it can never succeed in this way. Otherwise nothing is told:
        somebody may be there the next time.
        """
        try:
            if self.encrypted:
                self.found = await self._find()
            elif await speaks_tls(self._endpoint, _BRIEFLY):
                raise TrustError(
                    f"{self.host} speaks TLS, and this connection is in plain text: "
                    "--tls encrypts it"
                )
        except NoAnswerError:
            return

    def accept(self, fingerprint: str) -> None:
        """Trust a certificate from now on. Raises KnownHostsError where only this run can."""
        self._accepted = fingerprint
        self.known.add(self.host, fingerprint)

    async def _find(self) -> Credentials:
        try:
            if self._ca is not None:
                return await self._vouched_by(self._ca)
            known = self._accepted or self.known.find(self.host)
            if known is None:
                found = await self._vouched_by_the_system()
                if found is not None:
                    return found
            return await self._known(known)
        except KnownHostsError as error:
            raise TrustError(str(error)) from None
        except NotTrustedError as error:
            raise TrustError(self._words(error)) from None
        except NoHttp2Error:
            raise TrustError(f"{self.host}: what listens there is no chat server") from None
        except NoTlsError:
            if await speaks_plain_text(self._endpoint):
                raise TrustError(
                    f"{self.host} speaks plain text, and this connection is encrypted: "
                    "--plaintext does without, if nobody else can read on the way"
                ) from None
            if await speaks_old_tls(self._endpoint):
                raise TrustError(
                    f"{self.host} speaks TLS older than 1.2 alone, which is not safe: whoever "
                    "runs the server has to update it"
                ) from None
            raise NoAnswerError("no answer") from None

    async def _vouched_by(self, file: Path) -> Credentials:
        roots, context = _authorities(file)
        await shown(self._endpoint, context)
        return Credentials(roots, self._endpoint.host)

    async def _vouched_by_the_system(self) -> Credentials | None:
        """Trust what the system does; None: it does not know who vouches for it."""
        try:
            found = await shown(self._endpoint, ssl.create_default_context())
        except NotTrustedError as error:
            if error.code in _NOBODY_VOUCHES:
                return None
            raise
        return Credentials(_pem(found), self._endpoint.host)

    async def _known(self, fingerprint: str | None) -> Credentials:
        """Trust one certificate. Raises TrustError where another is shown."""
        first = await shown(self._endpoint, anything())
        if fingerprint is not None and first.fingerprint != fingerprint:
            raise TrustError(
                f"The certificate of {self.host} has changed. Somebody may be in between and read "
                f"all that you write, or the server has a new one. It shows SHA-256 "
                f"{first.fingerprint}, and what was trusted is {fingerprint}. If whoever runs the "
                f"server says that the new one is right, delete the line of {self.host} in "
                f"{self.known.path} and start again"
            )
        # Taken for itself: gRPC looks at its time, too.
        taken = await shown(self._endpoint, only(first.der))
        names = [name for name in taken.names if _NAME.fullmatch(name)]
        if not names:
            raise TrustError(f"{self.host}: its certificate has no name, and gRPC needs one")
        if fingerprint is None:
            raise UnknownServerError(self.host, first.fingerprint, local=self._endpoint.is_loopback)
        # A star stands for one label.
        return Credentials(_pem(taken), names[0].replace("*", "any"))

    def _words(self, error: NotTrustedError) -> str:
        if error.code == _EXPIRED:
            return (
                f"The certificate of {self.host} has expired: whoever runs the server has to "
                "renew it"
            )
        if error.code == _NOT_YET:
            return f"The certificate of {self.host} is not valid yet: is the clock right?"
        if error.code in _NOBODY_VOUCHES:
            return f"The certificate of {self.host} is not one that --ca {self._ca} vouches for"
        if error.code in _OTHER_NAMES:
            return f"The certificate of {self.host} is another server's: {error}"
        return f"The certificate of {self.host} is not to be trusted: {error}"


def _authorities(file: Path) -> tuple[bytes, ssl.SSLContext]:
    """Read certificates of authorities, or of a server itself. Raises TrustError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        roots = file.read_bytes()
    except OSError as error:
        raise TrustError(f"--ca {file}: {(error.strerror or 'error').lower()}") from None
    try:
        context.load_verify_locations(cadata=roots.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError):
        raise TrustError(f"--ca {file}: holds no certificate in PEM") from None
    return roots, context


def _pem(certificate: Shown) -> bytes:
    return ssl.DER_cert_to_PEM_cert(certificate.der).encode()
