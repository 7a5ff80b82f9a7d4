"""The scrolling screen: messages above, the line being typed below, nothing in each other's way.

One prompt_toolkit application runs from start to end and owns the bottom of the terminal: the
messages on their way, the input, the toolbar. What is shown goes above it, see `printing`. The
terminal stays in raw mode meanwhile, so what is typed at that moment is not echoed between the
lines.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, ConditionalContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output import Output
from prompt_toolkit.utils import get_cwidth, suspend_to_background_supported

from chat_cli.client import Client
from chat_cli.completion import common_prefix
from chat_cli.printing import Printer
from chat_cli.question_bar import AskedQuestions, QuestionBar
from chat_cli.render import Line
from chat_cli.scrollback import Change
from chat_cli.state import ChatState
from chat_cli.status import prompt, toolbar, waiting_lines
from chat_cli.styles import STYLE
from chat_cli.wrap import fold

# Rows that a text of many lines may take; it scrolls inside.
_INPUT_ROWS = 10
# Columns by which the further rows of the input are indented, at most: "#lobby> ".
_INPUT_INDENT = 8
# Seconds between two looks at the countdown in the toolbar.
_TICK = 1.0


class PromptScreen:
    """The screen of one person. `clock` gives seconds, the same as the state's."""

    def __init__(
        self,
        state: ChatState,
        clock: Callable[[], float],
        terminal_in: Input | None = None,
        terminal_out: Output | None = None,
    ) -> None:
        self._state = state
        self._clock = clock
        self._client: Client | None = None
        self._accepting = False
        self._returned: str | None = None
        self._interrupted = False
        self._told_history = False
        self._painted = asyncio.Event()
        self._buffer = Buffer(multiline=False, accept_handler=self._accept)
        self._bar = QuestionBar(self._take_turns)
        self._app: Application[None] = Application(
            layout=self._layout(),
            style=STYLE,
            key_bindings=self._bindings(),
            erase_when_done=True,
            refresh_interval=_TICK,
            include_default_pygments_style=False,
            input=terminal_in,
            output=terminal_out,
        )
        self._printer = Printer(self._app)
        # Whoever asks unasked waits until the line is empty.
        self._app.before_render += lambda _: self._focus()
        self._app.after_render += lambda _: self._painted.set()

    # ------------------------------------------------------------ what the client uses

    @property
    def tells_pastes(self) -> bool:
        """Always: the terminal marks what is pasted."""
        return True

    def show(self, lines: Sequence[Line]) -> None:
        """Add lines to the scroll-back; several calls soon after each other print once."""
        self._printer.show(lines)

    def amend(self, change: Change) -> None:
        """Change messages that wait to be printed or stand in the window."""
        self._printer.amend(change)

    def give_back(self, text: str) -> None:
        """Put a text into the input if that is empty, else where the arrow up fetches it."""
        if self._accepting and self._returned is None:
            self._returned = text
            return
        if not self._accepting and not self._buffer.text:
            self._buffer.set_document(Document(text))
            return
        history = self._buffer.history
        if text not in history.get_strings():
            history.append_string(text)
        if not self._accepting:
            # What the arrow keys go through is read anew; what is being typed stays.
            self._buffer.reset(self._buffer.document)
        if self._client and not self._told_history:
            self._told_history = True
            self._client.hint("The arrow up brings back what is not in the line below.")

    def refresh(self) -> None:
        """Draw the prompt again."""
        self._app.invalidate()

    def questions(self, unasked: bool = False) -> AskedQuestions:
        """Ask in the place of the input line; what stands in that is kept."""
        # A macro would keep what is typed now.
        if self._app.emacs_state.is_recording:
            self._app.emacs_state.end_macro()
        return self._bar.open(unasked)

    def close(self) -> None:
        """End the application; `run` returns."""
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    # --------------------------------------------------------------------- running

    async def run(self, client: Client) -> None:
        """Read lines for `client` until it closes the screen or the terminal is gone."""
        self._client = client
        try:
            # Both mean that the terminal is gone: read from, or written to.
            with suppress(EOFError, OSError):
                await self._app.run_async(
                    handle_sigint=False,
                    set_exception_handler=False,
                    pre_run=lambda: self._printer.show(()),
                )
        finally:
            self._bar.end()
            self._printer.stop()

    async def painted(self) -> None:
        """Wait until the prompt has been drawn once."""
        await self._painted.wait()

    def print_rest(self) -> None:
        """Print what is left after the end of the application."""
        self._printer.print_rest()

    # ------------------------------------------------------------------- the layout

    def _layout(self) -> Layout:
        waiting = ConditionalContainer(
            Window(FormattedTextControl(self._waiting), dont_extend_height=True, wrap_lines=True),
            Condition(lambda: any(True for _ in self._state.waiting())) & ~is_done,
        )
        self._entry = Window(
            BufferControl(self._buffer),
            get_line_prefix=self._prefix,
            wrap_lines=True,
            dont_extend_height=True,
            height=Dimension(min=1, max=_INPUT_ROWS),
        )
        entry = ConditionalContainer(self._entry, Condition(lambda: not self._bar.active))
        bar = ConditionalContainer(
            Window(FormattedTextControl(self._toolbar), height=1, style="class:toolbar"), ~is_done
        )
        return Layout(HSplit([waiting, entry, self._bar.container, bar]), self._entry)

    def _take_turns(self) -> None:
        self._focus()
        self._app.invalidate()

    def _focus(self) -> None:
        """Let the keys go to a question, if there is one that may have them."""
        self._bar.take_turns(line_is_free=not self._buffer.text)
        wanted = self._bar.window if self._bar.active else self._entry
        if not self._app.layout.has_focus(wanted):
            self._app.layout.focus(wanted)

    def _waiting(self) -> StyleAndTextTuples:
        fragments: StyleAndTextTuples = []
        width = self._app.output.get_size().columns
        for line in waiting_lines(self._state, self._clock()):
            for part in fold(line, width):
                fragments += [("", "\n")] if fragments else []
                fragments += part
        return fragments

    def _prefix(self, number: int, wrapped: int) -> StyleAndTextTuples:
        drawn = prompt(self._state, self._app.output.get_size().columns)
        if number == 0 and wrapped == 0:
            return [*drawn]
        return [("", " " * min(_INPUT_INDENT, sum(get_cwidth(text) for _, text in drawn)))]

    def _toolbar(self) -> StyleAndTextTuples:
        width = self._app.output.get_size().columns
        return [*toolbar(self._state, self._clock(), width)]

    # --------------------------------------------------------------------- the keys

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        chatting = Condition(lambda: not self._bar.active)
        keys.add("tab", filter=chatting)(self._complete)
        newline = keys.add("escape", "enter", filter=chatting)
        newline(lambda event: event.current_buffer.insert_text("\n"))
        keys.add("c-c", filter=chatting)(self._interrupt)
        keys.add("c-d", filter=chatting & Condition(lambda: not self._buffer.text))(
            lambda _: self.close()
        )
        if suspend_to_background_supported():
            keys.add("c-z")(lambda event: event.app.suspend_to_background())
        return keys

    def _accept(self, buffer: Buffer) -> bool:
        """Hand the line on; tell whether the text stays in the input."""
        self._interrupted = False
        if self._client is None:
            return True
        self._accepting, self._returned = True, None
        try:
            self._client.enter_line(buffer.text)
        finally:
            self._accepting = False
        if self._returned is None:
            return False
        buffer.reset(Document(self._returned))
        return True

    def _complete(self, event: KeyPressEvent) -> None:
        if self._client is None:
            return
        buffer = event.current_buffer
        found = self._client.choices(buffer.document.current_line_before_cursor)
        if not found.words:
            return
        if len(found.words) == 1:
            buffer.delete_before_cursor(found.length)
            buffer.insert_text(found.words[0] + found.suffix)
            return
        common = common_prefix(found.words)
        if len(common) > found.length:
            buffer.delete_before_cursor(found.length)
            buffer.insert_text(common)
        else:
            self._client.offer(found.words)

    def _interrupt(self, event: KeyPressEvent) -> None:
        """Clear the line; on an empty one say how to leave, and leave the second time."""
        if event.current_buffer.text:
            event.current_buffer.reset(append_to_history=True)
            self._interrupted = False
        elif self._interrupted:
            self.close()
        elif self._client:
            self._interrupted = True
            self._client.hint("Ctrl-C again, Ctrl-D or /quit leaves.")
