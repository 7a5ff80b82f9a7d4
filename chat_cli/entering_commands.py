"""The commands by which one goes into rooms: by a name, a code, a password, an invitation.

Each gives what there is to show, and raises ChatError when it was refused.
"""

import re
from collections.abc import Awaitable, Callable, Mapping

from chat_cli.call import Call
from chat_cli.effects import Effect
from chat_cli.entries import Listing, Note, plain
from chat_cli.errors import ChatError
from chat_cli.model import (
    ByCode,
    ById,
    ByName,
    Entrance,
    Invitation,
    key,
    private_label,
    room_label,
)
from chat_cli.orders import enter
from chat_cli.ports import Questions, Secret
from chat_cli.state import ChatState

_ID = re.compile(r"r[0-9]+")
# What codes look like: so much of letters and digits is no name that people give a room.
_CODE = re.compile(r"(?=.*[a-z])(?=.*[A-Z0-9])[A-Za-z0-9_-]{20,64}")


def entrance(word: str) -> Entrance:
    """Tell what was meant by what stands behind `/join`.

    A `#` always begins the name of a public room, and `code:` a code. A code that was pasted
    alone is known by its looks: as the name of a public room everybody would see it.
    """
    if word.startswith("#"):
        return ByName(word.removeprefix("#"))
    if word.lower().startswith("code:"):
        return ByCode(word[5:])
    if _ID.fullmatch(word):
        return ById(word)
    return ByCode(word) if _CODE.fullmatch(word) else ByName(word)


def join(state: ChatState, word: str) -> list[Effect]:
    """Go to a room: of two of the same name to the private one, if it is open."""
    target = entrance(word)
    if isinstance(target, ByCode) and state.find(ByName(word)):
        # It only looks like a code.
        target = ByName(word)
    if isinstance(target, ByCode) or word.startswith("#"):
        return enter(state, target)
    if isinstance(target, ByName):
        private = state.find_private(target.name)
        if private:
            public = f"/join {room_label(target.name)} goes to the public room of that name"
            return [*enter(state, ById(private.room_id)), Note(public)]
        asked = [one for one in state.invitations.values() if key(one.name) == key(target.name)]
        if asked and not state.find(target):
            hint = f"You are invited to {private_label(asked[0].name)}: /accept goes there."
            return [*enter(state, target), Note(hint)]
    return enter(state, target)


async def join_by_password(call: Call, questions: Questions) -> list[Effect]:
    """Enter a private room by its id and its password."""
    room_id, *_ = call.words
    if not _ID.fullmatch(room_id):
        raise ChatError("Only a private room has a password, and it is entered by its id: r12.")
    password = await questions.answer("The password of the room: ", Secret.ROOM_PASSWORD)
    return enter(call.state, ById(room_id), password)


async def list_invitations(call: Call) -> list[Effect]:
    """List who asks one into which private room."""
    found = await call.connection.rooms().list_invitations()
    if not found:
        return [plain("Nobody invites you now.")]
    rows = [
        (private_label(one.name), one.room_id, f"from {one.inviter.name}")
        for one in found
        if not call.state.ignores(one.inviter.name)
    ]
    return [Listing("invitations; /accept NAME goes there, /decline NAME does not", rows)]


async def accept(call: Call) -> list[Effect]:
    """Go to a private room that one is invited to."""
    one = await _invitation(call)
    call.state.invitations.pop(one.room_id, None)
    return enter(call.state, ById(one.room_id))


async def decline(call: Call) -> list[Effect]:
    """Do not go."""
    one = await _invitation(call)
    await call.connection.rooms().decline(one.room_id)
    call.state.invitations.pop(one.room_id, None)
    return [plain(f"The invitation to {private_label(one.name)} is declined.")]


async def _invitation(call: Call) -> Invitation:
    """Find the invitation that is meant; alone it is the only one."""
    found = await call.connection.rooms().list_invitations()
    wanted = call.argument.removeprefix("#").removesuffix(" (private)")
    if wanted:
        found = [one for one in found if wanted == one.room_id or key(wanted) == key(one.name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ChatError("There is no such invitation. /invites lists them.")
    ids = ", ".join(f"{one.room_id} (from {one.inviter.name})" for one in found)
    raise ChatError(f"Which one? {ids}")


CALLS: Mapping[str, Callable[[Call], Awaitable[list[Effect]]]] = {
    "invites": list_invitations,
    "accept": accept,
    "decline": decline,
}
"""The commands that ask the person nothing, by name."""
