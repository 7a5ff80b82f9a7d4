"""Certificates for tests: of one that vouches for itself, and of others that it vouches for."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as it goes over the wire."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key(self) -> bytes:
        """The key, as PEM without a password."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def sha256(self) -> str:
        """The fingerprint, made by other means than those of the programs."""
        return ":".join(f"{byte:02X}" for byte in self.certificate.fingerprint(hashes.SHA256()))

    def write(self, directory: Path, name: str = "server") -> tuple[Path, Path]:
        """Write both; return the paths of the certificate and of its key."""
        paths = directory / f"{name}.pem", directory / f"{name}.key"
        paths[0].write_bytes(self.pem)
        paths[1].write_bytes(self.key)
        return paths


def issue(
    *names: str,
    days: float = 30,
    since_days: float = -1,
    by: Issued | None = None,
    ca: bool = False,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    odd_name: bytes | None = None,
) -> Issued:
    """Make a certificate for some names, from `since_days` to `days` from now.

    Without `by` it vouches for itself. `odd_name` is one DNS name that nobody checks.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {id(private)}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(by.certificate.subject if by else called)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=since_days))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        shown = x509.SubjectAlternativeName([_general(name) for name in names])
        builder = builder.add_extension(shown, critical=False)
    if odd_name is not None:
        # A sequence of one name of kind 2 (RFC 5280, section 4.2.1.6), each with its length.
        value = b"\x30" + bytes([len(odd_name) + 2]) + b"\x82" + bytes([len(odd_name)]) + odd_name
        odd = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, value)
        builder = builder.add_extension(odd, critical=False)
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return Issued(builder.sign(by.private if by else private, hashes.SHA256()), private)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
