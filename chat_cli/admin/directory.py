"""Finds the server of a data directory: the socket `admin.sock` in it.

The path of a Unix socket has 108 bytes, 104 on macOS, which a directory may well exceed. So
this process goes into the directory, and the socket is called by its name alone.
"""

import os
import socket
import time
from pathlib import Path

from chat_cli.errors import ChatError

SOCKET = "admin.sock"
TARGET = f"unix:{SOCKET}"
"""What a channel is made for, once `enter` has returned."""

# What an instance keeps in its own directory, and the launcher in the one above.
_DATA_FILE = "chat.sqlite3"
_LOCK = "lock"

# The listener's queue is full, or it was stopped by a signal: longer than any pause of it.
_PATIENCE_S = 5.0
# Between two looks at a server that is not there yet.
_PAUSE_S = 0.05


class NoServerError(ChatError):
    """Nothing answers in the directory, or this user may not ask."""


def enter(directory: Path, wait_s: float = 0.0) -> None:
    """Make `directory` the working directory, and see that somebody listens there.

    A server that is not there yet is waited for, so many seconds. Raises NoServerError, also
    where it is the directory of one of the server's instances, which answers few calls.
    """
    # The working directory stays what it was while a relative one is not there yet.
    directory = directory.absolute()
    deadline = time.monotonic() + wait_s
    while True:
        try:
            os.chdir(directory)
            if os.path.exists(_DATA_FILE) and (directory.parent / _LOCK).exists():
                raise NoServerError(
                    f"{directory} is the directory of one instance; the server has the one above "
                    f"it: --data-dir {directory.parent}"
                )
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_PATIENCE_S)
                probe.connect(SOCKET)
            return
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            if time.monotonic() >= deadline:
                raise NoServerError(
                    f"no server answers with the data directory {directory} "
                    "(--data-dir names another)"
                ) from None
        except PermissionError:
            raise NoServerError(
                f"not permitted: the server of {directory} answers its owner alone "
                "(--data-dir names another)"
            ) from None
        except OSError as error:
            raise NoServerError(f"the server of {directory} cannot be reached: {error}") from None
        time.sleep(_PAUSE_S)
