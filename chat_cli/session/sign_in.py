"""Signing in: by the token that is kept, as a guest, or by the password that a person gives."""

import asyncio
import contextlib
from collections.abc import Callable

import grpc

from chat_cli import items as it
from chat_cli.errors import UnansweredError
from chat_cli.ports import Questions, Secret
from chat_cli.session.api import ChatApi
from chat_cli.session.errors import CallError, UnauthenticatedError
from chat_cli.session.identity import Identity
from chat_cli.session.joined import Joined

_ENDED = "SESSION_ENDED"
_REGISTERED = "NAME_REGISTERED"
_WRONG = "PASSWORD_WRONG"
_GUESTS_REFUSED = "GUESTS_REFUSED"
_NAME_REFUSED = (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.INVALID_ARGUMENT)
# How often a password may be wrong before the person has to say that it goes on.
_TRIES = 3
# Seconds that a sign-in may hold up the end of the program.
_LAST_SIGN_IN = 2.0


class NameRefusedError(Exception):
    """The server does not take the name; the text is its reason."""


class NoPasswordError(Exception):
    """The account of the name was not signed in to; the text tells why."""


class SignIn:
    """How one person signs in, again and again. `room` is joined by it, if it is not empty.

    `tell` takes items; `ask` begins to ask the person. `happened` says whether it ever worked.
    """

    def __init__(
        self,
        identity: Identity,
        room: str,
        tell: Callable[[it.LinkItem], None],
        ask: Callable[[], Questions],
    ) -> None:
        self.happened = False
        self._identity = identity
        self._room = room
        self._tell = tell
        self._ask = ask
        # What the person answered and the server has not looked at yet.
        self._password = ""
        # Whether only the password helps: somebody ended the session of the account.
        self._locked = False
        # Why the session of an account is over, until the person is told.
        self._over = ""
        self._told_trouble = False

    def is_over(self, failure: UnauthenticatedError) -> None:
        """Take in why the session of an account is over."""
        self._over, self._locked = str(failure), failure.reason == _ENDED

    async def sign_in(self, api: ChatApi, name: str) -> None:
        """Open a session of the identity, and tell of it.

        Raises CallError, NameRefusedError and NoPasswordError.
        """
        try:
            joined = None if self._locked or self._password else await self._join(api, name)
        except CallError as error:
            if error.reason != _REGISTERED:
                raise
            joined = None
        if joined is None:
            joined = await self._join_by_password(api, name)
        self._locked, self._over, self.happened = False, "", True
        self._tell(it.SignedIn(joined.user, joined.epoch, joined.limits, joined.resumed))
        if self._identity.trouble and not self._told_trouble:
            self._told_trouble = True
            self._tell(it.Remark(self._identity.trouble))

    async def _join(self, api: ChatApi, name: str) -> Joined:
        """Sign in, by the password if there is one."""
        joining = self._identity.sign_in(api, name, self._room, self._password)
        signing_in = asyncio.create_task(joining)
        try:
            return await asyncio.shield(signing_in)
        except asyncio.CancelledError:
            # The server may have opened the session already: only one that is known of can
            # be signed out.
            with contextlib.suppress(TimeoutError, CallError):
                async with asyncio.timeout(_LAST_SIGN_IN):
                    await signing_in
            raise
        except CallError as error:
            named = error.code in _NAME_REFUSED and error.reason != _REGISTERED
            if named or error.reason == _GUESTS_REFUSED:
                raise NameRefusedError(str(error)) from None
            raise

    async def _join_by_password(self, api: ChatApi, name: str) -> Joined:
        """Ask for the password until it is right, so often as is polite.

        One that nobody could look at is kept for the next attempt.
        """
        if self._over:
            self._tell(it.SignedOut(self._over, asking=True))
            self._over = ""
        questions: Questions | None = None
        tries = 0
        try:
            while tries < _TRIES:
                if not self._password:
                    questions = questions or self._ask()
                    again = f"Wrong password ({tries} of {_TRIES}). " if tries else ""
                    question = f"{again}Password for {name}: "
                    self._password = await questions.answer(question, Secret.PASSWORD)
                try:
                    joined = await self._join(api, name)
                except CallError as error:
                    if not error.passes:
                        self._password = ""
                    if error.reason != _WRONG:
                        raise
                    tries += 1
                else:
                    self._password = ""
                    return joined
        except UnansweredError as error:
            raise NoPasswordError(f"{name} is an account: {error}") from None
        finally:
            if questions:
                questions.close()
        raise NoPasswordError(f"the password for {name} was wrong {_TRIES} times")
