"""The commands that keep order in a room: what they ask, of the server and of the person.

Each gives what there is to show, and raises ChatError when it was refused. What all members
are told, the one who did it included, is not told twice.
"""

from collections.abc import Awaitable, Callable, Mapping

from chat_cli import durations
from chat_cli.audit import deed
from chat_cli.call import Call
from chat_cli.effects import Effect
from chat_cli.entries import Listing, Note, Tone, plain
from chat_cli.errors import ChatError
from chat_cli.model import ById, RoomEvent, Said, Tombstone, key
from chat_cli.moderation import AuditEntry
from chat_cli.ports import Questions
from chat_cli.render import moment

# Characters of a message that a question quotes.
_QUOTED = 60
# Entries of the audit log that are listed.
_AUDIT = 100


async def kick(call: Call) -> list[Effect]:
    """Remove a member from the current room."""
    name, reason = another(call)
    await call.connection.moderation().kick(call.here, name, reason)
    return []


async def ban(call: Call) -> list[Effect]:
    """Keep somebody out of the current room, for some time or for ever."""
    name, duration, reason = name_duration_reason(call)
    place, label = call.place, call.label
    # Whoever is there is seen to be banned.
    told = place is not None and any(key(one.name) == key(name) for one in place.present.values())
    until_ms = await call.connection.moderation().ban(call.here, name, duration, reason)
    return [] if told else [Note(f"{name} is banned from {label}", Tone.PLAIN, until_ms)]


async def unban(call: Call) -> list[Effect]:
    """Let somebody into the current room again."""
    label = call.label
    await call.connection.moderation().unban(call.here, call.name)
    return [plain(f"{call.name} may come to {label} again.")]


async def mute(call: Call) -> list[Effect]:
    """Let somebody read the current room and not speak in it."""
    name, duration, reason = name_duration_reason(call)
    label = call.label
    until_ms = await call.connection.moderation().mute(call.here, name, duration, reason)
    return [Note(f"{name} is muted in {label}", Tone.PLAIN, until_ms)]


async def unmute(call: Call) -> list[Effect]:
    """Let somebody speak in the current room again."""
    label = call.label
    await call.connection.moderation().unmute(call.here, call.name)
    return [plain(f"{call.name} may speak in {label} again.")]


async def list_bans(call: Call) -> list[Effect]:
    """List who is banned from the current room or muted in it."""
    label = call.label
    rows = []
    for one in await call.connection.moderation().list_restrictions(call.here):
        ends = (("banned", one.banned_until_ms), ("muted", one.muted_until_ms))
        what = [f"{verb} {call.until(end)}" for verb, end in ends if end > call.now_ms]
        by = one.by.name or "the operator"
        rows.append((one.user.name, ", ".join(what), f"by {by}", one.reason))
    if not rows:
        return [plain(f"Nobody is banned from {label} or muted in it.")]
    return [Listing(f"banned from {label} or muted in it", rows)]


async def delete(call: Call, questions: Questions) -> list[Effect]:
    """Delete the own last message, or one by its number; one of somebody else after a question."""
    room = call.place
    if room is None:
        raise ChatError("You are in no room.")
    where = ById(room.room_id)
    word, _, reason = call.argument.partition(" ")
    if not word:
        if not room.own_seqs:
            raise ChatError(
                "You said nothing here that this window knows. "
                "/numbers shows numbers of messages, /delete N deletes one."
            )
        seq = room.own_seqs[-1]
    elif word.isdecimal() and word.isascii() and len(word) < 19:
        seq = int(word)
        event = await call.connection.moderation().find_event(where, seq)
        if not await _confirmed(call, event, seq, questions):
            return [plain("Nothing is deleted.")]
    else:
        raise ChatError(f"{call.usage}. /numbers shows the numbers.")
    if await call.connection.moderation().delete_message(where, seq, reason.strip()):
        return []
    return [plain(f"Message {seq} was deleted before.")]


async def _confirmed(call: Call, event: RoomEvent | None, seq: int, questions: Questions) -> bool:
    """Ask before what somebody else said is deleted."""
    if event is None or not isinstance(event.body, Said | Tombstone):
        raise ChatError(f"{seq} is the number of no message here. /numbers shows them.")
    if isinstance(event.body, Tombstone):
        raise ChatError(f"Message {seq} is deleted already.")
    if event.author.user_id == call.state.own_id:
        return True
    first = event.body.text.split("\n")[0]
    quoted = first if len(first) <= _QUOTED else f"{first[:_QUOTED]}…"
    answer = await questions.answer(f"Delete what {event.author.name} said: {quoted} (y/n) ")
    return is_yes(answer)


def is_yes(answer: str) -> bool:
    """Tell whether an answer means yes; whatever else is typed means no."""
    return answer.strip().lower() in ("y", "yes")


def another(call: Call) -> tuple[str, str]:
    """Read `NAME [REASON]`; the name is that of somebody else."""
    name, reason = call.name_and_reason()
    own = call.state.own
    if own and key(name) == key(own.name):
        raise ChatError(f"/{call.command.name} is for others, and {name} is you.")
    return name, reason


def name_duration_reason(call: Call) -> tuple[str, int, str]:
    """Read `NAME [DURATION] [REASON]`."""
    name, rest = another(call)
    duration, reason = durations.split(rest)
    return name, duration, reason


async def audit(call: Call) -> list[Effect]:
    """List what was done in the current room, or on the server."""
    word = call.argument.lower()
    if word not in ("", "room", "server"):
        raise ChatError(call.usage)
    where = None if word == "server" else call.here
    place = "on the server" if where is None else f"in {call.label}"
    found = await call.connection.moderation().list_audit(where, _AUDIT)
    if not found:
        return [plain(f"Nothing was done {place} to keep order.")]
    rows = [_audit_row(one, call) for one in reversed(found)]
    return [Listing(f"what was done {place}, the latest last", rows)]


def _audit_row(one: AuditEntry, call: Call) -> tuple[str, ...]:
    parts = [one.actor.name or "the operator"]
    parts.append(deed(one.action, one.target.name if one.target else "", one.details))
    parts += [f"in {one.room}"] if one.room and call.argument.lower() == "server" else []
    parts += [call.until(one.until_ms)] if one.until_ms else []
    what = " ".join(parts) + (f": {one.reason}" if one.reason else "")
    return f"{moment(one.time_ms).astimezone():%Y-%m-%d %H:%M}", what


CALLS: Mapping[str, Callable[[Call], Awaitable[list[Effect]]]] = {
    "kick": kick,
    "ban": ban,
    "unban": unban,
    "mute": mute,
    "unmute": unmute,
    "bans": list_bans,
    "audit": audit,
}
"""The commands that ask the person nothing, by name."""

STORIES: Mapping[str, Callable[[Call, Questions], Awaitable[list[Effect]]]] = {"delete": delete}
"""The commands that ask the person, by name."""
