"""The own messages on their way into the scroll-back, or back into the input line.

An own message is shown once: when its event comes back, so that it stands in its place. If
the event will not come (the room is not read, or the event is no longer kept), the
acknowledgement shows it.
"""

from collections.abc import Iterable

from chat_cli import items as it
from chat_cli.commands import typed_as
from chat_cli.effects import Effect, GiveBack
from chat_cli.entries import NotSent, Spoken, plain, warning
from chat_cli.model import Direct, RoomKind
from chat_cli.pending import Found, JoinRoom, PendingPost
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
    echo = Echo(post, item.room_id, item.seq, item.time_ms)
    room = state.rooms.get(item.room_id)
    coming = room is None or room.last_seq is None or item.seq > room.last_seq
    if coming and (room is not None or _will_open(state, echo)):
        state.echoes[item.client_msg_id] = echo
        return []
    state.shown_early.add(item.client_msg_id)
    return [_own_entry(state, echo)]


def _will_open(state: ChatState, echo: Echo) -> bool:
    """Tell whether the stream is about to read a room: it was asked for, or is a direct message."""
    label = state.label_for(echo.post)
    if isinstance(echo.post.target, Direct) or label.startswith("@"):
        return True
    if state.heading and echo.room_id == state.heading.room_id:
        return True
    joins = [n.order.target for n in state.outbox.orders.values() if isinstance(n.order, JoinRoom)]
    if state.heading:
        joins.append(state.heading.target)
    return any(state.label_of(target).casefold() == label.casefold() for target in joins)


def _own_entry(state: ChatState, echo: Echo) -> Spoken:
    post, name = echo.post, state.own.name if state.own else ""
    place = state.place(echo.room_id)
    if echo.room_id not in state.rooms:
        place = state.label_for(post)
    return Spoken(place, echo.time_ms, name, post.text, action=post.action, own=True)


def flush_echoes(state: ChatState, room_id: str = "", before: int | None = None) -> list[Effect]:
    """Show the acknowledged messages whose events will not come.

    Of all rooms without an id, and only those with a smaller seq than `before` if it is given.
    """
    gone = [
        echo
        for echo in state.echoes.values()
        if (not room_id or echo.room_id == room_id) and (before is None or echo.seq < before)
    ]
    effects: list[Effect] = []
    for echo in gone:
        effects.append(_own_entry(state, echo))
        del state.echoes[echo.post.client_msg_id]
    return effects


def adopt(state: ChatState, found: Found, now_ms: int) -> list[Effect]:
    """Take over what dead processes of the same person left, and say what it is."""
    state.outbox.adopt(found.posts)
    effects: list[Effect] = [
        warning(f"A part of what was kept made no sense; it is in {path}") for path in found.damaged
    ]
    for one in found.failed:
        effects += give_up(state, [one.post], one.reason)
    effects += age(state, now_ms)
    count = len(state.outbox.posts.keys() & {post.client_msg_id for post in found.posts})
    if count:
        what = "1 message" if count == 1 else f"{count} messages"
        verb = "is" if count == 1 else "are"
        effects.append(plain(f"{what} of the last session {verb} still to be sent."))
    return effects


def age(state: ChatState, now_ms: int) -> list[Effect]:
    """Give up the messages that are too old to be sent once."""
    old = state.outbox.too_old(now_ms)
    return give_up(state, old, "it is older than 14 days: the server may not know it any more")


def give_up(state: ChatState, posts: Iterable[PendingPost], reason: str) -> list[Effect]:
    """Show messages that will not be sent, and give them back for editing.

    One that was for another place than the current one comes back only with its
    addressees: another Enter must not tell everybody what was meant for one.
    """
    effects: list[Effect] = []
    for post in posts:
        state.outbox.fail(post, reason)
        label = state.label_for(post)
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
    if room is None:
        return tuple(post.place[1:].split(",")) if post.place.startswith("@") else ()
    if room.kind is not RoomKind.DIRECT:
        return ()
    return tuple(user.name for user in room.members if user.user_id != state.own_id)
