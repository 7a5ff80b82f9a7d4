"""What the processes of instances use, as the system tells it.

Blocks for some ms: for a thread, not for an event loop.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from chat_service.admin.samples import Usage

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""All connections of the machine, one a line, on Linux."""

ESTABLISHED = b"01"

BELIEVED_S = 0.5
"""One look at the connections serves all instances that are looked at together."""


class Processes:
    """Looks at them. To be used by one thread at a time."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._by_port: Counter[int] = Counter()
        self._counted_at = float("-inf")

    def usage_of(self, pid: int, port: int) -> Usage | None:
        """Look at a process, and at the established connections to its port.

        None: there is no such process, or this one may not look at it.
        """
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            return Usage(
                cpu_s=times.user + times.system,
                memory_bytes=process.memory_info().rss,
                connections=self._connections(process, port),
            )
        except psutil.Error:
            return None

    def _connections(self, process: psutil.Process, port: int) -> int:
        if not psutil.LINUX:
            return sum(
                connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port
                for connection in process.net_connections("tcp")
            )
        # psutil reads the tables of the whole machine for each process, and each of its
        # descriptors: ten times the work.
        if self._clock_s() - self._counted_at > BELIEVED_S:
            self._by_port = established_by_port(TABLES)
            self._counted_at = self._clock_s()
        return self._by_port[port]


def established_by_port(tables: tuple[Path, ...]) -> Counter[int]:
    """Count the established connections of each local port in tables of the Linux kernel."""
    found: Counter[int] = Counter()
    for table in tables:
        try:
            lines = table.read_bytes().splitlines()[1:]
        except OSError:
            # A machine without IPv6.
            continue
        for line in lines:
            _, local, _, state, _ = line.split(None, 4)
            if state == ESTABLISHED:
                found[int(local[-4:], 16)] += 1
    return found
