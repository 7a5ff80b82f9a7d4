"""The ways in: as a guest, with a password, or by a token. And what a newcomer is told.

A wrong password, a name without an account and an account that is closed are answered
alike, after the same work.
"""

import logging
import secrets
from collections.abc import Callable

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.bans import is_banned
from chat_service.core.decision import Answer, too_fast
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import FOREVER_MS, Account
from chat_service.core.names import name_key
from chat_service.core.signing import WRONG_PASSWORD, flaw_of_name
from chat_service.edge.calls import Call
from chat_service.edge.directory import Directory, token_hash
from chat_service.edge.ids import session_text, user_text
from chat_service.edge.journal import Journal
from chat_service.edge.limits import DEFAULT_CALLS, CallLimits
from chat_service.edge.logins import Logins
from chat_service.edge.orders import wait_to_open
from chat_service.edge.pace import Pace
from chat_service.edge.passwords import Passwords
from chat_service.edge.sessions import Sessions
from chat_service.edge.standing import room_now
from chat_service.edge.wire import user_message
from chat_service.hub.hub import Hub

logger = logging.getLogger(__name__)


class Entrance:
    """Lets people in, and looks at their passwords."""

    def __init__(
        self,
        *,
        instance: str,
        journal: Journal,
        directory: Directory,
        hub: Hub,
        pace: Pace,
        sessions: Sessions,
        passwords: Passwords,
        logins: Logins,
        clock: Callable[[], float],
        limits: CallLimits = DEFAULT_CALLS,
    ) -> None:
        self.instance = instance
        self._journal = journal
        self._directory = directory
        self._hub = hub
        self._pace = pace
        self._sessions = sessions
        self._passwords = passwords
        self._logins = logins
        # For rates, in seconds.
        self._clock = clock
        self._limits = limits

    async def join(self, request: pb.JoinRequest, call: Call) -> pb.JoinResponse:
        """Sign in: a new guest, an account by its password, or the user of a token."""
        token = new_token()
        command: cmd.OpenGuest | cmd.SignIn | cmd.OpenSession
        if request.password:
            return self.welcome(await self._signed_in(request, call, token), call, token)
        if call.token:
            command = self._by_token(request, call, token)
        else:
            command = self._as_guest(request, call, token)
        answer = await self._journal.order(command)
        return self.welcome(answer, call, token)

    async def check(self, account: Account | None, name: str, password: str, call: Call) -> bool:
        """Look at the password of an account; whether it is right.

        `name` is what the account is called; it is None where there is none, or one that
        nobody can sign in by. Counts the try, and puts a wrong one in the log. Raises
        RefusedError: OVERLOADED, RATE_LIMITED, LOGIN_DELAYED.
        """
        # Before the try is counted: it would be one that nobody made.
        self._passwords.check_room(call.network)
        key = name_key(name) if account is None else account.user_id
        # Right ones too: each is as much work.
        wait_ms = self._pace.password(key, call.network, self._clock())
        if wait_ms:
            raise RefusedError(too_fast(wait_ms))
        wait_ms = self._logins.wait_ms(key, call.network, self._clock())
        if wait_ms:
            raise RefusedError(
                Rejection(
                    Reason.LOGIN_DELAYED,
                    "too many wrong passwords: wait a moment",
                    retry_after_ms=wait_ms,
                )
            )
        stored = "" if account is None or account.deactivated else account.password_hash
        if await self._passwords.matches(password, stored, network=call.network):
            self._logins.succeeded(key, call.network, self._clock())
            return True
        self._logins.failed(key, call.network, self._clock())
        # Not the name: people type passwords into the wrong field.
        user_id = "" if account is None else user_text(account.user_id)
        told = call.told(user_id=user_id, reason=Reason.PASSWORD_WRONG.value)
        logger.info("password refused", extra=told)
        return False

    def welcome(self, answer: Answer, call: Call, token: str) -> pb.JoinResponse:
        """Return what somebody is told who is signed in now."""
        state = self._directory.state
        session = state.sessions.get(answer.session_id)
        if session is None:
            # By an order of the same commit.
            raise RefusedError(Rejection(Reason.SESSION_ENDED, "this session has ended"))
        user = state.users[answer.user_id]
        call.session_id = session_text(answer.session_id)
        told = call.told(user=user.name, user_id=user_text(user.user_id))
        logger.info("signed in", extra=told)
        response = pb.JoinResponse(
            token=token,
            user=user_message(user),
            session_id=call.session_id,
            epoch=state.epoch,
            limits=self._told_limits(),
            expires_ms=session.expires_ms if session.expires_ms < FOREVER_MS else 0,
        )
        if answer.room_id:
            response.room.CopyFrom(
                room_now(state.rooms[answer.room_id], self._hub, self._directory, answer.user_id)
            )
        return response

    async def _signed_in(self, request: pb.JoinRequest, call: Call, token: str) -> Answer:
        (outcome,) = await self._journal.ask(await self._by_password(request, call, token))
        if outcome == WRONG_PASSWORD:
            # It was right when it was looked at. Another sign-in has made its hash anew since;
            # or it is another password by now, and wrong.
            return await self._journal.order(await self._by_password(request, call, token))
        if isinstance(outcome, Rejection):
            raise RefusedError(outcome)
        return outcome

    def _as_guest(self, request: pb.JoinRequest, call: Call, token: str) -> cmd.OpenGuest:
        wait_ms = self._pace.guest(call.network, self._clock())
        if wait_ms:
            raise RefusedError(
                Rejection(
                    Reason.RATE_LIMITED,
                    "too many new guests from this address",
                    retry_after_ms=wait_ms,
                )
            )
        return cmd.OpenGuest(
            request.name,
            token_hash(token),
            self.instance,
            request.room,
            self._room_wait_ms(request, call),
            request.client,
            call.address,
        )

    def _by_token(self, request: pb.JoinRequest, call: Call, token: str) -> cmd.OpenSession:
        return cmd.OpenSession(
            self._sessions.of(call).session_id,
            request.name,
            token_hash(token),
            self.instance,
            request.room,
            self._room_wait_ms(request, call),
            request.client,
            call.address,
        )

    async def _by_password(self, request: pb.JoinRequest, call: Call, token: str) -> cmd.SignIn:
        if call.token:
            raise RefusedError(
                Rejection(Reason.FIELD_INVALID, "a password or a token, not both", field="password")
            )
        state = self._directory.state
        flaw = flaw_of_name(state.limits, request.name)
        # Of the address alone: that a name is banned is told to who has its password.
        flaw = flaw or is_banned(state, "", call.address, self._directory.clock_ms())
        if flaw is not None:
            raise RefusedError(flaw)
        user_id = state.user_ids.get(name_key(request.name))
        account = None if user_id is None else state.accounts.get(user_id)
        if not await self.check(account, request.name, request.password, call):
            raise RefusedError(WRONG_PASSWORD)
        assert account is not None
        stored = account.password_hash
        fresh = ""
        if self._passwords.is_weak(stored):
            fresh = await self._passwords.hashed_again(request.password, network=call.network)
        return cmd.SignIn(
            account.user_id,
            stored,
            fresh,
            token_hash(token),
            self.instance,
            request.room,
            self._room_wait_ms(request, call),
            request.client,
            call.address,
        )

    def _room_wait_ms(self, request: pb.JoinRequest, call: Call) -> int:
        now = self._clock()
        return wait_to_open(request.room, call.network, self._directory, self._pace, now)

    def _told_limits(self) -> pb.Limits:
        limits = self._directory.state.limits
        rates = self._pace.rates
        return pb.Limits(
            text_bytes=limits.text_bytes,
            text_lines=limits.text_lines,
            name_bytes=limits.name_bytes,
            room_name_bytes=limits.room_name_bytes,
            topic_bytes=limits.topic_bytes,
            rooms_per_user=limits.rooms_per_user,
            recipients=limits.recipients,
            client_id_bytes=limits.client_id_bytes,
            unacked_posts=self._limits.unacked_posts,
            page_size=self._limits.max_page_items,
            send_burst=rates.sends_burst if self._pace.on else 0,
            send_rate=rates.sends_per_second if self._pace.on else 0.0,
            reason_bytes=limits.reason_bytes,
            description_bytes=limits.description_bytes,
            password_min_chars=self._passwords.limits.min_chars,
            password_max_chars=self._passwords.limits.max_chars,
        )


def new_token() -> str:
    """Return a new token: 256 random bits in text that is safe in a URL."""
    return secrets.token_urlsafe(32)
