"""InspIRCd, an IRC daemon in C++."""

import os
from pathlib import Path

from bench.peers.peer import Peer

# Flood protection is off; what a slow reader has not read yet is kept, as long as memory
# allows; nobody's name is looked up, and nobody is asked whether he is still there. The
# channel lets outsiders speak. Of a buffer that it could fill, the daemon leaves the rest for
# up to a second when nothing else happens: with the usual 10 KiB that would be so for every
# bunch of posts.
CONFIGURATION = """\
<config format="xml">
<server name="bench.localhost" description="load" network="load">
<admin name="load" nick="load" email="load@localhost">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect name="load" allow="*" maxchans="10" timeout="60" pingfreq="1h"
         fakelag="no" commandrate="1000000000" threshold="1000000" recvq="1048576"
         softsendq="2147483647" hardsendq="2147483647"
         localmax="100000" globalmax="100000"
         resolvehostnames="no" useident="no" maxconnwarn="no">
<performance netbuffersize="65534" somaxconn="4096" softlimit="100000" quietbursts="yes">
<options defaultmodes="" splitwhois="no">
<pid file="{directory}/inspircd.pid">
<path configdir="{directory}" datadir="{directory}" logdir="{directory}" runtimedir="{directory}">
<log method="file" type="*" level="default" target="inspircd.log">
"""


# It may answer a registration a second later, when nothing else happens.
SIGN_INS = 500


def prepare(directory: Path, port: int) -> list[str]:
    """Write the configuration."""
    path = directory / "inspircd.conf"
    path.write_text(CONFIGURATION.format(directory=directory, port=port))
    as_root = ["--runasroot"] if os.geteuid() == 0 else []
    return ["--nofork", *as_root, f"--config={path}"]


INSPIRCD = Peer(
    "inspircd", "InspIRCd (C++)", "irc", SIGN_INS, "inspircd", "apt-get install inspircd", prepare
)
