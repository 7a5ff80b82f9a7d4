"""Random orders: a few names, rooms, sessions and ids, so that they meet; some of them bad.

Numbers are given in order from 1, so an order can name what an earlier one will have made.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from chat_service.core import commands as cmd
from chat_service.core.limits import MAX_DURATION_MS, Limits
from chat_service.core.model import HistoryPolicy, Role, RoomKind, Scope, Style
from tests.core.scene import post

T = TypeVar("T")

INSTANCES = ("here", "there")
# Small enough that a short story reaches every bound.
TIGHT = Limits(
    text_bytes=8,
    text_lines=2,
    topic_bytes=4,
    reason_bytes=4,
    bans_per_room=2,
    bans_of_server=2,
    rooms_per_user=2,
    directs_per_user=2,
    sessions_per_guest=2,
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
    restored=st.booleans(),
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
kick_user = st.builds(
    cmd.KickUser,
    st.just(cmd.OPERATOR),
    st.builds(cmd.UserByName, names),
    reason=mostly(("", "spam"), ("spams", "a\nb")),
)

rooms_by_id = room_ids.map(cmd.RoomById)
people = st.one_of(names.map(cmd.UserByName), st.integers(1, 6).map(cmd.UserById))
codes = st.sampled_from((b"code 1", b"code 2"))
create_room = st.builds(
    cmd.CreateRoom,
    session_id=session_ids,
    name=room_names,
    kind=mostly((RoomKind.PRIVATE, RoomKind.PUBLIC), (RoomKind.DIRECT,)),
    history=st.sampled_from((None, HistoryPolicy.ALL)),
    password_hash=mostly(("", "hash"), ("hash",)),
    wait_ms=waits,
    room_wait_ms=waits,
)
join_private = st.builds(
    cmd.JoinRoom,
    session_id=session_ids,
    target=rooms_by_id,
    wait_ms=waits,
    password_hash=st.sampled_from(("", "hash", "other")),
)
join_by_invite = st.builds(cmd.JoinByInvite, session_id=session_ids, code_hash=codes, wait_ms=waits)
update_room = st.builds(
    cmd.UpdateRoom,
    session_id=session_ids,
    target=targets,
    name=st.one_of(st.none(), room_names),
    archived=st.sampled_from((None, True, False, False)),
    slow_mode_ms=st.sampled_from((None, 0, 20)),
    history=st.sampled_from((None, HistoryPolicy.ALL, HistoryPolicy.FROM_JOIN)),
    password_hash=st.sampled_from((None, None, "", "hash")),
    wait_ms=waits,
)
set_role = st.builds(
    cmd.SetRole,
    session_id=session_ids,
    target=targets,
    user=people,
    role=st.sampled_from(Role),
    wait_ms=waits,
)
invite_user = st.builds(
    cmd.InviteUser, session_id=session_ids, target=rooms_by_id, user=people, wait_ms=waits
)
revoke_invitation = st.builds(
    cmd.RevokeInvitation, session_id=session_ids, target=rooms_by_id, user=people
)
decline_invitation = st.builds(cmd.DeclineInvitation, session_id=session_ids, room_id=room_ids)

create_invite = st.builds(
    cmd.CreateInvite,
    session_id=session_ids,
    target=rooms_by_id,
    code_hash=codes,
    uses=mostly((0, 1, 2), (-1,)),
    lifetime_ms=mostly((0, 30), (-1,)),
    wait_ms=waits,
)
revoke_invite = st.builds(
    cmd.RevokeInvite, session_id=session_ids, target=rooms_by_id, invite_id=st.integers(0, 4)
)
block_user = st.builds(
    cmd.BlockUser, session_id=session_ids, user=people, blocked=st.booleans(), wait_ms=waits
)

hashes = mostly(("#al", "#bo", "#new"), ("",))
bot_names = mostly(("",), ("bot", "Robot", "al"))
sign_in = st.builds(
    cmd.SignIn,
    user_id=st.integers(1, 6),
    password_hash=hashes,
    fresh_hash=mostly(("",), ("#new",)),
    token_hash=_tokens,
    instance=instances,
    room=rooms_to_join,
)
register = st.builds(
    cmd.Register,
    session_id=mostly((0, 1, 2, 3), (99,)),
    name=names,
    password_hash=mostly(("#al", "#bo"), ("#bo",)),
    token_hash=_tokens,
    instance=instances,
    invite_hash=mostly((b"",), (b"code 1", b"code 2")),
    owner_code_hash=mostly((b"",), (b"owner",)),
    wait_ms=waits,
)
change_password = st.builds(
    cmd.ChangePassword, session_id=session_ids, old_hash=hashes, new_hash=hashes
)
reset_password = st.builds(cmd.ResetPassword, user=people, new_hash=hashes)
set_owner_code = st.builds(cmd.SetOwnerCode, code_hash=st.just(b"owner"))
create_api_token = st.builds(
    cmd.CreateApiToken,
    session_id=session_ids,
    bot=bot_names,
    label=mostly(("", "token"), ("a\nb",)),
    scopes=mostly(((Scope.READ,), (Scope.POST, Scope.READ)), ((), (Scope.ACCOUNT,))),
    token_hash=_tokens,
    instance=instances,
    lifetime_ms=mostly((0, 50), (-1,)),
)
create_bot = st.builds(
    cmd.CreateBot, session_id=session_ids, name=mostly(("bot", "robot"), ("al", "")), wait_ms=waits
)
revoke_session = st.builds(cmd.RevokeSession, session_id=session_ids, revoked_id=session_ids)
deactivate_account = st.builds(
    cmd.DeactivateAccount, session_id=session_ids, password_hash=hashes, bot=bot_names
)
create_code = st.builds(
    cmd.CreateInvite,
    session_id=mostly((cmd.OPERATOR,), range(1, 7)),
    target=st.none(),
    code_hash=codes,
    uses=mostly((0, 1, 2), (-1,)),
    lifetime_ms=mostly((0, 30), (-1,)),
)
revoke_code = st.builds(
    cmd.RevokeInvite,
    session_id=mostly((cmd.OPERATOR,), range(1, 7)),
    target=st.none(),
    invite_id=st.integers(0, 4),
)

prune = st.builds(cmd.Prune, room_id=room_ids, up_to_seq=mostly((1, 2, 3, 5), (-1, 0, 8, 2**62)))
prune_answers = st.builds(cmd.PruneAnswers, at_most=st.sampled_from((1, 3, 100)))

# By people, and by whoever runs the server, who may do everything.
by_anybody = st.one_of(session_ids, st.just(cmd.OPERATOR))
whom = st.one_of(names.map(cmd.UserByName), st.integers(0, 6).map(cmd.UserById))
durations = mostly((0, 10, 60), (-1, MAX_DURATION_MS + 1))
reasons = mostly(("", "spam"), ("spams", "a\nb"))
networks = mostly(("192.0.2.1", "192.0.2.9/24", "::ffff:192.0.2.1", "2001:db8::/32"), ("", "::/0"))
_against = {"session_id": by_anybody, "target": targets, "user": whom, "wait_ms": waits}
_on_server = {"session_id": by_anybody, "user": whom}

# What keeps order, in rooms and on the server.
moderation_order: st.SearchStrategy[cmd.Command] = st.one_of(
    st.builds(
        cmd.DeleteMessage,
        session_id=by_anybody,
        target=targets,
        seq=mostly((1, 2, 3), (0, 9)),
        reason=reasons,
        wait_ms=waits,
    ),
    st.builds(cmd.KickMember, reason=reasons, **_against),
    st.builds(cmd.BanMember, reason=reasons, duration_ms=durations, **_against),
    st.builds(cmd.UnbanMember, **_against),
    st.builds(cmd.MuteMember, reason=reasons, duration_ms=durations, **_against),
    st.builds(cmd.UnmuteMember, **_against),
    st.builds(cmd.BanUser, reason=reasons, duration_ms=durations, **_on_server),
    st.builds(cmd.UnbanUser, session_id=by_anybody, name=names),
    st.builds(
        cmd.BanNetwork,
        session_id=by_anybody,
        network=networks,
        duration_ms=durations,
        reason=reasons,
        address=st.sampled_from(("", "192.0.2.1")),
    ),
    st.builds(cmd.UnbanNetwork, session_id=by_anybody, network=networks),
    st.builds(
        cmd.SetLockdown,
        session_id=by_anybody,
        registrations=st.booleans(),
        guests=st.booleans(),
        reason=reasons,
    ),
    st.builds(cmd.SetAdmin, admin=st.booleans(), **_on_server),
    st.builds(cmd.SetDeactivated, deactivated=st.booleans(), reason=reasons, **_on_server),
    st.builds(cmd.SetFast, fast=st.booleans(), **_on_server),
)

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
    | cmd.CreateRoom
    | cmd.JoinByInvite
    | cmd.UpdateRoom
    | cmd.SetRole
    | cmd.InviteUser
    | cmd.RevokeInvitation
    | cmd.DeclineInvitation
    | cmd.CreateInvite
    | cmd.RevokeInvite
    | cmd.BlockUser
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


# What rooms are made for: people come in, and roles and rooms change.
room_order: st.SearchStrategy[Personal] = st.one_of(
    create_room,
    invite_user,
    invite_user,
    join_private,
    join_private,
    join_by_invite,
    create_invite,
    update_room,
    set_role,
    revoke_invitation,
    decline_invitation,
    revoke_invite,
    block_user,
    leave_room,
    post_message,
    set_topic,
)

# What accounts are made for: people come back, and hand out tokens.
account_order: st.SearchStrategy[cmd.Command] = st.one_of(
    register,
    register,
    register,
    sign_in,
    sign_in,
    create_bot,
    create_bot,
    create_api_token,
    create_api_token,
    open_session,
    open_session,
    open_session,
    revoke_session,
    change_password,
    reset_password,
    deactivate_account,
    set_owner_code,
    create_code,
    revoke_code,
    block_user,
    join_room,
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
    room_order,
    room_order,
    moderation_order,
    moderation_order,
    account_order,
    account_order,
)
