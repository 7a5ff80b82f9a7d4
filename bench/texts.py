"""The texts of the load: their one size, when each was due, and whose how manyth it is."""

TEXT_BYTES = 100
"""Length of every message. Source: what the project's figures have always been taken with."""

# A text begins with the time at which it was due, in ns of the system's monotonic clock.
STAMP_DIGITS = 19
NUMBER_DIGITS = 9


class OrderError(Exception):
    """A text is missing, doubled or out of order."""


class Texts:
    """The texts of one sender: stamp, name, number, and letters up to the one size."""

    def __init__(self, sender: str) -> None:
        self._sender = sender.encode()
        used = STAMP_DIGITS + 1 + len(sender) + 1 + NUMBER_DIGITS + 1
        self._fill = b"x" * (TEXT_BYTES - used)

    def text(self, number: int, due_ns: int) -> bytes:
        """Return a text."""
        return b"%0*d %s %0*d %s" % (
            STAMP_DIGITS,
            due_ns,
            self._sender,
            NUMBER_DIGITS,
            number,
            self._fill,
        )


class Witness:
    """Looks at every text: each sender's are complete and in order."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def due_ns(self, text: bytes) -> int:
        """Return when a text was due.

        Raises OrderError for a text that does not follow the sender's last one, and for
        one that nobody sent.
        """
        parts = text.split(b" ", 3)
        if len(parts) != 4 or len(text) != TEXT_BYTES:
            raise OrderError(f"a text that nobody sent: {text[:40]!r}")
        stamp, sender, digits, _ = parts
        number = int(digits)
        last = self._numbers.get(sender)
        if last is not None and number != last + 1:
            raise OrderError(f"message {number} of {sender.decode()} came after {last}")
        self._numbers[sender] = number
        return int(stamp)
