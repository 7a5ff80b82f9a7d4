"""Reading a certificate with its key."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from chat_service.certificates import DAY_S, fingerprint, read_pair
from chat_service.config import ConfigError, TlsFiles
from tests.authority import NOW, Issued, issue


def files(directory: Path, issued: Issued | None = None) -> TlsFiles:
    """Write a pair."""
    return TlsFiles(*(issued or issue("localhost")).write(directory))


def test_pair_is_read(tmp_path: Path) -> None:
    """Both files are taken as they are, with the fingerprint and the end of the first."""
    issued = issue("localhost", days=100)
    pair = read_pair(files(tmp_path, issued))
    assert (pair.certificates, pair.key) == (issued.pem, issued.key)
    assert pair.fingerprint == fingerprint(issued.der) == issued.sha256
    assert pair.until_s == int((NOW + timedelta(days=100)).timestamp())


def test_key_is_not_shown(tmp_path: Path) -> None:
    """Where a pair is printed by chance, its key is not."""
    pair = read_pair(files(tmp_path))
    assert repr(pair) == f"Pair({pair.fingerprint})"


def test_chain_is_that_of_its_first_certificate(tmp_path: Path) -> None:
    """With those that vouch for it behind it, it is still the first that counts."""
    root = issue(ca=True)
    middle = issue(by=root, ca=True)
    leaf = issue("chat.example", by=middle)
    both = files(tmp_path, leaf)
    both.cert.write_bytes(b"# of chat.example\n" + leaf.pem + middle.pem)
    pair = read_pair(both)
    assert pair.fingerprint == leaf.sha256
    assert pair.certificates.count(b"BEGIN") == 2


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (14.5, ""),
        (13.5, "the certificate expires on {day}, in 13 days"),
        (0.5, "the certificate expires on {day}, in 0 days"),
        (-0.5, "the certificate expired on {day}: clients refuse it"),
    ],
)
def test_near_end_is_told(tmp_path: Path, days: float, told: str) -> None:
    """An end that is less than 14 days away, or over, is said with its day."""
    pair = read_pair(files(tmp_path, issue("localhost", days=days, since_days=-20)))
    day = f"{NOW + timedelta(days=days):%Y-%m-%d}"
    assert pair.warning(NOW.timestamp()) == told.format(day=day)
    assert pair.warning(pair.until_s - 15 * DAY_S) == ""


def encrypted(issued: Issued) -> bytes:
    """Return a key behind a password."""
    return issued.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


ONE, OTHER = issue("localhost"), issue("localhost")
FOR_CLIENTS = issue("localhost", usage=ExtendedKeyUsageOID.CLIENT_AUTH)
GARBAGE = b"-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
BROKEN_KEY = b"-----BEGIN PRIVATE KEY-----\nbm90aGluZw==\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("cert", "key", "named", "why"),
    [
        (None, ONE.key, "tls.cert {cert}", "no such file or directory"),
        (ONE.pem, None, "tls.key {key}", "no such file or directory"),
        (b"", ONE.key, "tls.cert {cert}", "holds no certificate in PEM"),
        (ONE.der, ONE.key, "tls.cert {cert}", "holds no certificate in PEM"),
        (GARBAGE, ONE.key, "tls.cert {cert}", "cannot be used"),
        (ONE.pem, b"", "tls.key {key}", "holds no private key in PEM"),
        (ONE.pem, ONE.pem, "tls.key {key}", "holds no private key in PEM"),
        (ONE.pem, BROKEN_KEY, "tls.key {key}", "cannot be used"),
        (ONE.pem, OTHER.key, "tls.key {key}", "is not its key"),
        (ONE.pem, encrypted(ONE), "tls.key {key}", "is encrypted"),
        (FOR_CLIENTS.pem, FOR_CLIENTS.key, "tls.cert {cert}", "no client would take it"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, cert: bytes | None, key: bytes | None, named: str, why: str
) -> None:
    """Of two files that do not make a pair, one line names the file and what is wrong with it."""
    both = TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    for path, content in ((both.cert, cert), (both.key, key)):
        if content is not None:
            path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_pair(both)
    (line,) = caught.value.problems
    assert named.format(cert=both.cert, key=both.key) in line
    assert why in line
    assert "\n" not in line
