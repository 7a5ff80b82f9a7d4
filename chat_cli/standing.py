"""Where the own user stands in rooms: out of one, muted, invited."""

from dataclasses import replace

from chat_cli import items as it
from chat_cli.catching_up import done_reading
from chat_cli.effects import Effect
from chat_cli.entries import Note, Tone, plain
from chat_cli.model import Invitation, Removed, User, private_label
from chat_cli.own_posts import flush_echoes, give_up
from chat_cli.pending import LeaveRoom
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
        state.drop(room_id)
        now_in = f", now in {state.current_label() or 'no room'}" if was_here else ""
        effects.append(plain(f"you left {label}{now_in}"))
    else:
        effects = _put_out(state, room, item)
    return effects + done_reading(state, room_id)


def _put_out(state: ChatState, room: Room, item: it.RoomClosed) -> list[Effect]:
    """Take in that somebody removed the own user.

    What is being typed was meant for that room: see `ChatState.put_out_of`.
    """
    label, was_here = room.label(state.own_id), room is state.room and state.heading is None
    who = item.by.name if item.by and item.by.name else "the operator"
    banned = item.reason is it.CloseReason.BANNED
    text = f"{who} {'banned' if banned else 'removed'} you from {label}"
    effects: list[Effect] = [
        *flush_echoes(state, room.room_id),
        Note(text, Tone.WARNING, item.until_ms if banned else 0, item.text),
    ]
    # What is on its way has an answer of its own.
    posts = [p for p in state.outbox.posts.values() if not p.written]
    waiting = [p for p in posts if state.label_for(p) == label]
    effects += give_up(state, waiting, f"you are not in {label} any more")
    state.drop(room.room_id)
    return effects + moved_away(state, label) if was_here else effects


def moved_away(state: ChatState, former: str) -> list[Effect]:
    """Tell where one is after the current room was lost, which was called `former`."""
    if not state.room:
        return [plain("You are in no room now. /join NAME enters one.")]
    state.put_out_of = former
    return [plain(f"You are in {state.current_label()} now.")]


def was_put_out(state: ChatState, room: Room, by: User, removed: Removed) -> list[Effect]:
    """Take in that somebody removed the own user while the connection was broken.

    By naming the room at the reconnect one came back: so it is left again.
    """
    reason = it.CloseReason.BANNED if removed.banned else it.CloseReason.REMOVED
    closed = it.RoomClosed(room.room_id, reason, removed.reason, by, removed.until_ms)
    state.outbox.order(LeaveRoom(room.room_id))
    return _put_out(state, room, closed) + done_reading(state, room.room_id)


def muted(state: ChatState, item: it.Muted) -> list[Effect]:
    """Take in that one may not speak in a room."""
    room = state.rooms.get(item.room_id)
    if room is None:
        return []
    room.info = replace(room.info, muted_until_ms=item.until_ms)
    text = f"You may not speak in {room.label(state.own_id)}"
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
