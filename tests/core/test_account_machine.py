"""Any story of accounts: names stay with their owners, and no token outlives what it came from."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chat_service.core import commands as cmd
from chat_service.core.access import is_admin
from chat_service.core.evolve import evolve
from chat_service.core.model import FOREVER_MS, RoomKind, Scope, Session
from chat_service.core.names import name_key
from chat_service.core.state import State
from tests.core import orders
from tests.core.scene import Scene

LIMITS = replace(
    orders.TIGHT,
    sessions_per_user=6,
    sessions_per_guest=6,
    account_idle_ms=400,
    account_token_ms=1000,
    bots_per_user=2,
    label_bytes=8,
)


BY_SOMEBODY = (
    cmd.OpenSession
    | cmd.CreateBot
    | cmd.CreateApiToken
    | cmd.RevokeSession
    | cmd.ChangePassword
    | cmd.DeactivateAccount
    | cmd.BlockUser
    | cmd.JoinRoom
    | cmd.EndSession
)


class Accounts(RuleBasedStateMachine):
    """Two accounts with an admin among them, a guest, and all that they do."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(LIMITS)
        # Another reader of the same events, as the event loop is one.
        self.folded = State()
        self.already = 0
        self.names: dict[str, int] = {}

    @initialize()
    def start(self) -> None:
        """Let everybody come."""
        al, bo = self.scene.account("al", admin=True), self.scene.account("bo")
        self.scene.guest("cy")
        self.scene.join(al, "lobby")
        self.scene.again(self.scene.api_token(al, Scope.READ))
        self.scene.bot(bo, "bot")

    @rule(
        given=st.lists(st.tuples(orders.account_order, st.integers(0, 19)), min_size=4, max_size=16)
    )
    def order(self, given: list[tuple[cmd.Command, int]]) -> None:
        """Have those who are here give orders, mostly with the right password."""
        for command, number in given:
            self.scene.do(self.scene.with_own_token(self.meant(command, number)))

    def meant(self, command: cmd.Command, number: int) -> cmd.Command:
        """Return the order as one gives it who is here."""
        state = self.scene.state
        if isinstance(command, cmd.SignIn):
            accounts = sorted(state.accounts.snapshot())
            account = state.accounts[accounts[number % len(accounts)]]
            stored = account.password_hash if number else "#wrong"
            return replace(command, user_id=account.user_id, password_hash=stored)
        session = self.one_of(state.sessions.values(), number)
        if session is None or not isinstance(command, BY_SOMEBODY):
            return command
        account_or_none = state.accounts.get(session.user_id)
        right = account_or_none.password_hash if account_or_none is not None else ""
        command = replace(command, session_id=session.session_id)
        if isinstance(command, cmd.ChangePassword):
            return replace(command, old_hash=right if number else "#wrong")
        if isinstance(command, cmd.DeactivateAccount):
            return replace(command, password_hash=right if number > 9 else "#wrong")
        if isinstance(command, cmd.RevokeSession) and number:
            revoked = self.one_of(reversed(list(state.sessions.values())), number // 2)
            return replace(command, revoked_id=revoked.session_id if revoked else 0)
        return command

    def one_of(self, sessions: Iterable[Session], number: int) -> Session | None:
        """Return one of those that can be used."""
        here = [session for session in sessions if session.is_valid(self.scene.now_ms)]
        return here[number % len(here)] if here else None

    @rule(ms=st.sampled_from((0, 5, 30, 90)))
    def pass_time(self, ms: int) -> None:
        """Let the clock go on, and timers find what is over."""
        self.scene.pass_time(ms)
        for session_id in list(self.scene.state.sessions.snapshot()):
            self.scene.ok(cmd.ExpireSession(session_id))

    # ------------------------------------------------------------------ invariants

    @invariant()
    def names_stay_with_accounts(self) -> None:
        state = self.scene.state
        for user in state.users.values():
            assert user.account == (user.user_id in state.accounts)
            assert user.bot == (user.account and state.accounts[user.user_id].owner_id != 0)
            assert state.user_ids[name_key(user.name)] == user.user_id
            if user.account:
                assert self.names.setdefault(name_key(user.name), user.user_id) == user.user_id
        assert all(state.users[user_id].account for user_id in self.names.values())
        assert len(state.user_ids) == len(state.users)

    @invariant()
    def guests_are_here_and_closed_accounts_are_not(self) -> None:
        state = self.scene.state
        for user in state.users.values():
            if not user.account:
                assert state.sessions_of[user.user_id]
        for account in state.accounts.values():
            if account.deactivated:
                assert account.user_id not in state.sessions_of
                assert account.user_id not in state.invitations_of
                rooms = state.rooms_of.get(account.user_id) or ()
                assert all(state.rooms[n].kind is RoomKind.DIRECT for n in rooms)
                bots = state.bots_of.get(account.user_id) or ()
                assert all(state.accounts[n].deactivated for n in bots)

    @invariant()
    def bots_belong_to_somebody_and_have_no_password(self) -> None:
        state = self.scene.state
        for account in state.accounts.values():
            if account.owner_id:
                assert account.user_id in state.bots_of[account.owner_id]
                assert (account.password_hash, account.admin) == ("", False)
                sessions = state.sessions_of.get(account.user_id) or ()
                assert all(
                    state.sessions[n].api_token or state.sessions[n].parent_id for n in sessions
                )

    @invariant()
    def no_session_outlives_what_opened_it(self) -> None:
        state = self.scene.state
        for session in state.sessions.values():
            account = state.users[session.user_id].account
            limited = session.api_token or session.parent_id
            assert (Scope.ACCOUNT in session.scopes) != bool(limited)
            assert (session.until_ms == FOREVER_MS) == session.api_token
            if not account:
                assert session.expires_ms == FOREVER_MS
                assert not limited
            elif not session.api_token:
                assert session.expires_ms <= session.created_ms + LIMITS.account_token_ms or (
                    # A guest's, from when it registered on.
                    session.expires_ms
                    <= state.accounts[session.user_id].created_ms + LIMITS.account_token_ms
                )
            if session.parent_id:
                parent = state.sessions[session.parent_id]
                assert parent.api_token
                assert parent.user_id == session.user_id
                assert session.scopes == parent.scopes
                assert session.expires_ms <= parent.expires_ms

    @invariant()
    def somebody_looks_after_the_server(self) -> None:
        state = self.scene.state
        admins = [account.user_id for account in state.accounts.values() if account.admin]
        assert not admins or any(is_admin(state, user_id) for user_id in admins)

    @invariant()
    def bounds_hold(self) -> None:
        state = self.scene.state
        for user_id, ids in state.sessions_of.snapshot().items():
            assert len(ids) <= LIMITS.sessions_per_user, user_id
        for bots in state.bots_of.snapshot().values():
            open_ones = [n for n in bots if not state.accounts[n].deactivated]
            assert len(open_ones) <= LIMITS.bots_per_user

    @invariant()
    def others_fold_the_same(self) -> None:
        for event in self.scene.events[self.already :]:
            evolve(self.folded, event)
            self.folded.merge()
        self.already = len(self.scene.events)
        assert self.folded.snapshot() == self.scene.state.snapshot()


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(max_examples=20, stateful_step_count=8, deadline=None)
