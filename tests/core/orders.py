"""Random orders: a few names, rooms, sessions and ids, so that they meet; some of them bad.

Numbers are given in order from 1, so an order can name what an earlier one will have made.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from chat_service.core import commands as cmd
from chat_service.core.limits import Limits
from chat_service.core.model import Style
from tests.core.scene import post

T = TypeVar("T")

INSTANCES = ("here", "there")
# Small enough that a short story reaches every bound.
TIGHT = Limits(
    text_bytes=8,
    text_lines=2,
    topic_bytes=4,
    rooms_per_user=2,
    directs_per_user=2,
    sessions_per_user=2,
    recipients=2,
    guest_grace_ms=80,
    renewal_ms=20,
    first_answer_ms=40,
    reserved_names=("root",),
)
SESSION_MS = TIGHT.guest_grace_ms + TIGHT.renewal_ms


def mostly(good: Iterable[T], bad: Iterable[T]) -> st.SearchStrategy[T]:
    """Choose among the bad ones once in a while."""
    # Not at an end of the range: those are tried far more often than the rest.
    return st.integers(0, 12).flatmap(lambda n: st.sampled_from(tuple(bad if n == 7 else good)))


session_ids = mostly(range(1, 7), (0, 99))
attachments = mostly(range(1, 5), (0,))
waits = mostly((0,), (50,))
instances = mostly(INSTANCES[:1], INSTANCES[1:])
names = mostly(("al", "bo", "cy", "Al", "BO"), ("dee", "root", "b\u043e", ""))
room_names = mostly(("lobby", "den", "Den", "pub"), ("", "two words"))
rooms_to_join = st.one_of(st.just(""), room_names)
message_ids = mostly(("m1", "m2", "m3", "m4", "m5", "m6"), ("",))
texts = mostly(("hi", "hello", "8 bytes!", "a\nb"), ("9 bytes !", "\n\na", " ", "\x00", ""))
styles = st.sampled_from(Style)
_few = st.lists(names, min_size=1, max_size=2).map(tuple)
recipients = st.integers(0, 9).flatmap(lambda n: st.just(("al", "bo", "cy")) if n == 7 else _few)
room_ids = mostly(range(1, 7), (0, 99))
targets = st.one_of(
    room_names.map(cmd.RoomByName), room_ids.map(cmd.RoomById), recipients.map(cmd.Direct)
)
wheres = st.one_of(room_names, room_ids, recipients)
# The clock mostly goes on, a little or past a session's time, and sometimes steps back.
steps_ms = mostly((0, 1, 5, 30), (SESSION_MS - 1, SESSION_MS, -1, -40, -1000))

# Who gives the order puts one of its own in the place: two never meet.
_tokens = st.just(b"token")

start_instance = st.builds(
    cmd.StartInstance,
    instance=instances,
    epoch=st.sampled_from(("e1", "e2")),
    limits=st.just(TIGHT),
    default_room=st.sampled_from(("lobby", "den")),
)
configure = st.builds(
    cmd.Configure,
    limits=st.sampled_from((TIGHT, replace(TIGHT, text_bytes=3, topic_bytes=9, rooms_per_user=1))),
)
open_guest = st.builds(
    cmd.OpenGuest,
    name=names,
    token_hash=_tokens,
    instance=instances,
    room=rooms_to_join,
    room_wait_ms=waits,
)
open_session = st.builds(
    cmd.OpenSession,
    session_id=session_ids,
    name=mostly(("",), ("al", "bo", "Cy")),
    token_hash=_tokens,
    instance=instances,
    room=rooms_to_join,
    room_wait_ms=waits,
)
attach_session = st.builds(cmd.AttachSession, session_id=session_ids, attachment=attachments)
detach_session = st.builds(cmd.DetachSession, session_id=session_ids, attachment=attachments)
renew_session = st.builds(cmd.RenewSession, session_id=session_ids)
end_session = st.builds(cmd.EndSession, session_id=session_ids)
expire_session = st.builds(cmd.ExpireSession, session_id=session_ids)
join_room = st.builds(
    cmd.JoinRoom, session_id=session_ids, target=targets, wait_ms=waits, room_wait_ms=waits
)
leave_room = st.builds(cmd.LeaveRoom, session_id=session_ids, target=targets)
set_topic = st.builds(
    cmd.SetTopic,
    session_id=session_ids,
    target=targets,
    topic=mostly(("cats", "dogs", ""), ("catsy", "a\nb")),
    wait_ms=waits,
)
post_message = st.builds(
    post,
    session_id=session_ids,
    room=wheres,
    text=texts,
    message_id=message_ids,
    style=styles,
    wait_ms=waits,
)
kick_user = st.builds(cmd.KickUser, name=names, reason=mostly(("", "spam"), ("spams", "a\nb")))

prune = st.builds(cmd.Prune, room_id=room_ids, up_to_seq=mostly((1, 2, 3, 5), (-1, 0, 8, 2**62)))
prune_answers = st.builds(cmd.PruneAnswers, at_most=st.sampled_from((1, 3, 100)))

Personal = (
    cmd.OpenSession
    | cmd.AttachSession
    | cmd.DetachSession
    | cmd.RenewSession
    | cmd.EndSession
    | cmd.ExpireSession
    | cmd.JoinRoom
    | cmd.LeaveRoom
    | cmd.SetTopic
    | cmd.PostMessage
)


def beginning(*names: str) -> tuple[cmd.Command, ...]:
    """Return the orders of a start, and of guests who come first and sit in the lobby."""
    return (
        cmd.StartInstance(INSTANCES[0], "e1", TIGHT, "lobby"),
        *(
            cmd.OpenGuest(name, b"first" + bytes([number]), INSTANCES[0], "lobby")
            for number, name in enumerate(names)
        ),
    )


# Sign-ins and posts more often than the rest, or nobody would be there to say anything.
any_order: st.SearchStrategy[cmd.Command] = st.one_of(
    open_guest,
    open_guest,
    open_session,
    attach_session,
    detach_session,
    renew_session,
    end_session,
    expire_session,
    join_room,
    join_room,
    leave_room,
    set_topic,
    post_message,
    post_message,
    start_instance,
    configure,
    kick_user,
    prune,
    prune_answers,
)
