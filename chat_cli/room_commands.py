"""The commands about rooms and who belongs to them: what they ask of the server.

Each gives what there is to show, and raises ChatError when it was refused. What all members
are told, the one who did it included, is not told twice.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from chat_cli import durations
from chat_cli.account import Invite
from chat_cli.call import Call
from chat_cli.effects import Effect, GiveBack
from chat_cli.entries import Listing, Note, plain, warning
from chat_cli.errors import ChatError, UnknownOutcomeError
from chat_cli.happenings import ROLES
from chat_cli.lookups import marked
from chat_cli.model import (
    ById,
    HistoryPolicy,
    Role,
    RoomChanged,
    RoomInfo,
    RoomKind,
    private_label,
    room_label,
)
from chat_cli.moderation_commands import is_yes
from chat_cli.orders import enter
from chat_cli.ports import Questions, Secret

_ROLES = {"owner": Role.OWNER, "moderator": Role.MODERATOR, "member": Role.MEMBER}
_POLICIES = {policy.value: policy for policy in HistoryPolicy}


# ------------------------------------------------------------------- making and changing


async def create(call: Call) -> list[Effect]:
    """Make a room and go there."""
    name, *flags = call.words
    kinds = {flag.removeprefix("--").lower() for flag in flags}
    if kinds - {"private"}:
        raise ChatError(call.usage)
    info = await call.connection.rooms().create_room(name.removeprefix("#"), bool(kinds))
    effects = enter(call.state, ById(info.room_id))
    if info.kind is RoomKind.PRIVATE:
        text = (
            f"{private_label(info.name)} is made, id {info.room_id}. "
            "/invite NAME asks people in, /code makes a code for them."
        )
        effects.append(Note(text))
    return effects


async def show(call: Call) -> list[Effect]:
    """Tell all about the current room."""
    return [_described(await call.connection.rooms().get_room(call.here), call)]


async def describe(call: Call) -> list[Effect]:
    """Say what the current room is for; `-` removes it."""
    text = "" if call.argument == "-" else call.argument
    most = call.state.limits.description_bytes
    if len(text.encode("utf-8", "replace")) > most:
        too_long = warning(f"A description has at most {most} bytes.")
        return [too_long, GiveBack(f"/describe {call.argument}")]
    return await _change(call, RoomChanged(description=text))


async def rename(call: Call) -> list[Effect]:
    """Give the current room another name."""
    return await _change(call, RoomChanged(name=call.argument.removeprefix("#")))


async def archive(call: Call, questions: Questions) -> list[Effect]:
    """Close the current room, after a question: it can be read."""
    if not is_yes(await questions.answer(f"Archive {call.label} for all its members? (y/n) ")):
        return [plain("Nothing is archived.")]
    return await _change(call, RoomChanged(archived=True))


async def unarchive(call: Call) -> list[Effect]:
    """Open the current room again."""
    return await _change(call, RoomChanged(archived=False))


async def slow(call: Call) -> list[Effect]:
    """Set how long members wait between two messages."""
    pause = 0 if call.argument.lower() == "off" else durations.parse(call.argument) or None
    if pause is None:
        raise ChatError(call.usage)
    return await _change(call, RoomChanged(slow_mode_ms=pause))


async def lock_topic(call: Call) -> list[Effect]:
    """Let only moderators change the topic."""
    return await _change(call, RoomChanged(topic_locked=True))


async def unlock_topic(call: Call) -> list[Effect]:
    """Let all members change the topic."""
    return await _change(call, RoomChanged(topic_locked=False))


async def set_newcomers(call: Call) -> list[Effect]:
    """Say what newcomers of the current private room may read."""
    policy = _POLICIES.get(call.argument.lower())
    if policy is None:
        raise ChatError(call.usage)
    return await _change(call, RoomChanged(history=policy))


async def set_password(call: Call, questions: Questions) -> list[Effect]:
    """Set the password by which people enter the current private room; nothing removes it."""
    where, label = call.here, call.label
    password = await questions.answer("The new password (Enter: none): ", Secret.ROOM_PASSWORD)
    again = await questions.answer("Again: ", Secret.ROOM_PASSWORD) if password else ""
    if password != again:
        raise ChatError("These were two passwords: nothing is changed.")
    info = await call.connection.rooms().update_room(where, RoomChanged(), password)
    if not password:
        return [plain(f"{label} has no password now.")]
    return [plain(f"{label} has a password now: /join {info.room_id} password enters by it.")]


async def _change(call: Call, change: RoomChanged) -> list[Effect]:
    await call.connection.rooms().update_room(call.here, change)
    return []


def _described(info: RoomInfo, call: Call) -> Listing:
    facts = {
        "id": info.room_id,
        "topic": info.topic,
        "about": info.description.replace("\n", " ⏎ "),
        "you are": ROLES[info.role],
        "muted": call.until(info.muted_until_ms) if info.muted_until_ms > call.now_ms else "",
        "slow mode": durations.in_words(info.slow_mode_ms / 1000) if info.slow_mode_ms else "",
        "archived": "nothing more is said here" if info.archived else "",
        "topic lock": "only moderators change the topic" if info.topic_locked else "",
    }
    private = info.kind is RoomKind.PRIVATE
    if private:
        from_join = info.history is HistoryPolicy.FROM_JOIN
        facts["newcomers"] = f"read {'from when they join' if from_join else 'everything'}"
        facts["password"] = "leads in, with the id" if info.has_password else "none"
    label = private_label(info.name) if private else room_label(info.name)
    return Listing(label, [(name, fact) for name, fact in facts.items() if fact])


# ---------------------------------------------------------------------------- people


async def list_members(call: Call) -> list[Effect]:
    """List who belongs to the current room, the highest roles first."""
    members = await call.connection.rooms().list_members(call.here)
    members.sort(key=lambda member: -member.role)
    rows = [
        (
            marked(member.user),
            member.role.name.lower() if member.role > Role.MEMBER else "",
            f"muted {call.until(member.muted_until_ms)}"
            if member.muted_until_ms > call.now_ms
            else "",
        )
        for member in members
    ]
    count = "1 member" if len(rows) == 1 else f"{len(rows)} members"
    return [Listing(f"{count} of {call.label}", rows)]


async def set_role(call: Call) -> list[Effect]:
    """Give a member another role."""
    name, _, word = call.argument.partition(" ")
    role = _ROLES.get(word.strip().lower())
    if role is None:
        raise ChatError(call.usage)
    await call.connection.rooms().set_role(call.here, name.removeprefix("@"), role)
    return []


async def invite(call: Call) -> list[Effect]:
    """Ask people into the current private room."""
    where, label, rooms = call.here, call.label, call.connection.rooms()
    return await _each(call.names, lambda name: rooms.invite(where, name), f"Invited to {label}")


async def uninvite(call: Call) -> list[Effect]:
    """Take invitations back."""
    where, label, rooms = call.here, call.label, call.connection.rooms()
    return await _each(
        call.names,
        lambda name: rooms.revoke_invitation(where, name),
        f"Not invited to {label} any more",
    )


async def _each(
    names: Sequence[str], ask: Callable[[str], Awaitable[None]], done: str
) -> list[Effect]:
    """Ask for each name; tell of whom it was done, and of each other why not."""
    told: list[str] = []
    refused: list[Effect] = []
    for name in names:
        try:
            await ask(name)
        except UnknownOutcomeError:
            raise
        except ChatError as error:
            refused.append(warning(f"{name}: {error}" if len(names) > 1 else str(error)))
        else:
            told.append(name)
    return ([plain(f"{done}: {', '.join(told)}.")] if told else []) + refused


async def code(call: Call) -> list[Effect]:
    """Make a code by which people enter the current private room, list codes, or end one."""
    words = [word.lower() for word in call.words]
    rooms, where, label = call.connection.rooms(), call.here, call.label
    if words == ["list"]:
        rows = [
            (one.invite_id, _people(one.uses_left), call.until(one.expires_ms), one.creator.name)
            for one in await rooms.list_codes(where)
        ]
        return [Listing(f"codes for {label}; /code revoke ID ends one", rows)]
    if words[:1] == ["revoke"] and len(words) == 2:
        await rooms.revoke_code(where, call.words[1])
        return [plain(f"Code {call.words[1]} is good no longer.")]
    uses = words.pop(0) if words and words[0].isdecimal() and words[0].isascii() else "0"
    lifetime = durations.parse(words.pop(0)) if words else 0
    if words or lifetime is None or len(uses) > 4:
        raise ChatError(call.usage)
    made = await rooms.create_code(where, int(uses), lifetime)
    what = made.what
    assert isinstance(what, Invite)
    people, end = _people(what.uses_left), call.until(what.expires_ms)
    return [
        plain(f"By this {people} may enter {label} {end}; it is shown only now:"),
        plain(f"/join code:{made.secret}"),
    ]


def _people(count: int) -> str:
    return "one person" if count == 1 else f"{count} people"


CALLS: Mapping[str, Callable[[Call], Awaitable[list[Effect]]]] = {
    "create": create,
    "room": show,
    "describe": describe,
    "rename": rename,
    "unarchive": unarchive,
    "slow": slow,
    "newcomers": set_newcomers,
    "lock-topic": lock_topic,
    "unlock-topic": unlock_topic,
    "members": list_members,
    "role": set_role,
    "invite": invite,
    "uninvite": uninvite,
    "code": code,
}
"""The commands that ask the person nothing, by name."""

STORIES: Mapping[str, Callable[[Call, Questions], Awaitable[list[Effect]]]] = {
    "room-password": set_password,
    "archive": archive,
}
"""The commands that ask the person, by name."""
