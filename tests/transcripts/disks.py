"""Disks that are full, slow or dead, as a transcript meets them."""

import errno
import os
import threading

from chat_service.transcripts.files import Calls
from tests.log.subject import DEADLINE_S
from tests.transcripts.scene import until


class FullDisk:
    """Takes `room` more bytes of text, then what fits of a write, then nothing."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.refusals = 0
        # Whether there is no room for the name of a file either.
        self.sync_fails = False
        self.calls = Calls(write=self._write, sync=self._sync)

    def wait_refusals(self, count: int) -> None:
        """Wait until so many more calls were refused."""
        goal = self.refusals + count
        until(lambda: self.refusals >= goal, "it tries again")

    def _refuse(self) -> OSError:
        self.refusals += 1
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _sync(self, descriptor: int) -> None:
        if self.sync_fails:
            raise self._refuse()
        os.fsync(descriptor)

    def _write(self, descriptor: int, data: bytes) -> int:
        if not self.room:
            raise self._refuse()
        done = os.write(descriptor, data[: self.room])
        self.room -= done
        return done


class DeadDisk:
    """Does so many calls; of the next it does a part and fails, and every one after that fails.

    For what stands on the disk this is a `kill -9` at that call.
    """

    def __init__(self, calls: int) -> None:
        self.left = calls
        self.calls = Calls(write=self._write, sync=self._sync)

    def wait_below(self, left: int) -> None:
        """Wait until less than so many calls are left, or the disk is dead."""
        until(lambda: self.left < max(left, 0), "something is written")

    def _write(self, descriptor: int, data: bytes) -> int:
        self.left -= 1
        if self.left < 0:
            if self.left == -1:
                os.write(descriptor, data[: len(data) // 2])
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return os.write(descriptor, data)

    def _sync(self, _: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


class StuckDisk:
    """Answers no sync until it is told to."""

    def __init__(self) -> None:
        self.is_stuck = threading.Event()
        self.goes_on = threading.Event()
        self.calls = Calls(sync=self._sync)

    def _sync(self, _: int) -> None:
        self.is_stuck.set()
        assert self.goes_on.wait(DEADLINE_S)
