"""What one subscriber counts, and how it is compared with a witness."""

# The end of what a reader got, to be compared with the witness's: longer than one event.
TAIL_BYTES = 256


class Tally:
    """Bytes and their end; of a witness also events and delays; and how it ended.

    Counts from `begin` on.
    """

    __slots__ = ("counting", "cut", "delays_us", "events", "is_witness", "size", "tail")

    def __init__(self, *, is_witness: bool) -> None:
        self.is_witness = is_witness
        self.counting = False
        # Why the subscriber gets nothing more, which no measurement expects.
        self.cut = ""
        self.size = 0
        self.tail = b""
        # Of a witness: events, and from when each was due to when it was here, in µs.
        self.events = 0
        self.delays_us: list[int] = []

    def begin(self) -> None:
        """Count from here."""
        self.counting = True
        self.size = self.events = 0
        self.tail = b""
        self.delays_us = []

    def piece(self, piece: memoryview) -> None:
        """Count bytes that all subscribers get in the same order."""
        self.size += len(piece)
        end = bytes(piece[-TAIL_BYTES:])
        self.tail = end if len(end) == TAIL_BYTES else (self.tail + end)[-TAIL_BYTES:]

    def ended(self, how: str) -> None:
        """Note that the subscriber is cut off; the first reason counts."""
        self.cut = self.cut or how or "ended"

    def differs(self, witness: "Tally") -> bool:
        """Tell whether this one has not exactly what the witness has."""
        return self.size != witness.size or self.tail != witness.tail
