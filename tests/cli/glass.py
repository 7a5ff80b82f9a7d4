"""A terminal in memory: prompt_toolkit writes to it, a test reads it as a person would."""

import asyncio
import io
from collections.abc import Callable

import pyte
from prompt_toolkit.data_structures import Size
from prompt_toolkit.output.vt100 import Vt100_Output

from tests.cli.desk import DEADLINE


class Glass(io.StringIO):
    """What a terminal of this size shows. `raw` is everything that was ever written to it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        super().__init__()
        self.raw = ""
        self._size = Size(rows=rows, columns=columns)
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.Stream(self._screen)
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def output(self) -> Vt100_Output:
        """Give the output that draws here."""
        return Vt100_Output(
            self, lambda: self._size, term="xterm-256color", enable_cpr=False, enable_bell=False
        )

    def write(self, data: str) -> int:
        """Draw."""
        self.raw += data
        # The kernel's terminal driver turns a line feed into a new line.
        self._stream.feed(data.replace("\r\n", "\n").replace("\n", "\r\n"))
        for predicate, future in list(self._watchers):
            if predicate() and not future.done():
                future.set_result(None)
                self._watchers.remove((predicate, future))
        return len(data)

    def rows(self) -> list[str]:
        """Give the rows that are visible, without blanks at their ends and empty rows below."""
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def everything(self) -> list[str]:
        """Give the rows with those that have scrolled away."""
        top = [
            "".join(line[column].data for column in range(self._size.columns)).rstrip()
            for line in self._screen.history.top
        ]
        return top + self.rows()

    def cursor(self) -> tuple[int, int]:
        """Give column and row of the cursor."""
        return self._screen.cursor.x, self._screen.cursor.y

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until what is drawn fulfils a condition."""
        if predicate():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.append((predicate, future))
        try:
            async with asyncio.timeout(DEADLINE):
                await future
        except TimeoutError:
            raise AssertionError("not drawn; the screen is\n" + "\n".join(self.rows())) from None

    async def shows(self, *rows: str) -> None:
        """Wait until each of these stands in some row."""
        await self.until(lambda: all(any(text in row for row in self.rows()) for text in rows))
