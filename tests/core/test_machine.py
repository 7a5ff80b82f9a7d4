"""Any story of orders: decided as the plain rules say, and consistent after every step."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decide import decide
from chat_service.core.decision import Accepted
from chat_service.core.errors import Rejection
from chat_service.core.evolve import evolve
from chat_service.core.model import RoomKind
from chat_service.core.names import name_key
from chat_service.core.state import State
from tests.core import orders
from tests.core.oracle import Oracle
from tests.core.scene import Scene


class ChatAgainstPlainRules(RuleBasedStateMachine):
    """The core and the oracle are given the same orders by the same clock."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(started=False)
        self.oracle = Oracle(orders.TIGHT)
        # Another reader of the same events, as the event loop is one.
        self.folded = State()
        self.counters: dict[str, int] = {}

    def give(self, command: cmd.Command) -> None:
        """Give an order to both, and compare what they say."""
        command = self.scene.with_own_token(command)
        expected = self.oracle.verdict(command, self.scene.now_ms)
        already = len(self.scene.events)
        decision = self.scene.do(command)
        if isinstance(decision, Rejection):
            assert decision.reason is expected, f"{decision} instead of {expected}"
            return
        assert expected is None, f"{decision} instead of {expected}"
        for event in self.scene.events[already:]:
            assert event.time_ms == max(self.scene.now_ms, self.oracle.time)
            evolve(self.folded, event)
            self.folded.merge()
        self.oracle.learn(
            command, decision.answer, self.scene.now_ms, happened=bool(decision.events)
        )

    def by_somebody(self, command: orders.Personal) -> None:
        """Give an order by one of those who are here; by nobody for number 0."""
        here = sorted(self.oracle.clients)
        if here and 0 < command.session_id < 99:
            session_id = here[command.session_id % len(here)]
            if isinstance(command, cmd.PostMessage):
                command = command._replace(session_id=session_id)
            else:
                command = replace(command, session_id=session_id)
        self.give(command)

    @initialize(names=st.sampled_from(([], ["al", "bo"], ["al", "bo", "cy"])))
    def start(self, names: list[str]) -> None:
        for command in orders.beginning(*names):
            self.give(command)

    @rule(ms=orders.steps_ms)
    def pass_time(self, ms: int) -> None:
        self.scene.pass_time(ms)

    @rule(command=orders.open_guest)
    def open_guest(self, command: cmd.OpenGuest) -> None:
        self.give(command)

    @rule(command=orders.open_session)
    def open_session(self, command: cmd.OpenSession) -> None:
        self.by_somebody(command)

    @rule(command=orders.attach_session)
    def attach_session(self, command: cmd.AttachSession) -> None:
        self.by_somebody(command)

    @rule(command=orders.detach_session)
    def detach_session(self, command: cmd.DetachSession) -> None:
        self.by_somebody(command)

    @rule(command=orders.renew_session)
    def renew_session(self, command: cmd.RenewSession) -> None:
        self.by_somebody(command)

    @rule(command=orders.end_session)
    def end_session(self, command: cmd.EndSession) -> None:
        self.by_somebody(command)

    @rule(command=orders.expire_session)
    def expire_session(self, command: cmd.ExpireSession) -> None:
        self.by_somebody(command)

    @rule(command=orders.join_room)
    def join_room(self, command: cmd.JoinRoom) -> None:
        self.by_somebody(command)

    @rule(command=orders.leave_room)
    def leave_room(self, command: cmd.LeaveRoom) -> None:
        self.by_somebody(command)

    @rule(command=orders.set_topic)
    def set_topic(self, command: cmd.SetTopic) -> None:
        self.by_somebody(command)

    @rule(command=orders.post_message)
    def post_message(self, command: cmd.PostMessage) -> None:
        self.by_somebody(command)

    @rule(commands=st.lists(orders.post_message, min_size=2, max_size=8))
    def talk(self, commands: list[cmd.PostMessage]) -> None:
        for command in commands:
            self.by_somebody(command)

    @rule(command=orders.start_instance)
    def restart(self, command: cmd.StartInstance) -> None:
        self.give(command)

    @rule(command=orders.kick_user)
    def kick_user(self, command: cmd.KickUser) -> None:
        self.give(command)

    @rule(command=orders.prune)
    def prune(self, command: cmd.Prune) -> None:
        self.give(command)

    @rule(command=orders.prune_answers)
    def prune_answers(self, command: cmd.PruneAnswers) -> None:
        self.give(command)

    @rule(number=st.integers(0, 200))
    def retry(self, number: int) -> None:
        """Give an earlier post again, as a client does that missed the answer."""
        posts = [g.command for g in self.scene.given if isinstance(g.command, cmd.PostMessage)]
        if posts:
            self.give(posts[number % len(posts)]._replace(wait_ms=number % 2 * 50))

    # -------------------------------------------------------------- invariants

    @invariant()
    def knows_what_the_plain_rules_know(self) -> None:
        state, oracle = self.scene.state, self.oracle
        assert {u.user_id: u.name for u in state.users.values()} == oracle.users
        assert {
            s.session_id: (s.user_id, s.until_ms, s.instance, s.attachment)
            for s in state.sessions.values()
        } == {n: (c.user, c.until, c.instance, c.stream) for n, c in oracle.clients.items()}
        assert {
            r.room_id: (r.name, r.topic, r.opener_id, frozenset(r.member_ids))
            for r in state.rooms.values()
        } == {n: (p.name, p.topic, p.opener, p.people) for n, p in oracle.places.items()}
        assert set(state.members.snapshot()) == {
            (n, user) for n, p in oracle.places.items() for user in p.members
        }
        assert state.heads.snapshot() == {n: len(p.log) for n, p in oracle.places.items()}
        assert state.leftovers.snapshot() == {n: len(p.log) for n, p in oracle.ruins.items()}
        assert state.firsts.snapshot() == {
            n: p.gone + 1 for n, p in (oracle.places | oracle.ruins).items() if p.gone
        }
        assert {*self.scene.first_answers} == {*oracle.said}

    @invariant()
    def seqs_are_dense(self) -> None:
        logs: dict[int, list[int]] = {}
        for event in self.scene.events:
            if isinstance(event, (ev.MessagePosted, ev.TopicChanged)):
                logs.setdefault(event.room_id, []).append(event.seq)
        for log in logs.values():
            assert log == list(range(1, len(log) + 1))

    @invariant()
    def indexes_agree_with_records(self) -> None:
        assert_indexes_agree(self.scene.state)

    @invariant()
    def counters_never_fall(self) -> None:
        now = self.scene.state.counters.snapshot()
        assert all(now[name] >= before for name, before in self.counters.items())
        assert now.get("position", 0) == len(self.scene.events)
        self.counters = now

    @invariant()
    def time_never_goes_back(self) -> None:
        times = [event.time_ms for event in self.scene.events]
        assert times == sorted(times)

    @invariant()
    def fold_of_the_events_is_the_state(self) -> None:
        assert self.folded.snapshot() == self.scene.state.snapshot()

    def teardown(self) -> None:
        """Decide the whole story once more, in one batch that is never merged."""
        state = State()
        for given in self.scene.given:
            decision = decide(state, given.command, given.first_answer, given.now_ms)
            assert decision == given.decision
            if isinstance(decision, Accepted):
                for event in decision.events:
                    evolve(state, event)
        assert state.snapshot() == self.scene.state.snapshot()


def assert_indexes_agree(state: State) -> None:
    """Every index says what the records say, and no record names what is not there."""
    users, sessions = state.users.snapshot(), state.sessions.snapshot()
    rooms, members = state.rooms.snapshot(), state.members.snapshot()

    keys = [name_key(user.name) for user in users.values()]
    assert len(keys) == len(set(keys)), "two users have one name"
    assert state.user_ids.snapshot() == {name_key(u.name): n for n, u in users.items()}
    assert state.session_ids.snapshot() == {s.token_hash: n for n, s in sessions.items()}
    public = {n: room for n, room in rooms.items() if room.kind is RoomKind.PUBLIC}
    direct = {n: room for n, room in rooms.items() if room.kind is RoomKind.DIRECT}
    assert state.room_ids.snapshot() == {name_key(r.name): n for n, r in public.items()}
    assert len(state.room_ids.snapshot()) == len(public), "two public rooms have one name"
    assert state.direct_ids.snapshot() == {r.member_ids: n for n, r in direct.items()}
    assert len(state.direct_ids.snapshot()) == len(direct)
    assert set(state.heads.snapshot()) == set(rooms)

    assert all(session.user_id in users for session in sessions.values())
    assert {s.user_id for s in sessions.values()} == set(users), "a user without a session"
    assert all(room_id in rooms and user_id in users for room_id, user_id in members)
    for n, room in direct.items():
        present = [user_id for user_id in room.member_ids if (n, user_id) in members]
        assert present == [user_id for user_id in room.member_ids if user_id in users]
        assert present, "a direct message that nobody can read"
        assert list(room.member_ids) == sorted(set(room.member_ids))

    of_user: dict[int, list[int]] = {}
    for number, session in sessions.items():
        of_user.setdefault(session.user_id, []).append(number)
    assert {u: sorted(ns) for u, ns in of_user.items()} == {
        u: list(ns) for u, ns in state.sessions_of.snapshot().items()
    }
    rooms_of: dict[int, set[int]] = {}
    for room_id, user_id in members:
        rooms_of.setdefault(user_id, set()).add(room_id)
    assert rooms_of == {u: set(ns) for u, ns in state.rooms_of.snapshot().items()}
    assert all(len(ns) == len(set(ns)) for ns in state.rooms_of.snapshot().values())


TestChatAgainstPlainRules = ChatAgainstPlainRules.TestCase
TestChatAgainstPlainRules.settings = settings(
    max_examples=120, stateful_step_count=50, deadline=None
)
