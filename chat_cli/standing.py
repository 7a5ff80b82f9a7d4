"""Where the own user stands in rooms: out of one, muted, invited."""

from dataclasses import replace

from chat_cli import items as it
from chat_cli.catching_up import done_reading
from chat_cli.effects import Effect, LookBack
from chat_cli.entries import Note, Tone, plain, warning
from chat_cli.model import Invitation, RoomKind, private_label
from chat_cli.own_posts import flush_echoes, give_up
from chat_cli.rooms import Room
from chat_cli.state import ChatState


def closed(state: ChatState, item: it.RoomClosed) -> list[Effect]:
    """Take in that a room was left, here or in another window, or that one was removed from it."""
    room_id = item.room_id
    room = state.rooms.get(room_id)
    if room is None:
        return []
    label, was_here = state.label(room_id), room_id == state.here
    if item.reason is it.CloseReason.LEFT:
        effects = flush_echoes(state, room_id)
        if room.kind is RoomKind.PRIVATE:
            effects += _unsaid(state, label, f"you left {label}")
        state.drop(room_id)
        now_in = f", now in {state.current_label() or 'no room'}" if was_here else ""
        effects.append(plain(f"you left {label}{now_in}"))
    else:
        effects = _put_out(state, room, item)
    return effects + done_reading(state, room_id)


def _put_out(state: ChatState, room: Room, item: it.RoomClosed) -> list[Effect]:
    """Take in that somebody removed the own user."""
    removed = removal_of(
        room.label(state.own_id),
        item.by.name if item.by else "",
        item.reason is it.CloseReason.BANNED,
        item.until_ms,
        item.text,
    )
    return _out(state, room, removed)


def removal_of(label: str, by: str, banned: bool, until_ms: int, reason: str) -> Note:
    """Tell who removed the own user from a room."""
    text = f"{by or 'the operator'} {'banned' if banned else 'removed'} you from {label}"
    return Note(text, Tone.WARNING, until_ms if banned else 0, reason)


def out_meanwhile(state: ChatState, room: Room) -> list[Effect]:
    """Take in that one is in a room no more since the connection broke.

    One was removed, or left in another window: in a public room it can be looked up.
    """
    label, after_seq = room.label(state.own_id), room.last_seq or 0
    effects = _out(state, room, warning(f"You are not in {label} any more."))
    if room.kind is RoomKind.PUBLIC:
        effects.append(LookBack(room.room_id, label, after_seq))
    return effects


def _out(state: ChatState, room: Room, told: Note) -> list[Effect]:
    """Drop a room that one is in no more, and what was to be said there.

    What is being typed was meant for that room: see `ChatState.put_out_of`.
    """
    label, was_here = room.label(state.own_id), room is state.room and state.heading is None
    effects: list[Effect] = [*flush_echoes(state, room.room_id), told]
    effects += _unsaid(state, label, f"you are not in {label} any more")
    state.drop(room.room_id)
    return effects + moved_away(state, label) if was_here else effects


def _unsaid(state: ChatState, label: str, reason: str) -> list[Effect]:
    """Give back what waits to be said in a room; what left once has an answer of its own."""
    posts = [p for p in state.outbox.posts.values() if not (p.written or p.written_at)]
    return give_up(state, [p for p in posts if state.label_for(p) == label], reason)


def moved_away(state: ChatState, former: str) -> list[Effect]:
    """Tell where one is after the current room was lost, which was called `former`."""
    if not state.room:
        return [plain("You are in no room now. /join NAME enters one.")]
    state.put_out_of = former
    return [plain(f"You are in {state.current_label()} now.")]


def muted(state: ChatState, item: it.Muted) -> list[Effect]:
    """Take in that one may not speak in a room."""
    room = state.rooms.get(item.room_id)
    if room is None:
        return []
    room.info = replace(room.info, muted_until_ms=item.until_ms)
    text = f"You are muted in {room.label(state.own_id)}"
    # The server's sentence is the same, with the reason behind it.
    reason = item.text.removeprefix(f"you may not speak in {room.name}").removeprefix(": ")
    return [Note(text, Tone.WARNING, item.until_ms, reason)]


def unmuted(state: ChatState, item: it.Unmuted) -> list[Effect]:
    """Take in that one may speak in a room again."""
    room = state.rooms.get(item.room_id)
    if room is None:
        return []
    room.info = replace(room.info, muted_until_ms=0)
    return [Note(f"You may speak in {room.label(state.own_id)} again", Tone.PLAIN)]


def invited(state: ChatState, invitation: Invitation) -> list[Effect]:
    """Take in an invitation; it is sent again after each reconnect, and shown once."""
    state.invitations[invitation.room_id] = invitation
    shown = (invitation.room_id, invitation.time_ms)
    if shown in state.told_invitations or state.ignores(invitation.inviter.name):
        return []
    state.told_invitations.add(shown)
    who, name = invitation.inviter.name, invitation.name
    what = f"{who} invites you to {private_label(name)}"
    return [plain(f"{what}. /accept {name} goes there, /decline {name} does not.")]
