"""A look at every page of a large data file, while the server serves.

It reads one snapshot on a connection that cannot write, outside of the interpreter's
lock. For a million messages it takes a core for about 0.7 s; the write-ahead log is
not emptied meanwhile.
"""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from chat_service.log.datafile import check_pages, damaged, is_damage, mark_damaged, open_to_read


class Inspection:
    """One look at a file, on a thread of its own, begun at once."""

    def __init__(self, path: Path, on_damage: Callable[[str], None]) -> None:
        """Begin; `on_damage` is called on the thread, with the line that names the damage."""
        self._path = path
        self._on_damage = on_damage
        self._connection = open_to_read(path)
        self._thread = threading.Thread(target=self._run, name="log-inspection", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, finished or not, and let go of the file. Blocks for a moment."""
        while self._thread.is_alive():
            # Again and again: an interrupt that comes before the reading begins is lost.
            self._connection.interrupt()
            self._thread.join(0.01)
        self._connection.close()

    def _run(self) -> None:
        try:
            check_pages(self._connection)
        except Exception as error:
            if is_damage(error):
                mark_damaged(self._path)
                self._on_damage(damaged(self._path, error))
            elif getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                raise
