"""The funnel: one item that was told goes in, the state changes, effects come out.

One function for each kind of item. Nothing else reads items.
"""

from chat_cli import items as it
from chat_cli import own_posts, reading, standing
from chat_cli.catching_up import caught_up
from chat_cli.effects import Effect
from chat_cli.entries import Announcement, plain, warning
from chat_cli.model import ByName, RoomKind
from chat_cli.orders import enter
from chat_cli.pending import HELLO_ID, JoinRoom, owner_of
from chat_cli.rooms import RECENT
from chat_cli.state import CatchUp, ChatState, Link

# Of google.rpc.Code.
_NOT_FOUND, _UNAVAILABLE = 5, 14
# Seconds to wait when the server is too busy and does not say for how long.
_BUSY_RETRY = 1.0
_SLOW_MODE = "SLOW_MODE"
_FORMER = "it was written under a former sign-in, which is over"
_EARLY = "you were asked for a password after that: was it one?"


def apply(state: ChatState, item: it.Item, now: float) -> list[Effect]:
    """Take in one item; `now` is seconds on the clock of the outbox."""
    match item:
        case it.Connecting():
            state.link = Link.CONNECTING
            return _lost(state)
        case it.Remark(text):
            return [warning(text)]
        case it.SignedIn():
            return _signed_in(state, item)
        case it.NameWanted(reason):
            return _name_wanted(state, reason)
        case it.Offline():
            return _offline(state, item, now)
        case it.SignedOut():
            return _signed_out(state, item)
        case it.Replaced():
            state.link = Link.REPLACED
            return [
                *_lost(state),
                warning(
                    "Another client took over this session, so this one stopped. "
                    "Enter takes it back, /quit leaves."
                ),
            ]
        case it.Kicked(reason):
            return _kicked(state, reason)
        case it.Notice(text, announcement=True):
            return [Announcement(text)]
        case it.Stopped(reason):
            state.link = Link.STOPPED
            if state.own is None:
                state.unusable = reason
                return []
            return [*_lost(state), warning(reason)]
        case it.Welcome():
            return _welcome(state, item)
    if state.deaf:
        return []
    match item:
        case it.EventArrived(event):
            return reading.event(state, event)
        case it.RoomOpened():
            return reading.opened(state, item)
        case it.Live():
            return reading.live(state, item)
        case it.Gap():
            return reading.gap(state, item)
        case it.Reset(epoch):
            return _other_epoch(state, epoch)
        case it.Acked():
            return own_posts.acked(state, item)
        case it.Refused():
            return _refused(state, item, now)
        case it.Presence():
            return reading.presence(state, item)
        case it.RoomClosed():
            return standing.closed(state, item)
        case it.Muted():
            return standing.muted(state, item)
        case it.Unmuted():
            return standing.unmuted(state, item)
        case it.Invited(invitation):
            return standing.invited(state, invitation)
        case it.Notice(text, draining):
            return [] if draining or not text else [plain(f"server: {text}")]


# ------------------------------------------------------------------ the connection


def _name_wanted(state: ChatState, reason: str) -> list[Effect]:
    state.link = Link.NAMELESS
    if not reason:
        return []
    # Whoever had the name here before is gone for ever, or it would not have been refused.
    lost = [post for post in state.outbox.posts.values() if post.owner is not None]
    return [warning(reason), *own_posts.give_up(state, lost, _FORMER)]


def _signed_in(state: ChatState, item: it.SignedIn) -> list[Effect]:
    effects: list[Effect] = []
    state.reachable = True
    state.limits = item.limits
    state.outbox.use_limits(item.limits)
    former, state.own = state.own, item.user
    if former is None:
        effects.append(plain(f"You are {item.user.name} on {state.host}. /help tells the rest."))
    elif state.epoch == item.epoch and former.user_id != item.user.user_id:
        state.anew = True
        why = "You are back" if state.kicked else "You were away too long"
        effects.append(
            warning(
                f"{why}: this is a new {item.user.name}, without the direct messages of before."
            )
        )
        for room in [r for r in state.rooms.values() if r.kind is not RoomKind.PUBLIC]:
            effects += own_posts.flush_echoes(state, room.room_id)
            state.drop(room.room_id)
    state.kicked = False
    effects += _other_epoch(state, item.epoch)
    if former is None and state.asked:
        # One of them may be the password, typed by somebody who did not wait for the question.
        early = [post for post in state.outbox.posts.values() if post.owner is None]
        effects += own_posts.give_up(state, early, _EARLY)
    lost = state.outbox.signed_in_as(owner_of(item.user, item.epoch), item.resumed)
    return effects + own_posts.give_up(state, lost, _FORMER)


def _offline(state: ChatState, item: it.Offline, now: float) -> list[Effect]:
    state.link = Link.OFFLINE
    state.retry_at = now + item.retry_in
    effects = _lost(state)
    if not state.told_offline:
        state.told_offline = True
        what = f"disconnected ({item.reason})" if state.met else f"{state.host}: {item.reason}"
        seconds = max(1, round(item.retry_in))
        effects.append(warning(f"{what}, trying again in {seconds} s"))
    return effects


def _signed_out(state: ChatState, item: it.SignedOut) -> list[Effect]:
    state.link = Link.SIGNED_OUT
    if state.leaving:
        return _lost(state)
    if item.asking:
        then = "Sign in again; what you write waits until then."
    else:
        then = "Enter asks for the password, /quit leaves."
    return [*_lost(state), warning(f"{item.reason[:1].upper()}{item.reason[1:]}\n{then}")]


def _kicked(state: ChatState, reason: str) -> list[Effect]:
    state.link, state.kicked = Link.KICKED, True
    # What has no answer by now never gets one: the next sign-in is another user's.
    posts = list(state.outbox.posts.values())
    return [
        *_lost(state),
        warning(f"{reason[:1].upper()}{reason[1:]}\nEnter signs in again, /quit leaves."),
        *own_posts.give_up(state, posts, "you were removed"),
    ]


def _lost(state: ChatState) -> list[Effect]:
    """Count the stream as over."""
    state.reachable = False
    return [
        warning("The connection broke while the topic was changed. /topic tells what it is.")
        for _ in state.outbox.disconnected()
    ]


def _welcome(state: ChatState, item: it.Welcome) -> list[Effect]:
    effects = _other_epoch(state, item.epoch)
    state.link, state.reachable = Link.ONLINE, True
    state.deaf = state.anew = False
    state.own = item.user
    # Those that still stand are told again.
    state.invitations.clear()
    for room in state.rooms.values():
        room.live = False
    if state.met and not effects:
        # What an attempt that broke off had brought counts too.
        messages = state.catch_up.messages if state.catch_up else 0
        state.catch_up = CatchUp(set(state.rooms), messages)
    else:
        state.catch_up = None
        state.told_offline = False
    state.met = True
    return effects + caught_up(state)


def _other_epoch(state: ChatState, epoch: str) -> list[Effect]:
    """Void everything that belongs to another life of the server's data."""
    former, state.epoch = state.epoch, epoch
    if former in ("", epoch):
        return []
    effects: list[Effect] = [warning("The server's data was replaced: starting with what it has.")]
    posts = list(state.outbox.posts.values())
    effects += own_posts.give_up(state, posts, "the server's data was replaced")
    state.outbox.forget_rooms()
    effects += own_posts.flush_echoes(state)
    # Room ids may name other rooms now: only names still mean the same.
    names = state.public_names()
    current = state.room.name if state.room else ""
    state.rooms.clear()
    state.here = ""
    state.visited.clear()
    for name in names:
        if name != current:
            state.outbox.order(JoinRoom(ByName(name), RECENT))
    if state.heading is None and (current or names):
        effects += enter(state, ByName(current or names[0]))
    return effects


def _refused(state: ChatState, item: it.Refused, now: float) -> list[Effect]:
    retry_after = item.retry_after or (_BUSY_RETRY if item.code == _UNAVAILABLE else 0.0)
    post = state.outbox.posts.get(item.client_msg_id)
    if post:
        if retry_after:
            slow = item.reason == _SLOW_MODE
            state.outbox.retry(item.client_msg_id, now + retry_after, item.message, slow)
            return []
        return own_posts.give_up(state, [post], item.message)
    pending = state.outbox.orders.get(item.order_id)
    if pending:
        if retry_after and isinstance(pending.order, JoinRoom):
            state.outbox.retry(item.order_id, now + retry_after)
            return []
        state.outbox.settle_order(item.order_id)
        if state.heading and state.heading.order_id == item.order_id:
            state.heading = None
        by_password = isinstance(pending.order, JoinRoom) and pending.order.password
        if by_password and item.code == _NOT_FOUND:
            # The server tells nobody which of the two it is.
            return [warning(f"{item.message}, or it has another password")]
        return [warning(item.message)]
    if item.room_id in state.rooms:
        return reading.unreadable(state, state.rooms[item.room_id], item)
    if item.order_id == HELLO_ID:
        # A room that is being entered: the order to enter it is refused too.
        return []
    return [warning(item.message)]
