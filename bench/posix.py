"""What the benchmark asks of the system, which is POSIX."""

import os
import resource
import time
from pathlib import Path

_PAGE = b"\0" * 4096
_SYNCS = 200


def allow_many_files() -> None:
    """Let this process, and those that it starts, have as many sockets open as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except ValueError:
        # macOS calls it unlimited and refuses that as a figure.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 10_240), most))


def sync_seconds(directory: Path) -> list[float]:
    """Return how long it takes to write 4 KiB durably, each of 200 times, in seconds."""
    sync = getattr(os, "fdatasync", os.fsync)
    path = directory / "sync-probe"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    times = []
    try:
        for number in range(_SYNCS):
            os.pwrite(descriptor, _PAGE, number * len(_PAGE))
            began = time.perf_counter()
            sync(descriptor)
            times.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return times
