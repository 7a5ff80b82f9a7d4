"""The rules of starting, restarting and stopping, told as transcripts."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from chat_service.config import MAX_INSTANCES, InstanceConfig, LaunchConfig, ServerLimits
from chat_service.launcher.actions import (
    Action,
    Announce,
    Attend,
    Configure,
    Log,
    Refuse,
    Release,
    Say,
    Send,
    Start,
    Tell,
    TellOwnerCode,
    TellOwnerCodeVoid,
)
from chat_service.launcher.place import KILL_SHARE, STEADY_SECONDS
from chat_service.launcher.supervisor import Supervisor
from chat_service.link import Answer, Ask, InstanceGone, InstanceState, Refusal, Stopping, Verb

KILL_SECONDS = KILL_SHARE * ServerLimits().drain_s


def launch(instances: int, port: int = 50051) -> LaunchConfig:
    """Return the configuration of a launch."""
    return LaunchConfig("127.0.0.1", port, instances, Path("/data"))


def config(port: int) -> InstanceConfig:
    """Return the configuration of an instance on a port."""
    return launch(1).instance_config(port, str(port or "ephemeral-1"))


def orders(actions: list[Action]) -> list[Action]:
    """Return the actions without what the admin process is told."""
    return [action for action in actions if not isinstance(action, Tell | Say | Attend)]


def told(actions: list[Action]) -> list[tuple[int, str, str]]:
    """Return what is told of places: number, state and problem of each."""
    return [
        (action.place, str(action.state), action.problem)
        for action in actions
        if isinstance(action, Tell)
    ]


def said(actions: list[Action]) -> list[Answer | InstanceGone | Stopping]:
    """Return what else the admin process is told."""
    return [action.message for action in actions if isinstance(action, Say)]


def starts(actions: list[Action]) -> list[int]:
    """Return the places that are started."""
    return [action.place for action in actions if isinstance(action, Start)]


def without_remarks(actions: list[Action]) -> list[Action]:
    """Return the actions without the lines that are mere news."""
    return [each for each in orders(actions) if not isinstance(each, Log) or each.warning]


def logged(actions: list[Action]) -> str:
    """Return the one line that is logged."""
    (line,) = [action.line for action in actions if isinstance(action, Log)]
    return line


@pytest.fixture
def two() -> Supervisor:
    """Give a supervisor whose two instances listen since second 0."""
    supervisor = Supervisor(launch(2))
    supervisor.start()
    supervisor.ready(1, "127.0.0.1:50051", 0)
    supervisor.ready(2, "127.0.0.1:50052", 0)
    return supervisor


def test_every_instance_is_started_and_announced() -> None:
    """All are started at once, and each is announced when it listens, with its data."""
    supervisor = Supervisor(launch(2))
    assert orders(supervisor.start()) == [Start(1, config(50051)), Start(2, config(50052))]
    assert orders(supervisor.ready(2, "127.0.0.1:50052", 0.3)) == [
        Announce("listening on 127.0.0.1:50052 (data in /data/50052)")
    ]
    assert supervisor.deadline is None
    assert not supervisor.done


def codes(actions: list[Action]) -> list[tuple[str, ...]]:
    """Return of which instances the code for the first admin is told."""
    return [action.addresses for action in actions if isinstance(action, TellOwnerCode)]


def test_code_for_the_first_admin_is_told_once() -> None:
    """When all listen, of those that took it; before the console; and again of no place."""
    supervisor = Supervisor(launch(3))
    supervisor.start()
    assert codes(supervisor.ready(1, "127.0.0.1:50051", 0, owner_code=True)) == []
    assert codes(supervisor.ready(2, "127.0.0.1:50052", 0)) == []
    actions = supervisor.ready(3, "127.0.0.1:50053", 0, owner_code=True)
    assert codes(actions) == [("127.0.0.1:50051", "127.0.0.1:50053")]
    kinds = [type(action) for action in actions]
    assert kinds.index(TellOwnerCode) < kinds.index(Attend)
    for number, told in ((1, []), (2, [("127.0.0.1:50052",)])):
        supervisor.exited(number, 1, 20)
        address = f"127.0.0.1:5005{number}"
        assert codes(supervisor.ready(number, address, 21, owner_code=True)) == told
    supervisor.exited(1, 1, 40)
    assert codes(supervisor.ready(1, "127.0.0.1:50051", 41)) == []


def test_code_that_is_good_no_more() -> None:
    """It is told once of a place of which it was told, also where only the next process knows."""
    supervisor = Supervisor(launch(2))
    supervisor.start()
    supervisor.ready(1, "127.0.0.1:50051", 0, owner_code=True)
    assert supervisor.owner_code_void(1) == []
    supervisor.ready(2, "127.0.0.1:50052", 0, owner_code=True)
    assert supervisor.owner_code_void(2) == [TellOwnerCodeVoid("127.0.0.1:50052")]
    assert supervisor.owner_code_void(2) == []
    supervisor = Supervisor(launch(1))
    supervisor.start()
    supervisor.ready(1, "127.0.0.1:50051", 0, owner_code=True)
    supervisor.exited(1, 1, 20)
    actions = supervisor.ready(1, "127.0.0.1:50051", 21)
    assert TellOwnerCodeVoid("127.0.0.1:50051") in actions


def test_code_of_an_instance_that_is_added() -> None:
    """It is told of that instance alone."""
    supervisor = Supervisor(launch(1))
    supervisor.start()
    supervisor.ready(1, "127.0.0.1:50051", 0, owner_code=True)
    supervisor.ask(Ask(1, Verb.START, 50060), 1)
    actions = supervisor.ready(2, "127.0.0.1:50060", 2, owner_code=True)
    assert codes(actions) == [("127.0.0.1:50060",)]


def test_first_failure_ends_the_launch() -> None:
    """An instance that cannot start at first is told once, and everything else is stopped."""
    supervisor = Supervisor(launch(3))
    supervisor.start()
    supervisor.ready(1, "127.0.0.1:50051", 0.2)
    first = supervisor.failed(2, "cannot listen on 127.0.0.1:50052", 0.3)
    assert first[0] == Refuse("cannot listen on 127.0.0.1:50052")
    assert {Release(1), Release(3)} <= set(first)
    assert orders(supervisor.failed(3, "cannot listen on 127.0.0.1:50053", 0.3)) == []
    assert orders(supervisor.exited(2, 1, 0.4)) == []
    assert orders(supervisor.exited(3, 1, 0.4)) == []
    assert not supervisor.done
    assert orders(supervisor.exited(1, 0, 0.5)) == []
    assert supervisor.done
    assert supervisor.status == 1


def test_crash_before_listening_ends_the_launch() -> None:
    """A first process that dies without a word is told with how it ended."""
    supervisor = Supervisor(launch(2))
    supervisor.start()
    actions = supervisor.exited(1, -signal.SIGSEGV, 0.1)
    assert orders(actions) == [
        Refuse("instance 127.0.0.1:50051 was ended by SIGSEGV before it listened"),
        Release(2),
    ]
    assert supervisor.status == 1


def test_system_without_a_process_ends_the_launch() -> None:
    """Where the system gives no process the reason is told, and the others are stopped."""
    supervisor = Supervisor(launch(2))
    supervisor.start()
    assert orders(supervisor.not_started(1, "no process", 0.1)) == [
        Refuse("no process"),
        Release(2),
    ]


def test_crash_is_restarted_at_once(two: Supervisor) -> None:
    """The first crash is followed at once by a start on the same port; the other goes on."""
    actions = two.exited(1, -signal.SIGKILL, 3)
    assert logged(actions) == ("instance 127.0.0.1:50051 was ended by SIGKILL; next start at once")
    assert starts(actions) == [1]
    assert orders(two.ready(1, "127.0.0.1:50051", 4)) == [
        Log("instance 127.0.0.1:50051 listens again", warning=False)
    ]


def test_ended_without_being_asked_is_restarted(two: Supervisor) -> None:
    """A process that exits with 0 though nobody stopped it is started again."""
    assert starts(two.exited(2, 0, 3)) == [2]


def test_crash_loop_slows_down_alone(two: Supervisor) -> None:
    """Delays double while runs are short, up to the longest, and other places are not touched."""
    now, delays = 0.0, []
    for _ in range(9):
        now += 1
        two.exited(1, 1, now)
        delay = 0.0
        if two.deadline is not None:
            delay = two.deadline - now
            assert starts(two.tick(two.deadline - 0.001)) == []
            now = two.deadline
            assert starts(two.tick(now)) == [1]
        delays.append(delay)
        two.ready(1, "127.0.0.1:50051", now)
    assert delays == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert starts(two.exited(2, 1, now)) == [2]


def test_steady_run_forgives(two: Supervisor) -> None:
    """After a run of ten seconds a crash is again followed by a start at once."""
    now = 0.0
    for _ in range(3):
        two.exited(1, 1, now)
        now += 10
        two.tick(now)
        two.ready(1, "127.0.0.1:50051", now)
    assert starts(two.exited(1, 1, now + STEADY_SECONDS - 0.1)) == []
    two.tick(now + 100)
    two.ready(1, "127.0.0.1:50051", now + 100)
    assert starts(two.exited(1, 1, now + 100 + STEADY_SECONDS)) == [1]


def test_restart_that_cannot_listen_backs_off(two: Supervisor) -> None:
    """A restart that finds its port taken tries again later, however long it took to fail."""
    two.exited(1, 1, 20)
    assert (
        orders(two.failed(1, "cannot listen on 127.0.0.1:50051: address already in use", 50)) == []
    )
    actions = two.exited(1, 1, 50)
    assert logged(actions) == (
        "instance 127.0.0.1:50051 cannot start again: "
        "cannot listen on 127.0.0.1:50051: address already in use; next start in 1 s"
    )
    assert starts(actions) == []
    assert two.deadline == 51
    two.tick(51)
    assert "was ended by SIGKILL; next start in 2 s" in logged(two.exited(1, -9, 52))


def test_restart_without_a_process_backs_off(two: Supervisor) -> None:
    """A restart for which the system has no process is tried again later."""
    two.exited(1, 1, 1)
    assert "cannot start again: no process; next start in 1 s" in logged(
        two.not_started(1, "no process", 1)
    )


def test_chosen_port_is_kept() -> None:
    """An instance that got its port from the system gets the same one after a crash."""
    supervisor = Supervisor(launch(1, port=0))
    assert orders(supervisor.start()) == [Start(1, config(0))]
    supervisor.ready(1, "127.0.0.1:41234", 0)
    (_, start, *_) = supervisor.exited(1, 1, 1)
    assert isinstance(start, Start)
    assert (start.config.port, start.config.data_dir) == (41234, Path("/data/ephemeral-1"))


def test_stop_releases_everybody_and_waits(two: Supervisor) -> None:
    """A signal lets all drain at the same time; the end comes when the last is gone."""
    assert without_remarks(two.stop(5)) == [Release(1), Release(2)]
    assert orders(two.exited(2, 0, 6)) == []
    assert not two.done
    assert orders(two.exited(1, 0, 7)) == []
    assert two.done
    assert two.status == 0


def test_stop_during_the_start_is_no_failure() -> None:
    """Whoever stops while instances still start sees neither announcements nor failures."""
    supervisor = Supervisor(launch(2))
    supervisor.start()
    supervisor.stop(0.1)
    assert orders(supervisor.ready(1, "127.0.0.1:50051", 0.2)) == []
    assert orders(supervisor.failed(2, "cannot listen", 0.2)) == []
    assert orders(supervisor.exited(2, 1, 0.3)) == []
    assert orders(supervisor.exited(1, 0, 0.3)) == []
    assert (supervisor.done, supervisor.status) == (True, 0)


def test_stop_while_a_restart_waits(two: Supervisor) -> None:
    """An instance that waits for its restart is not started any more."""
    two.exited(1, 1, 1)
    two.exited(1, 1, 2)
    assert without_remarks(two.stop(2.5)) == [Release(2)]
    assert orders(two.tick(3)) == []
    two.exited(2, 0, 3)
    assert two.done


def test_second_signal_hurries(two: Supervisor) -> None:
    """A further signal is passed on as SIGTERM to those that still drain."""
    two.stop(5)
    two.exited(1, 0, 6)
    assert orders(two.stop(6)) == [Send(2, signal.SIGTERM)]


def test_whoever_hangs_is_killed(two: Supervisor) -> None:
    """What has not ended in time is killed once, and the stop counts as a stop."""
    two.stop(5)
    two.exited(1, 0, 6)
    assert two.deadline == 5 + KILL_SECONDS
    assert orders(two.tick(5 + KILL_SECONDS - 0.1)) == []
    assert orders(two.tick(5 + KILL_SECONDS)) == [Send(2, signal.SIGKILL)]
    assert two.deadline is None
    assert "was ended by SIGKILL" in logged(two.exited(2, -signal.SIGKILL, 15))
    assert (two.done, two.status) == (True, 0)


def test_admin_process_is_begun_when_all_have_listened() -> None:
    """It comes after the last of the first instances, once, also if one has fallen meanwhile."""
    supervisor = Supervisor(launch(2))
    supervisor.start()
    assert Attend() not in supervisor.ready(1, "127.0.0.1:50051", 1)
    assert Attend() not in supervisor.exited(1, 1, 2)
    assert Attend() in supervisor.ready(2, "127.0.0.1:50052", 3)
    assert Attend() not in supervisor.ready(1, "127.0.0.1:50051", 4)


def test_what_becomes_of_a_place_is_told() -> None:
    """Each state is told once, and why an instance does not serve."""
    supervisor = Supervisor(launch(1))
    assert told(supervisor.start()) == [(1, "starting", "")]
    assert told(supervisor.ready(1, "127.0.0.1:50051", 0)) == [(1, "serving", "")]
    assert told(supervisor.exited(1, -9, 1)) == [
        (1, "starting", "was ended by SIGKILL; next start at once")
    ]
    supervisor.ready(1, "127.0.0.1:50051", 2)
    actions = supervisor.exited(1, 3, 3)
    assert told(actions) == [(1, "waiting", "ended with exit status 3; next start in 1 s")]
    assert told(supervisor.tick(3.5)) == []
    (tell,) = [action for action in supervisor.tick(4) if isinstance(action, Tell)]
    assert tell.restarts == 2
    assert told(supervisor.ready(1, "127.0.0.1:50051", 5)) == [(1, "serving", "")]
    assert told(supervisor.stop(6)) == [(1, "stopping", "")]
    assert told(supervisor.exited(1, 0, 7)) == [(1, "stopped", "")]


def ask(supervisor: Supervisor, verb: Verb, port: int = 0, now: float = 20) -> list[Action]:
    """Ask for something under the number 1."""
    return supervisor.ask(Ask(1, verb, port), now)


def test_instance_is_added(two: Supervisor) -> None:
    """A start on a new port is answered when the instance listens; it has data of its own."""
    actions = ask(two, Verb.START, 50060)
    assert orders(actions) == [Start(3, config(50060))]
    assert told(actions) == [(3, "starting", "")]
    assert said(actions) == []
    actions = two.ready(3, "127.0.0.1:50060", 21)
    assert actions[-2:] == [
        Tell(3, "127.0.0.1:50060", 50060, InstanceState.SERVING, 0, "/data/50060", ""),
        Say(Answer(1, instances=(3,))),
    ]
    assert logged(actions) == "instance 127.0.0.1:50060 listens"


def test_next_port_is_the_one_after_the_highest(two: Supervisor) -> None:
    """A start without a port takes the one after the highest, also of one that is stopped."""
    ask(two, Verb.START, 50060)
    two.ready(3, "127.0.0.1:50060", 21)
    ask(two, Verb.STOP, 50060)
    two.exited(3, 0, 22)
    assert orders(ask(two, Verb.START)) == [Start(4, config(50061))]


def test_new_instance_that_cannot_start_leaves_no_trace(two: Supervisor) -> None:
    """The reason is the answer; the place goes, its number is not used again."""
    ask(two, Verb.START, 50060)
    assert two.failed(3, "cannot listen on 127.0.0.1:50060", 21) == []
    actions = two.exited(3, 1, 22)
    assert orders(actions) == [Log("cannot listen on 127.0.0.1:50060")]
    assert said(actions) == [
        InstanceGone(3),
        Answer(1, Refusal.INSTANCE_FAILED, "cannot listen on 127.0.0.1:50060"),
    ]
    assert (two.status, two.stopping) == (0, False)
    assert starts(ask(two, Verb.START, 50060)) == [4]


def test_new_instance_that_crashes_is_told(two: Supervisor) -> None:
    """A first process that dies without a word is answered with how it ended."""
    ask(two, Verb.START, 50060)
    (_, answer) = said(two.exited(3, -11, 22))
    assert answer == Answer(
        1,
        Refusal.INSTANCE_FAILED,
        "instance 127.0.0.1:50060 was ended by SIGSEGV before it listened",
    )


def test_instance_is_removed_and_comes_back(two: Supervisor) -> None:
    """A stop is answered when the process is gone; a start fills the same place again."""
    actions = ask(two, Verb.STOP, 50051)
    assert without_remarks(actions) == [Release(1)]
    assert told(actions) == [(1, "stopping", "")]
    assert two.deadline == 20 + KILL_SECONDS
    actions = two.exited(1, 0, 21)
    assert orders(actions) == []
    assert told(actions) == [(1, "stopped", "")]
    assert said(actions) == [Answer(1, instances=(1,))]
    assert two.deadline is None
    assert not two.done
    assert orders(ask(two, Verb.START, 50051)) == [Start(1, config(50051))]
    assert said(two.ready(1, "127.0.0.1:50051", 22)) == [Answer(1, instances=(1,))]


def test_stopped_instance_that_cannot_start_again_stays(two: Supervisor) -> None:
    """Its place is stopped as before, with the reason, and nothing tries again by itself."""
    ask(two, Verb.STOP, 50051)
    two.exited(1, 0, 21)
    ask(two, Verb.START, 50051)
    two.failed(1, "cannot listen", 22)
    actions = two.exited(1, 1, 22)
    assert told(actions) == [(1, "stopped", "cannot listen")]
    assert said(actions) == [Answer(1, Refusal.INSTANCE_FAILED, "cannot listen")]
    assert two.deadline is None


def test_whoever_hangs_in_a_stop_is_killed_alone(two: Supervisor) -> None:
    """A stop that takes too long ends with a kill of that process, and is answered."""
    ask(two, Verb.STOP, 50051)
    assert two.tick(20 + KILL_SECONDS) == [Send(1, signal.SIGKILL)]
    actions = two.exited(1, -9, 30)
    assert said(actions) == [Answer(1, instances=(1,))]
    assert logged(actions) == "instance 127.0.0.1:50051 was ended by SIGKILL"


def test_all_are_stopped(two: Supervisor) -> None:
    """A stop of all is answered when the last one that ran is gone; everything else goes on."""
    ask(two, Verb.STOP, 50051)
    two.exited(1, 0, 21)
    ask(two, Verb.START, 50060)
    two.ready(3, "127.0.0.1:50060", 22)
    two.exited(3, 1, 22)
    two.ready(3, "127.0.0.1:50060", 22)
    two.exited(3, 1, 22)
    actions = two.ask(Ask(2, Verb.STOP), 22)
    assert without_remarks(actions) == [Release(2)]
    assert told(actions) == [(2, "stopping", ""), (3, "stopped", "")]
    assert said(two.exited(2, 0, 23)) == [Answer(2, instances=(2, 3))]
    assert not two.done
    (answer,) = said(ask(two, Verb.STOP))
    assert answer == Answer(1, Refusal.INSTANCE_NOT_RUNNING, "no instance runs")


def test_restart_is_a_stop_and_a_start(two: Supervisor) -> None:
    """The next process starts when the last one is gone; the answer comes when it listens."""
    assert without_remarks(ask(two, Verb.RESTART, 50052)) == [Release(2)]
    actions = two.exited(2, 0, 21)
    assert orders(actions) == [Start(2, config(50052))]
    assert said(actions) == []
    actions = two.ready(2, "127.0.0.1:50052", 22)
    assert said(actions) == [Answer(1, instances=(2,))]
    (tell,) = [action for action in actions if isinstance(action, Tell)]
    assert tell.restarts == 0


def test_restart_forgives_and_does_not_wait(two: Supervisor) -> None:
    """Whoever waits for the next try, or is stopped, is started at once."""
    two.exited(1, 1, 1)
    two.exited(1, 1, 1)
    assert orders(ask(two, Verb.RESTART, 50051)) == [Start(1, config(50051))]
    two.ready(1, "127.0.0.1:50051", 21)
    assert starts(two.exited(1, 1, 21)) == [1]
    ask(two, Verb.STOP, 50052)
    two.exited(2, 0, 21)
    assert orders(ask(two, Verb.RESTART, 50052)) == [Start(2, config(50052))]


def test_restart_that_fails_can_be_followed_by_a_start(two: Supervisor) -> None:
    """The place is stopped with the reason, and starts when it is asked for."""
    ask(two, Verb.RESTART, 50051)
    two.exited(1, 0, 21)
    two.failed(1, "cannot listen", 22)
    actions = two.exited(1, 1, 22)
    assert told(actions) == [(1, "stopped", "cannot listen")]
    assert said(actions) == [Answer(1, Refusal.INSTANCE_FAILED, "cannot listen")]
    assert starts(ask(two, Verb.START, 50051)) == [1]


def test_start_during_a_stop_follows_it(two: Supervisor) -> None:
    """Who is on the way out is started when gone, and both are answered."""
    ask(two, Verb.STOP, 50051)
    assert two.ask(Ask(2, Verb.START, 50051), 21) == []
    actions = two.exited(1, 0, 22)
    assert starts(actions) == [1]
    assert said(actions) == [Answer(1, instances=(1,))]
    assert said(two.ready(1, "127.0.0.1:50051", 23)) == [Answer(2, instances=(1,))]


def test_start_during_a_restart_is_refused(two: Supervisor) -> None:
    """It comes back anyhow."""
    ask(two, Verb.RESTART, 50051)
    (answer,) = said(two.ask(Ask(2, Verb.START, 50051), 21))
    assert isinstance(answer, Answer)
    assert (answer.number, answer.refusal) == (2, Refusal.INSTANCE_EXISTS)


def test_stop_outweighs_a_restart(two: Supervisor) -> None:
    """Who asked for the restart is told, and the place stays stopped."""
    ask(two, Verb.RESTART, 50051)
    (refused,) = said(two.ask(Ask(2, Verb.STOP, 50051), 21))
    assert refused == Answer(
        1,
        Refusal.INSTANCE_NOT_RUNNING,
        "instance 127.0.0.1:50051 was stopped before it listened",
    )
    actions = two.exited(1, 0, 22)
    assert starts(actions) == []
    assert said(actions) == [Answer(2, instances=(1,))]


def test_added_instance_is_restarted_like_the_others(two: Supervisor) -> None:
    """Once it has listened a crash is followed by a start, and the launch goes on."""
    ask(two, Verb.START, 50060)
    two.ready(3, "127.0.0.1:50060", 21)
    assert starts(two.exited(3, -9, 22)) == [3]


@pytest.mark.parametrize(
    ("verb", "port", "refusal", "line"),
    [
        (
            Verb.START,
            50051,
            Refusal.INSTANCE_EXISTS,
            "there is an instance on port 50051 already, which is serving",
        ),
        (
            Verb.START,
            65_536,
            Refusal.PORT_INVALID,
            "port 65536: not a number from 1 to 65535",
        ),
        (Verb.START, -1, Refusal.PORT_INVALID, "port -1: not a number from 1 to 65535"),
        (Verb.STOP, 50060, Refusal.INSTANCE_NOT_FOUND, "no instance has the port 50060"),
        (Verb.RESTART, 50060, Refusal.INSTANCE_NOT_FOUND, "no instance has the port 50060"),
        (Verb.RESTART, 0, Refusal.INSTANCE_NOT_FOUND, "no instance has the port 0"),
    ],
)
def test_what_makes_no_sense_is_refused(
    two: Supervisor, verb: Verb, port: int, refusal: Refusal, line: str
) -> None:
    """The answer is one line, and nothing else happens."""
    assert ask(two, verb, port) == [Say(Answer(1, refusal, line))]


def test_stopped_twice_is_refused(two: Supervisor) -> None:
    """Who has no process cannot be stopped."""
    ask(two, Verb.STOP, 50051)
    two.exited(1, 0, 21)
    assert ask(two, Verb.STOP, 50051) == [
        Say(Answer(1, Refusal.INSTANCE_NOT_RUNNING, "the instance on port 50051 does not run"))
    ]


def test_there_is_a_most(two: Supervisor) -> None:
    """More instances than there may be are refused."""
    for port in range(50053, 50051 + MAX_INSTANCES):
        ask(two, Verb.START, port)
    (answer,) = said(ask(two, Verb.START))
    assert isinstance(answer, Answer)
    assert answer.refusal is Refusal.TOO_MANY_INSTANCES
    assert "256" in answer.line


def test_shutdown_is_a_stop_of_everything(two: Supervisor) -> None:
    """It is answered at once, and a second one makes it quick."""
    actions = ask(two, Verb.SHUTDOWN)
    assert without_remarks(actions) == [Release(1), Release(2)]
    assert said(actions) == [Answer(1), Stopping()]
    assert ask(two, Verb.SHUTDOWN) == [
        Send(1, signal.SIGTERM),
        Send(2, signal.SIGTERM),
        Say(Answer(1)),
    ]


def test_stop_of_everything_answers_all_that_is_open(two: Supervisor) -> None:
    """Nobody waits for what will not come, and what is asked from then on is refused."""
    ask(two, Verb.START, 50060)
    two.ask(Ask(2, Verb.RESTART, 50051), 20)
    actions = two.stop(21)
    assert without_remarks(actions) == [Release(2), Release(3)]
    refused = [Answer(number, Refusal.STOPPING, "everything is being stopped") for number in (1, 2)]
    assert said(actions) == [Stopping(), *refused]
    assert said(two.ask(Ask(3, Verb.STOP, 50052), 22)) == [
        Answer(3, Refusal.STOPPING, "everything is being stopped")
    ]
    for place in (1, 2, 3):
        assert not two.done
        assert starts(two.exited(place, 0, 23)) == []
    assert (two.done, two.status) == (True, 0)


def test_nobody_is_answered_when_the_admin_process_is_gone(two: Supervisor) -> None:
    """What was asked is done all the same."""
    ask(two, Verb.RESTART, 50051)
    two.forget_asks()
    assert starts(two.exited(1, 0, 21)) == [1]
    assert said(two.ready(1, "127.0.0.1:50051", 22)) == []


def test_new_configuration_reaches_all(two: Supervisor) -> None:
    """Whoever runs is told; whoever starts later starts with it; what was chosen stays."""
    ask(two, Verb.STOP, 50052)
    two.exited(2, 0, 21)
    new = replace(launch(2), log_level="debug")
    debug = replace(config(50051), log_level="debug")
    assert two.configure(new) == [Configure(1, debug)]
    assert two.configure(new) == []
    assert orders(ask(two, Verb.START, 50052)) == [Start(2, new.instance_config(50052, "50052"))]
    assert orders(ask(two, Verb.START, 50060)) == [Start(3, new.instance_config(50060, "50060"))]
    assert orders(two.exited(1, 1, 23))[1:] == [Start(1, debug)]


def test_new_configuration_keeps_port_and_data() -> None:
    """An instance whose port the system chose stays where it is."""
    supervisor = Supervisor(launch(1, port=0))
    supervisor.start()
    supervisor.ready(1, "127.0.0.1:41234", 0)
    (action,) = supervisor.configure(replace(launch(1, port=0), disk_reserve=7))
    assert isinstance(action, Configure)
    assert action.config.port == 41234
    assert action.config.data_dir == Path("/data/ephemeral-1")
    assert action.config.disk_reserve == 7
