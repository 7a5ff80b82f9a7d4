"""The certificate that a launch makes for itself, at its first start, for all its instances.

Whoever trusted it once knows it by its fingerprint, so it is kept, and never replaced by itself.
"""

import datetime
import ipaddress
import os
import socket
from pathlib import Path

from chat_service.certificates import Pair, read_pair
from chat_service.config import ConfigError, LaunchConfig, StartError, TlsFiles

YEARS = 10
"""As long as a machine is in use: an end would cost everybody a new look at a fingerprint."""


def pair_of(config: LaunchConfig, files: TlsFiles, now: datetime.datetime) -> Pair:
    """Return what the clients of a launch are shown: `files`, made first where they have to be.

    Raises StartError where they cannot be read or made.
    """
    own = config.own_certificate
    try:
        if own is not None and not own.cert.exists():
            make(own, _names(config), now)
        return read_pair(files)
    except ConfigError as error:
        remedy = "" if own is None else f"; to have a new one made, delete {own.cert.parent}"
        raise StartError(f"{error}{remedy}") from None
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise StartError(f"no certificate can be made in {files.cert.parent}: {reason}") from None


def make(files: TlsFiles, names: list[str], now: datetime.datetime) -> None:
    """Write a certificate that vouches for itself, and its key. Raises OSError.

    The certificate is written last: where it is, its key is too.
    """
    # Late: it takes long to import, and a launch needs it once in its life.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chat-server")])
    shown = [
        x509.IPAddress(address) if (address := _address(name)) else x509.DNSName(name)
        for name in names
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A client's clock may be behind by as much as a wrong time zone.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName(shown), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files.cert.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    _write(files.key, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    _write(files.cert, certificate.public_bytes(pem))
    directory = os.open(files.cert.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _names(config: LaunchConfig) -> list[str]:
    names = [*config.tls.names, "localhost", "127.0.0.1", "::1"]
    if not ipaddress.ip_address(config.host).is_unspecified:
        names.append(config.host)
    own = socket.gethostname().lower()
    # What a machine calls itself may be anything; a certificate holds letters of ASCII.
    if own and own.isascii() and len(own) < 64 and " " not in own:
        names.append(own)
    return list(dict.fromkeys(names))


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _write(path: Path, text: bytes) -> None:
    """Let a file appear whole, for the owner alone."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
