"""What the processes of a launch are told.

`LaunchConfig` is what a person asked for, as `settings` has read and checked it. It becomes
one `InstanceConfig` for each server process and one `AdminConfig`, which travel as JSON.
Imports neither grpc nor asyncio, so that a bad value is answered at once.
"""

import ipaddress
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from chat_service.core.limits import Limits
from chat_service.edge.limits import (
    AddressLimits,
    CallLimits,
    LoginLimits,
    PasswordLimits,
    Rates,
    TransportLimits,
)
from chat_service.hub.limits import HubLimits
from chat_service.log.limits import MAX_BACKLOG
from chat_service.plain import plain, read
from chat_service.retention import KEEP_ALL, Retention

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")

MAX_PORT = 65_535

OWN_CERTIFICATE = "tls"
"""The directory of a certificate that the launch makes, in that of the data."""

MAX_INSTANCES = 256
"""Each instance is a process of about 50 MiB: more than this is a slip of the finger."""


class ConfigError(Exception):
    """Values cannot be used: `problems` has a line for each; the text is all of them in one."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class StartError(Exception):
    """An instance cannot start. The text is one line that names what is in the way."""


@dataclass(frozen=True, slots=True)
class Transcripts:
    """Where public rooms are written to as plain text, and when a file is full."""

    # Each instance writes in a directory of its own in it, called as its data directory.
    directory: Path
    # A new file begins when the present one has so many bytes, or began so long ago.
    rotate_bytes: int = 16 << 20
    rotate_age_s: int = 7 * 86_400
    # Files of a room that are kept beside the present one; 0: all.
    keep_files: int = 0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where a certificate is, with those that vouch for it, and its key: both PEM."""

    cert: Path
    key: Path
    # What was in them when they were looked at; empty: they never change.
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections are to be encrypted, as a person asked for it."""

    # Both or none; none: a certificate is made where one is needed.
    cert: Path | None = None
    key: Path | None = None
    # Host names and addresses for one that is made, beside those that it has anyway.
    names: tuple[str, ...] = ()
    # Of the certificate when it was read last; empty where there is none, or none yet.
    fingerprint: str = ""

    @property
    def files(self) -> tuple[Path | None, Path | None]:
        """Where the person's own certificate is, whatever is in it."""
        return self.cert, self.key

    @property
    def given(self) -> TlsFiles | None:
        """The person's own certificate; None: there is none."""
        if self.cert is None or self.key is None:
            return None
        return TlsFiles(self.cert.absolute(), self.key.absolute(), self.fingerprint)


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """All figures of one server, by the part that goes by them."""

    core: Limits = field(default_factory=Limits)
    hub: HubLimits = field(default_factory=HubLimits)
    calls: CallLimits = field(default_factory=CallLimits)
    transport: TransportLimits = field(default_factory=TransportLimits)
    rates: Rates = field(default_factory=Rates)
    addresses: AddressLimits = field(default_factory=AddressLimits)
    logins: LoginLimits = field(default_factory=LoginLimits)
    passwords: PasswordLimits = field(default_factory=PasswordLimits)
    # Orders that may wait for their commit.
    unacked_posts: int = MAX_BACKLOG
    # The whole of a stop, in seconds. Source: the service's guarantees.
    drain_s: float = 10.0


@dataclass(frozen=True, slots=True)
class AdminConfig:
    """What the admin process is told. Travels as JSON, like InstanceConfig."""

    # Of the launcher: `admin.sock` is made in it.
    data_dir: Path
    # Whether it has a terminal to show the console on.
    console: bool
    # Seconds between two looks at the instances.
    stats_interval_s: float
    log_level: str
    log_format: str
    # Where Prometheus is answered; None: nowhere.
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    # Of the certificate that clients are shown; empty: nothing is encrypted.
    fingerprint: str = ""

    def to_json(self) -> str:
        """Return the one-line form that `from_json` reads."""
        return json.dumps(plain(self))

    @classmethod
    def from_json(cls, text: str) -> "AdminConfig":
        """Read what `to_json` wrote. Raises ConfigError where the text is anything else."""
        try:
            return read(cls, json.loads(text))
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"not the configuration of the admin process: {error}") from None


@dataclass(frozen=True, slots=True)
class InstanceConfig:
    """What one server process is told."""

    # An IP address.
    host: str
    # 0: the system chooses.
    port: int
    # The instance's own directory; no other process uses it at the same time.
    data_dir: Path
    # One of LOG_LEVELS.
    log_level: str
    # False: rates are not limited. Sizes always are.
    rate_limits: bool
    # Bytes of the disk that are kept back; None: the usual reserve.
    disk_reserve: int | None = None
    # How much its rooms keep.
    retention: Retention = KEEP_ALL
    # One of LOG_FORMATS.
    log_format: str = "text"
    # In a directory that is this instance's own; None: it writes none.
    transcripts: Transcripts | None = None
    limits: ServerLimits = field(default_factory=ServerLimits)
    # What its clients are shown; None: nothing is encrypted.
    tls: TlsFiles | None = None
    # SHA-256 in hex of the code by which its first admin registers; empty: there is none.
    owner_code_hash: str = ""

    @property
    def address(self) -> str:
        """Where the instance listens, as `127.0.0.1:50051` or `[::1]:50051`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def to_json(self) -> str:
        """Return the one-line form that `from_json` reads."""
        return json.dumps(plain(self))

    @classmethod
    def from_json(cls, text: str) -> "InstanceConfig":
        """Read what `to_json` wrote. Raises ConfigError where the text is anything else."""
        try:
            return read(cls, json.loads(text))
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"not the configuration of an instance: {error}") from None


@dataclass(frozen=True, slots=True)
class LaunchConfig:
    """What a person asked for; `settings` reads and checks it."""

    # An IP address.
    host: str
    # The first instance's port, the others' follow it. 0: the system chooses each.
    port: int
    # How many independent servers.
    instances: int
    # Each instance's own directory is made in it.
    data_dir: Path
    # One of LOG_LEVELS.
    log_level: str = "info"
    # False: rates are not limited. Sizes always are.
    rate_limits: bool = True
    # Bytes of the disk that are kept back; None: 64 MiB or 2 % of it, the smaller.
    disk_reserve: int | None = None
    # How much the rooms of each instance keep.
    retention: Retention = KEEP_ALL
    # Whether other machines may reach what encrypts nothing.
    insecure: bool = False
    # Whether a terminal, where there is one, shows the console.
    console: bool = True
    # Seconds between two looks at the instances.
    stats_interval_s: float = 5.0
    # One of LOG_FORMATS.
    log_format: str = "text"
    # Where and how public rooms are written as text; None: nowhere.
    transcripts: Transcripts | None = None
    # Where Prometheus is answered, an IP address and a port; None: nowhere.
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    # Of each instance.
    limits: ServerLimits = field(default_factory=ServerLimits)
    tls: Tls = field(default_factory=Tls)

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach the servers."""
        address = ipaddress.ip_address(self.host)
        # Versions of Python differ in whether an IPv4 address in IPv6 is one of loopback.
        mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
        return address.is_loopback and not mapped

    @property
    def own_certificate(self) -> TlsFiles | None:
        """The certificate that the launch makes for itself; None: it needs none."""
        if self.tls.given is not None or self.is_private or self.insecure:
            return None
        directory = self.data_dir.absolute() / OWN_CERTIFICATE
        return TlsFiles(directory / "cert.pem", directory / "key.pem")

    @property
    def certificate(self) -> TlsFiles | None:
        """What clients are shown; None: nothing is encrypted."""
        return self.tls.given or self.own_certificate

    def instance_configs(self) -> list[InstanceConfig]:
        """Return what each instance is told, in the order of the ports.

        The data of a port stays with the port: DIR/50051. Where the system chooses the
        ports it stays with the place in the row: DIR/ephemeral-1.
        """
        configs = []
        for place in range(self.instances):
            port = self.port + place if self.port else 0
            configs.append(self.instance_config(port, str(port or f"ephemeral-{place + 1}")))
        return configs

    def instance_config(self, port: int, name: str) -> InstanceConfig:
        """Return what one instance is told; `name` is that of its directory in ours."""
        return InstanceConfig(
            self.host,
            port,
            self.data_dir.absolute() / name,
            self.log_level,
            self.rate_limits,
            self.disk_reserve,
            self.retention,
            self.log_format,
            self._transcripts_of(name),
            self.limits,
            self.certificate,
        )

    def admin_config(self, console: bool) -> AdminConfig:
        """Return what the admin process is told; `console`: it has a terminal for one."""
        return AdminConfig(
            data_dir=self.data_dir.absolute(),
            console=console,
            stats_interval_s=self.stats_interval_s,
            log_level=self.log_level,
            log_format=self.log_format,
            metrics_port=self.metrics_port,
            metrics_host=self.metrics_host,
            fingerprint=self.tls.fingerprint,
        )

    def _transcripts_of(self, name: str) -> Transcripts | None:
        if self.transcripts is None:
            return None
        return replace(self.transcripts, directory=self.transcripts.directory.absolute() / name)
