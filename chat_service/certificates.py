"""The certificate that a server shows, with its key: read, checked, told by its fingerprint.

Goes by the standard library alone, so that a launcher that reads one again stays small.
"""

import hashlib
import re
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chat_service.config import ConfigError, TlsFiles

WARN_DAYS = 14
"""An end that is nearer than so many days is told."""

DAY_S = 86_400

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python has no name for.
_NO_CHECK_TIME = 0x200000
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s.*?\s-----END CERTIFICATE-----", re.ASCII | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with those that vouch for it, and its key, both as PEM."""

    certificates: bytes
    # A secret, not shown.
    key: bytes
    # Of the first certificate, as `fingerprint` writes it.
    fingerprint: str
    # When it ends, in seconds since 1970.
    until_s: float

    def __repr__(self) -> str:
        return f"Pair({self.fingerprint})"

    def warning(self, now_s: float) -> str:
        """Say that its end is near, or over; empty if it is neither."""
        days = (self.until_s - now_s) / DAY_S
        if days >= WARN_DAYS:
            return ""
        day = time.strftime("%Y-%m-%d", time.gmtime(self.until_s))
        if days < 0:
            return f"the certificate expired on {day}: clients refuse it"
        return f"the certificate expires on {day}, in {int(days)} days"


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate as `openssl x509 -fingerprint -sha256` writes it."""
    return hashlib.sha256(der).digest().hex(":").upper()


def read_pair(files: TlsFiles) -> Pair:
    """Read a certificate and its key, and see that a server can use them.

    That an end is over, or a beginning is still to come, is no matter here. Raises ConfigError,
    which names the file and what is wrong with it.
    """
    certificates, key = _read("tls.cert", files.cert), _read("tls.key", files.key)
    found = _CERTIFICATE.search(certificates.decode("ascii", "replace"))
    if found is None:
        raise ConfigError(f"tls.cert {files.cert}: holds no certificate in PEM")
    if b"PRIVATE KEY-----" not in key:
        raise ConfigError(f"tls.key {files.key}: holds no private key in PEM")
    if b"ENCRYPTED" in key:
        raise ConfigError(
            f"tls.key {files.key}: is encrypted, and a server has nobody to ask for the password"
        )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        der = ssl.PEM_cert_to_DER_cert(found.group())
        server.load_cert_chain(files.cert, files.key, password="")
        told = _shown_by(server, der)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"tls.cert {files.cert}: {_why(error, files)}") from None
    if (certificates, key) != (_read("tls.cert", files.cert), _read("tls.key", files.key)):
        raise ConfigError(f"tls.cert {files.cert}: is being written; read it again in a moment")
    return Pair(certificates, key, fingerprint(der), ssl.cert_time_to_seconds(told))


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise ConfigError(f"{name} {path}: {reason}") from None


def _why(error: Exception, files: TlsFiles) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"no client would take it: {error.verify_message}"
    reason = getattr(error, "reason", None)
    if reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
        return f"tls.key {files.key} is not its key"
    words = f": {reason.lower().replace('_', ' ')}" if reason else ""
    return f"cannot be used with tls.key {files.key}{words}"


def _shown_by(server: ssl.SSLContext, der: bytes) -> str:
    """Return when a certificate ends, as a client reads it that trusts it alone."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    client.load_verify_locations(cadata=der)
    upwards, downwards = ssl.MemoryBIO(), ssl.MemoryBIO()
    hearing = server.wrap_bio(upwards, downwards, server_side=True)
    asking = client.wrap_bio(downwards, upwards)
    # Each side speaks once or twice.
    for _ in range(4):
        for side in (asking, hearing):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    told = asking.getpeercert()
    if not told:
        raise ValueError("no certificate was shown")
    return str(told["notAfter"])
