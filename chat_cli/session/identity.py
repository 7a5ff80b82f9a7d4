"""Who this process is: signing in with the tokens that are kept, and signing out."""

import asyncio
import contextlib
import dataclasses
from pathlib import Path

from chat_cli.credentials import CredentialError, CredentialStore, Found, Kept
from chat_cli.filelock import FileLock
from chat_cli.session.api import ChatApi
from chat_cli.session.errors import CallError, UnauthenticatedError
from chat_cli.session.joined import Joined

# Seconds between two looks at the lock of another client that is signing in, and how many
# seconds to look: longer than a call may take, so that only one that hangs is passed by.
_LOOK_EVERY = 0.05
_LOOK_FOR = 15.0
# Seconds that signing out may hold up the end of the program.
_FAREWELL = 2.0


class Identity:
    """The session of this process on one server, and the file that keeps its token.

    `trouble` is a sentence for the person when tokens cannot be kept, else empty. `unended`: a
    session was forgotten here that the server could not be told to end.
    """

    def __init__(self, target: str, root: Path | None = None) -> None:
        self._target = target
        self._root = root
        self._joined: Joined | None = None
        self._kept: Kept | None = None
        self.trouble = ""
        self.unended = False

    @property
    def token(self) -> str:
        """The token of the session; empty if there is none."""
        return self._joined.token if self._joined else ""

    @property
    def given(self) -> bool:
        """Whether the token came from outside, and nobody can sign in anew."""
        return False

    @property
    def account(self) -> bool:
        """Whether the session is one of an account, and so stays when the client ends."""
        return self._joined is not None and self._joined.user.account

    async def sign_in(self, api: ChatApi, name: str, room: str = "", password: str = "") -> Joined:
        """Open a session: that of a client that died, beside a living one, or of a new guest.

        With a password it is one of the account, whatever tokens are kept. Two clients of one
        name that start at once take turns: the second finds the token of the first. Raises
        CallError.
        """
        store = CredentialStore(self._target, name, self._root)
        turn = await self._turn(store)
        try:
            joined = await self._join(api, store, name, room, password)
            self._keep(store, joined)
            return joined
        finally:
            if turn:
                turn.release()

    def begin(self, joined: Joined) -> None:
        """Take over a session that was opened elsewhere, and keep its token."""
        self._keep(CredentialStore(self._target, joined.user.name, self._root), joined)

    def becomes_account(self, joined: Joined) -> None:
        """Take in that the guest registered: `joined` is as of a Join, its token may be empty."""
        if self._joined is None:
            return
        former = self._kept
        self.begin(dataclasses.replace(joined, token=joined.token or self._joined.token))
        if former and former is not self._kept:
            former.forget()

    def leave(self) -> bool:
        """Stay signed in without this process; tell whether the next one finds the token."""
        kept, self._joined, self._kept = self._kept, None, None
        if kept:
            kept.leave()
        return kept is not None

    def expired(self) -> None:
        """Forget a session that the server no longer knows."""
        if self._kept:
            self._kept.forget()
        self._joined = self._kept = None

    async def sign_out(self, api: ChatApi, forget: bool = False) -> bool:
        """End the session, so that the name is free; never raises for a server that is gone.

        If the session could not be ended its token stays, and the next start takes it over:
        this is what is told. With `forget` it is deleted all the same, and the session ends by not
        being used.
        """
        if self._joined is None:
            return False
        left = False
        try:
            await api.sign_out(self._joined.token, within=_FAREWELL)
        except UnauthenticatedError:
            self.expired()
        except CallError:
            self.unended = forget
            if self._kept and forget:
                self._kept.forget()
            elif self._kept:
                self._kept.leave()
                left = True
            self._joined = self._kept = None
        else:
            self.expired()
        return left

    def _keep(self, store: CredentialStore, joined: Joined) -> None:
        self._joined = joined
        try:
            self._kept = store.keep(joined.token, joined.expires_ms)
        except CredentialError as error:
            self._cannot_keep(error)

    async def _join(
        self, api: ChatApi, store: CredentialStore, name: str, room: str, password: str
    ) -> Joined:
        found = store.find()
        try:
            joined = None if password else await self._join_with(api, found, name, room)
            if joined is None:
                joined = await api.join(name, room, password=password)
            await self._end_orphans(api, found)
            return joined
        finally:
            for one in found:
                one.leave()

    async def _end_orphans(self, api: ChatApi, found: list[Found]) -> None:
        """Sign out what died: it has nobody else to do it. What fails is left for the next."""
        for one in [one for one in found if one.orphan]:
            try:
                await api.sign_out(one.token, within=_FAREWELL)
            except UnauthenticatedError:
                pass
            except CallError:
                return
            one.forget()
            found.remove(one)

    async def _join_with(
        self, api: ChatApi, found: list[Found], name: str, room: str
    ) -> Joined | None:
        """Try the tokens; one of a dead owner that is no longer valid is deleted."""
        for one in list(found):
            try:
                return await api.join(name, room, one.token)
            except UnauthenticatedError:
                if one.orphan:
                    one.forget()
                    found.remove(one)
        return None

    async def _turn(self, store: CredentialStore) -> FileLock | None:
        """Wait until no other client of this name signs in."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_FOR):
                while True:
                    try:
                        lock = store.join_lock()
                    except CredentialError as error:
                        self._cannot_keep(error)
                        return None
                    if lock:
                        return lock
                    await asyncio.sleep(_LOOK_EVERY)
        return None

    def _cannot_keep(self, error: CredentialError) -> None:
        self.trouble = f"This sign-in cannot be shared with other windows: {error}."
