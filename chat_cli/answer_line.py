"""The line in which a question is answered. Pure.

A hidden answer is drawn as dots. What is typed is nowhere but here: there is no undo, no
history, no clipboard and no completion, and it is forgotten as soon as it is taken.
"""

# Characters that are taken in at most; a password has at most 256.
_MOST = 4096
# Dots that are drawn at most, so that a long answer needs no second row.
_DOTS = 40


class AnswerLine:
    """What was typed so far."""

    def __init__(self) -> None:
        self._chars: list[str] = []

    def type(self, text: str) -> None:
        """Add what was typed, or pasted as one piece: line ends behind it are no part of it."""
        text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
        self._chars += text[: max(0, _MOST - len(self._chars))]

    def rub_out(self) -> None:
        """Take away the last character."""
        if self._chars:
            self._chars.pop()

    def clear(self) -> None:
        """Forget what was typed."""
        self._chars.clear()

    def take(self) -> str:
        """Give what was typed, and forget it."""
        text = "".join(self._chars)
        self._chars.clear()
        return text

    def drawn(self, hidden: bool) -> str:
        """Write the answer as it may be seen."""
        return "•" * min(_DOTS, len(self._chars)) if hidden else "".join(self._chars)
