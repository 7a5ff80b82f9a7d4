"""Events of rooms as entries: who said or did what. Pure.

The words for deeds are also those of transcripts and exports, without what needs a clock.
"""

import re

from chat_cli.durations import in_words
from chat_cli.entries import Deed, Happening, Spoken, Struck, TopicLine
from chat_cli.model import (
    Deleted,
    HistoryPolicy,
    Removed,
    Role,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    Said,
    Tombstone,
    TopicChanged,
    User,
)

ROLES = {
    Role.NONE: "not a member",
    Role.MEMBER: "a member",
    Role.MODERATOR: "a moderator",
    Role.OWNER: "an owner",
}
"""Roles as what somebody is."""


def happening(event: RoomEvent, own: User | None, place: str = "") -> Happening | None:
    """Make the entry of an event; None for one that is not shown.

    `own` is the reader, whose messages and whose name are marked, and `place` the room.
    """
    author, time_ms = event.author, event.time_ms
    mine = own is not None and author.user_id == own.user_id
    match event.body:
        case Said(text, action):
            mention = not mine and _mentions(text, own)
            where = (event.room_id, event.seq)
            return Spoken(
                place, time_ms, author.name, text, action, mine, mention, author.bot, where
            )
        case Tombstone():
            return Struck(place, time_ms, author.name, author.bot)
        case TopicChanged(topic):
            return TopicLine(place, time_ms, author.name, topic)
        case Deleted(_, whose, reason):
            what = "deleted a message"
            if whose.user_id != author.user_id:
                what += f" of {whose.name}"
            return Deed(place, time_ms, author.name, what, reason=reason)
        case RoleChanged(user, role) if not author.user_id or user.user_id == author.user_id:
            return Deed(place, time_ms, user.name, f"is {ROLES[role]} now")
        case RoleChanged(user, role):
            return Deed(place, time_ms, author.name, f"made {user.name} {ROLES[role]}")
        case Removed(user, reason, banned, until_ms):
            what = f"{'banned' if banned else 'removed'} {user.name}"
            return Deed(place, time_ms, author.name, what, until_ms if banned else 0, reason)
        case RoomChanged():
            return Deed(place, time_ms, author.name, changes(event.body))
    return None


def changes(change: RoomChanged) -> str:
    """Say what was changed of a room."""
    parts: list[str] = []
    if change.name is not None:
        parts.append(f"renamed the room to {change.name}")
    if change.description is not None:
        parts.append("changed the description" if change.description else "removed the description")
    if change.archived is not None:
        parts.append("archived the room" if change.archived else "opened the room again")
    if change.slow_mode_ms is not None:
        pause = in_words(change.slow_mode_ms / 1000)
        parts.append(f"set slow mode to {pause}" if change.slow_mode_ms else "ended slow mode")
    if change.history is not None:
        everything = change.history is HistoryPolicy.ALL
        what = "everything" if everything else "what is said after they join"
        parts.append(f"lets newcomers read {what}")
    if change.topic_locked is not None:
        parts.append("locked the topic" if change.topic_locked else "unlocked the topic")
    return ", ".join(parts) or "changed the room"


def _mentions(text: str, own: User | None) -> bool:
    if own is None:
        return False
    pattern = rf"(?<![\w.-]){re.escape(own.name)}(?![\w-])"
    return re.search(pattern, text, re.IGNORECASE) is not None
