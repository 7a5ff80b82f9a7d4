"""What a decision is made of: the facts that it needs, and what it comes to."""

from typing import NamedTuple

from chat_service.core import events as ev
from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import Session
from chat_service.core.state import State


class FactKey(NamedTuple):
    """Asks for the first answer that a user's client_msg_id got."""

    user_id: int
    client_msg_id: str


class FirstAnswer(NamedTuple):
    """Where a message with that id was stored, and the hash of its request."""

    room_id: int
    seq: int
    time_ms: int
    request_hash: bytes


class MessageKey(NamedTuple):
    """Asks for what is stored at a place of a room."""

    room_id: int
    seq: int


class StoredMessage(NamedTuple):
    """Whose event is stored at a place, and whether it is something said."""

    author_id: int
    author_name: str
    is_text: bool
    # It was something said, and only its tombstone is left.
    is_deleted: bool


class Answer(NamedTuple):
    """What an accepted order came to, for the one who gave it. 0 where it does not apply."""

    room_id: int = 0
    seq: int = 0
    time_ms: int = 0
    duplicate: bool = False
    user_id: int = 0
    session_id: int = 0
    # Of an order about a user: the name that it has, and how many sessions ended.
    name: str = ""
    sessions: int = 0
    # Of an order with a duration: until when, in ms since 1970.
    until_ms: int = 0
    # Of a new invite.
    invite_id: int = 0


class Accepted(NamedTuple):
    """An order is accepted: what has happened by it, and its answer."""

    events: tuple[ev.Event, ...] = ()
    answer: Answer = Answer()


Decision = Accepted | Rejection


def valid_session(state: State, session_id: int, time_ms: int) -> Session | Rejection:
    """Return the session that an order came by, or say that it has ended."""
    session = state.sessions.get(session_id)
    if session is None or not session.is_valid(time_ms):
        return Rejection(Reason.SESSION_ENDED, "this session has ended: join again")
    return session


def too_fast(wait_ms: int) -> Rejection:
    """Refuse an order that came over its rate; it may be repeated after `wait_ms`."""
    return Rejection(Reason.RATE_LIMITED, "too fast: wait a moment", retry_after_ms=wait_ms)
