"""What stands around the input line: the messages on their way, the prompt, the toolbar.

Pure, like `render`, and under the same rule: every fragment is sanitized.
"""

from chat_cli.durations import in_words
from chat_cli.model import FOREVER_MS, RoomKind
from chat_cli.render import MARK, Fragments, Line, safe
from chat_cli.state import ChatState, Link
from chat_text.sanitize import sanitize_lines

# Messages on their way that are drawn above the input line; the others are counted.
_SHOWN = 5
# Seconds without an answer to an own message before the person is told: much longer than a
# good server takes, and much shorter than it takes to find a connection dead.
_PATIENCE = 4.0


def waiting_lines(state: ChatState, now: float) -> list[Line]:
    """Draw the own messages that are not in the scroll-back yet, the oldest first."""
    waiting = list(state.waiting())
    lines = []
    for post, acked in waiting[:_SHOWN]:
        label = state.label_for(post)
        place = f"{label} " if label != state.current_label() else ""
        name = state.own.name if state.own else "you"
        first, *more = sanitize_lines(post.text)
        text = f" {first}" if post.action else f": {first}"
        tail = " […]" if more else ""
        if acked:
            tail += f" {MARK}"
        elif post.not_before > now:
            why = post.why or "the server asks to wait"
            tail += f" ({why}; again in {_seconds(post.not_before - now)})"
        start = "* " if post.action else ""
        line = f"…     {place}{start}{name}{text}{tail}"
        lines.append(Line(safe([("class:pending", line)])))
    if len(waiting) > _SHOWN:
        more_text = f"…     {len(waiting) - _SHOWN} more waiting"
        lines.append(Line(safe([("class:pending", more_text)])))
    return lines


def prompt(state: ChatState, width: int) -> Fragments:
    """Draw what stands before the input; a long name of a room is cut to half of `width`."""
    if state.link is Link.NAMELESS:
        return [("class:prompt", "Your name: ")]
    ((style, label),) = safe([("class:prompt", state.current_label())])
    longest = max(4, width // 2 - 2)
    if len(label) > longest:
        label = label[: longest - 1] + "…"
    return [(style, f"{label}> ")]


def toolbar(state: ChatState, now: float, width: int) -> Fragments:
    """Draw the connection, the room, what is unread elsewhere, the server and the own name.

    What does not fit in `width` is left out, the least important first.
    """
    link = state.link.value
    if state.link is Link.OFFLINE:
        link = f"offline, next try in {_seconds(state.retry_at - now)}"
    up = state.link is Link.ONLINE
    since = state.outbox.unanswered_since() if up else None
    if since is not None and now - since >= _PATIENCE:
        up, link = False, f"no answer for {_seconds(now - since)}"
    parts = [("class:link-online" if up else "class:link-down", link)]
    if state.current_label():
        parts.append(("", state.current_label()))
        parts += [("", word) for word in _circumstances(state, now)]
    unread = [
        f"{room.label(state.own_id)} {room.unread}"
        for room in state.rooms.values()
        if room.unread and room.room_id != state.here
    ]
    if unread:
        parts.append(("class:unread", "unread: " + ", ".join(unread)))
    if state.own:
        parts.append(("", f"{state.own.name} on {state.host}"))
    else:
        parts.append(("", state.host))
    fragments: Fragments = [("", " ")]
    used = 1
    for style, text in safe(parts):
        separator = "  " if used > 1 else ""
        room_left = width - used - len(separator)
        if len(text) > room_left:
            # Cut what is unread rather than hide it; leave everything else out whole.
            if style != "class:unread" or room_left < 8:
                continue
            text = text[: room_left - 1] + "…"
        fragments += [("", separator), (style, text)]
        used += len(separator) + len(text)
    return fragments


def _circumstances(state: ChatState, now: float) -> list[str]:
    """Tell what one is in the current room, and what keeps one from speaking there."""
    room = None if state.heading else state.room
    if room is None:
        return []
    info, left = room.info, room.info.muted_until_ms - state.wall_ms(now)
    words = [info.role.name.lower()] if room.moderated and room.kind is not RoomKind.DIRECT else []
    if info.archived:
        words.append("archived")
    if left > 0:
        ever = info.muted_until_ms >= FOREVER_MS
        words.append("muted" if ever else f"muted for {in_words(left / 1000)}")
    if info.slow_mode_ms and not room.moderated:
        words.append(f"slow: {in_words(info.slow_mode_ms / 1000)}")
    return words


def _seconds(left: float) -> str:
    return in_words(left)
