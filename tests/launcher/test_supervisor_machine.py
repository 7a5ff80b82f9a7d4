"""Whatever happens in whatever order: the rules that hold for every run of the supervisor."""

from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chat_service.config import LaunchConfig, ServerLimits
from chat_service.launcher import actions as do
from chat_service.launcher.place import KILL_SHARE
from chat_service.launcher.supervisor import Supervisor
from chat_service.link import Answer, Ask, InstanceGone, InstanceState, Verb

KILL_SECONDS = KILL_SHARE * ServerLimits().drain_s

PORTS = st.integers(50051, 50055)


class Launch(RuleBasedStateMachine):
    """A supervisor, and a world in which its orders are carried out as the launcher does."""

    def __init__(self) -> None:
        super().__init__()
        self.supervisor = Supervisor(LaunchConfig("127.0.0.1", 50051, 2, Path("/data")))
        self.now = 0.0
        # The port of each process, by its place; those that were asked to end.
        self.running: dict[int, int] = {}
        self.listening: set[int] = set()
        self.released: set[int] = set()
        self.failing: set[int] = set()
        self.attended = False
        # What the admin process knows of places, and the asks that it has no answer to.
        self.known: dict[int, do.Tell] = {}
        self.numbers: set[int] = set()
        self.open: dict[int, Ask] = {}
        self.last_ask = 0
        self.perform(self.supervisor.start())

    def perform(self, actions: list[do.Action]) -> None:
        """Carry out what the supervisor wants, and check that it may."""
        for action in actions:
            match action:
                case do.Start(place, config):
                    assert place not in self.running, "two processes of one place"
                    assert config.port not in self.running.values(), "two processes of one port"
                    self.running[place] = config.port
                case do.Release(place):
                    assert place in self.running
                    assert place not in self.released
                    self.released.add(place)
                case do.Send(place, _):
                    assert place in self.running
                    assert place in self.released
                case do.Attend():
                    assert not self.attended
                    self.attended = True
                case do.Tell() as told:
                    assert told != self.known.get(told.place), "told twice"
                    if told.place not in self.known:
                        assert told.place not in self.numbers, "a number used again"
                        self.numbers.add(told.place)
                    self.known[told.place] = told
                case do.Say(Answer() as answer):
                    self.check(self.open.pop(answer.number), answer)
                case do.Say(InstanceGone(number)):
                    del self.known[number]

    def check(self, ask: Ask, answer: Answer) -> None:
        """Check that what an answer says has been told before it."""
        goal = {Verb.STOP: InstanceState.STOPPED}.get(ask.verb, InstanceState.SERVING)
        assert bool(answer.refusal) == bool(answer.line)
        for number in answer.instances:
            if ask.verb is Verb.STOP and len(answer.instances) > 1:
                # Who was stopped with others may have been started again while they drained.
                continue
            state = self.known[number].state
            again = goal is InstanceState.STOPPED and state is InstanceState.STARTING
            assert state is goal or again

    @precondition(lambda self: self.attended)
    @rule(verb=st.sampled_from([Verb.START, Verb.STOP, Verb.RESTART]), port=PORTS | st.just(0))
    def asked(self, verb: Verb, port: int) -> None:
        """Ask for something."""
        self.last_ask += 1
        ask = self.open[self.last_ask] = Ask(self.last_ask, verb, port)
        self.perform(self.supervisor.ask(ask, self.now))

    @precondition(lambda self: self.attended)
    @rule()
    def admin_process_dies(self) -> None:
        """Let nobody wait for answers any more."""
        self.open.clear()
        self.supervisor.forget_asks()

    @precondition(lambda self: self.running.keys() - self.listening - self.failing)
    @rule(data=st.data())
    def listens(self, data: st.DataObject) -> None:
        """Let a process listen, perhaps too late."""
        starting = sorted(self.running.keys() - self.listening - self.failing)
        place = data.draw(st.sampled_from(starting))
        self.listening.add(place)
        address = f"127.0.0.1:{self.running[place]}"
        self.perform(self.supervisor.ready(place, address, self.now))

    @precondition(lambda self: self.attended and self.running.keys() - self.listening)
    @rule(data=st.data())
    def fails(self, data: st.DataObject) -> None:
        """Let a process find that it cannot start; it ends a moment later."""
        place = data.draw(st.sampled_from(sorted(self.running.keys() - self.listening)))
        self.failing.add(place)
        self.perform(self.supervisor.failed(place, "the port is taken", self.now))

    @precondition(lambda self: self.attended and self.running)
    @rule(data=st.data(), returncode=st.sampled_from([0, 1, -9]))
    def exits(self, data: st.DataObject, returncode: int) -> None:
        """End a process, for whatever reason."""
        self.exit(data.draw(st.sampled_from(sorted(self.running))), returncode)

    @rule(seconds=st.sampled_from([0.5, 2.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        """Let nothing happen for a while."""
        self.now += seconds
        self.perform(self.supervisor.tick(self.now))

    @rule(chance=st.integers(0, 9))
    def stopped(self, chance: int) -> None:
        """Send a signal, now and then."""
        if chance == 0:
            self.perform(self.supervisor.stop(self.now))

    def exit(self, place: int, returncode: int) -> None:
        """End a process."""
        del self.running[place]
        for marks in (self.listening, self.released, self.failing):
            marks.discard(place)
        self.perform(self.supervisor.exited(place, returncode, self.now))

    @invariant()
    def done_only_without_processes(self) -> None:
        """See that it ends when it was stopped and nobody is left, and not before."""
        assert self.supervisor.done == (self.supervisor.stopping and not self.running)

    @invariant()
    def places_are_told_as_they_are(self) -> None:
        """See that who has a process is known to have one."""
        for number, told in self.known.items():
            alive = told.state not in (InstanceState.WAITING, InstanceState.STOPPED)
            assert alive == (number in self.running)
            assert (told.state is InstanceState.STOPPING) == (number in self.released)

    @invariant()
    def asks_wait_for_processes(self) -> None:
        """See that an ask is open only while a process starts or ends."""
        assert not self.open or self.released or self.running.keys() - self.listening

    def teardown(self) -> None:
        """Stop everything, by force; every ask has its answer."""
        self.perform(self.supervisor.stop(self.now))
        assert not self.open, "an ask without an answer"
        self.now += KILL_SECONDS
        self.perform(self.supervisor.tick(self.now))
        for place in list(self.running):
            self.exit(place, -9)
        assert self.supervisor.done
        assert self.supervisor.deadline is None
        assert {told.state for told in self.known.values()} == {InstanceState.STOPPED}


Launch.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestLaunch = Launch.TestCase
