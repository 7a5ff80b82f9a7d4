"""The certificate that a launch makes for itself."""

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from chat_service.config import LaunchConfig, StartError, Tls
from chat_service.launcher.certificate import pair_of
from tests.authority import NOW, issue


def open_launch(directory: Path, host: str = "192.0.2.7") -> LaunchConfig:
    """Return a launch that other machines can reach."""
    return LaunchConfig(host, 50051, 2, directory)


def pair(config: LaunchConfig) -> str:
    """Return the fingerprint of what its clients are shown."""
    assert config.certificate is not None
    return pair_of(config, config.certificate, NOW).fingerprint


def test_made_once_and_kept(tmp_path: Path) -> None:
    """The first start makes it, later ones show the same, whatever else they are asked for."""
    config = open_launch(tmp_path)
    first = pair(config)
    assert pair(config) == first
    assert pair(replace(config, host="0.0.0.0", tls=Tls(names=("chat.example",)))) == first
    assert pair(open_launch(tmp_path / "other")) != first


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """The directory and the files belong to their owner alone."""
    config = open_launch(tmp_path)
    pair(config)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"tls": 0o700, "cert.pem": 0o600, "key.pem": 0o600}


def test_what_it_says(tmp_path: Path) -> None:
    """It is a P-256 key for servers, for ten years, in the names that the machine may have."""
    config = replace(open_launch(tmp_path), tls=Tls(names=("chat.example", "198.51.100.1")))
    pair(config)
    made = x509.load_pem_x509_certificate((tmp_path / "tls" / "cert.pem").read_bytes())
    public = made.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert isinstance(public.curve, ec.SECP256R1)
    assert made.not_valid_before_utc < NOW
    assert timedelta(days=3640) < made.not_valid_after_utc - NOW < timedelta(days=3660)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert {"chat.example", "localhost"} <= set(hosts)
    assert addresses == ["198.51.100.1", "127.0.0.1", "::1", "192.0.2.7"]


def test_own_certificate_is_taken_where_one_is_given(tmp_path: Path) -> None:
    """Nothing is made where there is one, also on loopback."""
    issued = issue("localhost")
    cert, key = issued.write(tmp_path)
    for host in ("127.0.0.1", "192.0.2.7"):
        config = replace(open_launch(tmp_path / "data", host), tls=Tls(cert, key))
        assert pair(config) == issued.sha256
    assert not (tmp_path / "data").exists()


def test_half_of_it_is_never_replaced(tmp_path: Path) -> None:
    """Where the key is gone the start stops, for another one would be a stranger to clients."""
    config = open_launch(tmp_path)
    pair(config)
    (tmp_path / "tls" / "key.pem").unlink()
    with pytest.raises(StartError, match=r"key\.pem: no such file.*delete .*/tls$"):
        pair(config)


def test_interrupted_making_is_made_again(tmp_path: Path) -> None:
    """A key without a certificate was shown to nobody yet."""
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "key.pem").write_text("half a k")
    (tmp_path / "tls" / "cert.new").write_text("half a c")
    config = open_launch(tmp_path)
    assert pair(config) == pair(config)


def test_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A start that cannot write it is one line with the directory."""
    (tmp_path / "tls").write_text("in the way")
    with pytest.raises(StartError, match=f"in {tmp_path}/tls: "):
        pair(open_launch(tmp_path))
