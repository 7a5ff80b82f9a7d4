"""Events, joins and leaves as lines, in their order. Pure."""

from collections import deque
from collections.abc import Sequence

from chat_service.core.events import MessagePosted, RoomEvent
from chat_service.core.model import Style
from chat_service.transcripts.notes import Coming
from chat_text import transcript


def page(after_seq: int, events: Sequence[RoomEvent], comings: deque[Coming]) -> list[str]:
    """Give the lines of the events that follow `after_seq`, oldest first.

    Seqs that are left out are told as missing. Joins and leaves stand where they happened;
    those that did before the last of the events are taken out of `comings`.
    """
    lines: list[str] = []
    for event in events:
        lines += until(event.seq - 1, comings)
        if event.seq > after_seq + 1:
            lines += transcript.missing(after_seq + 1, event.seq - 1)
        lines += _of(event)
        after_seq = event.seq
    return lines


def until(seq: int, comings: deque[Coming]) -> list[str]:
    """Give the lines of joins and leaves that happened when no event behind `seq` was there.

    They are taken out of `comings`.
    """
    lines: list[str] = []
    while comings and comings[0].after_seq <= seq:
        coming = comings.popleft()
        tell = transcript.joined if coming.joined else transcript.left
        lines += tell(coming.time_ms, coming.name)
    return lines


def _of(event: RoomEvent) -> list[str]:
    if isinstance(event, MessagePosted):
        action = event.style is Style.ACTION
        return transcript.said(event.time_ms, event.author_name, event.text, action)
    return transcript.topic(event.time_ms, event.author_name, event.topic)
