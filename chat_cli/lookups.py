"""What is looked up on the server: who is there, which rooms there are, what was said.

Each gives what there is to show, and raises ChatError when the server cannot be asked.
"""

from dataclasses import replace

from chat_cli.effects import Effect, LookBack
from chat_cli.entries import Happening, History, Listing, Names, Spoken
from chat_cli.errors import ChatError
from chat_cli.happenings import happening
from chat_cli.model import ById, Removed, RoomKind, User, private_label, room_label
from chat_cli.ports import Connection
from chat_cli.standing import removal_of
from chat_cli.state import ChatState

# Events among which a removal is looked for: one page.
_LOOKED_BACK = 1000


async def list_users(state: ChatState, connection: Connection, everybody: bool) -> list[Effect]:
    """List who is in the current room, or on the server."""
    room = state.room
    if everybody or room is None:
        users = await connection.list_users(None)
        names = [marked(user) + ("" if user.connected else " (away)") for user in users]
        return [Names(f"{len(names)} on {state.host}", names)]
    label = room.label(state.own_id)
    if room.kind is RoomKind.DIRECT:
        return [Names(f"in {label}", [marked(user) for user in room.members])]
    users = await connection.list_users(ById(room.room_id))
    return [Names(f"{len(users)} in {label}", [marked(user) for user in users])]


def marked(user: User) -> str:
    """Give a name, with the mark of a bot."""
    return f"{user.name} (bot)" if user.bot else user.name


async def list_rooms(state: ChatState, connection: Connection) -> list[Effect]:
    """List the public rooms, then the own private ones and the own conversations."""
    rows = []
    for info in await connection.list_rooms():
        mark = "*" if info.room_id in state.rooms else " "
        rows.append((f"{mark} {room_label(info.name)}", f"{info.present} here", info.topic))
    for room in state.rooms.values():
        if room.kind is RoomKind.PRIVATE:
            archived = "archived" if room.info.archived else f"{room.total} here"
            rows.append((f"* {private_label(room.name)}", archived, room.topic))
    for room in state.rooms.values():
        if room.kind is RoomKind.DIRECT:
            rows.append((f"* {room.label(state.own_id)}", "", ""))
    return [Listing("rooms (* you are in it)", rows)]


async def find_removal(state: ChatState, connection: Connection, wanted: LookBack) -> list[Effect]:
    """Tell who removed the own user from a room, if it was lately and can be found out."""
    try:
        events = await connection.newest_events(ById(wanted.room_id), _LOOKED_BACK)
    except ChatError:
        return []
    for event in reversed(events):
        body = event.body
        if event.seq <= wanted.after_seq:
            break
        if isinstance(body, Removed) and body.user.user_id == state.own_id:
            by = event.author.name
            return [removal_of(wanted.label, by, body.banned, body.until_ms, body.reason)]
    return []


async def list_history(
    state: ChatState, connection: Connection, room_id: str, count: int, numbered: bool = False
) -> list[Effect]:
    """List the newest `count` messages of a room, oldest first, on demand with their numbers."""
    events = await connection.newest_events(ById(room_id), count)
    lines: list[Happening] = []
    hidden = 0
    for event in events:
        entry = happening(event, state.own, state.place(room_id))
        if isinstance(entry, Spoken) and state.ignores(event.author.name):
            hidden += 1
        elif isinstance(entry, Spoken):
            lines.append(replace(entry, numbered=numbered))
        elif entry:
            lines.append(entry)
    left_out = f", {hidden} of people you ignore left out" if hidden else ""
    return [History(f"the last {len(lines)} of {state.label(room_id)}{left_out}", lines)]
