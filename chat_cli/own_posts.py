"""The own messages on their way into the scroll-back, or back into the input line.

An own message is shown once: when its event comes back, so that it stands in its place. If
the event will not come (the room is not read, or the event is no longer kept), the
acknowledgement shows it.
"""

from chat_cli import items as it
from chat_cli.commands import typed_as
from chat_cli.effects import Effect, GiveBack
from chat_cli.entries import NotSent, Spoken, plain
from chat_cli.model import Direct, RoomKind
from chat_cli.outbox import JoinRoom, PendingPost
from chat_cli.state import ChatState, Echo


def acked(state: ChatState, item: it.Acked) -> list[Effect]:
    """Settle an order or a post that was carried out."""
    if state.outbox.settle_order(item.order_id) is not None:
        if state.heading and state.heading.order_id == item.order_id:
            state.heading.room_id = item.room_id
            if item.room_id in state.rooms:
                state.move_to(item.room_id)
                if state.rooms[item.room_id].announced:
                    return [plain(f"now in {state.current_label()}")]
        return []
    post = state.outbox.settle_post(item.client_msg_id)
    if post is None:
        return []
    room = state.rooms.get(item.room_id)
    coming = room is None or room.last_seq is None or item.seq > room.last_seq
    joining = any(isinstance(n.order, JoinRoom) for n in state.outbox.orders.values())
    opening = joining or state.heading is not None or isinstance(post.target, Direct)
    expected = room is not None or opening
    if coming and expected:
        state.echoes[item.client_msg_id] = Echo(post, item.room_id, item.time_ms)
        return []
    state.shown_early.add(item.client_msg_id)
    return [_own_entry(state, Echo(post, item.room_id, item.time_ms))]


def _own_entry(state: ChatState, echo: Echo) -> Spoken:
    post, name = echo.post, state.own.name if state.own else ""
    place = state.place(echo.room_id)
    if echo.room_id not in state.rooms:
        place = state.label_of(post.target)
    return Spoken(place, echo.time_ms, name, post.text, action=post.action, own=True)


def flush_echoes(state: ChatState, room_id: str = "") -> list[Effect]:
    """Show the acknowledged messages whose events will not come; of all rooms without an id."""
    gone = [e for e in state.echoes.values() if not room_id or e.room_id == room_id]
    effects: list[Effect] = []
    for echo in gone:
        effects.append(_own_entry(state, echo))
        del state.echoes[echo.post.client_msg_id]
    return effects


def give_up(state: ChatState, posts: list[PendingPost], reason: str) -> list[Effect]:
    """Show messages that will not be sent, and give them back for editing.

    One that was for another place than the current one comes back only with its
    addressees: another Enter must not tell everybody what was meant for one.
    """
    effects: list[Effect] = []
    for post in posts:
        label = state.label_of(post.target)
        place = "" if label == state.current_label() else label
        effects.append(NotSent(place, post.text, reason))
        names = _addressees(state, post) if place else ()
        if not place or (names and not post.action):
            effects.append(GiveBack(typed_as(post.text, post.action, names)))
    return effects


def _addressees(state: ChatState, post: PendingPost) -> tuple[str, ...]:
    """Name the people that a post was for; empty for a public room."""
    if isinstance(post.target, Direct):
        return post.target.names
    room = state.find(post.target)
    if room is None or room.kind is RoomKind.PUBLIC:
        return ()
    return tuple(user.name for user in room.members if user.user_id != state.own_id)
