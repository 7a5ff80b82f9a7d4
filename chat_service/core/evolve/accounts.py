"""Accounts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chat_service.core import events as ev
from chat_service.core.evolve.links import link, unlink
from chat_service.core.model import Account
from chat_service.core.state import State


def _account_created(state: State, event: ev.AccountCreated) -> None:
    state.accounts.put(
        event.user_id,
        Account(
            user_id=event.user_id,
            password_hash=event.password_hash,
            created_ms=event.time_ms,
            admin=event.admin,
            owner_id=event.owner_id,
        ),
    )
    state.users.put(event.user_id, replace(state.users[event.user_id], account=True))
    if event.owner_id:
        link(state.bots_of, event.owner_id, event.user_id)


def _password_changed(state: State, event: ev.PasswordChanged) -> None:
    _revise(state, event.user_id, password_hash=event.password_hash)


def _admin_changed(state: State, event: ev.AdminChanged) -> None:
    _revise(state, event.user_id, admin=event.admin)


def _account_deactivated(state: State, event: ev.AccountDeactivated) -> None:
    _revise(state, event.user_id, deactivated=True, admin=False)


def _account_reactivated(state: State, event: ev.AccountReactivated) -> None:
    _revise(state, event.user_id, deactivated=False)


def _fast_changed(state: State, event: ev.FastChanged) -> None:
    _revise(state, event.user_id, fast=event.fast)


def _owner_code_set(state: State, event: ev.OwnerCodeSet) -> None:
    before = state.names.get("owner_code")
    if before and not event.code_hash:
        state.names.put("void_owner_code", before)
    state.names.put("owner_code", event.code_hash.hex())


def _user_blocked(state: State, event: ev.UserBlocked) -> None:
    state.blocks.put((event.user_id, event.blocked_id), event.time_ms)
    link(state.blocked_by, event.user_id, event.blocked_id)


def _user_unblocked(state: State, event: ev.UserUnblocked) -> None:
    unblock(state, event.user_id, event.blocked_id)


def unblock(state: State, user_id: int, blocked_id: int) -> None:
    """Let a user be blocked by another no longer."""
    state.blocks.drop((user_id, blocked_id))
    unlink(state.blocked_by, user_id, blocked_id)


# Any: the fields of an account.
def _revise(state: State, user_id: int, **fields: Any) -> None:
    state.accounts.put(user_id, replace(state.accounts[user_id], **fields))


# Any: each function takes the one event type that it is listed under.
EVOLVE: dict[type, Callable[[State, Any], None]] = {
    ev.AccountCreated: _account_created,
    ev.PasswordChanged: _password_changed,
    ev.AdminChanged: _admin_changed,
    ev.AccountDeactivated: _account_deactivated,
    ev.AccountReactivated: _account_reactivated,
    ev.FastChanged: _fast_changed,
    ev.OwnerCodeSet: _owner_code_set,
    ev.UserBlocked: _user_blocked,
    ev.UserUnblocked: _user_unblocked,
}
