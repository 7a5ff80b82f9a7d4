"""Deadlines of sessions, by a clock that the test sets."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core.errors import Reason, RefusedError
from chat_service.core.limits import GUEST_GRACE_MS, RENEWAL_MS
from chat_service.core.model import Scope, Session
from chat_service.edge.directory import token_hash
from chat_service.edge.sessions import Sessions
from tests.edge.scene import Scene, call_from

GRACE_S, RENEWAL_S = GUEST_GRACE_MS / 1000, RENEWAL_MS / 1000
DAY_S = 24 * 3600


class Kept:
    """One session, and what keeps it."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.session_id = self.scene.joins("alice").session_id
        self.sessions = Sessions(self.scene.directory, self.scene.journal, self.scene.clock.ms)
        self.call = call_from("ipv4:127.0.0.1:1", "alice")

    @property
    def session(self) -> Session | None:
        """The session as it is now; None once it has ended."""
        return self.scene.directory.state.sessions.get(self.session_id)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.scene.clock.now += seconds

    def uses(self) -> int:
        """Make a call; return how many orders it gave."""
        self.sessions.used_by(self.call, Scope.READ)
        given = len(self.scene.log.waiting)
        self.scene.commits()
        return given

    def expires(self) -> int:
        """Look for what is over; return how many orders that gave."""
        self.sessions.expire(self.scene.streams)
        given = len(self.scene.log.waiting)
        self.scene.commits()
        return given


@pytest.fixture
def kept() -> Kept:
    """Give a session that was just opened."""
    return Kept()


def test_session_of_a_call(kept: Kept) -> None:
    """A call's token leads to its session, without any order."""
    assert kept.sessions.of(kept.call) == kept.session
    assert kept.scene.log.waiting == []
    for token, reason in (("", Reason.TOKEN_MISSING), ("bob", Reason.TOKEN_INVALID)):
        with pytest.raises(RefusedError) as refused:
            kept.sessions.of(call_from("ipv4:127.0.0.1:1", token))
        assert refused.value.rejection.reason is reason


def test_calls_do_not_each_cost_a_commit(kept: Kept) -> None:
    """A deadline is moved at most once in the renewal time."""
    assert kept.uses() == 0
    kept.later(RENEWAL_S)
    assert kept.uses() == 0
    kept.later(0.001)
    assert kept.uses() == 1
    assert kept.uses() == 0


@pytest.mark.parametrize("pause", [0.0, RENEWAL_S - 0.001, RENEWAL_S + 0.001, GRACE_S - 1])
def test_ten_minutes_are_granted_after_each_call(kept: Kept, pause: float) -> None:
    """However a call fell into the renewal time, the guest has ten minutes from it."""
    kept.later(pause)
    kept.uses()
    kept.later(GRACE_S - 0.001)
    assert kept.sessions.of(kept.call) == kept.session
    assert kept.expires() == 0


def test_silent_session_expires(kept: Kept) -> None:
    """After the ten minutes, and not much later, the session is over and the name free."""
    kept.later(GRACE_S + RENEWAL_S)
    assert kept.expires() == 1
    assert kept.session is None
    assert kept.expires() == 0
    kept.scene.joins("alice")


def test_session_with_a_chat_stream_does_not_expire(kept: Kept) -> None:
    """While the stream is open nothing is over; its end begins the ten minutes."""
    assert kept.session is not None
    stream = kept.scene.stream(kept.session)
    kept.later(100 * GRACE_S)
    assert (kept.uses(), kept.expires()) == (0, 0)
    kept.scene.streams.remove(stream)
    kept.scene.does(cmd.DetachSession(kept.session_id, stream.attachment))
    kept.later(GRACE_S)
    assert kept.expires() == 0
    kept.later(RENEWAL_S)
    assert kept.expires() == 1


def test_end_of_a_stream_that_could_not_be_noted_is_noted_later(kept: Kept) -> None:
    """A session whose log was too busy at the end of its stream is not attached for ever."""
    assert kept.session is not None
    stream = kept.scene.stream(kept.session)
    assert kept.expires() == 0
    kept.scene.streams.remove(stream)
    assert kept.expires() == 1
    assert kept.session.attachment == 0
    kept.later(GRACE_S + RENEWAL_S)
    assert kept.expires() == 1
    kept.scene.joins("alice")


def test_session_that_reads_by_subscribe_is_renewed(kept: Kept) -> None:
    """A Subscribe stream keeps its session while it lasts."""
    assert kept.session is not None
    kept.scene.stream(kept.session, chat=False)
    for _ in range(50):
        kept.later(GRACE_S / 2)
        kept.expires()
        assert kept.session is not None


def test_only_those_whose_time_is_over_expire(kept: Kept) -> None:
    """One who was used since is left alone."""
    kept.later(GRACE_S)
    bob = kept.scene.joins("bob")
    kept.later(RENEWAL_S)
    assert kept.expires() == 1
    assert list(kept.scene.directory.state.sessions.values()) == [bob]


def test_sessions_that_are_gone_are_no_trouble(kept: Kept) -> None:
    """A reader whose session has ended meanwhile is left out."""
    assert kept.session is not None
    kept.scene.stream(kept.session, chat=False)
    kept.scene.does(cmd.EndSession(kept.session_id))
    assert kept.expires() == 0


def test_log_that_takes_no_more_is_no_trouble(kept: Kept) -> None:
    """What cannot be noted now is noted later."""
    kept.later(GRACE_S + RENEWAL_S)
    kept.scene.log.close()
    assert kept.expires() == 0
    kept.scene.log.refusal = None
    assert kept.expires() == 1


# --------------------------------------------------------------------- accounts


class KeptAccount(Kept):
    """A session of an account, and what keeps it."""

    def __init__(self) -> None:
        super().__init__()
        order = cmd.Register(self.session_id, "", "hash", b"", "here")
        self.scene.does(order)


@pytest.fixture
def account() -> KeptAccount:
    """Give a session of a guest who has just registered."""
    return KeptAccount()


def test_session_of_an_account_has_a_day(account: KeptAccount) -> None:
    """It is renewed no more often than a guest's, and is over after a day of silence."""
    account.later(DAY_S / 2)
    assert (account.uses(), account.uses()) == (1, 0)
    account.later(DAY_S - 0.001)
    assert account.expires() == 0
    account.later(RENEWAL_S + 0.001)
    assert account.expires() == 1
    assert account.session is None
    assert account.scene.directory.state.users[1].name == "alice"


def test_session_of_an_account_is_over_after_two_weeks(account: KeptAccount) -> None:
    """Also while a stream is open, which ends with it."""
    assert account.session is not None
    stream = account.scene.stream(account.session)
    account.later(14 * DAY_S - 0.001)
    assert account.expires() == 0
    account.later(0.001)
    with pytest.raises(RefusedError):
        account.uses()
    assert account.expires() == 1
    assert stream.subscription.ended is not None
    assert stream.subscription.ended.reason is Reason.SESSION_ENDED


def test_api_token_is_never_renewed(account: KeptAccount) -> None:
    """It is not idle, so its use costs no commit."""
    scopes = (Scope.READ,)
    order = cmd.CreateApiToken(account.session_id, "", "", scopes, token_hash("api"), "here", 0)
    token_id = account.scene.does(order).session_id
    account.later(365 * DAY_S)
    account.call = call_from("ipv4:127.0.0.1:1", "api")
    assert account.uses() == 0
    account.expires()
    assert token_id in account.scene.directory.state.sessions


def test_scope_that_a_call_needs(account: KeptAccount) -> None:
    """A token without it is refused before anything is done."""
    scopes = (Scope.READ,)
    order = cmd.CreateApiToken(account.session_id, "", "", scopes, token_hash("api"), "here", 0)
    account.scene.does(order)
    call = call_from("ipv4:127.0.0.1:1", "api")
    account.sessions.used_by(call, Scope.READ)
    with pytest.raises(RefusedError) as refused:
        account.sessions.used_by(call, Scope.POST)
    assert refused.value.rejection.reason is Reason.SCOPE_MISSING
