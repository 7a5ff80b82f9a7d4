"""Where questions are answered on the screen: in the place of the input line.

The answer is no buffer of prompt_toolkit's: those keep what was typed for undo, for the arrow
up and for the clipboard. From the first question until they are closed nothing that is typed
goes to the chat: an impatient second password must not be said to everybody.
"""

import asyncio
from collections.abc import Callable

from prompt_toolkit.filters import Condition, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import ConditionalContainer, Window
from prompt_toolkit.layout.controls import FormattedTextControl

from chat_cli.answer_line import AnswerLine
from chat_cli.errors import UnansweredError
from chat_cli.ports import Secret
from chat_text.sanitize import sanitize

_CANCELLED = "cancelled"
_ENDED = "the client ended before the answer"


class AskedQuestions:
    """Questions of one asker. Obeys `ports.Questions`."""

    def __init__(self, unasked: bool, changed: Callable[[], None]) -> None:
        self.unasked = unasked
        # Whether the keys are theirs already.
        self.active = False
        self.closed = False
        self.question = ""
        self.hidden = False
        self.waiting: asyncio.Future[str] | None = None
        self._changed = changed

    async def answer(self, question: str, secret: Secret | None = None) -> str:
        """Ask, and wait for Enter. Raises UnansweredError."""
        self.question, self.hidden = sanitize(question), secret is not None
        self.waiting = asyncio.get_running_loop().create_future()
        self._changed()
        try:
            return await self.waiting
        finally:
            self.waiting = None
            self._changed()

    def close(self) -> None:
        """Give the line back."""
        self.closed = True
        self._changed()

    def settle(self, answer: str | None, why: str = _CANCELLED) -> None:
        """Answer what is asked, or say why it is not answered."""
        if self.waiting is None or self.waiting.done():
            return
        if answer is None:
            self.waiting.set_exception(UnansweredError(why))
        else:
            self.waiting.set_result(answer)


class QuestionBar:
    """The line of the questions; several askers take turns. `changed` is called after a change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._line = AnswerLine()
        self._askers: list[AskedQuestions] = []
        control = FormattedTextControl(
            self._text, focusable=True, key_bindings=self._bindings(), show_cursor=True
        )
        self.window = Window(control, dont_extend_height=True, wrap_lines=True)
        self.container = ConditionalContainer(
            self.window, Condition(lambda: self.active) & ~is_done
        )

    @property
    def active(self) -> bool:
        """Whether what is typed is an answer."""
        return bool(self._askers) and self._askers[0].active

    def open(self, unasked: bool) -> AskedQuestions:
        """Begin to ask; at once, unless it is unasked for or others ask."""
        asker = AskedQuestions(unasked, self._changed)
        self._askers.append(asker)
        self._changed()
        return asker

    def take_turns(self, line_is_free: bool) -> None:
        """Give the line to the next asker; `line_is_free` if nothing is being typed in it."""
        first = self._askers[0] if self._askers else None
        self._askers = [asker for asker in self._askers if not asker.closed]
        if not self._askers or self._askers[0] is not first:
            self._line.clear()
        if self._askers and (line_is_free or not self._askers[0].unasked):
            self._askers[0].active = True

    def end(self) -> None:
        """Leave all questions unanswered."""
        for asker in self._askers:
            asker.settle(None, _ENDED)
        self._line.clear()

    def _text(self) -> StyleAndTextTuples:
        if not self.active:
            return []
        first = self._askers[0]
        drawn = sanitize(self._line.drawn(first.hidden))
        # Between two questions what is typed waits, unseen.
        rest = drawn if first.waiting else "…"
        return [
            ("class:prompt", first.question),
            ("", rest),
            ("[SetCursorPosition]", ""),
        ]

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        for name in ("enter", "c-j"):
            keys.add(name)(self._enter)
        for name in ("escape", "c-c", "c-d"):
            keys.add(name, eager=True)(self._cancel)
        for name in ("c-u", "c-w"):
            keys.add(name)(lambda _: self._line.clear())
        keys.add("c-h")(lambda _: self._line.rub_out())
        keys.add(Keys.BracketedPaste)(lambda event: self._line.type(event.data))
        keys.add(Keys.Any)(self._type)
        return keys

    def _type(self, event: KeyPressEvent) -> None:
        # Keys that have a name, such as the arrows, mean nothing here.
        if not isinstance(event.key_sequence[0].key, Keys):
            self._line.type(event.data)

    def _enter(self, _: KeyPressEvent) -> None:
        first = self._askers[0]
        if first.waiting and not first.waiting.done():
            first.settle(self._line.take())

    def _cancel(self, _: KeyPressEvent) -> None:
        self._line.clear()
        self._askers[0].settle(None)
