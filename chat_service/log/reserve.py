"""The part of the disk that is kept back for what must still be stored when it is full."""

from collections.abc import Callable

# The smaller of the two, unless a person chose. Source: the service's guarantees.
DEFAULT_BYTES = 64 << 20
DEFAULT_SHARE = 50


class DiskReserve:
    """Tells whether the disk has come down to its reserve.

    `space` returns how many bytes of the file system are free and how many it has.
    `keep_bytes` are kept back; None: 64 MiB or a fiftieth of the file system, the smaller.
    """

    def __init__(self, space: Callable[[], tuple[int, int]], keep_bytes: int | None) -> None:
        self._space = space
        # May be replaced at any time, by any thread.
        self.keep_bytes = keep_bytes

    def is_touched(self) -> bool:
        """Whether less is free than is kept back. Asks the system, about 2 µs."""
        free, total = self._space()
        keep = self.keep_bytes
        if keep is None:
            keep = min(DEFAULT_BYTES, total // DEFAULT_SHARE)
        return free < keep
