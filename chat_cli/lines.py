"""Lines of a pipe or a file, read beside the event loop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator

# Lines that are read ahead of the reader: enough to keep a window of posts full.
_AHEAD = 1024


async def read_lines(descriptor: int, ahead: bool = True) -> AsyncIterator[bytes]:
    """Give the lines of a file descriptor, without their ends, until it ends.

    Not `ahead`: nothing is read before it is asked for, so that others may read in between.
    The thread that reads cannot be interrupted; it ends with the process.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    wanted = threading.Semaphore(_AHEAD if ahead else 0)

    def pump() -> None:
        # A file of its own: the interpreter's end waits for the lock of the standard one.
        with open(os.dup(descriptor), "rb") as file:
            try:
                while True:
                    wanted.acquire()
                    line = file.readline()
                    if not line:
                        break
                    loop.call_soon_threadsafe(queue.put_nowait, line)
            except OSError:
                pass
            except RuntimeError:
                # The loop is closed: nobody reads on.
                return
        try:
            loop.call_soon_threadsafe(queue.put_nowait, None)
        except RuntimeError:
            return

    threading.Thread(target=pump, name="lines", daemon=True).start()
    wanted.release()
    while (line := await queue.get()) is not None:
        yield line.rstrip(b"\r\n")
        wanted.release()
