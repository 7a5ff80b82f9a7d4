"""Ports for servers that come back on the one that they had."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def held_ports(count: int = 1) -> Iterator[int]:
    """Give the first of so many free ports in a row.

    Until the end of the block Linux gives them to nobody who asks for just any port, whether or
    not a server listens there: while it is away, another test's would refuse its clients.
    Elsewhere they are only free at this moment.
    """
    while True:
        with ExitStack() as held:
            first = _hold(0, held)
            try:
                for port in range(first + 1, first + count):
                    _hold(port, held)
            except (OSError, OverflowError):
                continue
            if sys.platform != "linux":
                held.close()
            yield first
            return


def _hold(port: int, held: ExitStack) -> int:
    """Bind a port without listening there. Raises OSError if somebody has it, OverflowError."""
    holder = held.enter_context(socket.socket())
    holder.bind(("127.0.0.1", port))
    # Only now: so it was refused a port that another one holds, and is in no listener's way.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound: int = holder.getsockname()[1]
    return bound
