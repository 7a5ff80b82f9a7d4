"""The code by which the first admin registers: made for a start, or by the operator; good once.

It is there for a server that has no admin, so that whoever started it can become one. Once
there is an admin, it opens nothing more.
"""

from chat_service.core import events as ev
from chat_service.core.state import State


def at_start(state: State, code_hash: bytes, time_ms: int) -> list[ev.Event]:
    """Return what becomes of the code when the server starts with this one; empty: none.

    It is taken while there is no admin, unless it was void before: a process that is
    replaced starts with the code of its launch again.
    """
    if any(account.admin and not account.deactivated for account in state.accounts.values()):
        return voided(state, time_ms)
    if not code_hash or code_hash.hex() == state.names.get("void_owner_code"):
        return []
    return [ev.OwnerCodeSet(time_ms, code_hash)]


def voided(state: State, time_ms: int) -> list[ev.Event]:
    """Return that the code is good no longer; nothing if there is none."""
    return [ev.OwnerCodeSet(time_ms, b"")] if state.names.get("owner_code") else []
