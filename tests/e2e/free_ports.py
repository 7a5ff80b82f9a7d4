"""Ports for tests in which a server has to come back on the one that it had."""

import random
import socket
from contextlib import ExitStack

# Below those that systems choose for outgoing connections (from 32768 on Linux, 49152 on
# macOS): between two servers nothing else takes them by chance.
_LOWEST, _HIGHEST = 20_000, 32_000


def free_ports(count: int = 1) -> int:
    """Return the first of so many ports in a row that nobody has at this moment."""
    while True:
        first = random.randrange(_LOWEST, _HIGHEST - count)
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
