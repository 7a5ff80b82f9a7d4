"""What is taken back: who may delete which message, and what is left of it."""

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decide import fact_key
from chat_service.core.decision import Answer, MessageKey
from chat_service.core.errors import Reason
from chat_service.core.model import FOREVER_MS, Role, Scope
from tests.core.scene import INSTANCE, Scene, to

HALL = to("hall")


class Hall(Scene):
    """A public room in which each of its people said something."""

    def __init__(self) -> None:
        super().__init__()
        self.owner, self.mod, self.member = (self.guest(n) for n in ("olga", "mo", "mel"))
        self.becomes(self.owner, "hall", Role.OWNER)
        self.becomes(self.mod, "hall", Role.MODERATOR)
        self.hall = self.room_named("hall")
        self.said = {one: self.say(one, "hall").seq for one in (self.owner, self.mod, self.member)}

    def delete(
        self, by: int, seq: int, room: cmd.Target = HALL, reason: str = "", wait_ms: int = 0
    ) -> cmd.DeleteMessage:
        """Return the order to delete a message."""
        return cmd.DeleteMessage(by, room, seq, reason, wait_ms)

    def limited(self, session_id: int, *scopes: Scope) -> int:
        """Return a token of the user of a session with these scopes alone."""
        user_id, number = self.user_of(session_id), self.state.counter("session") + 1
        opened = ev.SessionOpened(
            self.now_ms,
            number,
            user_id,
            f"api {number}".encode(),
            INSTANCE,
            FOREVER_MS,
            scopes=scopes,
            api_token=True,
        )
        self.happens(opened)
        return number


def test_author_takes_back_a_message() -> None:
    """The deletion has a place of its own, and is no matter of the audit log."""
    hall = Hall()
    seq, mel = hall.said[hall.member], hall.user_of(hall.member)
    head = hall.state.heads[hall.hall]
    decision = hall.happened(hall.delete(hall.member, seq, reason="typo"))
    assert decision == (
        ev.MessageDeleted(hall.now_ms, hall.hall, head + 1, mel, "mel", seq, mel, "mel", "typo"),
    )
    assert hall.state.heads[hall.hall] == head + 1


def test_moderator_deletes_what_members_said() -> None:
    """It is told who had said it, and the audit log knows which message it was."""
    hall = Hall()
    seq = hall.said[hall.member]
    deleted, entry = hall.happened(hall.delete(hall.mod, seq, reason="spam"))
    assert isinstance(deleted, ev.MessageDeleted)
    assert (deleted.author_name, deleted.deleted_author_name) == ("mo", "mel")
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.actor_name, entry.target_name, entry.details, entry.reason) == (
        "delete",
        "mo",
        "mel",
        f"seq {seq}",
        "spam",
    )


def test_rank_of_the_author_counts() -> None:
    """Members delete nothing of others; a moderator nothing of those as high; owners both."""
    hall = Hall()
    olga, mo, mel = (hall.said[one] for one in (hall.owner, hall.mod, hall.member))
    assert hall.why_not(hall.delete(hall.member, mo)) is Reason.ROLE_NEEDED
    assert hall.why_not(hall.delete(hall.mod, olga)) is Reason.ROLE_TOO_HIGH
    hall.ok(hall.delete(hall.owner, mo))
    hall.ok(hall.delete(cmd.OPERATOR, olga))
    hall.ok(cmd.EndSession(hall.member))
    hall.ok(hall.delete(hall.mod, mel))


def test_deleted_twice_stays_deleted() -> None:
    """The second order is accepted without an event, for whoever might have given the first."""
    hall = Hall()
    seq = hall.said[hall.member]
    first = hall.ok(hall.delete(hall.member, seq))
    assert first.seq == hall.state.heads[hall.hall]
    for by in (hall.member, hall.mod):
        assert hall.ok(hall.delete(by, seq, wait_ms=5)) == Answer(room_id=hall.hall)
        assert hall.happened(hall.delete(by, seq)) == ()
    outsider = hall.guest("otto")
    assert hall.why_not(hall.delete(outsider, seq)) is Reason.ROLE_NEEDED


def test_no_message_at_this_place() -> None:
    """Beyond the head, before the first, never a seq, no message: all have the same answer."""
    hall = Hall()
    hall.ok(cmd.SetTopic(hall.owner, HALL, "tea"))
    topic = hall.state.heads[hall.hall]
    hall.ok(cmd.Prune(hall.hall, hall.said[hall.owner]))
    answers = {
        hall.refused(hall.delete(hall.mod, seq))
        for seq in (topic, topic + 1, 0, -1, 2**62, 1, hall.said[hall.owner])
    }
    assert [answer.reason for answer in answers] == [Reason.MESSAGE_NOT_FOUND]


def test_what_is_not_shown_is_not_there() -> None:
    """Before the place from which on a member may read, even a moderator finds nothing."""
    hall = Hall()
    den = hall.opens_private(hall.owner)
    early = hall.say(hall.owner, den).seq
    mo = hall.user_of(hall.mod)
    hall.happens(ev.MemberJoined(hall.now_ms, den, mo, Role.OWNER, from_seq=early + 1))
    assert hall.why_not(hall.delete(hall.mod, early, to(den))) is Reason.MESSAGE_NOT_FOUND
    late = hall.say(hall.mod, den).seq
    hall.ok(hall.delete(hall.mod, late, to(den)))


def test_outsider_learns_nothing_of_a_private_room() -> None:
    """Word for word the answer for a room that is not there, whether or not the seq is."""
    hall = Hall()
    den = hall.opens_private(hall.owner)
    seq = hall.say(hall.owner, den).seq
    answers = {
        hall.refused(hall.delete(hall.member, n, to(r))) for n in (seq, 9) for r in (den, 99)
    }
    assert [answer.reason for answer in answers] == [Reason.ROOM_NOT_FOUND]


def test_direct_messages() -> None:
    """Each takes back its own there; nobody deletes what the other said."""
    hall = Hall()
    seq = hall.say(hall.member, ("olga",)).seq
    assert hall.why_not(hall.delete(hall.owner, seq, to(("mel",)))) is Reason.ROLE_NEEDED
    hall.ok(hall.delete(hall.member, seq, to(("olga",))))
    assert hall.why_not(hall.delete(hall.mod, 1, to(("mel",)))) is Reason.ROOM_NOT_FOUND


def test_author_who_is_muted_or_in_an_archive() -> None:
    """A muted author takes back nothing, nor is an archive changed; moderators still may."""
    hall = Hall()
    mel, mo = hall.said[hall.member], hall.said[hall.mod]
    hall.ok(cmd.MuteMember(hall.mod, HALL, cmd.UserByName("mel"), 100, ""))
    rejection = hall.refused(hall.delete(hall.member, mel))
    assert (rejection.reason, dict(rejection.metadata)["until_ms"]) == (
        Reason.MUTED,
        str(hall.now_ms + 100),
    )
    hall.pass_time(100)
    given = (hall.hall, hall.state.heads[hall.hall] + 1, hall.user_of(hall.owner), "olga")
    hall.happens(ev.RoomChanged(hall.now_ms, *given, archived=True))
    assert hall.why_not(hall.delete(hall.member, mel)) is Reason.ROOM_ARCHIVED
    hall.ok(hall.delete(hall.mod, mel))
    hall.ok(hall.delete(hall.mod, mo))


@pytest.mark.parametrize(
    ("scopes", "own", "others"),
    [
        ((Scope.READ,), Reason.SCOPE_MISSING, Reason.SCOPE_MISSING),
        ((Scope.POST,), None, Reason.SCOPE_MISSING),
        ((Scope.MODERATE,), None, None),
    ],
)
def test_scopes(scopes: tuple[Scope, ...], own: Reason | None, others: Reason | None) -> None:
    """One's own needs the scope to post or, for moderators, to moderate; others' the latter."""
    hall = Hall()
    token = hall.limited(hall.mod, *scopes)
    for seq, expected in ((hall.said[hall.mod], own), (hall.said[hall.member], others)):
        if expected is None:
            hall.ok(hall.delete(token, seq))
        else:
            assert hall.why_not(hall.delete(token, seq)) is expected
    member = hall.limited(hall.member, Scope.MODERATE)
    seq = hall.say(hall.member, "hall").seq
    assert hall.why_not(hall.delete(member, seq)) is Reason.SCOPE_MISSING


def test_words_and_pace() -> None:
    """A reason is one line; who is too fast is told to wait."""
    hall = Hall()
    seq = hall.said[hall.member]
    flawed = hall.refused(hall.delete(hall.member, seq, reason="a\nb"))
    assert (flawed.reason, flawed.field) == (Reason.FIELD_INVALID, "reason")
    hurried = hall.refused(hall.delete(hall.member, seq, wait_ms=9))
    assert (hurried.reason, hurried.retry_after_ms) == (Reason.RATE_LIMITED, 9)


def test_session_must_be_valid() -> None:
    """A session that has ended deletes nothing."""
    hall = Hall()
    seq = hall.said[hall.member]
    hall.ok(cmd.EndSession(hall.member))
    assert hall.why_not(hall.delete(hall.member, seq)) is Reason.SESSION_ENDED


def test_retry_of_a_deleted_message_is_no_new_one() -> None:
    """Whoever sends it again gets the first answer: nothing is said a second time."""
    hall = Hall()
    first = hall.say(hall.member, "hall")
    post = hall.given[-1].command
    hall.ok(hall.delete(hall.member, first.seq))
    again = hall.ok(post)
    assert (again.seq, again.duplicate) == (first.seq, True)


def test_what_is_read_for_the_decision() -> None:
    """The place in the room that is named, where there may be one; also for the operator."""
    hall = Hall()
    seq = hall.said[hall.member]
    key = MessageKey(hall.hall, seq)
    for by in (hall.member, cmd.OPERATOR):
        assert fact_key(hall.state, hall.delete(by, seq)) == key
        assert fact_key(hall.state, hall.delete(by, seq, to(hall.hall))) == key
    for seq in (0, -3, 2**63):
        assert fact_key(hall.state, hall.delete(hall.member, seq)) is None
    assert fact_key(hall.state, hall.delete(hall.member, 1, to("nowhere"))) is None
