"""The rules of starting, restarting and stopping, told as transcripts."""

import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.config import InstanceConfig
from chat_service.supervisor import (
    KILL_SECONDS,
    MAX_DELAY_SECONDS,
    STEADY_SECONDS,
    Action,
    Announce,
    Log,
    Refuse,
    Release,
    Send,
    Start,
    Supervisor,
    describe_exit,
    restart_delay,
)


def config(port: int) -> InstanceConfig:
    """Return the configuration of an instance on a port."""
    return InstanceConfig("127.0.0.1", port, Path(f"/data/{port or 'ephemeral-1'}"), "info", True)


def starts(actions: list[Action]) -> list[int]:
    """Return the places that are started."""
    return [action.place for action in actions if isinstance(action, Start)]


def without_news(actions: list[Action]) -> list[Action]:
    """Return the actions without the lines that are mere news."""
    return [action for action in actions if not isinstance(action, Log) or action.warning]


def logged(actions: list[Action]) -> str:
    """Return the one line that is logged."""
    (line,) = [action.line for action in actions if isinstance(action, Log)]
    return line


@pytest.fixture
def two() -> Supervisor:
    """Give a supervisor whose two instances listen since second 0."""
    supervisor = Supervisor([config(50051), config(50052)])
    supervisor.start()
    supervisor.ready(0, "127.0.0.1:50051", 0)
    supervisor.ready(1, "127.0.0.1:50052", 0)
    return supervisor


def test_every_instance_is_started_and_announced() -> None:
    """All are started at once, and each is announced when it listens, with its data."""
    supervisor = Supervisor([config(50051), config(50052)])
    assert supervisor.start() == [Start(0, config(50051)), Start(1, config(50052))]
    assert supervisor.ready(1, "127.0.0.1:50052", 0.3) == [
        Announce("listening on 127.0.0.1:50052 (data in /data/50052)")
    ]
    assert supervisor.deadline is None
    assert not supervisor.done


def test_first_failure_ends_the_launch() -> None:
    """An instance that cannot start at first is told once, and everything else is stopped."""
    supervisor = Supervisor([config(50051), config(50052), config(50053)])
    supervisor.start()
    supervisor.ready(0, "127.0.0.1:50051", 0.2)
    first = supervisor.failed(1, "cannot listen on 127.0.0.1:50052", 0.3)
    assert first[0] == Refuse("cannot listen on 127.0.0.1:50052")
    assert {Release(0), Release(2)} <= set(first)
    assert supervisor.failed(2, "cannot listen on 127.0.0.1:50053", 0.3) == []
    assert supervisor.exited(1, 1, 0.4) == []
    assert supervisor.exited(2, 1, 0.4) == []
    assert not supervisor.done
    assert supervisor.exited(0, 0, 0.5) == []
    assert supervisor.done
    assert supervisor.status == 1


def test_crash_before_listening_ends_the_launch() -> None:
    """A first process that dies without a word is told with how it ended."""
    supervisor = Supervisor([config(50051), config(50052)])
    supervisor.start()
    actions = supervisor.exited(0, -signal.SIGSEGV, 0.1)
    assert actions == [
        Refuse("instance 127.0.0.1:50051 was ended by SIGSEGV before it listened"),
        Release(1),
    ]
    assert supervisor.status == 1


def test_system_without_a_process_ends_the_launch() -> None:
    """Where the system gives no process the reason is told, and the others are stopped."""
    supervisor = Supervisor([config(50051), config(50052)])
    supervisor.start()
    assert supervisor.not_started(0, "no process", 0.1) == [Refuse("no process"), Release(1)]


def test_crash_is_restarted_at_once(two: Supervisor) -> None:
    """The first crash is followed at once by a start on the same port; the other goes on."""
    actions = two.exited(0, -signal.SIGKILL, 3)
    assert logged(actions) == ("instance 127.0.0.1:50051 was ended by SIGKILL; next start at once")
    assert starts(actions) == [0]
    assert two.ready(0, "127.0.0.1:50051", 4) == [
        Log("instance 127.0.0.1:50051 listens again", warning=False)
    ]


def test_ended_without_being_asked_is_restarted(two: Supervisor) -> None:
    """A process that exits with 0 though nobody stopped it is started again."""
    assert starts(two.exited(1, 0, 3)) == [1]


def test_crash_loop_slows_down_alone(two: Supervisor) -> None:
    """Delays double while runs are short, up to the longest, and other places are not touched."""
    now, delays = 0.0, []
    for _ in range(9):
        now += 1
        two.exited(0, 1, now)
        delay = 0.0
        if two.deadline is not None:
            delay = two.deadline - now
            assert starts(two.tick(two.deadline - 0.001)) == []
            now = two.deadline
            assert starts(two.tick(now)) == [0]
        delays.append(delay)
        two.ready(0, "127.0.0.1:50051", now)
    assert delays == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert starts(two.exited(1, 1, now)) == [1]


def test_steady_run_forgives(two: Supervisor) -> None:
    """After a run of ten seconds a crash is again followed by a start at once."""
    now = 0.0
    for _ in range(3):
        two.exited(0, 1, now)
        now += 10
        two.tick(now)
        two.ready(0, "127.0.0.1:50051", now)
    assert starts(two.exited(0, 1, now + STEADY_SECONDS - 0.1)) == []
    two.tick(now + 100)
    two.ready(0, "127.0.0.1:50051", now + 100)
    assert starts(two.exited(0, 1, now + 100 + STEADY_SECONDS)) == [0]


def test_restart_that_cannot_listen_backs_off(two: Supervisor) -> None:
    """A restart that finds its port taken tries again later, however long it took to fail."""
    two.exited(0, 1, 20)
    assert two.failed(0, "cannot listen on 127.0.0.1:50051: address already in use", 50) == []
    actions = two.exited(0, 1, 50)
    assert logged(actions) == (
        "instance 127.0.0.1:50051 cannot start again: "
        "cannot listen on 127.0.0.1:50051: address already in use; next start in 1 s"
    )
    assert starts(actions) == []
    assert two.deadline == 51
    two.tick(51)
    assert "was ended by SIGKILL; next start in 2 s" in logged(two.exited(0, -9, 52))


def test_restart_without_a_process_backs_off(two: Supervisor) -> None:
    """A restart for which the system has no process is tried again later."""
    two.exited(0, 1, 1)
    assert "cannot start again: no process; next start in 1 s" in logged(
        two.not_started(0, "no process", 1)
    )


def test_chosen_port_is_kept() -> None:
    """An instance that got its port from the system gets the same one after a crash."""
    supervisor = Supervisor([config(0)])
    assert supervisor.start() == [Start(0, config(0))]
    supervisor.ready(0, "127.0.0.1:41234", 0)
    (_, start) = supervisor.exited(0, 1, 1)
    assert isinstance(start, Start)
    assert (start.config.port, start.config.data_dir) == (41234, Path("/data/ephemeral-1"))


def test_stop_releases_everybody_and_waits(two: Supervisor) -> None:
    """A signal lets all drain at the same time; the end comes when the last is gone."""
    assert without_news(two.stop(5)) == [Release(0), Release(1)]
    assert two.exited(1, 0, 6) == []
    assert not two.done
    assert two.exited(0, 0, 7) == []
    assert two.done
    assert two.status == 0


def test_stop_during_the_start_is_no_failure() -> None:
    """Whoever stops while instances still start sees neither announcements nor failures."""
    supervisor = Supervisor([config(50051), config(50052)])
    supervisor.start()
    supervisor.stop(0.1)
    assert supervisor.ready(0, "127.0.0.1:50051", 0.2) == []
    assert supervisor.failed(1, "cannot listen", 0.2) == []
    assert supervisor.exited(1, 1, 0.3) == []
    assert supervisor.exited(0, 0, 0.3) == []
    assert (supervisor.done, supervisor.status) == (True, 0)


def test_stop_while_a_restart_waits(two: Supervisor) -> None:
    """An instance that waits for its restart is not started any more."""
    two.exited(0, 1, 1)
    two.exited(0, 1, 2)
    assert without_news(two.stop(2.5)) == [Release(1)]
    assert two.tick(3) == []
    two.exited(1, 0, 3)
    assert two.done


def test_second_signal_hurries(two: Supervisor) -> None:
    """A further signal is passed on as SIGTERM to those that still drain."""
    two.stop(5)
    two.exited(0, 0, 6)
    assert two.stop(6) == [Send(1, signal.SIGTERM)]


def test_whoever_hangs_is_killed(two: Supervisor) -> None:
    """What has not ended in time is killed once, and the stop counts as a stop."""
    two.stop(5)
    two.exited(0, 0, 6)
    assert two.deadline == 5 + KILL_SECONDS
    assert two.tick(5 + KILL_SECONDS - 0.1) == []
    assert two.tick(5 + KILL_SECONDS) == [Send(1, signal.SIGKILL)]
    assert two.deadline is None
    assert "was ended by SIGKILL" in logged(two.exited(1, -signal.SIGKILL, 15))
    assert (two.done, two.status) == (True, 0)


@given(runs=st.lists(st.floats(0, 60), max_size=40))
def test_delay_grows_only_while_runs_are_short(runs: list[float]) -> None:
    """Each delay follows the rule from the one before it, whatever the runs were."""
    last: float | None = None
    for served in runs:
        delay = restart_delay(last, served)
        if last is None or served >= STEADY_SECONDS:
            assert delay == 0
        else:
            assert delay == min(MAX_DELAY_SECONDS, 1 if last == 0 else 2 * last)
        last = delay


@pytest.mark.parametrize(
    ("returncode", "told"),
    [
        (0, "ended with exit status 0"),
        (3, "ended with exit status 3"),
        (-9, "was ended by SIGKILL"),
        (-250, "was ended by signal 250"),
    ],
)
def test_end_is_told_by_name(returncode: int, told: str) -> None:
    """An exit status is told as a number, a signal by its name where it has one."""
    assert describe_exit(returncode) == told
