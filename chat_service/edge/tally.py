"""What the edge counts of its work, on the event loop, from the start of the process on."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeStatistics:
    """What was counted up to one moment. All figures only rise."""

    # Messages that were stored and told.
    messages: int
    # Orders that were answered with success, in streams and as calls of PostMessage.
    acks: int
    # Those among them that were retries of a message that was stored before.
    duplicates: int
    # Users that the operator removed.
    kicks: int
    # Events that retention let go of.
    pruned_events: int
    # Orders in streams and unary calls that were refused, by reason.
    rejections: tuple[tuple[str, int], ...]
    # Calls that ended, streams included, by method and status.
    calls: tuple[tuple[tuple[str, str], int], ...]
    # Streams that ended, by method and reason: one of ours, OK, or CANCELLED by the client.
    ends: tuple[tuple[tuple[str, str], int], ...]


class Tally:
    """Counts; its attributes are those of EdgeStatistics. Raised where the things happen."""

    __slots__ = (
        "acks",
        "calls",
        "duplicates",
        "ends",
        "kicks",
        "messages",
        "pruned_events",
        "rejections",
    )

    def __init__(self) -> None:
        self.messages = 0
        self.acks = 0
        self.duplicates = 0
        self.kicks = 0
        self.pruned_events = 0
        self.rejections: Counter[str] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.ends: Counter[tuple[str, str]] = Counter()

    def statistics(self) -> EdgeStatistics:
        """Return what was counted so far."""
        return EdgeStatistics(
            messages=self.messages,
            acks=self.acks,
            duplicates=self.duplicates,
            kicks=self.kicks,
            pruned_events=self.pruned_events,
            rejections=tuple(sorted(self.rejections.items())),
            calls=tuple(sorted(self.calls.items())),
            ends=tuple(sorted(self.ends.items())),
        )
