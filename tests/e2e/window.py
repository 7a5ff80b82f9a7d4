"""A program in a pseudo-terminal, and what a person would see there."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Self

import pyte

from tests.e2e.launched import PATIENCE

# Makes the pseudo-terminal the controlling one, as a terminal window does, so that closing it
# hangs up the program.
_IN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)

# Behind each of its drawings prompt_toolkit shows the cursor.
_END_OF_A_DRAWING = re.compile(rb"(?<=\x1b\[\?25h)")


class Window:
    """A running program in a window of its own; leaving the block ends it."""

    def __init__(
        self,
        *command: str,
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._columns = columns
        self._screen = pyte.HistoryScreen(columns, rows, history=100_000)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.RLock()
        # What somebody waits for.
        self._awaited: tuple[Callable[[], bool], Future[bool]] | None = None
        self._open = True
        self._wake, self._waker = os.pipe()
        # Everything that the program has written.
        self.raw = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            start_new_session=True,
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Signs out, so that the next test finds its names free.
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.close()
        if error is not None:
            # Shown by pytest beside the failure.
            print("the window:", *self.everything(), sep="\n")

    def types(self, keys: str) -> None:
        r"""Press keys; Enter is `\r`."""
        os.write(self._master, keys.encode())

    def enters(self, line: str) -> None:
        """Type a line and press Enter."""
        self.types(line + "\r")

    def pastes(self, text: str) -> None:
        """Paste as a terminal does: line ends become Enter, the whole in marks."""
        self.types("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    def rows(self) -> list[str]:
        """Give the visible rows, without blanks at their ends and empty rows below."""
        with self._lock:
            rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def everything(self) -> list[str]:
        """Give the rows with those that have scrolled away."""
        with self._lock:
            top = [
                "".join(line[column].data for column in range(self._columns)).rstrip()
                for line in self._screen.history.top
            ]
            return top + self.rows()

    def count(self, text: str) -> int:
        """Count the rows, seen and scrolled away, that hold a text."""
        return sum(text in row for row in self.everything())

    def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until what is drawn fulfils a condition. Raises AssertionError in vain.

        Each drawing is judged before the next one, however soon that comes: what is shown for a
        moment is seen by whoever waits for it.
        """
        with self._lock:
            if predicate():
                return
            fulfilled: Future[bool] = Future()
            self._awaited = (predicate, fulfilled)
            if not self._open:
                fulfilled.set_result(False)
        with suppress(TimeoutError):
            if fulfilled.result(PATIENCE):
                return
        vain = "waited in vain" if self._open else f"it ended with {self.process.poll()}"
        raise AssertionError(f"{vain}; the window is\n" + "\n".join(self.everything()))

    def sees(self, *texts: str, times: int = 1) -> None:
        """Wait until each text has stood in so many rows."""
        self.until(lambda: all(self.count(text) >= times for text in texts))

    def shows(self, *texts: str) -> None:
        """Wait until each text stands in some visible row."""
        self.until(lambda: all(any(text in row for row in self.rows()) for text in texts))

    def resizes(self, columns: int, rows: int) -> None:
        """Change the size of the window, of which the program is told."""
        with self._lock:
            self._columns = columns
            self._screen.resize(rows, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self) -> list[object]:
        """Give how the terminal treats keys and lines, as of termios."""
        return list(termios.tcgetattr(self._master))

    def ends(self) -> int:
        """Wait for the end of the program, and of all that it writes; give its exit status."""
        status = self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "something else has the terminal"
        return status

    def signals(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self.process.send_signal(number)

    def close(self) -> None:
        """Close the window, which hangs up the program."""
        if self._master >= 0:
            os.close(self._waker)
            # As long as somebody reads a terminal it is not hung up.
            self._thread.join(PATIENCE)
            os.close(self._wake)
            master, self._master = self._master, -1
            os.close(master)

    def _read(self) -> None:
        for data in self._written():
            for drawing in filter(None, _END_OF_A_DRAWING.split(data)):
                with self._lock:
                    self.raw += drawing
                    self._stream.feed(drawing)
                    self._judge()
        with self._lock:
            self._open = False
            self._judge()

    def _written(self) -> Iterator[bytes]:
        """Give what comes until nobody can write any more, or the window is closed."""
        both = (self._master, self._wake)
        with suppress(OSError):
            while self._wake not in select.select(both, (), ())[0]:
                data = os.read(self._master, 65_536)
                if not data:
                    # The end as macOS tells it; Linux raises.
                    return
                yield data

    def _judge(self) -> None:
        """Tell whoever waits, if there is something to tell."""
        if self._awaited:
            predicate, fulfilled = self._awaited
            try:
                if predicate():
                    fulfilled.set_result(True)
                elif not self._open:
                    fulfilled.set_result(False)
                else:
                    return
            except Exception as error:
                fulfilled.set_exception(error)
            self._awaited = None
