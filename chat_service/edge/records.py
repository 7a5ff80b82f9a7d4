"""The lists of what keeps order: who is restricted, who is banned, and what was done."""

import asyncio
from concurrent.futures import Executor

from chat_protos.chat.v1 import chat_pb2
from chat_protos.chat.v1 import moderation_pb2 as pb
from chat_service.core.access import admin_for
from chat_service.core.errors import RefusedError, Rejection
from chat_service.core.events import Audited
from chat_service.core.model import NetworkBan, Restriction, Room, Scope, Session, UserBan
from chat_service.core.moderation import moderated_room
from chat_service.core.names import name_key
from chat_service.edge.audit import entry_message
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.methods import Unary
from chat_service.edge.paging import key_of, number_of, page_size, token_after
from chat_service.edge.sessions import Sessions
from chat_service.edge.wire import actor_message, target_of, user_message
from chat_service.log.contract import Log

# No entry of the audit log has a larger number.
NEWEST = 2**63 - 1


class Records:
    """Serves the calls that list. `readers` runs blocking reads."""

    def __init__(
        self,
        *,
        log: Log,
        directory: Directory,
        sessions: Sessions,
        readers: Executor,
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
        self._log = log
        self._directory = directory
        self._sessions = sessions
        self._readers = readers
        self._limits = limits

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "ListRestrictions": self.list_restrictions,
            "ListServerBans": self.list_server_bans,
            "ListAuditEntries": self.list_audit_entries,
        }

    async def list_restrictions(
        self, request: pb.ListRestrictionsRequest, call: Call
    ) -> pb.ListRestrictionsResponse:
        """List who is banned from a room or muted in it, by name."""
        session = self._sessions.used_by(call, Scope.MODERATE)
        size = page_size(request.page_size, self._limits)
        room = self._moderated(session, request.room)
        scope = f"restrictions {room.room_id}"
        after = key_of(request.page_token, scope) or ""
        state, now_ms = self._directory.state, self._directory.clock_ms()
        found = []
        for user_id in state.restricted_in.get(room.room_id) or ():
            one = state.restrictions[room.room_id, user_id]
            key = name_key(state.users[user_id].name)
            if key > after and max(one.banned_until_ms, one.muted_until_ms) > now_ms:
                found.append((key, one))
        found.sort(key=lambda entry: entry[0])
        shown = found[:size]
        return pb.ListRestrictionsResponse(
            restrictions=[self._restriction(one, now_ms) for _, one in shown],
            next_page_token=token_after(scope, shown[-1][0]) if len(found) > size else "",
        )

    async def list_server_bans(
        self, request: pb.ListServerBansRequest, call: Call
    ) -> pb.ListServerBansResponse:
        """List who is kept out of the server, the newest first."""
        session = self._sessions.used_by(call, Scope.ADMIN)
        size = page_size(request.page_size, self._limits)
        self._check_admin(session)
        after = _server_ban_key_of(key_of(request.page_token, "server bans"))
        state, now_ms = self._directory.state, self._directory.clock_ms()
        bans: list[UserBan | NetworkBan] = [*state.user_bans.values(), *state.network_bans.values()]
        found = [
            (key, ban)
            for key, ban in ((_key_of_server_ban(ban), ban) for ban in bans)
            if ban.until_ms > now_ms and (after is None or key > after)
        ]
        found.sort(key=lambda entry: entry[0])
        shown = found[:size]
        if len(found) > size:
            (negative_ms, what), _ = shown[-1]
            token = token_after("server bans", f"{-negative_ms} {what}")
        else:
            token = ""
        return pb.ListServerBansResponse(
            bans=[_server_ban(ban) for _, ban in shown], next_page_token=token
        )

    async def list_audit_entries(
        self, request: pb.ListAuditEntriesRequest, call: Call
    ) -> pb.ListAuditEntriesResponse:
        """List what was done to keep order, the newest first."""
        size = page_size(request.page_size, self._limits)
        room_id = self._audited_room(request, call)
        scope = "audit" if room_id is None else f"audit {room_id}"
        key = key_of(request.page_token, scope)
        before_id = NEWEST if key is None else min(number_of(key), NEWEST)

        def read() -> list[Audited]:
            return self._log.read_audit(room_id, before_id, count=size + 1)

        entries = await asyncio.get_running_loop().run_in_executor(self._readers, read)
        # Who has lost the right meanwhile is answered as somebody who asks only now.
        self._audited_room(request, call)
        shown = entries[:size]
        return pb.ListAuditEntriesResponse(
            entries=map(entry_message, shown),
            next_page_token=(
                token_after(scope, str(shown[-1].audit_id)) if len(entries) > size else ""
            ),
        )

    def _audited_room(self, request: pb.ListAuditEntriesRequest, call: Call) -> int | None:
        """Return the room whose entries the caller may read; None: those of the server.

        Raises RefusedError where it may not.
        """
        if request.HasField("room"):
            session = self._sessions.used_by(call, Scope.MODERATE)
            return self._moderated(session, request.room).room_id
        self._check_admin(self._sessions.used_by(call, Scope.ADMIN))
        return None

    def _moderated(self, session: Session, room: chat_pb2.RoomTarget) -> Room:
        """Return a room of which the caller is a moderator. Raises RefusedError otherwise."""
        directory = self._directory
        found = moderated_room(
            directory.state, session.session_id, target_of(room), directory.clock_ms()
        )
        if isinstance(found, Rejection):
            raise RefusedError(found)
        return found[1]

    def _check_admin(self, session: Session) -> None:
        directory = self._directory
        found = admin_for(directory.state, session.session_id, directory.clock_ms())
        if isinstance(found, Rejection):
            raise RefusedError(found)

    def _restriction(self, one: Restriction, now_ms: int) -> pb.Restriction:
        return pb.Restriction(
            user=user_message(self._directory.state.users[one.user_id]),
            banned_until_ms=one.banned_until_ms if one.banned_until_ms > now_ms else 0,
            muted_until_ms=one.muted_until_ms if one.muted_until_ms > now_ms else 0,
            by=actor_message(one.by_id, one.by_name),
            reason=one.reason,
        )


def _key_of_server_ban(ban: UserBan | NetworkBan) -> tuple[int, str]:
    """Return what bans are sorted by: the newest first, then by what they are of."""
    return -ban.time_ms, ban.network if isinstance(ban, NetworkBan) else name_key(ban.name)


def _server_ban_key_of(key: str | None) -> tuple[int, str] | None:
    if key is None:
        return None
    time_ms, _, what = key.partition(" ")
    return -number_of(time_ms), what


def _server_ban(ban: UserBan | NetworkBan) -> pb.ServerBan:
    message = pb.ServerBan(
        until_ms=ban.until_ms,
        reason=ban.reason,
        by=actor_message(ban.by_id, ban.by_name),
        time_ms=ban.time_ms,
    )
    if isinstance(ban, NetworkBan):
        message.network = ban.network
    else:
        message.name = ban.name
    return message
