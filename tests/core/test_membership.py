"""Who belongs to a room: roles, invitations, and what becomes of it when people go."""

from dataclasses import replace

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.errors import Reason
from chat_service.core.limits import Limits
from chat_service.core.model import Role, RoomKind, Scope
from tests.core.scene import Scene, to

BOB, CAROL = cmd.UserByName("bob"), cmd.UserByName("carol")


class House(Scene):
    """A private room that alice opened, with bob and carol as members; dave is outside."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.alice, self.bob, self.carol, self.dave = (
            self.guest(name) for name in ("alice", "bob", "carol", "dave")
        )
        self.house = self.opens_private(self.alice, self.bob, self.carol)

    def gives(self, giver: int, name: str, role: Role) -> cmd.SetRole:
        """Make the order to give a role."""
        return cmd.SetRole(giver, to(self.house), cmd.UserByName(name), role)

    def roles(self) -> dict[str, Role]:
        """Return the roles in the room, by name."""
        return {
            self.state.users[member.user_id].name: member.role
            for member in self.state.members.values()
            if member.room_id == self.house
        }


# ------------------------------------------------------------------------ roles


def test_owner_gives_roles() -> None:
    """A role has a place in the room's log and an entry in the audit log."""
    house = House()
    changed, told = house.happened(house.gives(house.alice, "BOB", Role.MODERATOR))
    assert changed == ev.RoleChanged(
        house.now_ms, house.house, 1, 1, "alice", 2, "bob", Role.MODERATOR
    )
    assert isinstance(told, ev.Audited)
    assert (told.action, told.room_id, told.target_name, told.details) == (
        "role",
        house.house,
        "bob",
        "moderator",
    )
    assert house.happened(house.gives(house.alice, "bob", Role.MODERATOR)) == ()
    house.ok(house.gives(house.alice, "bob", Role.MEMBER))
    assert house.roles()["bob"] is Role.MEMBER


@pytest.mark.parametrize("role", [Role.MEMBER, Role.MODERATOR])
def test_only_owners_give_roles(role: Role) -> None:
    """A moderator does not, not even to itself; and nobody takes the role of another owner."""
    house = House()
    if role is Role.MODERATOR:
        house.ok(house.gives(house.alice, "bob", role))
    for name in ("bob", "carol", "alice"):
        refusal = house.refused(house.gives(house.bob, name, Role.OWNER))
        assert (refusal.reason, refusal.metadata) == (Reason.ROLE_NEEDED, (("role", "OWNER"),))
    house.ok(house.gives(house.alice, "carol", Role.OWNER))
    assert house.why_not(house.gives(house.alice, "carol", Role.MEMBER)) is Reason.ROLE_TOO_HIGH


def test_moderator_who_was_demoted_a_moment_ago() -> None:
    """Acts no more, in the same millisecond and over any of its sessions."""
    house = House()
    house.ok(house.gives(house.alice, "bob", Role.MODERATOR))
    window = house.again(house.bob)
    house.ok(cmd.InviteUser(house.bob, to(house.house), cmd.UserByName("dave")))
    house.ok(house.gives(house.alice, "bob", Role.MEMBER))
    for session_id in (house.bob, window):
        order = cmd.RevokeInvitation(session_id, to(house.house), cmd.UserByName("dave"))
        assert house.why_not(order) is Reason.ROLE_NEEDED


def test_last_owner_of_a_private_room_stays_one() -> None:
    """It steps down once there is another; in a public room it may whenever it likes."""
    house = House()
    step_down = house.gives(house.alice, "alice", Role.MEMBER)
    assert house.why_not(step_down) is Reason.LAST_OWNER
    house.ok(house.gives(house.alice, "bob", Role.OWNER))
    house.ok(step_down)
    assert house.roles() == {"alice": Role.MEMBER, "bob": Role.OWNER, "carol": Role.MEMBER}
    house.join(house.alice, "hall")
    house.ok(cmd.SetRole(house.alice, to("hall"), cmd.UserByName("alice"), Role.MEMBER))


@pytest.mark.parametrize(
    ("target", "name", "reason"),
    [
        (to("lobby"), "alice", Reason.ROLE_NEEDED),
        (to(99), "alice", Reason.ROOM_NOT_FOUND),
        (to(("bob",)), "bob", Reason.ROOM_IS_DIRECT),
    ],
)
def test_role_where_there_is_none_to_give(target: cmd.Target, name: str, reason: Reason) -> None:
    """In a room without oneself, in none, and in a direct message."""
    house = House()
    order = cmd.SetRole(house.alice, target, cmd.UserByName(name), Role.OWNER)
    assert house.why_not(order) is reason


def test_role_is_for_members() -> None:
    """Of who is no member, and of nobody."""
    house = House()
    assert house.why_not(house.gives(house.alice, "dave", Role.MEMBER)) is Reason.NOT_A_MEMBER
    assert house.why_not(house.gives(house.alice, "zoe", Role.MEMBER)) is Reason.USER_NOT_FOUND
    assert (
        house.why_not(cmd.SetRole(house.alice, to(house.house), cmd.UserById(99), Role.MEMBER))
        is Reason.USER_NOT_FOUND
    )


def test_admin_has_an_owners_rights_where_it_may_be() -> None:
    """In every public room, and in a private one as a member; else it does not exist."""
    house = House()
    root = house.account("ruth", admin=True)
    house.join(house.bob, "lobby")
    house.ok(cmd.SetRole(root, to("lobby"), BOB, Role.MODERATOR))
    assert house.why_not(house.gives(root, "bob", Role.MEMBER)) is Reason.ROOM_NOT_FOUND
    house.ok(cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("ruth")))
    house.ok(cmd.JoinRoom(root, to(house.house)))
    house.ok(house.gives(root, "bob", Role.MODERATOR))
    assert house.why_not(house.gives(root, "alice", Role.MEMBER)) is Reason.ROLE_TOO_HIGH
    assert house.why_not(house.gives(house.alice, "ruth", Role.MEMBER)) is Reason.ROLE_TOO_HIGH


# ------------------------------------------------------------------ invitations


def test_invitation_is_told_and_audited() -> None:
    """It names who invites; inviting again is told in the audit log alone."""
    house = House()
    order = cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("Dave"))
    invited, told = house.happened(order)
    assert invited == ev.UserInvited(house.now_ms, house.house, 4, 1, "alice")
    assert isinstance(told, ev.Audited)
    assert (told.action, told.target_id) == ("invite", 4)
    (again,) = house.happened(order)
    assert again == replace(told, audit_id=told.audit_id + 1)


def test_who_blocks_the_inviter_does_not_hear_of_it() -> None:
    """The answer is the same, and there is no invitation."""
    house = House()
    house.ok(cmd.BlockUser(house.dave, cmd.UserByName("alice"), blocked=True))
    heard = house.ok(cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("dave")))
    house.guest("erin")
    assert heard == house.ok(cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("erin")))
    assert [one.user_id for one in house.state.invitations.values()] == [5]
    assert house.why_not(cmd.JoinRoom(house.dave, to(house.house))) is Reason.ROOM_NOT_FOUND


def test_audit_log_does_not_tell_who_blocks() -> None:
    """Inviting twice and taking it back, to no effect: the entries are the same."""
    seen = []
    for blocks in (False, True):
        house = House()
        if blocks:
            house.ok(cmd.BlockUser(house.dave, cmd.UserByName("alice"), blocked=True))
        who = (house.alice, to(house.house), cmd.UserByName("dave"))
        orders = (cmd.InviteUser, cmd.InviteUser, cmd.RevokeInvitation, cmd.RevokeInvitation)
        events = [event for order in orders for event in house.happened(order(*who))]
        seen.append([event for event in events if isinstance(event, ev.Audited)])
    assert seen[0] == seen[1]


def test_bound_on_invitations_does_not_tell_who_blocks() -> None:
    """Who has as many as there may be is not invited, whether or not it would hear of it."""
    house = House(Limits(invitations_per_user=1))
    attic = house.opens_private(house.bob, name="attic")
    house.ok(cmd.InviteUser(house.bob, to(attic), cmd.UserByName("dave")))
    order = cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("dave"))
    plain = house.refused(order)
    house.ok(cmd.BlockUser(house.dave, cmd.UserByName("alice"), blocked=True))
    assert house.refused(order) == plain


def test_whom_nobody_invites() -> None:
    """A member, somebody banned, nobody, somebody with too many invitations."""
    house = House(Limits(invitations_per_user=1))

    def why_not(name: str, room_id: int = house.house) -> Reason:
        return house.why_not(cmd.InviteUser(house.alice, to(room_id), cmd.UserByName(name)))

    assert why_not("bob") is Reason.ALREADY_MEMBER
    assert why_not("zoe") is Reason.USER_NOT_FOUND
    house.ok(cmd.BanMember(house.alice, to(house.house), cmd.UserByName("dave"), 0, ""))
    assert why_not("dave") is Reason.BANNED_FROM_ROOM
    house.ok(cmd.UnbanMember(house.alice, to(house.house), cmd.UserByName("dave")))
    house.ok(cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("dave")))
    attic = house.opens_private(house.alice, name="attic")
    assert why_not("dave", attic) is Reason.TOO_MANY_INVITES
    house.ok(cmd.DeclineInvitation(house.dave, house.house))
    house.ok(cmd.InviteUser(house.alice, to(attic), cmd.UserByName("dave")))


def test_closed_account_is_not_invited() -> None:
    """Its name stays taken, and leads to nobody."""
    house = House()
    zoe = house.account("zoe")
    house.ok(cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("zoe")))
    house.ok(cmd.DeactivateAccount(zoe, "#zoe", ""))
    assert len(house.state.invitations) == 0
    order = cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("zoe"))
    assert house.why_not(order) is Reason.USER_NOT_FOUND


def test_only_moderators_invite_and_only_into_private_rooms() -> None:
    """A member does not, an outsider sees no room, and a public room is open anyway."""
    house = House()
    dave = cmd.UserByName("dave")
    for kind in (cmd.InviteUser, cmd.RevokeInvitation):
        assert house.why_not(kind(house.bob, to(house.house), dave)) is Reason.ROLE_NEEDED
        assert house.why_not(kind(house.dave, to(house.house), dave)) is Reason.ROOM_NOT_FOUND
        house.join(house.alice, "hall")
        assert house.why_not(kind(house.alice, to("hall"), dave)) is Reason.ROOM_IS_PUBLIC


def test_invitation_is_revoked_and_declined() -> None:
    """Either way it leads in no more; doing so again has no effect."""
    house = House()
    dave, room = cmd.UserByName("dave"), to(house.house)
    for end in (
        cmd.RevokeInvitation(house.alice, room, dave),
        cmd.DeclineInvitation(house.dave, house.house),
    ):
        house.ok(cmd.InviteUser(house.alice, room, dave))
        assert ev.InvitationEnded(house.now_ms, house.house, 4) in house.happened(end)
        assert all(isinstance(event, ev.Audited) for event in house.happened(end))
        assert house.why_not(cmd.JoinRoom(house.dave, room)) is Reason.ROOM_NOT_FOUND


def test_declining_tells_nothing_of_rooms() -> None:
    """An invitation that there is not is declined as one to a room that there is not."""
    house = House()
    for room_id in (house.house, 99, 0):
        assert house.happened(cmd.DeclineInvitation(house.dave, room_id)) == ()


# ------------------------------------------------------------------------ going


def test_oldest_moderator_follows_the_last_owner() -> None:
    """Nobody gives it the role: the event has no author."""
    house = House()
    house.ok(house.gives(house.alice, "carol", Role.MODERATOR))
    left, changed = house.happened(cmd.LeaveRoom(house.alice, to(house.house)))
    assert left == ev.MemberLeft(house.now_ms, house.house, 1)
    assert changed == ev.RoleChanged(house.now_ms, house.house, 2, 0, "", 3, "carol", Role.OWNER)
    assert house.roles() == {"bob": Role.MEMBER, "carol": Role.OWNER}


def test_oldest_member_follows_where_there_is_no_moderator() -> None:
    """The oldest by its entry, not by its id; an owner that stays keeps the room."""
    house = House()
    house.ok(cmd.LeaveRoom(house.bob, to(house.house)))
    house.ok(cmd.InviteUser(house.alice, to(house.house), BOB))
    house.ok(cmd.JoinRoom(house.bob, to(house.house)))
    house.ok(cmd.LeaveRoom(house.alice, to(house.house)))
    assert house.roles() == {"carol": Role.OWNER, "bob": Role.MEMBER}
    house.ok(house.gives(house.carol, "bob", Role.OWNER))
    events = house.happened(cmd.LeaveRoom(house.carol, to(house.house)))
    assert [type(event) for event in events] == [ev.MemberLeft]


def test_guest_who_ends_leaves_its_rooms_to_others() -> None:
    """As if it had left: by signing out, and by the end of its time."""
    house = House()
    house.ok(cmd.EndSession(house.alice))
    assert house.roles() == {"bob": Role.OWNER, "carol": Role.MEMBER}
    house.pass_time(house.state.limits.guest_grace_ms + house.state.limits.renewal_ms)
    house.ok(cmd.ExpireSession(house.bob))
    assert house.roles() == {"carol": Role.OWNER}


@pytest.mark.parametrize("said", [0, 2])
def test_room_of_nobody_is_forgotten(said: int) -> None:
    """With its codes and invitations; what was said there is left to be pruned."""
    house = House()
    for _ in range(said):
        house.say(house.alice, house.house)
    house.ok(cmd.CreateInvite(house.alice, to(house.house), b"code", 1, 0))
    house.ok(cmd.InviteUser(house.alice, to(house.house), cmd.UserByName("dave")))
    house.ok(cmd.EndSession(house.bob))
    house.ok(cmd.EndSession(house.carol))
    assert house.state.invited_to.snapshot() == {house.house: (house.user_of(house.dave),)}
    events = house.happened(cmd.LeaveRoom(house.alice, to(house.house)))
    assert events[-1] == ev.RoomForgotten(house.now_ms, house.house, said)
    state = house.state
    assert [len(table) for table in (state.invites, state.invitations)] == [0, 0]
    assert state.private_members.snapshot() == state.invitations_of.snapshot() == {}
    assert state.invited_to.snapshot() == {}
    for order in (
        cmd.JoinRoom(house.dave, to(house.house)),
        cmd.LeaveRoom(house.alice, to(house.house)),
    ):
        assert house.why_not(order) is Reason.ROOM_NOT_FOUND


def test_public_room_may_have_no_owner() -> None:
    """Nobody follows its owner, and it stays without members."""
    house = House()
    house.join(house.alice, "hall")
    house.join(house.bob, "hall")
    hall = house.room_named("hall")
    for session_id in (house.alice, house.bob):
        (left,) = house.happened(cmd.LeaveRoom(session_id, to("hall")))
        assert isinstance(left, ev.MemberLeft)
    assert hall in house.state.rooms
    assert house.state.rooms[hall].kind is RoomKind.PUBLIC


def test_closed_account_leaves_its_rooms() -> None:
    """It is in none any more, and others follow it."""
    scene = Scene()
    zoe, bob = scene.account("zoe"), scene.guest("bob")
    den = scene.opens_private(zoe, bob)
    alone = scene.opens_private(zoe, name="alone")
    scene.join(zoe, "lobby")
    scene.ok(cmd.DeactivateAccount(zoe, "#zoe", ""))
    assert scene.members_of(den) == ["bob"]
    assert scene.state.members[den, scene.user_of(bob)].role is Role.OWNER
    assert alone not in scene.state.rooms
    assert scene.members_of(scene.room_named("lobby")) == []


def test_outsider_leaves_no_private_room() -> None:
    """It is told the same as of no room; somebody who left is an outsider again."""
    house = House()
    house.ok(cmd.LeaveRoom(house.bob, to(house.house)))
    for session_id in (house.bob, house.dave):
        hidden = house.refused(cmd.LeaveRoom(session_id, to(house.house)))
        assert hidden == house.refused(cmd.LeaveRoom(session_id, to(99)))


def test_orders_about_members_need_the_scope() -> None:
    """A token without the scope of rooms gives none of them."""
    scene = Scene()
    zoe = scene.account("zoe")
    den = to(scene.opens_private(zoe))
    reader = scene.api_token(zoe, Scope.READ, Scope.POST, Scope.MODERATE, Scope.ADMIN)
    for order in (
        cmd.LeaveRoom(reader, den),
        cmd.SetRole(reader, den, BOB, Role.OWNER),
        cmd.InviteUser(reader, den, BOB),
        cmd.RevokeInvitation(reader, den, BOB),
        cmd.DeclineInvitation(reader, 2),
        cmd.CreateInvite(reader, den, b"c", 1, 0),
        cmd.RevokeInvite(reader, den, 1),
        cmd.CreateRoom(reader, "x", RoomKind.PUBLIC),
        cmd.UpdateRoom(reader, den, archived=True),
        cmd.SetTopic(reader, den, "cats"),
    ):
        assert scene.why_not(order) is Reason.SCOPE_MISSING


def test_haste_with_roles_and_invitations() -> None:
    """Over the rate they are refused with the delay, after everything else that is wrong."""
    house = House()
    room, dave = to(house.house), cmd.UserByName("dave")
    for order in (
        cmd.SetRole(house.alice, room, BOB, Role.MODERATOR, 70),
        cmd.InviteUser(house.alice, room, dave, 70),
    ):
        refusal = house.refused(order)
        assert (refusal.reason, refusal.retry_after_ms) == (Reason.RATE_LIMITED, 70)
    assert house.why_not(cmd.InviteUser(house.alice, room, BOB, 70)) is Reason.ALREADY_MEMBER
