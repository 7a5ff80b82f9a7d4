"""What is looked up on the server: who is there, which rooms there are, what was said.

Each gives what there is to show, and raises ChatError when the server cannot be asked.
"""

from chat_cli.effects import Effect
from chat_cli.entries import History, Listing, Names, Spoken, TopicLine
from chat_cli.model import ById, RoomKind, Said, TopicChanged, room_label
from chat_cli.ports import Connection
from chat_cli.reading import spoken
from chat_cli.state import ChatState


async def list_users(state: ChatState, connection: Connection, everybody: bool) -> list[Effect]:
    """List who is in the current room, or on the server."""
    room = state.room
    if everybody or room is None:
        users = await connection.list_users(None)
        names = [user.name if user.connected else f"{user.name} (away)" for user in users]
        return [Names(f"{len(names)} on {state.host}", names)]
    label = room.label(state.own_id)
    if room.kind is RoomKind.DIRECT:
        return [Names(f"in {label}", [user.name for user in room.members])]
    users = await connection.list_users(ById(room.room_id))
    return [Names(f"{len(users)} in {label}", [user.name for user in users])]


async def list_rooms(state: ChatState, connection: Connection) -> list[Effect]:
    """List the public rooms and the own conversations."""
    rows = []
    for info in await connection.list_rooms():
        mark = "*" if info.room_id in state.rooms else " "
        rows.append((f"{mark} {room_label(info.name)}", f"{info.present} here", info.topic))
    for room in state.rooms.values():
        if room.kind is RoomKind.DIRECT:
            rows.append((f"* {room.label(state.own_id)}", "", ""))
    return [Listing("rooms (* you are in it)", rows)]


async def list_history(
    state: ChatState, connection: Connection, room_id: str, count: int
) -> list[Effect]:
    """List the newest `count` messages of a room, oldest first."""
    events = await connection.newest_events(ById(room_id), count)
    lines: list[Spoken | TopicLine] = []
    for event in events:
        if isinstance(event.body, Said):
            lines.append(spoken(state, event, event.body))
        elif isinstance(event.body, TopicChanged):
            place, name = state.place(room_id), event.author.name
            lines.append(TopicLine(place, event.time_ms, name, event.body.topic))
    return [History(f"the last {len(lines)} of {state.label(room_id)}", lines)]
