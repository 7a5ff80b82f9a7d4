"""The socket chat: a thread for each client, in Python."""

import sys
from pathlib import Path

from bench.peers.peer import Peer

PROGRAM = Path(__file__).with_name("socket_chat_server.py")


SIGN_INS = 16


def prepare(_: Path, port: int) -> list[str]:
    """Return how the program is run."""
    return [str(PROGRAM), str(port)]


SOCKET_CHAT = Peer(
    "socket-chat",
    "socket chat (Python)",
    "plain",
    SIGN_INS,
    sys.executable,
    "part of the benchmark",
    prepare,
)
