"""A real small file system, to be filled; it takes the right to mount one."""

import errno
import os
import subprocess
from pathlib import Path

M = 1 << 20
DISK = 32 * M


class SmallDisk:
    """A file system of DISK bytes, and a file on it that takes what is to be taken."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ballast = directory / "ballast"

    def fill(self, *, leave: int) -> None:
        """Take all but so many bytes of it."""
        with self._ballast.open("ab") as file:
            while (free := self.free) > leave:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free - leave)
                except OSError as error:
                    # Somebody else has taken some of it meanwhile.
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self) -> None:
        """Give all back that was taken."""
        self._ballast.unlink()

    def allow(self, how: str) -> None:
        """Mount it again: `ro`, nobody may write, or `rw`."""
        command = ["mount", "-o", f"remount,{how}", str(self.directory)]
        subprocess.run(command, check=True, timeout=30)

    @property
    def free(self) -> int:
        """How many bytes are free."""
        found = os.statvfs(self.directory)
        return found.f_bavail * found.f_frsize
