"""ngIRCd, an IRC daemon in C."""

from pathlib import Path

from bench.peers.peer import Peer

# Flood protection and limits are off, and nobody is looked up. It leaves root's rights by
# itself.
CONFIGURATION = """\
[Global]
Name = bench.localhost
Info = load
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = load

[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 20
MaxPenaltyTime = 0
PingTimeout = 3600

[Options]
DNS = no
Ident = no
PAM = no
"""


# More than ten connections at once, of two processes, do not fit its queue: each further one
# would wait for a second.
SIGN_INS = 5


def prepare(directory: Path, port: int) -> list[str]:
    """Write the configuration."""
    path = directory / "ngircd.conf"
    path.write_text(CONFIGURATION.format(port=port))
    return ["--nodaemon", "--config", str(path)]


NGIRCD = Peer("ngircd", "ngIRCd (C)", "irc", SIGN_INS, "ngircd", "apt-get install ngircd", prepare)
