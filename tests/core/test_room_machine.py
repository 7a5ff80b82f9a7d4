"""Any story of private rooms: whatever people do, somebody owns each, and strangers see none."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decide import decide
from chat_service.core.evolve import evolve
from chat_service.core.model import Role, RoomKind
from chat_service.core.state import State
from tests.core import orders
from tests.core.scene import Scene, to

UNKNOWN = 99


class PrivateRooms(RuleBasedStateMachine):
    """Four people, and what they do with a few rooms; a stranger looks on."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(orders.TIGHT, started=False)
        # Another reader of the same events, as the event loop is one.
        self.folded = State()
        self.already = 0

    @initialize()
    def start(self) -> None:
        """Let everybody come, and two private rooms be there."""
        for command in orders.beginning("al", "bo", "cy"):
            self.scene.ok(self.scene.with_own_token(command))
        self.al, self.bo, self.cy = (1, 2, 3)
        limits = replace(orders.TIGHT, rooms_per_user=4)
        self.scene.ok(cmd.Configure(limits))
        for session_id in (self.al, self.bo):
            self.scene.ok(cmd.CreateRoom(session_id, "den", RoomKind.PRIVATE))
        self.stranger = self.scene.guest("dee")

    @rule(
        given=st.lists(
            st.tuples(orders.room_order, st.integers(0, 5), st.integers(0, 3)),
            min_size=2,
            max_size=12,
        )
    )
    def order(self, given: list[tuple[orders.Personal, int, int]]) -> None:
        """Have some of the three give orders, mostly about rooms and people that there are."""
        for command, by, about in given:
            here = [n for n in (1, 2, 3) if n in self.scene.state.sessions]
            if not here:
                return
            known = self.meant(command, about)
            session_id = self.owner_of(known) if by > 2 else here[by % len(here)]
            if isinstance(known, cmd.PostMessage):
                self.scene.do(known._replace(session_id=session_id))
            else:
                self.scene.do(self.scene.with_own_token(replace(known, session_id=session_id)))

    def owner_of(self, command: orders.Personal) -> int:
        """Return a session of an owner of the room that an order is about, or of anybody."""
        state = self.scene.state
        target = getattr(command, "target", None)
        for member in state.members.values():
            if member.role is Role.OWNER and target == to(member.room_id):
                return state.sessions_of[member.user_id][0]
        return next(state.sessions.values()).session_id

    def meant(self, command: orders.Personal, number: int) -> orders.Personal:
        """Return the order about a private room and a user that there are."""
        state = self.scene.state
        private = [r.room_id for r in state.rooms.values() if r.kind is RoomKind.PRIVATE]
        by_id = isinstance(getattr(command, "target", None), cmd.RoomById)
        if private and (by_id or isinstance(command, cmd.SetRole | cmd.UpdateRoom)):
            target = to(private[number % len(private)])
            if isinstance(command, cmd.PostMessage):
                return command._replace(target=target)
            if isinstance(command, cmd.JoinRoom | cmd.LeaveRoom | cmd.SetTopic | cmd.UpdateRoom):
                return replace(command, target=target)
            if isinstance(command, cmd.CreateInvite | cmd.RevokeInvite):
                return replace(command, target=target)
            if isinstance(command, cmd.SetRole | cmd.InviteUser | cmd.RevokeInvitation):
                users = sorted(state.users.snapshot())
                return replace(
                    command, target=target, user=cmd.UserById(users[number % len(users)])
                )
        if private and isinstance(command, cmd.DeclineInvitation):
            return replace(command, room_id=private[number % len(private)])
        return command

    @rule(ms=st.sampled_from((0, 5, 20)))
    def pass_time(self, ms: int) -> None:
        """Let the clock go on, less than it takes a session to end."""
        self.scene.pass_time(ms)
        for session_id in (1, 2, 3, self.stranger):
            if session_id in self.scene.state.sessions:
                self.scene.ok(cmd.RenewSession(session_id))

    @rule(number=st.integers(0, 19))
    def end(self, number: int) -> None:
        """Let somebody go for ever, once in a while."""
        if number in (1, 2, 3) and number in self.scene.state.sessions:
            self.scene.ok(cmd.EndSession(number))

    # ------------------------------------------------------------------ invariants

    @invariant()
    def every_private_room_has_an_owner_who_is_there(self) -> None:
        state = self.scene.state
        for room in state.rooms.values():
            if room.kind is RoomKind.PRIVATE:
                ids = state.private_members[room.room_id]
                roles = [state.members[room.room_id, user_id].role for user_id in ids]
                assert Role.OWNER in roles

    @invariant()
    def indexes_agree_with_records(self) -> None:
        state = self.scene.state
        rooms, members = state.rooms.snapshot(), state.members.snapshot()
        private: dict[int, list[int]] = {}
        for room_id, user_id in sorted(members):
            if rooms[room_id].kind is RoomKind.PRIVATE:
                private.setdefault(room_id, []).append(user_id)
        assert {n: list(ids) for n, ids in state.private_members.snapshot().items()} == private
        invited: dict[int, list[int]] = {}
        invited_to: dict[int, list[int]] = {}
        for room_id, user_id in sorted(state.invitations.snapshot()):
            assert rooms[room_id].kind is RoomKind.PRIVATE
            assert (room_id, user_id) not in members
            assert user_id in state.users
            invited.setdefault(user_id, []).append(room_id)
            invited_to.setdefault(room_id, []).append(user_id)
        assert {n: list(ids) for n, ids in state.invitations_of.snapshot().items()} == invited
        assert {n: list(ids) for n, ids in state.invited_to.snapshot().items()} == invited_to
        assert all(invite.room_id in rooms for invite in state.invites.values())
        assert all(n in rooms and user in state.users for n, user in state.spoke.snapshot())

    @invariant()
    def nobody_reads_further_than_there_is(self) -> None:
        state = self.scene.state
        for member in state.members.values():
            assert 1 <= member.from_seq <= state.heads[member.room_id] + 1

    @invariant()
    def seqs_are_dense_and_audit_numbers_too(self) -> None:
        heads: dict[int, int] = {}
        audited = 0
        for event in self.scene.events:
            if isinstance(event, ev.RoomEvent):
                assert event.seq == heads.get(event.room_id, 0) + 1
                heads[event.room_id] = event.seq
            elif isinstance(event, ev.Audited):
                assert event.audit_id == audited + 1
                audited += 1

    @invariant()
    def roles_are_given_by_owners_alone(self) -> None:
        """Each event since the last look, with what was known before it."""
        for event in self.scene.events[self.already :]:
            if isinstance(event, ev.RoleChanged) and event.author_id:
                giver = self.folded.members[event.room_id, event.author_id]
                target = self.folded.members[event.room_id, event.user_id]
                assert giver.role is Role.OWNER
                assert target.role is not Role.OWNER or event.author_id == event.user_id
            evolve(self.folded, event)
            self.folded.merge()
        self.already = len(self.scene.events)
        assert self.folded.snapshot() == self.scene.state.snapshot()

    @invariant()
    def stranger_sees_no_private_room(self) -> None:
        if not hasattr(self, "stranger"):
            return
        private = [r.room_id for r in self.scene.state.rooms.values() if r.kind is RoomKind.PRIVATE]
        for room_id in private:
            if (room_id, self.scene.user_of(self.stranger)) in self.scene.state.invitations:
                continue
            ends = [
                decide(self.scene.state, order, None, self.scene.now_ms)
                for order in (
                    cmd.JoinRoom(self.stranger, to(room_id), password_hash="wrong"),
                    cmd.JoinRoom(self.stranger, to(UNKNOWN), password_hash="wrong"),
                )
            ]
            assert ends[0] == ends[1]


TestPrivateRooms = PrivateRooms.TestCase
TestPrivateRooms.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
