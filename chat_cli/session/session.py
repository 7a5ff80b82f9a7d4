"""The connection: signs in, keeps a stream open, comes back when it breaks.

One task runs `Session.run`. It tells the listener everything as items, and takes what is to
be sent from the listener's outbox. It knows nothing of screens.
"""

import asyncio
import contextlib
from collections.abc import Callable
from enum import Enum, auto

import grpc

from chat_cli import items as it
from chat_cli.account import Account
from chat_cli.answers import TerminalQuestions
from chat_cli.backoff import Backoff
from chat_cli.handshake import NoAnswerError
from chat_cli.model import ResumePoint, RoomEvent, RoomInfo, Target, User
from chat_cli.outbox import Outbox
from chat_cli.ports import Questions
from chat_cli.session.accounts import AccountApi
from chat_cli.session.api import ChatApi
from chat_cli.session.errors import CallError, UnauthenticatedError, UnreachableError
from chat_cli.session.identity import Identity
from chat_cli.session.moderation import ModerationApi
from chat_cli.session.rooms import RoomApi
from chat_cli.session.sign_in import NameRefusedError, NoPasswordError, SignIn
from chat_cli.session.streams import Listener, Signals, converse, follow
from chat_cli.trust import Trust, TrustError

_REPLACED = "SESSION_REPLACED"
# Somebody removed the user, who should not come back by itself.
_REMOVED = ("KICKED", "BANNED")


def _cause(failure: CallError | None) -> it.Cause:
    if failure is None or isinstance(failure, UnreachableError):
        return it.Cause.SILENCE
    return it.Cause.BUSY if failure.passes else it.Cause.REFUSAL


class Kind(Enum):
    """How to read: with orders and presence, or only to read."""

    CHAT = auto()
    SUBSCRIBE = auto()


class Session:
    """One client's connection. `name` may be empty: then it is asked for.

    `room` is joined at sign-in, for clients that do not join by order. `clock` gives seconds
    and is the one that the listener's outbox lives by. Without `trust` the target alone says
    whether the connection is encrypted. `ask` begins to ask the person, for the password of an
    account; without one it is asked for on the terminal.
    """

    def __init__(
        self,
        target: str,
        name: str,
        listener: Listener,
        identity: Identity,
        backoff: Backoff,
        clock: Callable[[], float],
        kind: Kind = Kind.CHAT,
        room: str = "",
        trust: Trust | None = None,
        ask: Callable[[], Questions] = TerminalQuestions,
    ) -> None:
        self._target = target
        self._trust = trust or Trust(target)
        self._name = name
        self._listener = listener
        self._identity = identity
        self._backoff = backoff
        # Whether the last token was refused at once, and nothing worked since.
        self._token_refused = False
        self._clock = clock
        self._kind = kind
        self._sign_in = SignIn(identity, room, self._tell, ask)
        self._signals = Signals()
        self._go_on = asyncio.Event()
        self._api: ChatApi | None = None
        self._welcomed_at: float | None = None
        # Whether the Hello of an attempt that was given up may still be on its way.
        self._unheard = False
        self._hint = 0.0
        self._draining = False
        self._stays = True

    # ------------------------------------------------------------ from the outside

    def wake(self) -> None:
        """Tell that the outbox has something new."""
        self._signals.wake.set()

    def read_again(self) -> None:
        """End the stream after this frame and open it again from the last event handled."""
        self._signals.read_again = True

    def use_name(self, name: str) -> None:
        """Answer NameWanted."""
        self._name = name
        self._go_on.set()

    def go_on(self) -> None:
        """Come back after a session that is over, or do not wait for the next attempt."""
        self._go_on.set()

    def _calls(self) -> ChatApi:
        """Give the present channel. Raises UnreachableError while there is none."""
        if self._api is None or not self._api.token:
            raise UnreachableError(grpc.StatusCode.UNAVAILABLE, "not connected")
        return self._api

    async def list_users(self, room: Target | None) -> list[User]:
        """List who is present in a room, or everybody. Raises ChatError."""
        return await self._calls().list_users(room)

    async def list_rooms(self) -> list[RoomInfo]:
        """List the public rooms. Raises ChatError."""
        return await self._calls().list_rooms()

    async def newest_events(self, room: Target, count: int) -> list[RoomEvent]:
        """List the newest events of a room, oldest first. Raises ChatError."""
        return await self._calls().newest_events(room, count)

    def accounts(self) -> AccountApi:
        """Give the calls about the own account. Raises UnreachableError."""
        return self._calls().accounts()

    def rooms(self) -> RoomApi:
        """Give the calls about rooms. Raises UnreachableError."""
        return self._calls().rooms()

    def moderation(self) -> ModerationApi:
        """Give the calls that keep order. Raises UnreachableError."""
        return self._calls().moderation()

    async def register(self, password: str, invite_code: str, owner_code: str) -> Account:
        """Make an account of the guest. Raises ChatError."""
        accounts = self.accounts()
        joined, account = await accounts.register("", password, invite_code, owner_code)
        self._identity.becomes_account(joined)
        return account

    def forget(self) -> None:
        """Let `sign_out` end the session of an account too."""
        self._stays = False

    async def sign_out(self) -> bool:
        """End the session on the server; call it when `run` has been cancelled.

        Tell whether it goes on instead: because the server is gone, or because it is one of an
        account, which stays signed in. The next client has it then.
        """
        if not self._identity.token:
            return False
        if self._stays and self._identity.account:
            return self._identity.leave()
        async with ChatApi(self._target, await self._trust.credentials()) as api:
            return await self._identity.sign_out(api, forget=not self._stays)

    # ------------------------------------------------------------------- the loop

    async def run(self) -> None:
        """Stay connected until cancelled. Returns only when it can never work."""
        reason = ""
        while True:
            if not self._name and not self._identity.given:
                await self._ask_name(reason)
            reason = ""
            self._tell(it.Connecting())
            self._welcomed_at, self._hint, self._draining = None, 0.0, False
            try:
                await self._attempt()
                failure = None
            except NameRefusedError as error:
                self._name, reason = "", str(error)
                continue
            except TrustError as error:
                self._tell(it.Stopped(str(error)))
                return
            except NoPasswordError as error:
                await self._stay_out(str(error))
                continue
            except CallError as error:
                failure = error
            if self._signals.read_again:
                await self._pause(self._backoff.delay())
            elif failure and failure.reason == _REPLACED and not self._unheard:
                self._tell(it.Replaced())
                await self._wait_to_go_on()
            elif failure and failure.reason in _REMOVED:
                self._identity.expired()
                self._tell(it.Kicked(str(failure)))
                await self._wait_to_go_on()
            elif failure and self._is_final(failure):
                self._tell(it.Stopped(str(failure)))
                return
            elif isinstance(failure, UnauthenticatedError) and self._identity.account:
                self._identity.expired()
                self._sign_in.is_over(failure)
            elif isinstance(failure, UnauthenticatedError) and self._welcomed_at is None:
                # The token was refused at once: the identity has expired, Join again. The delay
                # that grew while nobody answered is no measure for that, unless it happens
                # again and again.
                self._identity.expired()
                if not self._token_refused:
                    self._backoff.begin_anew()
                self._token_refused = True
                await self._pause(self._backoff.delay())
            else:
                if isinstance(failure, UnauthenticatedError):
                    self._identity.expired()
                # Heard late, such a Hello takes the place of the stream that came after it:
                # that once, nobody else took over.
                self._unheard = self._welcomed_at is None
                await self._stay_away(failure)

    def _is_final(self, failure: CallError) -> bool:
        """Tell whether no further attempt can succeed."""
        if isinstance(failure, UnauthenticatedError):
            return self._identity.given
        return failure.code is grpc.StatusCode.UNIMPLEMENTED

    async def _attempt(self) -> None:
        """Connect, sign in if need be, and read until the stream ends.

        Raises CallError, and TrustError where the server is not to be spoken to.
        """
        try:
            credentials = await self._trust.credentials()
        except NoAnswerError as error:
            raise UnreachableError(grpc.StatusCode.UNAVAILABLE, str(error)) from None
        async with ChatApi(self._target, credentials) as api:
            self._api = api
            try:
                if not self._identity.token:
                    await self._sign_in.sign_in(api, self._name)
                api.token = self._identity.token
                if self._kind is Kind.CHAT:
                    await converse(api, self, self._signals, self._clock)
                else:
                    await follow(api, self, self._signals)
            except UnreachableError as error:
                # The transport does not tell a certificate that it refuses from a dead server.
                if self._welcomed_at is None and error.code is grpc.StatusCode.UNAVAILABLE:
                    await self._trust.look_again()
                raise
            finally:
                self._api = None

    async def _stay_out(self, reason: str) -> None:
        """Wait for the person to go on, or for another name if nobody has been signed in yet."""
        if not self._sign_in.happened:
            self._name = ""
            await self._ask_name(reason)
            return
        self._tell(it.SignedOut(reason))
        await self._wait_to_go_on()

    async def _stay_away(self, failure: CallError | None) -> None:
        """Tell what happened, and wait before the next attempt."""
        started = self._welcomed_at
        lasted = self._clock() - started if started is not None else 0.0
        hint = max(self._hint, failure.retry_after if failure else 0.0)
        delay = self._backoff.delay(lasted, hint)
        if self._draining:
            reason = "the server was stopped"
        elif failure is None or (isinstance(failure, UnreachableError) and started is not None):
            reason = "connection lost"
        else:
            reason = str(failure)
        code = failure.code.value[0] if failure else 0
        self._tell(it.Offline(reason, delay, _cause(failure), code))
        await self._pause(delay)

    async def _ask_name(self, reason: str) -> None:
        self._tell(it.NameWanted(reason))
        while not self._name:
            await self._wait_to_go_on()

    async def _wait_to_go_on(self) -> None:
        self._go_on.clear()
        await self._go_on.wait()

    async def _pause(self, delay: float) -> None:
        """Wait, unless somebody is in a hurry."""
        self._go_on.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._go_on.wait()

    # ------------------------------------------- a listener between stream and owner

    @property
    def outbox(self) -> Outbox:
        """What is to be sent."""
        return self._listener.outbox

    def resume_point(self) -> ResumePoint:
        """Tell where reading goes on."""
        return self._listener.resume_point()

    def receive(self, item: it.Item) -> None:
        """Note what concerns the connection and pass the item on."""
        if isinstance(item, it.Notice) and item.draining:
            self._draining, self._hint = True, item.retry_after
        elif self._welcomed_at is None:
            self._welcomed_at = self._clock()
            self._token_refused = False
        self._tell(item)

    def _tell(self, item: it.Item) -> None:
        self._listener.receive(item)
