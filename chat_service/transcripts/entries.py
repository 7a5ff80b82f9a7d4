"""Events, joins and leaves as lines, in their order. Pure."""

from collections import deque
from collections.abc import Sequence

from chat_service.core.events import (
    MemberRemoved,
    MessageDeleted,
    MessagePosted,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    Tombstone,
    TopicChanged,
)
from chat_service.core.model import Role, Style
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
    if isinstance(event, TopicChanged):
        return transcript.topic(event.time_ms, event.author_name, event.topic)
    return _deed(event)


_ROLES = {Role.MEMBER: "member", Role.MODERATOR: "moderator", Role.OWNER: "owner"}


def _deed(
    event: Tombstone | MessageDeleted | RoleChanged | MemberRemoved | RoomChanged,
) -> list[str]:
    when, who = event.time_ms, event.author_name
    if isinstance(event, Tombstone):
        return transcript.tombstone(when, who)
    if isinstance(event, MessageDeleted):
        return transcript.deleted(when, who, event.deleted_author_name, event.reason)
    if isinstance(event, RoleChanged):
        return transcript.role(when, who, event.user_name, _ROLES[event.role])
    if isinstance(event, MemberRemoved):
        banned = event.until_ms > 0
        return transcript.removed(when, who, event.user_name, banned, event.reason)
    changed = (
        ("name", event.name),
        ("description", event.description),
        ("archived", event.archived),
        ("slow mode", event.slow_mode_ms),
        ("history", event.history),
        ("locked topic", event.topic_locked),
    )
    return transcript.changed(when, who, [word for word, now in changed if now is not None])
