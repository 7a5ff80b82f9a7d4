"""What may be asked of the server, and how an instance is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chat_service.config import (
    AdminConfig,
    ConfigError,
    InstanceConfig,
    LaunchConfig,
    Tls,
    TlsFiles,
    Transcripts,
)
from chat_service.retention import Keep, Retention


def launch(**changes: Any) -> LaunchConfig:
    """Return a valid configuration with some values changed."""
    return replace(LaunchConfig("127.0.0.1", 50051, 1, Path("/data")), **changes)


def test_each_port_has_its_own_data() -> None:
    """Instances take consecutive ports, and the data belongs to the port."""
    few = Retention(Keep(max_messages=5))
    asked = launch(instances=3, log_level="debug", rate_limits=False, disk_reserve=7, retention=few)
    assert asked.instance_configs() == [
        InstanceConfig("127.0.0.1", port, Path(f"/data/{port}"), "debug", False, 7, few)
        for port in (50051, 50052, 50053)
    ]


def test_ports_that_the_system_chooses_keep_data_by_place() -> None:
    """With port 0 each instance asks for a free port, and the data belongs to its place."""
    configs = launch(port=0, instances=2).instance_configs()
    assert [(config.port, config.data_dir) for config in configs] == [
        (0, Path("/data/ephemeral-1")),
        (0, Path("/data/ephemeral-2")),
    ]


def test_data_directory_is_told_in_full() -> None:
    """A relative data directory is made absolute, so that messages name it without doubt."""
    (config,) = launch(data_dir=Path("here")).instance_configs()
    assert config.data_dir == Path.cwd() / "here" / "50051"


def test_last_port_may_be_used() -> None:
    """The row of ports may end at 65535."""
    configs = launch(port=65_531, instances=5).instance_configs()
    assert configs[-1].port == 65_535


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("::ffff:127.0.0.1", False),
    ],
)
def test_private_is_what_other_machines_cannot_reach(host: str, private: bool) -> None:
    """Loopback alone is private."""
    assert launch(host=host).is_private == private


OWN = TlsFiles(Path("/data/tls/cert.pem"), Path("/data/tls/key.pem"))
GIVEN = Tls(Path("/c"), Path("/k"))


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, None),
        ({"insecure": True}, None),
        ({"tls": GIVEN}, TlsFiles(Path("/c"), Path("/k"))),
        ({"host": "0.0.0.0"}, OWN),
        ({"host": "0.0.0.0", "insecure": True}, None),
        ({"host": "0.0.0.0", "tls": GIVEN}, TlsFiles(Path("/c"), Path("/k"))),
        ({"host": "0.0.0.0", "tls": GIVEN, "insecure": True}, TlsFiles(Path("/c"), Path("/k"))),
    ],
)
def test_what_is_encrypted(changes: dict[str, Any], shown: TlsFiles | None) -> None:
    """Plain text is for loopback or on demand; a certificate that is given is always shown."""
    config = launch(instances=2, **changes)
    assert config.certificate == shown
    assert config.own_certificate == (shown if shown == OWN else None)
    assert [one.tls for one in config.instance_configs()] == [shown, shown]


def test_certificate_is_told_in_full() -> None:
    """Its files are named from the root, for an instance works in a directory of its own."""
    asked = launch(tls=Tls(Path("c.pem"), Path("k.pem")))
    (config,) = asked.instance_configs()
    assert config.tls == TlsFiles(Path.cwd() / "c.pem", Path.cwd() / "k.pem")
    assert launch(host="::", data_dir=Path("d")).certificate == TlsFiles(
        Path.cwd() / "d/tls/cert.pem", Path.cwd() / "d/tls/key.pem"
    )


def test_address_of_ipv6_has_brackets() -> None:
    """An IPv6 address is put in brackets before its port, an IPv4 address is not."""
    (six,) = launch(host="::1").instance_configs()
    (four,) = launch().instance_configs()
    assert (six.address, four.address) == ("[::1]:50051", "127.0.0.1:50051")


def test_instance_is_told_everything() -> None:
    """What an instance is told arrives whole, on one line."""
    config = InstanceConfig("::1", 0, Path('/da ta/"é\n'), "warning", False)
    kept = Retention(Keep(1, 2), Keep(), (("builds", Keep(max_messages=5)),))
    for told in (
        config,
        replace(config, disk_reserve=1 << 40),
        replace(config, disk_reserve=0),
        replace(config, tls=TlsFiles(Path("/c"), Path("/k"))),
        replace(config, retention=kept),
        replace(config, log_format="json", transcripts=Transcripts(Path("/t/50051"), 1, 2, 3)),
    ):
        assert "\n" not in told.to_json()
        assert InstanceConfig.from_json(told.to_json()) == told


@pytest.mark.parametrize("text", ["", "{}", "[]", "7"])
def test_nonsense_is_not_a_configuration(text: str) -> None:
    """An instance refuses to be told something else."""
    with pytest.raises(ConfigError, match="not the configuration of an instance"):
        InstanceConfig.from_json(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "1"),
        ("data_dir", 3),
        ("rate_limits", 1),
        ("disk_reserve", "64M"),
        ("retention", None),
        ("retention", {"default": {}, "direct": None}),
        ("retention", {"default": {"max_messages": 0}, "direct": None, "rooms": []}),
        ("retention", {"default": {"max_days": 1}, "direct": None, "rooms": []}),
        ("retention", {"default": {}, "direct": None, "rooms": ["builds"]}),
        ("log_format", 1),
        ("transcripts", "/t"),
        ("transcripts", {"rotate_bytes": 1}),
        ("transcripts", {"directory": "/t", "rotate_bytes": "1"}),
        ("color", "blue"),
    ],
)
def test_wrong_value_is_not_a_configuration(name: str, value: object) -> None:
    """An instance refuses a value of the wrong kind, and one that it does not know."""
    told = json.loads(InstanceConfig("::1", 1, Path("/d"), "info", True).to_json())
    assert InstanceConfig.from_json(json.dumps(told)).port == 1
    with pytest.raises(ConfigError, match="not the configuration of an instance"):
        InstanceConfig.from_json(json.dumps(told | {name: value}))


@pytest.mark.parametrize("name", ["host", "port", "data_dir", "log_level", "retention"])
def test_half_is_not_a_configuration(name: str) -> None:
    """An instance refuses to be told half of it."""
    told = json.loads(InstanceConfig("::1", 1, Path("/d"), "info", True).to_json())
    del told[name]
    with pytest.raises(ConfigError, match="not the configuration of an instance"):
        InstanceConfig.from_json(json.dumps(told))


def test_admin_process_is_told_everything() -> None:
    """What concerns the operator's side reaches the admin process whole, on one line."""
    asked = launch(
        log_level="debug",
        log_format="json",
        stats_interval_s=2.5,
        metrics_port=9100,
        metrics_host="127.0.0.1",
    )
    told = asked.admin_config(console=True)
    shown = launch(tls=Tls(fingerprint="A1:B2")).admin_config(console=True)
    assert shown.fingerprint == "A1:B2"
    assert told == AdminConfig(Path("/data"), True, 2.5, "debug", "json", 9100, "127.0.0.1")
    assert "\n" not in told.to_json()
    assert AdminConfig.from_json(told.to_json()) == told
    assert not launch().admin_config(console=False).console


def test_each_instance_writes_transcripts_of_its_own() -> None:
    """Each instance is given its own directory for transcripts, in full, and the same sizes."""
    asked = launch(instances=2, transcripts=Transcripts(Path("texts"), 1, 2, 3))
    assert [config.transcripts for config in asked.instance_configs()] == [
        Transcripts(Path.cwd() / "texts" / port, 1, 2, 3) for port in ("50051", "50052")
    ]
    assert launch().instance_configs()[0].transcripts is None


def test_instance_that_comes_later_is_told_the_same(tmp_path: Path) -> None:
    """Whoever is started beside the first ones has all their settings, and data of its own."""
    config = launch(instances=2, data_dir=tmp_path, log_level="debug", disk_reserve=7)
    first, second = config.instance_configs()
    assert config.instance_config(50051, "50051") == first
    later = config.instance_config(50060, "50060")
    assert later == replace(second, port=50060, data_dir=tmp_path / "50060")
