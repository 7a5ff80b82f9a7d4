"""Who comes in: into private rooms by invitation, code or password, and past bans by nothing."""

from collections.abc import Callable

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from chat_service.core.model import FOREVER_MS, HistoryPolicy, Member, Role, RoomKind, Scope
from tests.core.scene import START_MS, Scene, Where, post, to


class Den(Scene):
    """A private room of alice, with a password, in which something was said; bob is outside."""

    def __init__(self, limits: Limits | None = None, history: HistoryPolicy | None = None) -> None:
        super().__init__(limits)
        self.alice, self.bob = self.guest("alice"), self.guest("bob")
        order = cmd.CreateRoom(
            self.alice, "den", RoomKind.PRIVATE, history=history, password_hash="hash"
        )
        self.den = self.ok(order).room_id
        self.say(self.alice, self.den)
        self.say(self.alice, self.den)

    def invite(self, name: str = "bob") -> None:
        """Invite somebody."""
        self.ok(cmd.InviteUser(self.alice, to(self.den), cmd.UserByName(name)))

    def code(self, uses: int = 1, code: bytes = b"code") -> bytes:
        """Make a code."""
        self.ok(cmd.CreateInvite(self.alice, to(self.den), code, uses, 0))
        return code

    def ban(self, session_id: int, until_ms: int = FOREVER_MS) -> None:
        """Let somebody be banned."""
        user_id = self.user_of(session_id)
        self.happens(ev.MemberBanned(self.now_ms, self.den, user_id, until_ms, "", 1, "alice"))

    def member(self, session_id: int) -> Member | None:
        """Return the membership of somebody."""
        return self.state.members.get((self.den, self.user_of(session_id)))


Way = Callable[[Den], cmd.JoinRoom | cmd.JoinByInvite]


def by_invitation(den: Den) -> cmd.JoinRoom:
    """Enter as one who is invited."""
    den.invite()
    return cmd.JoinRoom(den.bob, to(den.den))


def by_password(den: Den) -> cmd.JoinRoom:
    """Enter as one who knows the password."""
    return cmd.JoinRoom(den.bob, to(den.den), password_hash="hash")


def by_code(den: Den) -> cmd.JoinByInvite:
    """Enter as one who has a code."""
    return cmd.JoinByInvite(den.bob, den.code())


every_way = pytest.mark.parametrize("way", [by_invitation, by_password, by_code])


@every_way
def test_private_room_is_entered_as_a_member_who_reads_from_then_on(way: Way) -> None:
    """Each of the three ways leads in, once; entering again changes nothing."""
    den = Den()
    order = way(den)
    answer = den.ok(order)
    assert answer.room_id == den.den
    member = den.member(den.bob)
    assert member is not None
    assert (member.role, member.from_seq) == (Role.MEMBER, 3)
    assert den.happened(cmd.JoinRoom(den.bob, to(den.den))) == ()
    if way is by_invitation:
        assert len(den.state.invitations) == 0
    if way is by_code:
        assert len(den.state.invites) == 0


@every_way
def test_room_may_show_newcomers_everything(way: Way) -> None:
    """By its policy a newcomer may read from the beginning."""
    den = Den(history=HistoryPolicy.ALL)
    den.ok(way(den))
    member = den.member(den.bob)
    assert member is not None
    assert member.from_seq == 1


def test_coming_back_begins_where_the_room_is_then() -> None:
    """What was read before is out of reach, as what was said meanwhile."""
    den = Den()
    den.ok(by_password(den))
    den.say(den.bob, den.den)
    den.ok(cmd.LeaveRoom(den.bob, to(den.den)))
    den.say(den.alice, den.den)
    den.ok(by_password(den))
    member = den.member(den.bob)
    assert member is not None
    assert member.from_seq == 5


@every_way
def test_banned_user_enters_by_no_way(way: Way) -> None:
    """To who is banned the room does not exist, and codes are not good; until the ban is over."""
    den = Den()
    order = way(den)
    den.ban(den.bob, until_ms=den.now_ms + 10)
    expected = Reason.INVITE_INVALID if way is by_code else Reason.ROOM_NOT_FOUND
    assert den.why_not(order) is expected
    den.pass_time(10)
    den.ok(order)


@every_way
def test_haste_in_entering(way: Way) -> None:
    """Over its rate an entry is refused with the delay, and costs no invitation and no code."""
    den = Den()
    order = way(den)
    if isinstance(order, cmd.JoinByInvite):
        hasty: cmd.Command = cmd.JoinByInvite(order.session_id, order.code_hash, wait_ms=70)
    else:
        hasty = cmd.JoinRoom(
            order.session_id, order.target, wait_ms=70, password_hash=order.password_hash
        )
    refusal = den.refused(hasty)
    assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 70)
    den.ok(order)


@every_way
def test_private_rooms_count_among_the_rooms_of_a_user(way: Way) -> None:
    """At the limit even who is invited must leave another room first."""
    den = Den(Limits(rooms_per_user=1))
    den.join(den.bob, "lobby")
    order = way(den)
    assert den.why_not(order) is Reason.TOO_MANY_ROOMS
    den.ok(cmd.LeaveRoom(den.bob, to("lobby")))
    den.ok(order)


@pytest.mark.parametrize("password_hash", ["", "hash of another", "HASH"])
def test_outsider_is_told_of_no_private_room(password_hash: str) -> None:
    """Without an invitation or the right password the id is that of no room, for every order."""
    den = Den()
    hidden = cmd.JoinRoom(den.bob, to(den.den), password_hash=password_hash)
    unknown = cmd.JoinRoom(den.bob, to(99), password_hash=password_hash)
    assert den.refused(hidden) == den.refused(unknown)
    assert den.refused(hidden).reason is Reason.ROOM_NOT_FOUND


def test_password_opens_no_other_room() -> None:
    """Not even one that has none; and a room without a password is not opened by an empty one."""
    den = Den()
    bare = den.ok(cmd.CreateRoom(den.alice, "bare", RoomKind.PRIVATE)).room_id
    for password_hash in ("hash", ""):
        order = cmd.JoinRoom(den.bob, to(bare), password_hash=password_hash)
        assert den.why_not(order) is Reason.ROOM_NOT_FOUND
    den.happens(ev.RoomPasswordSet(den.now_ms, den.den, "new hash"))
    assert den.why_not(by_password(den)) is Reason.ROOM_NOT_FOUND


def test_name_of_a_private_room_leads_to_a_public_one() -> None:
    """Who joins by the name opens a public room of it, and is its owner."""
    den = Den()
    opened, joined = den.happened(cmd.JoinRoom(den.bob, to("den")))
    assert isinstance(opened, ev.RoomOpened)
    assert isinstance(joined, ev.MemberJoined)
    assert (opened.kind, joined.role) == (RoomKind.PUBLIC, Role.OWNER)
    assert joined.room_id != den.den


def test_code_is_good_for_so_many_and_so_long() -> None:
    """Its last use ends it; who is in already uses none; its time ends it too."""
    den = Den()
    code = den.code(uses=2)
    for name in ("carol", "dave"):
        carol = den.guest(name)
        used, joined = den.happened(cmd.JoinByInvite(carol, code))
        assert isinstance(used, ev.InviteUsed)
        assert isinstance(joined, ev.MemberJoined)
        assert den.happened(cmd.JoinByInvite(carol, code)) == () if name == "carol" else True
    assert den.why_not(cmd.JoinByInvite(den.bob, code)) is Reason.INVITE_INVALID
    late = den.code(code=b"late")
    den.pass_time(7 * 24 * 3_600_000)
    again = den.guest("erin")
    assert den.why_not(cmd.JoinByInvite(again, late)) is Reason.INVITE_INVALID
    assert den.why_not(cmd.JoinByInvite(again, b"no code")) is Reason.INVITE_INVALID


def test_code_takes_the_invitation_with_it() -> None:
    """Who has both is invited no longer once it is in."""
    den = Den()
    den.invite()
    den.ok(by_code(den))
    assert len(den.state.invitations) == 0


def test_banned_user_does_not_enter_a_public_room() -> None:
    """By name and by id, with the time at which the ban ends."""
    scene = Scene()
    bob = scene.guest("bob")
    lobby = scene.room_named("lobby")
    scene.happens(ev.MemberBanned(scene.now_ms, lobby, scene.user_of(bob), START_MS + 9, "", 0, ""))
    for target in (to("lobby"), to(lobby)):
        for order in (cmd.JoinRoom(bob, target), post(bob, "lobby")):
            refusal = scene.refused(order)
            assert refusal.reason is Reason.BANNED_FROM_ROOM
            assert dict(refusal.metadata)["until_ms"] == str(START_MS + 9)
    assert scene.why_not(cmd.OpenSession(bob, "", b"t", "here", "lobby")) is Reason.BANNED_FROM_ROOM
    scene.pass_time(9)
    scene.join(bob, "lobby")


@pytest.mark.parametrize("where", ["lobby", "new", ("bob",)])
def test_token_without_the_scope_enters_nothing(where: Where) -> None:
    """Entering is for tokens with the scope of rooms."""
    scene = Scene()
    scene.guest("bob")
    alice = scene.account("alice")
    reader = scene.api_token(alice, Scope.READ, Scope.POST)
    refusal = scene.refused(cmd.JoinRoom(reader, to(where)))
    assert (refusal.reason, refusal.metadata) == (Reason.SCOPE_MISSING, (("scope", "ROOMS"),))
    assert scene.why_not(cmd.JoinByInvite(reader, b"code")) is Reason.SCOPE_MISSING
    scene.ok(cmd.JoinRoom(scene.api_token(alice, Scope.ROOMS), to(where)))


def test_direct_message_is_not_opened_with_somebody_who_blocks() -> None:
    """Alone or in a group, by entering or by a post; groups that there are go on."""
    scene = Scene()
    alice, bob, carol = (scene.guest(name) for name in ("alice", "bob", "carol"))
    group = scene.say(alice, ("bob", "carol")).room_id
    pair = scene.say(alice, ("bob",)).room_id
    scene.ok(cmd.BlockUser(bob, cmd.UserByName("alice"), blocked=True))
    scene.guest("dave")
    for names in (("bob",), ("bob", "dave")):
        assert scene.why_not(post(alice, names)) is Reason.BLOCKED
    assert scene.why_not(cmd.JoinRoom(alice, to(("bob", "dave")))) is Reason.BLOCKED
    assert scene.why_not(post(alice, pair)) is Reason.BLOCKED
    scene.say(alice, group)
    # It is only the other way round that was asked for.
    scene.say(bob, pair)
    scene.ok(cmd.BlockUser(bob, cmd.UserByName("alice"), blocked=False))
    scene.say(alice, pair)
    assert scene.user_of(carol)


# ----------------------------------------------------------------------- scopes


def test_token_that_may_only_read_begins_to_read() -> None:
    """Where its user is a member already; it enters nothing, and learns of no other room."""
    scene = Scene()
    alice = scene.account("alice")
    scene.join(alice, "lobby")
    den = scene.ok(cmd.CreateRoom(alice, "den", RoomKind.PRIVATE)).room_id
    hidden = scene.ok(cmd.CreateRoom(scene.account("bob"), "hers", RoomKind.PRIVATE)).room_id
    reader = scene.api_token(alice, Scope.READ)
    for own in ("lobby", den):
        assert scene.happened(cmd.JoinRoom(reader, to(own))) == ()
    for other in ("cafe", hidden, 999):
        assert scene.why_not(cmd.JoinRoom(reader, to(other))) is Reason.SCOPE_MISSING
    poster = scene.api_token(alice, Scope.POST)
    assert scene.why_not(cmd.JoinRoom(poster, to("lobby"))) is Reason.SCOPE_MISSING
