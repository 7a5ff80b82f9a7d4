"""Orders to facts, or a rejection.

    decide(state, command, fact, now_ms) -> Accepted(events, answer) | Rejection

Called in the order of the log, with the state as all earlier orders left it. The
fact is the one read that an order may need beyond the state: `fact_key` names it,
the log makes it inside its open transaction, so that earlier orders of the same
batch are seen.
"""

from collections.abc import Callable
from typing import Any

from chat_service.core import (
    accounts,
    administration,
    banning,
    blocks,
    deletion,
    entry,
    instances,
    invites,
    membership,
    messages,
    moderation,
    properties,
    pruning,
    registration,
    rooms,
    sessions,
    signing,
    tokens,
)
from chat_service.core import commands as cmd
from chat_service.core.decision import Decision, FactKey, FirstAnswer, MessageKey, StoredMessage
from chat_service.core.names import is_client_id
from chat_service.core.rooms import named
from chat_service.core.state import State


def fact_key(state: State, command: cmd.Command) -> FactKey | MessageKey | None:
    """Name the read that the order needs; None if it needs none.

    None also for an id that no message can have: not every text can be asked for.
    """
    if isinstance(command, cmd.PostMessage):
        session = state.sessions.get(command.session_id)
        if session is not None and is_client_id(
            command.client_msg_id, state.limits.client_id_bytes
        ):
            return FactKey(session.user_id, command.client_msg_id)
    if isinstance(command, cmd.DeleteMessage):
        session = state.sessions.get(command.session_id)
        if session is None and command.session_id != cmd.OPERATOR:
            return None
        user_id = cmd.OPERATOR if session is None else session.user_id
        room_id = named(state, user_id, command.target)
        if room_id is not None and 0 < command.seq <= state.heads[room_id]:
            return MessageKey(room_id, command.seq)
    return None


def decide(
    state: State,
    command: cmd.Command,
    fact: FirstAnswer | StoredMessage | None,
    now_ms: int,
) -> Decision:
    """Decide one order. `fact` is what `fact_key` asked for, if it is stored."""
    time_ms = max(now_ms, state.counter("time_ms"))
    if isinstance(command, cmd.PostMessage):
        first_answer = fact if isinstance(fact, FirstAnswer) else None
        return messages.post_message(state, command, first_answer, time_ms)
    if isinstance(command, cmd.DeleteMessage):
        stored = fact if isinstance(fact, StoredMessage) else None
        return deletion.delete_message(state, command, stored, time_ms)
    return _DECIDE[type(command)](state, command, time_ms)


# Any: each function takes the one command type that it is listed under.
_DECIDE: dict[type, Callable[[State, Any, int], Decision]] = {
    cmd.StartInstance: instances.start_instance,
    cmd.Configure: instances.configure,
    cmd.OpenGuest: signing.open_guest,
    cmd.SignIn: signing.sign_in,
    cmd.OpenSession: signing.open_session,
    cmd.AttachSession: sessions.attach_session,
    cmd.DetachSession: sessions.detach_session,
    cmd.RenewSession: sessions.renew_session,
    cmd.EndSession: sessions.close_session,
    cmd.ExpireSession: sessions.expire_session,
    cmd.Register: registration.register,
    cmd.CreateBot: registration.create_bot,
    cmd.ChangePassword: accounts.change_password,
    cmd.ResetPassword: accounts.reset_password,
    cmd.SetOwnerCode: accounts.set_owner_code,
    cmd.DeactivateAccount: accounts.deactivate_account,
    cmd.CreateApiToken: tokens.create_api_token,
    cmd.RevokeSession: tokens.revoke_session,
    cmd.BlockUser: blocks.block_user,
    cmd.CreateInvite: invites.create_invite,
    cmd.RevokeInvite: invites.revoke_invite,
    cmd.CreateRoom: rooms.create_room,
    cmd.JoinRoom: entry.join_room,
    cmd.JoinByInvite: entry.join_by_invite,
    cmd.LeaveRoom: membership.leave_room,
    cmd.SetRole: membership.set_role,
    cmd.InviteUser: membership.invite_user,
    cmd.RevokeInvitation: membership.revoke_invitation,
    cmd.DeclineInvitation: membership.decline_invitation,
    cmd.SetTopic: properties.set_topic,
    cmd.UpdateRoom: properties.update_room,
    cmd.KickUser: administration.kick_user,
    cmd.SetLockdown: administration.set_lockdown,
    cmd.SetAdmin: administration.set_admin,
    cmd.SetDeactivated: administration.set_deactivated,
    cmd.SetFast: administration.set_fast,
    cmd.BanUser: banning.ban_user,
    cmd.UnbanUser: banning.unban_user,
    cmd.BanNetwork: banning.ban_network,
    cmd.UnbanNetwork: banning.unban_network,
    cmd.KickMember: moderation.kick_member,
    cmd.BanMember: moderation.ban_member,
    cmd.UnbanMember: moderation.unban_member,
    cmd.MuteMember: moderation.mute_member,
    cmd.UnmuteMember: moderation.unmute_member,
    cmd.Prune: pruning.prune,
    cmd.PruneAnswers: pruning.prune_answers,
}
