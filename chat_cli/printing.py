"""Lines into the terminal's own scroll-back, above an application that owns its bottom.

The application is erased, the lines are printed, the application is drawn again.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import set_app
from prompt_toolkit.formatted_text import StyleAndTextTuples

from chat_cli.render import Fragments, Line
from chat_cli.scrollback import Change, Redrawing, Scrollback, amended

# Seconds between two prints under a flood: smooth to the eye, and the terminal keeps up.
_GATHER = 0.05


class Printer:
    """Prints above one application, which may not run yet, or not any more."""

    def __init__(self, app: Application[None]) -> None:
        self._app = app
        # Lines that wait to be printed.
        self._lines: list[Line] = []
        self._scrollback = Scrollback()
        self._due: asyncio.TimerHandle | None = None
        self._printed_at = 0.0

    def show(self, lines: Sequence[Line]) -> None:
        """Add lines; several calls soon after each other print once."""
        self._lines += lines
        if self._lines and self._due is None and self._app.is_running:
            loop = asyncio.get_running_loop()
            wait = max(0.0, self._printed_at + _GATHER - loop.time())
            self._due = loop.call_later(wait, self._print)

    def amend(self, change: Change) -> None:
        """Change messages that wait to be printed or stand in the window."""
        self._lines = amended(self._lines, change) or self._lines
        size = self._app.output.get_size()
        screen = self._app.renderer.last_rendered_screen
        above = max(0, size.rows - (screen.height if screen else 0))
        redrawing = self._scrollback.amend(change, size.columns, above)
        if redrawing and self._app.is_running and not self._app.is_done:
            self._print(redrawing)

    def stop(self) -> None:
        """Print nothing more by itself."""
        if self._due:
            self._due.cancel()
            self._due = None

    def print_rest(self) -> None:
        """Print what is left after the end of the application."""
        lines, self._lines = self._lines, []
        self._write(self._scrollback.add(lines, self._app.output.get_size().columns))

    def _print(self, redrawing: Redrawing | None = None) -> None:
        """Print what is new, after what is to be drawn anew."""
        self.stop()
        self._printed_at = asyncio.get_running_loop().time()
        if self._app.is_running and not self._app.is_done:
            self._app.renderer.erase()
            if redrawing:
                self._redraw(redrawing)
            self.print_rest()
            # At once, not with the next turn of the loop: under a flood that turn is long, and
            # the line being typed must not be gone meanwhile.
            with set_app(self._app):
                # Controls keep their text for one count.
                self._app.render_counter += 1
                self._app.renderer.render(self._app, self._app.layout)

    def _redraw(self, redrawing: Redrawing) -> None:
        """Draw the end of what was printed anew; what stood above it stays."""
        output = self._app.output
        output.cursor_up(redrawing.up)
        output.write_raw("\r")
        output.erase_down()
        self._write(redrawing.rows)

    def _write(self, rows: Iterable[Fragments]) -> None:
        fragments: StyleAndTextTuples = []
        for row in rows:
            fragments += row
            fragments.append(("", "\n"))
        if fragments:
            # A terminal that is gone is noticed by its input.
            with suppress(OSError):
                self._app.print_text(fragments)
