"""Order in rooms: who may act on whom, and what follows."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.access import banned_until, muted_until, rank
from chat_service.core.decision import Accepted
from chat_service.core.errors import Reason
from chat_service.core.limits import MAX_DURATION_MS, Limits
from chat_service.core.model import FOREVER_MS, Restriction, Role, Scope
from tests.core.scene import INSTANCE, Scene, post, to

HALL = to("hall")

Command = cmd.KickMember | cmd.BanMember | cmd.UnbanMember | cmd.MuteMember | cmd.UnmuteMember
Order = Callable[[int, cmd.Target, cmd.UserTarget], Command]

ORDERS: dict[str, Order] = {
    "kick": lambda by, room, whom: cmd.KickMember(by, room, whom, "why"),
    "ban": lambda by, room, whom: cmd.BanMember(by, room, whom, 1000, "why"),
    "unban": cmd.UnbanMember,
    "mute": lambda by, room, whom: cmd.MuteMember(by, room, whom, 1000, "why"),
    "unmute": cmd.UnmuteMember,
}
every_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


class Hall(Scene):
    """A public room with an owner, a moderator and a member, and somebody outside of it."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.owner, self.mod, self.member = (self.guest(n) for n in ("olga", "mo", "mel"))
        self.becomes(self.owner, "hall", Role.OWNER)
        self.becomes(self.mod, "hall", Role.MODERATOR)
        self.join(self.member, "hall")
        self.outsider = self.guest("otto")
        self.hall = self.room_named("hall")

    def whom(self, session_id: int) -> cmd.UserById:
        """Name the user of a session."""
        return cmd.UserById(self.user_of(session_id))

    def name_of(self, session_id: int) -> str:
        """Return the name of the user of a session."""
        return self.state.users[self.user_of(session_id)].name


def test_kick_removes_a_member_and_tells_all() -> None:
    """A kick has a place in the room, with who, whom and why, and an entry in the audit log."""
    hall = Hall()
    head = hall.state.heads[hall.hall]
    removed, entry = hall.happened(
        cmd.KickMember(hall.mod, HALL, cmd.UserByName("MEL"), "too loud")
    )
    mod, mel = hall.user_of(hall.mod), hall.user_of(hall.member)
    assert removed == ev.MemberRemoved(
        hall.now_ms, hall.hall, head + 1, mod, "mo", mel, "mel", "too loud"
    )
    assert entry == ev.Audited(
        hall.now_ms, 1, mod, "mo", "kick", hall.hall, "hall", mel, "mel", reason="too loud"
    )
    assert (hall.hall, mel) not in hall.state.members
    hall.join(hall.member, "hall")
    assert (hall.hall, mel) in hall.state.members


def test_ban_removes_and_keeps_out() -> None:
    """A ban is known before the removal is told, which says until when; by id, for ever or so."""
    hall = Hall()
    mel = hall.user_of(hall.member)
    banned, removed, entry = hall.happened(
        cmd.BanMember(hall.owner, HALL, hall.whom(hall.member), 0, "spam")
    )
    assert isinstance(banned, ev.MemberBanned)
    assert (banned.user_id, banned.until_ms, banned.reason) == (mel, FOREVER_MS, "spam")
    assert isinstance(removed, ev.MemberRemoved)
    assert (removed.user_id, removed.until_ms, removed.reason) == (mel, FOREVER_MS, "spam")
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.until_ms) == ("ban", FOREVER_MS)
    assert (hall.hall, mel) not in hall.state.members
    assert banned_until(hall.state, hall.hall, mel, hall.now_ms) == FOREVER_MS


def test_timed_ban_is_over_by_itself() -> None:
    """Nothing happens at the end of a ban: it is compared with the time of each decision."""
    hall = Hall()
    mel = hall.user_of(hall.member)
    answer = hall.ok(cmd.BanMember(hall.mod, HALL, hall.whom(hall.member), 1000, ""))
    assert answer.until_ms == hall.now_ms + 1000
    hall.pass_time(999)
    assert banned_until(hall.state, hall.hall, mel, hall.now_ms) == answer.until_ms
    hall.pass_time(1)
    assert banned_until(hall.state, hall.hall, mel, hall.now_ms) == 0


def test_repeated_ban_replaces_the_one_before() -> None:
    """A second ban has its own end and reason, and removes nobody a second time."""
    hall = Hall()
    hall.ok(cmd.BanMember(hall.mod, HALL, hall.whom(hall.member), 0, "one"))
    events = hall.happened(cmd.BanMember(hall.owner, HALL, hall.whom(hall.member), 5, "two"))
    assert [type(event) for event in events] == [ev.MemberBanned, ev.Audited]
    mel, olga = hall.user_of(hall.member), hall.user_of(hall.owner)
    assert hall.state.restrictions[hall.hall, mel] == Restriction(
        hall.hall, mel, hall.now_ms + 5, 0, olga, "olga", "two"
    )


def test_outsider_can_be_banned_and_muted() -> None:
    """Who is no member yet can be kept out and kept silent, which has no place in the room."""
    hall = Hall()
    otto = hall.whom(hall.outsider)
    for order in (cmd.BanMember, cmd.MuteMember):
        events = hall.happened(order(hall.mod, HALL, otto, 0, ""))
        assert not any(isinstance(event, ev.RoomEvent) for event in events)
    restriction = hall.state.restrictions[hall.hall, otto.user_id]
    assert (restriction.banned_until_ms, restriction.muted_until_ms) == (FOREVER_MS,) * 2


def test_ban_drops_an_invitation() -> None:
    """Who was invited to a private room and is banned from it is not invited any more."""
    hall = Hall()
    den = hall.opens_private(hall.owner)
    otto = hall.user_of(hall.outsider)
    hall.happens(ev.UserInvited(hall.now_ms, den, otto, hall.user_of(hall.owner), "olga"))
    hall.ok(cmd.BanMember(hall.owner, to(den), cmd.UserByName("otto"), 0, ""))
    assert (den, otto) not in hall.state.invitations


def test_unban_and_unmute_lift_what_they_name() -> None:
    """Each lifts its own; the last one lets go of the restriction; audited by its word."""
    hall = Hall()
    mel = hall.user_of(hall.member)
    hall.ok(cmd.MuteMember(hall.mod, HALL, hall.whom(hall.member), 0, "noise"))
    hall.ok(cmd.BanMember(hall.mod, HALL, hall.whom(hall.member), 0, "spam"))
    entry = hall.happened(cmd.UnbanMember(hall.owner, HALL, hall.whom(hall.member)))[-1]
    assert isinstance(entry, ev.Audited)
    assert (entry.action, entry.target_name) == ("unban", "mel")
    assert banned_until(hall.state, hall.hall, mel, hall.now_ms) == 0
    assert muted_until(hall.state, hall.hall, mel, hall.now_ms) == FOREVER_MS
    hall.ok(cmd.UnmuteMember(hall.owner, HALL, hall.whom(hall.member)))
    assert hall.state.restrictions.get((hall.hall, mel)) is None


def test_lifting_nothing_has_no_effect() -> None:
    """Who is not banned or muted any more, or is gone for ever, is let in by no event."""
    hall = Hall()
    hall.ok(cmd.BanMember(hall.mod, HALL, hall.whom(hall.member), 5, ""))
    hall.ok(cmd.MuteMember(hall.mod, HALL, hall.whom(hall.member), 5, ""))
    hall.pass_time(5)
    for lift in (cmd.UnbanMember, cmd.UnmuteMember):
        for whom in (hall.whom(hall.outsider), hall.whom(hall.member), cmd.UserById(99)):
            assert hall.happened(lift(hall.mod, HALL, whom)) == ()
        assert hall.why_not(lift(hall.mod, HALL, cmd.UserByName("zoe"))) is Reason.USER_NOT_FOUND
        assert hall.why_not(lift(hall.member, HALL, cmd.UserById(99))) is Reason.ROLE_NEEDED


def test_kick_of_nobody() -> None:
    """Who is no member cannot be removed; who is not there cannot be named."""
    hall = Hall()
    kick = cmd.KickMember(hall.mod, HALL, cmd.UserByName("otto"), "")
    assert hall.why_not(kick) is Reason.NOT_A_MEMBER
    nobody = cmd.KickMember(hall.mod, HALL, cmd.UserByName("zoe"), "")
    assert hall.why_not(nobody) is Reason.USER_NOT_FOUND


@every_order
def test_members_and_outsiders_may_not(order: Order) -> None:
    """Whoever sees the room and is no moderator of it is told what is needed."""
    hall = Hall()
    for by in (hall.member, hall.outsider):
        rejection = hall.refused(order(by, HALL, hall.whom(hall.outsider)))
        assert (rejection.reason, rejection.metadata) == (
            Reason.ROLE_NEEDED,
            (("role", "MODERATOR"),),
        )


@every_order
def test_private_room_does_not_exist_for_outsiders(order: Order) -> None:
    """An outsider gets word for word what an unknown room gives, whoever is named."""
    hall = Hall()
    den = hall.opens_private(hall.owner, hall.member)
    whom = hall.whom(hall.member)
    assert hall.refused(order(hall.outsider, to(den), whom)) == hall.refused(
        order(hall.outsider, to(999), whom)
    )
    assert hall.why_not(order(hall.outsider, to(den), whom)) is Reason.ROOM_NOT_FOUND
    assert hall.why_not(order(hall.member, to(den), hall.whom(hall.owner))) is Reason.ROLE_NEEDED


@every_order
def test_nobody_acts_on_the_same_rank_or_a_higher_one(order: Order) -> None:
    """Moderators act on members, owners on moderators; nobody on its like or on itself."""
    hall = Hall()
    second = hall.guest("other")
    hall.becomes(second, "hall", Role.MODERATOR)
    for by, whom in (
        (hall.mod, hall.owner),
        (hall.mod, second),
        (hall.mod, hall.mod),
        (hall.owner, hall.owner),
    ):
        assert hall.why_not(order(by, HALL, hall.whom(whom))) is Reason.ROLE_TOO_HIGH
    hall.ok(order(hall.owner, HALL, hall.whom(second)))
    hall.ok(order(hall.mod, HALL, hall.whom(hall.member)))


@every_order
def test_admin_is_an_owner_in_public_rooms(order: Order) -> None:
    """Admins moderate public rooms without being members, and owners do not act on them."""
    hall = Hall()
    admin = hall.account("ada", admin=True)
    hall.ok(order(admin, HALL, hall.whom(hall.mod)))
    assert hall.why_not(order(hall.owner, HALL, hall.whom(admin))) is Reason.ROLE_TOO_HIGH
    assert hall.why_not(order(admin, HALL, hall.whom(hall.owner))) is Reason.ROLE_TOO_HIGH
    den = hall.opens_private(hall.owner, hall.member)
    whom = hall.whom(hall.member)
    assert hall.why_not(order(admin, to(den), whom)) is Reason.ROOM_NOT_FOUND


@every_order
def test_operator_acts_on_everybody_everywhere(order: Order) -> None:
    """Whoever runs the server has no rank to be asked for, and no name in what is told."""
    hall = Hall()
    den = hall.opens_private(hall.owner)
    for room in (HALL, to(den)):
        for event in hall.happened(order(cmd.OPERATOR, room, hall.whom(hall.owner))):
            if isinstance(event, ev.MemberRemoved):
                assert (event.author_id, event.author_name) == (0, "")
            if isinstance(event, ev.Audited):
                assert (event.actor_id, event.actor_name) == (0, "")
    unknown = order(cmd.OPERATOR, to(999), hall.whom(hall.owner))
    assert hall.why_not(unknown) is Reason.ROOM_NOT_FOUND


def test_private_room_without_its_owner() -> None:
    """Where the last owner is removed, another member is one; without members it is gone."""
    hall = Hall()
    den = hall.opens_private(hall.owner, hall.member)
    by_owner, by_member = (
        cmd.BanMember(cmd.OPERATOR, to(den), hall.whom(one), 0, "")
        for one in (hall.owner, hall.member)
    )
    events = hall.happened(by_owner)
    assert [type(event) for event in events] == [
        ev.MemberBanned,
        ev.MemberRemoved,
        ev.RoleChanged,
        ev.Audited,
    ]
    assert [e.seq for e in events if isinstance(e, ev.RoomEvent)] == [1, 2]
    assert hall.state.members[den, hall.user_of(hall.member)].role is Role.OWNER
    assert ev.RoomForgotten(hall.now_ms, den, 3) in hall.happened(by_member)
    assert not hall.state.restrictions.snapshot()


@every_order
def test_direct_messages_have_no_moderators(order: Order) -> None:
    """In a direct message all are equal, whether or not it is open yet."""
    hall = Hall()
    command = order(hall.owner, to(("mel",)), hall.whom(hall.member))
    assert hall.why_not(command) is Reason.ROOM_IS_DIRECT
    hall.say(hall.owner, ("mel",))
    assert hall.why_not(command) is Reason.ROOM_IS_DIRECT


@every_order
def test_token_needs_the_scope(order: Order) -> None:
    """A token without the scope to moderate does not, whatever the role of its user."""
    hall = Hall()
    owner = hall.user_of(hall.owner)
    token = hall.state.counter("session") + 1
    scopes = tuple(scope for scope in Scope if scope is not Scope.MODERATE)
    hall.happens(
        ev.SessionOpened(
            hall.now_ms, token, owner, b"api", INSTANCE, FOREVER_MS, scopes=scopes, api_token=True
        )
    )
    rejection = hall.refused(order(token, HALL, hall.whom(hall.member)))
    assert (rejection.reason, rejection.metadata) == (
        Reason.SCOPE_MISSING,
        (("scope", "MODERATE"),),
    )


@every_order
def test_rate_is_asked_for_last(order: Order) -> None:
    """Who gives orders too fast is told to wait, and nothing happens."""
    hall = Hall()
    command = replace(order(hall.mod, HALL, hall.whom(hall.member)), wait_ms=7)
    rejection = hall.refused(command)
    assert (rejection.reason, rejection.retry_after_ms) == (Reason.RATE_LIMITED, 7)


@every_order
def test_session_must_be_valid(order: Order) -> None:
    """A session that has ended gives no orders."""
    hall = Hall()
    hall.ok(cmd.EndSession(hall.mod))
    assert hall.why_not(order(hall.mod, HALL, hall.whom(hall.member))) is Reason.SESSION_ENDED


def test_demoted_moderator_acts_no_more() -> None:
    """What counts is the role at the decision: an order behind the demotion is refused."""
    hall = Hall()
    kick = cmd.KickMember(hall.mod, HALL, hall.whom(hall.member), "")
    hall.becomes(hall.mod, "hall", Role.MEMBER)
    assert hall.why_not(kick) is Reason.ROLE_NEEDED


@pytest.mark.parametrize("make", [cmd.BanMember, cmd.MuteMember])
def test_durations(make: Callable[..., Command]) -> None:
    """A duration is 0, which is for ever, up to ten years, and never below."""
    hall = Hall()
    whom = hall.whom(hall.member)
    for wrong in (-1, MAX_DURATION_MS + 1, 2**63 - 1):
        rejection = hall.refused(make(hall.mod, HALL, whom, wrong, ""))
        assert (rejection.reason, rejection.field) == (Reason.FIELD_INVALID, "duration_ms")
    longest = hall.ok(make(hall.mod, HALL, whom, MAX_DURATION_MS, ""))
    assert longest.until_ms == hall.now_ms + MAX_DURATION_MS
    assert hall.ok(make(hall.mod, HALL, whom, 0, "")).until_ms == FOREVER_MS


@pytest.mark.parametrize("reason", ["a\nb", "\x1b[2J", "\u2028", "é" * 196, "\ud800"])
def test_reasons(reason: str) -> None:
    """A reason is one line of bounded length, without control characters."""
    hall = Hall()
    for make in (
        lambda: cmd.KickMember(hall.mod, HALL, hall.whom(hall.member), reason),
        lambda: cmd.BanMember(hall.mod, HALL, hall.whom(hall.member), 0, reason),
        lambda: cmd.MuteMember(hall.mod, HALL, hall.whom(hall.member), 0, reason),
    ):
        rejection = hall.refused(make())
        assert (rejection.reason, rejection.field) == (Reason.FIELD_INVALID, "reason")
    hall.ok(cmd.KickMember(hall.mod, HALL, hall.whom(hall.member), "é" * 195))


def test_bans_of_a_room_are_bounded() -> None:
    """One more than may be is refused; who is restricted already may be so otherwise."""
    hall = Hall(Limits(bans_per_room=2))
    first, second, third = (hall.guest(name) for name in ("a", "b", "c"))
    hall.ok(cmd.MuteMember(hall.mod, HALL, hall.whom(first), 100, ""))
    hall.ok(cmd.BanMember(hall.mod, HALL, hall.whom(second), 0, ""))
    for make in (cmd.BanMember, cmd.MuteMember):
        full = make(hall.mod, HALL, hall.whom(third), 0, "")
        assert hall.why_not(full) is Reason.TOO_MANY_BANS
        hall.ok(make(hall.mod, HALL, hall.whom(second), 0, ""))


def test_what_is_over_makes_room() -> None:
    """Bans and mutes that are over are let go of when their place is needed, all at once."""
    hall = Hall(Limits(bans_per_room=2))
    first, second, third = (hall.guest(name) for name in ("a", "b", "c"))
    for whom in (first, second):
        hall.ok(cmd.MuteMember(hall.mod, HALL, hall.whom(whom), 100, ""))
        hall.ok(cmd.BanMember(hall.mod, HALL, hall.whom(whom), 50, ""))
    hall.pass_time(99)
    ban = cmd.BanMember(hall.mod, HALL, hall.whom(third), 0, "")
    assert hall.why_not(ban) is Reason.TOO_MANY_BANS
    hall.pass_time(1)
    hall.ok(ban)
    assert [user_id for _, user_id in hall.state.restrictions.snapshot()] == [hall.user_of(third)]


def test_restriction_outlives_the_membership_not_the_user() -> None:
    """Leaving lifts nothing; a guest who is gone for ever leaves nothing behind."""
    hall = Hall()
    mel = hall.user_of(hall.member)
    hall.ok(cmd.MuteMember(hall.mod, HALL, hall.whom(hall.member), 0, ""))
    hall.ok(cmd.LeaveRoom(hall.member, HALL))
    hall.join(hall.member, "hall")
    assert muted_until(hall.state, hall.hall, mel, hall.now_ms) == FOREVER_MS
    hall.ok(cmd.EndSession(hall.member))
    assert not hall.state.restrictions.snapshot()


def test_ban_holds_for_each_way_in() -> None:
    """It is by id: the name in another case and another session of the user change nothing."""
    hall = Hall()
    hall.ok(cmd.BanMember(hall.mod, to("HALL"), cmd.UserByName("MEL"), 0, ""))
    for session_id in (hall.member, hall.again(hall.member)):
        assert hall.why_not(post(session_id, "hall")) is Reason.BANNED_FROM_ROOM
        assert hall.why_not(post(session_id, hall.hall)) is Reason.BANNED_FROM_ROOM


ROLES = (None, *Role)
people = st.lists(st.tuples(st.sampled_from(ROLES), st.booleans()), min_size=2, max_size=5)
acts = st.lists(
    st.tuples(st.sampled_from(sorted(ORDERS)), st.integers(0, 4), st.integers(0, 4)), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(people=people, acts=acts, private=st.booleans())
def test_nobody_ever_acts_on_a_higher_one(
    people: list[tuple[Role | None, bool]], acts: list[tuple[str, int, int]], private: bool
) -> None:
    """Whatever the roles and the orders: who acts is a moderator and stands above the other."""
    scene = Scene()
    first = scene.guest("first")
    if private:
        room = to(scene.opens_private(first))
    else:
        scene.join(first, "hall")
        room = to("hall")
    room_id = scene.state.counter("room")
    sessions = []
    for number, (role, admin) in enumerate(people):
        name = f"user{number}"
        sessions.append(scene.account(name, admin=True) if admin else scene.guest(name))
        if role is not None:
            user_id = scene.user_of(sessions[-1])
            scene.happens(ev.MemberJoined(scene.now_ms, room_id, user_id, role))
    for word, by, whom in acts:
        actor, target = (sessions[n % len(sessions)] for n in (by, whom))
        place = scene.state.rooms[room_id]
        high = rank(scene.state, place, scene.user_of(actor))
        low = rank(scene.state, place, scene.user_of(target))
        order = ORDERS[word](actor, room, cmd.UserById(scene.user_of(target)))
        before = scene.state.snapshot()
        decision = scene.do(order)
        scene.pass_time(100)
        if isinstance(decision, Accepted):
            assert high >= Role.MODERATOR, (word, people)
            assert high > low, (word, people)
        else:
            assert scene.state.snapshot() == before


def test_token_that_is_not_for_admins_lends_no_right_of_one() -> None:
    """In rooms too: an admin's token for moderating moderates where the admin is a moderator."""
    hall = Hall()
    admin = hall.account("anna", admin=True)
    scopes = (Scope.READ, Scope.POST, Scope.ROOMS, Scope.MODERATE)
    narrow, wide = hall.api_token(admin, *scopes), hall.api_token(admin)
    hall.join(admin, "hall")
    said = hall.say(hall.member, "hall").seq
    hall.ok(cmd.UpdateRoom(hall.owner, HALL, topic_locked=True))
    orders: tuple[Callable[[int], cmd.Command], ...] = (
        lambda by: cmd.KickMember(by, HALL, hall.whom(hall.member), ""),
        lambda by: cmd.MuteMember(by, HALL, hall.whom(hall.mod), 1, ""),
        lambda by: cmd.DeleteMessage(by, HALL, said, ""),
        lambda by: cmd.UpdateRoom(by, HALL, description="mine"),
        lambda by: cmd.SetTopic(by, HALL, "mine"),
        lambda by: cmd.SetRole(by, HALL, hall.whom(hall.mod), Role.MEMBER),
    )
    for order in orders:
        assert hall.why_not(order(narrow)) is Reason.ROLE_NEEDED
    # By its role in the room it does what that one may, and no more.
    hall.becomes(admin, "hall", Role.MODERATOR)
    hall.ok(cmd.SetTopic(narrow, HALL, "ours"))
    assert hall.why_not(orders[1](narrow)) is Reason.ROLE_TOO_HIGH
    assert hall.why_not(orders[3](narrow)) is Reason.ROLE_NEEDED
    for order in orders:
        hall.ok(order(wide))


# ------------------------------------------------------------------------- bots


class Owned(Hall):
    """A hall with somebody who has a bot there, and another one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.person = self.account("pia")
        self.robot, self.shy = self.bot(self.person, "robot"), self.bot(self.person, "shy")
        self.join(self.person, "hall")
        self.join(self.robot, "hall")
        self.pia = cmd.UserByName("pia")

    def removed(self, command: cmd.Command) -> list[str]:
        """Return who is removed by an order, in the order of the room."""
        events = [e for e in self.happened(command) if isinstance(e, ev.MemberRemoved)]
        head = self.state.heads[self.hall]
        assert [event.seq for event in events] == list(range(head - len(events) + 1, head + 1))
        return [event.user_name for event in events]


def test_ban_of_an_owner_holds_for_its_bots() -> None:
    """They are removed with it, none comes in, not one that is made later, until it is lifted."""
    hall = Owned()
    assert hall.removed(cmd.BanMember(hall.mod, HALL, hall.pia, 0, "spam")) == ["pia", "robot"]
    later = hall.bot(hall.person, "later")
    for one in (hall.person, hall.robot, hall.shy, later):
        assert hall.why_not(cmd.JoinRoom(one, HALL)) is Reason.BANNED_FROM_ROOM
        assert hall.why_not(post(one, "hall")) is Reason.BANNED_FROM_ROOM
    lifts = cmd.UnbanMember(hall.mod, HALL, cmd.UserByName("robot"))
    assert hall.happened(lifts) == ()
    hall.ok(cmd.UnbanMember(hall.mod, HALL, hall.pia))
    hall.join(hall.robot, "hall")
    hall.say(hall.robot, "hall")


def test_ban_of_a_bot_is_its_own() -> None:
    """Its owner and the other bots stay, and it is lifted by itself."""
    hall = Owned()
    robot = cmd.UserByName("robot")
    assert hall.removed(cmd.BanMember(hall.mod, HALL, robot, 0, "loops")) == ["robot"]
    hall.say(hall.person, "hall")
    hall.join(hall.shy, "hall")
    hall.ok(cmd.BanMember(hall.mod, HALL, hall.pia, 1000, ""))
    hall.pass_time(1000)
    assert hall.why_not(cmd.JoinRoom(hall.robot, HALL)) is Reason.BANNED_FROM_ROOM
    hall.ok(cmd.UnbanMember(hall.mod, HALL, robot))
    hall.join(hall.robot, "hall")


def test_ban_of_an_owner_takes_what_lets_its_bots_in() -> None:
    """Invitations and codes of bots end too, in a room that is left to its heir."""
    hall = Owned()
    den = hall.opens_private(hall.person, hall.robot, hall.mod)
    hall.ok(cmd.CreateInvite(hall.person, to(den), b"code", 5, 0))
    hall.ok(cmd.InviteUser(hall.person, to(den), cmd.UserByName("shy")))
    events = hall.happened(cmd.BanMember(cmd.OPERATOR, to(den), hall.pia, 0, ""))
    assert not hall.state.invitations
    assert not hall.state.invites
    assert hall.members_of(den) == ["mo"]
    *_, heir, _ = events
    assert isinstance(heir, ev.RoleChanged)
    assert (heir.user_name, heir.role, heir.seq) == ("mo", Role.OWNER, 3)


def test_mute_of_an_owner_holds_for_its_bots() -> None:
    """None of them says a word in the room, nor changes its topic, until it is lifted."""
    hall = Owned()
    hall.join(hall.shy, "hall")
    hall.ok(cmd.MuteMember(hall.mod, HALL, hall.pia, 0, ""))
    for one in (hall.person, hall.robot, hall.shy):
        assert hall.why_not(post(one, "hall")) is Reason.MUTED
        assert hall.why_not(cmd.SetTopic(one, HALL, "topic")) is Reason.MUTED
    assert hall.happened(cmd.UnmuteMember(hall.mod, HALL, cmd.UserByName("robot"))) == ()
    hall.ok(cmd.UnmuteMember(hall.mod, HALL, hall.pia))
    hall.say(hall.robot, "hall")


def test_kick_of_an_owner_removes_its_bots() -> None:
    """Also where only a bot of it is in the room; who is out comes back."""
    hall = Owned()
    kick = cmd.KickMember(hall.mod, HALL, hall.pia, "")
    assert hall.removed(kick) == ["pia", "robot"]
    assert hall.why_not(kick) is Reason.NOT_A_MEMBER
    hall.join(hall.robot, "hall")
    assert hall.removed(kick) == ["robot"]


@every_order
def test_who_has_a_bot_stands_as_high_as_it(order: Order) -> None:
    """No moderator acts on the owner of one, and none lifts by its bot what is held against it."""
    hall = Owned()
    hall.becomes(hall.robot, "hall", Role.MODERATOR)
    for by in (hall.mod, hall.robot, hall.person):
        assert hall.why_not(order(by, HALL, hall.pia)) in (
            Reason.ROLE_TOO_HIGH,
            Reason.ROLE_NEEDED,
        )
    hall.ok(order(hall.owner, HALL, hall.pia))
