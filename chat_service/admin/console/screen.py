"""The full-screen application: rows from `view` above the line that is typed on.

What is drawn is made of what Operations says at that moment, so nothing here can be out of
date; news only ask for another drawing. prompt_toolkit writes what has changed since.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.vt100 import Vt100_Output

from chat_service.admin.console import view
from chat_service.admin.console.actions import Answer, Desk, shutdown_now
from chat_service.admin.console.answers import error, log_line
from chat_service.admin.console.commands import COMMANDS
from chat_service.admin.console.completion import common_beginning, offers
from chat_service.admin.console.lines import Line
from chat_service.admin.console.state import ConsoleState, Running
from chat_service.admin.console.styles import STYLE
from chat_service.admin.console.syntax import (
    Argument,
    Kind,
    Mistake,
    Order,
    Place,
    hint,
    parse,
    place,
)
from chat_service.admin.console.terminal import Writer, patient_output
from chat_service.admin.operations import AdminError, Logged, Operations
from chat_text.sanitize import sanitize

_LOG = logging.getLogger(__name__)

# Seconds between two drawings, at least: a flood of the log is read by nobody.
_REDRAW = 0.05
# Seconds between two drawings without news: how long instances are up.
_TICK = 1.0
# Seconds within which the rest of an escape sequence follows; after that it was the key Esc.
_ESCAPE = 0.1
# Commands under way at once: more would be a key that is stuck.
_MOST_RUNNING = 20
# Names that Tab chooses from, and seconds for which they are believed.
_NAMES = 2_000
_NAMES_AGE = 5.0
# Seconds that a terminal has at the end to take the way back.
_LAST_WRITE = 0.3
_NAME = Argument(Kind.NAME)
_NOTHING_MORE = Order()

Does = Callable[[Desk, Order], Awaitable[Answer]]


class Console:
    """The console of one terminal. `now_ms` gives milliseconds since 1970."""

    def __init__(
        self,
        operations: Operations,
        *,
        input: Input | None = None,  # noqa: A002 - prompt_toolkit's own name for it
        output: Output | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._operations = operations
        self._state = ConsoleState()
        self._desk = Desk(operations, self._state, now_ms, lambda: self._size()[0])
        self._numbers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        # Of each port: when its names were read, and the names.
        self._names: dict[int, tuple[float, list[str]]] = {}
        self._closed = asyncio.Event()
        self._buffer = Buffer(
            multiline=False,
            history=InMemoryHistory(),
            enable_history_search=True,
            accept_handler=self._accept,
            on_text_changed=lambda _: self._forget_offers(),
        )
        self._app: Application[None] = Application(
            layout=self._layout(),
            style=STYLE,
            key_bindings=self._bindings(),
            full_screen=True,
            enable_page_navigation_bindings=False,
            include_default_pygments_style=False,
            min_redraw_interval=_REDRAW,
            color_depth=ColorDepth.from_env(),
            input=input,
            output=output or patient_output(sys.stdout),
        )
        self._app.ttimeoutlen = _ESCAPE
        # So long it may be Alt with the key that comes next.
        self._app.timeoutlen = _ESCAPE
        drawn_on = self._app.output
        stdout = drawn_on.stdout if isinstance(drawn_on, Vt100_Output) else None
        self._writer = stdout if isinstance(stdout, Writer) else None
        # Whether news came while the terminal had not taken the last drawing yet.
        self._late = False
        operations.watch(self._refresh)
        operations.watch_log(self._logged)
        operations.watch_lines(self._shown)

    async def run(self) -> None:
        """Show the console until `close`; where the terminal is gone, stop everything.

        The terminal is as it was before when this returns.
        """
        if self._closed.is_set():
            return
        if self._writer:
            loop = asyncio.get_running_loop()
            self._writer.drained = partial(loop.call_soon_threadsafe, self._catch_up)
        self._spawn(self._tick())
        try:
            # Both mean that the terminal is gone: read from, or written to.
            with suppress(EOFError, OSError):
                await self._app.run_async(handle_sigint=False, set_exception_handler=False)
            if not self._closed.is_set():
                if not self._desk.stopping:
                    self._begin("shutdown", shutdown_now)
                await self._closed.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._writer:
                await asyncio.to_thread(self._writer.finish, _LAST_WRITE)

    def close(self) -> None:
        """End the console; `run` returns."""
        self._closed.set()
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self._refresh()

    def _refresh(self) -> None:
        """Have it drawn, as soon as the terminal has taken the drawing before."""
        self._late = self._writer is not None and not self._writer.idle
        if not self._late:
            self._app.invalidate()

    def _catch_up(self) -> None:
        if self._late:
            self._refresh()

    # ------------------------------------------------------------------- the layout

    def _layout(self) -> Layout:
        above = Window(FormattedTextControl(self._above), always_hide_cursor=True)
        prompt = BeforeInput(lambda: "y/N> " if self._state.question else "> ", "class:prompt")
        entry = Window(BufferControl(self._buffer, input_processors=[prompt]), height=1)
        below = Window(FormattedTextControl(self._hint), height=1)
        return Layout(HSplit([above, entry, below]), entry)

    def _size(self) -> tuple[int, int]:
        size = self._app.output.get_size()
        return max(1, size.columns), max(1, size.rows)

    def _scene(self) -> view.Scene:
        desk = self._desk
        return view.Scene(self._state, self._operations.instances(), desk.stopping, desk.now_ms())

    def _above(self) -> StyleAndTextTuples:
        fragments: StyleAndTextTuples = []
        for row in view.above(self._scene(), *self._size()):
            fragments += [*row, ("", "\n")]
        return fragments[:-1]

    def _hint(self) -> StyleAndTextTuples:
        usage, summary = hint(COMMANDS, self._buffer.text)
        return [*view.hint_row(self._scene(), usage, summary, self._size()[0])]

    def _forget_offers(self) -> None:
        self._state.offered = ()

    # --------------------------------------------------------------------- the keys

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        state = self._state
        following = Condition(lambda: state.following is not None)
        asked = Condition(lambda: state.question is not None)
        empty = Condition(lambda: not self._buffer.text)
        keys.add("tab")(self._complete)
        keys.add("c-c")(self._interrupt)
        keys.add("c-d", filter=empty)(self._end)
        # Nothing waits for more keys: Esc is what was meant.
        keys.add("escape", filter=asked, eager=True)(lambda _: state.dismiss())
        keys.add("escape", filter=following & ~asked, eager=True)(lambda _: state.unfollow())
        idle = empty & ~following & ~asked
        # On an empty line Alt is of no use, and the next key begins a command.
        keys.add("escape", filter=idle, eager=True)(lambda _: None)
        keys.add("pageup")(lambda _: state.output.page(-1))
        keys.add("pagedown")(lambda _: state.output.page(1))
        keys.add("c-up")(lambda _: state.scroll_table(-1))
        keys.add("c-down")(lambda _: state.scroll_table(1))
        keys.add(Keys.BracketedPaste)(self._paste)
        # It would stop the launcher too, which has nobody else to look after the instances.
        keys.add("c-z")(lambda _: None)
        return keys

    def _paste(self, event: KeyPressEvent) -> None:
        """Put what is pasted on the line as one line: only Enter carries it out."""
        event.current_buffer.insert_text(sanitize(" ".join(event.data.split())))

    def _interrupt(self, _: KeyPressEvent) -> None:
        state = self._state
        if self._desk.stopping:
            self._begin("shutdown", shutdown_now)
        elif state.question:
            state.dismiss()
        elif self._buffer.text:
            self._buffer.reset(append_to_history=True)
        elif state.following is not None:
            state.unfollow()
        else:
            self._begin("shutdown", shutdown_now)

    def _end(self, _: KeyPressEvent) -> None:
        if self._state.question:
            self._state.dismiss()
        else:
            self._enter("shutdown")

    # ------------------------------------------------------------------ the commands

    def _accept(self, buffer: Buffer) -> bool:
        """Take the line, and leave an empty one."""
        if self._state.question is None:
            self._enter(buffer.text)
            return False
        yes = buffer.text.strip().lower() in ("y", "yes")
        # An answer is no line that anybody wants back.
        buffer.reset()
        if yes:
            self._state.question = None
            self._begin("shutdown", shutdown_now)
        else:
            self._state.dismiss()
        return False

    def _ports(self) -> list[int]:
        return [one.port for one in self._operations.instances() if one.port]

    def _enter(self, line: str) -> None:
        meant = parse(COMMANDS, line, self._ports())
        if meant is None:
            self._state.output.to_end()
        elif isinstance(meant, Mistake):
            self._answer(line, [error(meant.line)])
        else:
            command, order = meant
            self._begin(line.strip(), command.does, order)

    def _begin(self, line: str, does: Does, order: Order = _NOTHING_MORE) -> None:
        """Carry a command out beside everything else."""
        if len(self._state.running) < _MOST_RUNNING or does is shutdown_now:
            number = next(self._numbers)
            self._state.running[number] = Running(line, self._desk.now_ms())
            self._spawn(self._carry_out(number, line, does, order))
        else:
            self._answer(line, [error(f"{_MOST_RUNNING} commands are under way; wait for one")])

    async def _carry_out(self, number: int, line: str, does: Does, order: Order) -> None:
        followed = self._state.following
        try:
            self._answer(line, await does(self._desk, order))
            if self._state.following != followed:
                self._state.output.to_end()
        except AdminError as refused:
            self._answer(line, [error(str(refused))])
        except Exception:
            # A mistake of ours in one command must not take the console away.
            _LOG.exception("a command of the console failed")
            self._answer(line, [error("it failed in a way that was not foreseen; see the log")])
        finally:
            del self._state.running[number]
            self._refresh()

    def _answer(self, line: str, lines: Answer) -> None:
        echo = Line(("class:echo", "> "), ("class:echo", sanitize(line)))
        self._state.output.answer([echo, *lines])
        self._refresh()

    def _spawn(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _logged(self, logged: Logged) -> None:
        following = self._state.following
        if following in (0, logged.port):
            self._state.output.append([log_line(logged, named=following == 0)])
            self._refresh()

    def _shown(self, line: str, instead: str) -> None:
        shown = Line(("class:running", sanitize(line)))
        if not (instead and self._state.output.replace(sanitize(instead), shown)):
            self._state.output.append([shown])
        self._refresh()

    # ------------------------------------------------------------------- completion

    def _complete(self, _: KeyPressEvent) -> None:
        if self._state.question:
            return
        before = self._buffer.document.text_before_cursor
        here = place(COMMANDS, before, self._ports())
        if here.argument == _NAME and here.port and not self._known(here.port):
            self._spawn(self._complete_later(before, here))
        else:
            self._offer(here)

    def _known(self, port: int) -> bool:
        read_at, _ = self._names.get(port, (float("-inf"), []))
        return asyncio.get_running_loop().time() - read_at < _NAMES_AGE

    async def _complete_later(self, before: str, here: Place) -> None:
        """Complete when the names are there, if the line is still the same."""
        names: list[str] = []
        with suppress(AdminError):
            async for user in self._operations.users(here.port):
                names.append(user.user.name)
                if len(names) == _NAMES:
                    break
        self._names[here.port] = asyncio.get_running_loop().time(), names
        if self._buffer.document.text_before_cursor == before:
            self._offer(here)
            self._refresh()

    def _offer(self, here: Place) -> None:
        _, names = self._names.get(here.port, (0.0, []))
        words = offers(COMMANDS, here, self._ports(), names)
        if not words:
            return
        common = words[0] + " " if len(words) == 1 else common_beginning(words)
        if len(common) > len(here.word):
            self._buffer.delete_before_cursor(len(here.word))
            self._buffer.insert_text(common)
        if len(words) > 1:
            self._state.offered = tuple(words)
