"""The launcher's loop, with processes that are threads of the test holding real sockets."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chat_service import link
from chat_service.config import ConfigError, InstanceConfig
from chat_service.link import Answer, InstanceState, Refusal, Verb
from tests.launcher.fakes import (
    OWNER_CODE,
    PATIENCE,
    FakeAdmin,
    FakeClock,
    Running,
    started,
    wait_until,
)


@pytest.fixture
def one() -> Iterator[Running]:
    """Give a launcher of one instance, not yet started."""
    running = Running(1)
    yield running
    running.close()


@pytest.fixture
def two() -> Iterator[Running]:
    """Give a launcher of two instances, not yet started."""
    running = Running(2)
    yield running
    running.close()


def test_instances_are_announced_and_drained(two: Running) -> None:
    """Each instance is announced when it listens; a signal lets all drain before the exit."""
    two.start()
    first, second = two.next_process(), two.next_process()
    second.write(b'{"ready": "127.0')
    second.write(b'.0.1:50052"}\n')
    assert two.next_line() == "listening on 127.0.0.1:50052 (data in /data/50052)"
    assert two.admins.empty()
    first.listen()
    assert two.next_line() == "listening on 127.0.0.1:50051 (data in /data/50051)"
    two.stop(first, second, two.next_admin())


def test_code_for_the_first_admin_is_told(two: Running, caplog: pytest.LogCaptureFixture) -> None:
    """One line has the code and where it is good, once all listen; processes have its hash alone.

    It is the same for who comes later, and in no line of the log.
    """
    caplog.set_level("DEBUG")
    two.start()
    first, second = two.next_process(), two.next_process()
    assert {first.config, second.config} == {*map(started, two.config.instance_configs())}
    second.listen(owner_code=True)
    first.listen(owner_code=True)
    lines = [two.next_line() for _ in range(3)]
    assert [line.startswith("listening on") for line in lines] == [True, True, False]
    assert lines[2] == (
        f"no admin yet on 127.0.0.1:50051, 127.0.0.1:50052: whoever registers there with the "
        f"one-time code {OWNER_CODE} is the admin (in chat-cli: /register --owner)"
    )
    admin = two.next_admin()
    first.exit(-signal.SIGKILL)
    again = two.next_process()
    assert again.config == first.config
    again.listen(owner_code=True)
    admin.ask(1, Verb.START, 50060)
    added = two.next_process()
    added.listen(owner_code=True)
    assert two.next_line().startswith("no admin yet on 127.0.0.1:50060: whoever ")
    assert admin.hear_answer() == Answer(1, instances=(3,))
    two.stop(again, second, added, admin)
    assert two.lines.empty()
    assert OWNER_CODE not in caplog.text


def test_crash_is_logged_and_restarted(one: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A process that is gone is replaced on its port, with one line for each of the two."""
    caplog.set_level("INFO")
    (process,), admin = one.serving()
    process.exit(-signal.SIGKILL)
    again = one.next_process()
    assert again.config == process.config
    again.listen()
    again.exit(0)
    one.stop(one.next_process(), admin)
    assert caplog.messages[:2] == [
        "instance 127.0.0.1:50051 was ended by SIGKILL; next start at once",
        "instance 127.0.0.1:50051 listens again",
    ]


def test_failed_start_is_told_once(two: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """The line of an instance that cannot start goes to stderr, and the others are let go."""
    two.start()
    first, second = two.next_process(), two.next_process()
    second.report(failed="cannot listen on 127.0.0.1:50052: address already in use")
    first.wait_for_release()
    second.exit(1)
    first.exit(0)
    assert two.status() == 1
    assert two.lines.empty()
    assert two.admins.empty()
    assert capsys.readouterr().err == (
        "chat-server: cannot listen on 127.0.0.1:50052: address already in use\n"
    )


@pytest.mark.parametrize("failures", [1, 2])
def test_system_without_processes_is_told(
    two: Running, failures: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a process cannot be started the reason is told, and none is left."""
    for _ in range(failures):
        two.errors.put(BlockingIOError(11, "Resource temporarily unavailable"))
    two.start()
    if failures == 1:
        other = two.next_process()
        other.wait_for_release()
        other.exit(0)
    assert two.status() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("chat-server: no process for 127.0.0.1:50051: ")


def test_second_signal_is_passed_on(one: Running) -> None:
    """A second signal reaches the draining process as SIGTERM."""
    (process,), admin = one.serving()
    one.signal()
    process.wait_for_release()
    one.signal()
    assert process.signals.get(timeout=PATIENCE) == signal.SIGTERM
    process.exit(0)
    admin.wait_for_release()
    admin.exit(0)
    assert one.status() == 0


def test_hanging_process_is_killed_in_time() -> None:
    """A process that does not end is killed when the time for the stop is over."""
    clock = FakeClock()
    running = Running(1, clock)
    running.start()
    process = running.next_process()
    running.signal()
    process.wait_for_release()
    clock.now += 9.5
    # Anything that is read makes the loop look at the clock again.
    process.listen()
    assert process.signals.get(timeout=PATIENCE) == signal.SIGKILL
    process.exit(-signal.SIGKILL)
    assert running.status() == 0
    running.close()


def test_process_that_only_closes_its_socket_is_killed(one: Running) -> None:
    """A process that lets go of its socket but lives is ended, so that its port is free."""
    (process,), admin = one.serving()
    process.close_but_stay()
    assert process.signals.get(timeout=PATIENCE) == signal.SIGKILL
    one.stop(one.next_process(), admin)


@pytest.mark.parametrize("line", [b"not JSON", b"[]", b'{"ready": 7}', b"\xff", b"x" * 200_000])
def test_nonsense_of_an_instance_is_logged(
    one: Running, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """What makes no sense is told, and what follows is heard."""
    one.start()
    process = one.next_process()
    process.write(line + b"\n")
    process.listen()
    assert one.next_line().startswith("listening on ")
    one.stop(process, one.next_admin())
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def news(admin: FakeAdmin, number: int, state: InstanceState) -> link.InstanceNews:
    """Wait until the admin process hears that an instance is in this state."""
    while True:
        message = admin.hear()
        assert message is not None
        if isinstance(message, link.InstanceNews) and (message.number, message.state) == (
            number,
            state,
        ):
            return message


def test_admin_process_knows_all_instances(two: Running) -> None:
    """It is begun when all listen, and hears of each how it is and what happens to it."""
    (first, second), admin = two.serving()
    assert admin.config == two.config.admin_config(False)
    assert news(admin, 1, InstanceState.SERVING) == link.InstanceNews(
        1, "127.0.0.1:50051", 50051, InstanceState.SERVING, 5000, 0, 77, "/data/50051"
    )
    assert news(admin, 2, InstanceState.SERVING).port == 50052
    second.exit(3)
    assert news(admin, 2, InstanceState.STARTING).restarts == 1
    again = two.next_process()
    again.exit(3)
    waiting = news(admin, 2, InstanceState.WAITING)
    assert waiting.problem == "ended with exit status 3; next start in 1 s"
    assert waiting.pid == 0
    two.signal()
    news(admin, 1, InstanceState.STOPPING)
    first.wait_for_release()
    first.exit(0)
    news(admin, 1, InstanceState.STOPPED)
    assert admin.hear() is None
    admin.exit(0)
    assert two.status() == 0


def test_instance_is_added_and_removed(one: Running) -> None:
    """What the admin process asks for is done, and answered when it is done."""
    (first,), admin = one.serving()
    admin.ask(1, Verb.START, 50060)
    added = one.next_process()
    assert added.config == started(one.config.instance_config(50060, "50060"))
    added.listen()
    assert news(admin, 2, InstanceState.SERVING).address == "127.0.0.1:50060"
    assert admin.hear_answer() == Answer(1, instances=(2,))
    admin.ask(2, Verb.STOP, 50060)
    added.wait_for_release()
    added.exit(0)
    assert admin.hear_answer() == Answer(2, instances=(2,))
    assert one.lines.qsize() == 1
    one.stop(first, admin)


def test_system_without_a_process_refuses_the_start(one: Running) -> None:
    """Who asked is told, and the others go on."""
    (first,), admin = one.serving()
    one.errors.put(BlockingIOError(11, "Resource temporarily unavailable"))
    admin.ask(1, Verb.START, 50060)
    answer = admin.hear_answer()
    assert answer.refusal is Refusal.INSTANCE_FAILED
    assert answer.line.startswith("no process for 127.0.0.1:50060: ")
    one.stop(first, admin)


def test_shutdown_stops_everything(one: Running) -> None:
    """It is answered before anything has ended."""
    (first,), admin = one.serving()
    admin.ask(1, Verb.SHUTDOWN)
    assert admin.hear_answer() == Answer(1)
    first.wait_for_release()
    first.exit(0)
    admin.wait_for_release()
    admin.exit(0)
    assert one.status() == 0


def test_admin_process_is_replaced(one: Running, caplog: pytest.LogCaptureFixture) -> None:
    """When it dies the next one is told all, and no answer that is not its own."""
    (first,), admin = one.serving()
    admin.ask(1, Verb.RESTART, 50051)
    first.wait_for_release()
    admin.exit(-9)
    again = one.next_admin()
    assert news(again, 1, InstanceState.STOPPING).pid == 77
    first.exit(0)
    first = one.next_process()
    first.listen()
    news(again, 1, InstanceState.SERVING)
    again.ask(1, Verb.STOP, 50060)
    assert again.hear_answer().refusal is Refusal.INSTANCE_NOT_FOUND
    one.stop(first, again)
    assert "the admin process was ended by SIGKILL; next start at once" in caplog.messages


def test_admin_process_that_cannot_start_is_tried_later(caplog: pytest.LogCaptureFixture) -> None:
    """The restarts slow down as those of instances do, and instances do not notice."""
    clock = FakeClock()
    running = Running(1, clock)
    (first,), admin = running.serving()
    running.errors.put(BlockingIOError(11, "Resource temporarily unavailable"))
    admin.exit(1)
    wait_until(lambda: caplog.messages[-1:] and caplog.messages[-1].endswith("next start in 1 s"))
    clock.now += 1
    # Anything that is read makes the loop look at the clock again.
    first.write(b"\n")
    running.stop(first, running.next_admin())
    running.close()


def test_hanging_admin_process_is_killed_at_the_end(one: Running) -> None:
    """Everything else is over by then, and a further signal does not wait for it."""
    (first,), admin = one.serving()
    one.signal()
    first.wait_for_release()
    first.exit(0)
    admin.wait_for_release()
    one.signal()
    assert admin.signals.get(timeout=PATIENCE) == signal.SIGKILL
    assert one.status() == 0


@pytest.mark.parametrize(
    "line", [b"not JSON", link.encode(link.Answer(1)).strip(), b"x" * 200_000, b"\xff"]
)
def test_nonsense_of_the_admin_process_is_logged(
    one: Running, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """What is not understood is told, and what follows is answered."""
    (first,), admin = one.serving()
    admin.write(line + b"\n")
    admin.ask(1, Verb.STOP, 7)
    assert admin.hear_answer().number == 1
    one.stop(first, admin)
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def test_reload_reaches_everybody(two: Running) -> None:
    """SIGHUP reads the configuration anew: instances, admin process and later starts have it."""
    (first, second), admin = two.serving()
    two.write(log_level="debug", host="127.0.0.2")
    two.signal(signal.SIGHUP)
    for process in (first, second):
        told = InstanceConfig.from_json(json.dumps(json.loads(process.read_line())["config"]))
        assert told == replace(process.config, log_level="debug")
    while not isinstance(message := admin.hear(), link.Configured):
        assert message is not None
    new = replace(two.config, log_level="debug")
    assert message.config == new.admin_config(False).to_json()
    admin.ask(1, Verb.RELOAD)
    assert admin.hear_answer() == Answer(1, after_restart=("server.host",))
    second.exit(1)
    again = two.next_process()
    assert again.config == replace(second.config, log_level="debug")
    admin.exit(1)
    admin = two.next_admin()
    assert admin.config == new.admin_config(False)
    two.stop(first, again, admin)


def test_configuration_that_cannot_be_used_changes_nothing(one: Running) -> None:
    """Who asked is told why."""
    (first,), admin = one.serving()
    one.written = ConfigError("chat.toml:3: limits.text_bytes: not a size")
    admin.ask(1, Verb.RELOAD)
    assert admin.hear_answer() == Answer(
        1, Refusal.CONFIGURATION_INVALID, "chat.toml:3: limits.text_bytes: not a size"
    )
    one.signal(signal.SIGHUP)
    one.signal()
    assert first.read_line() == b""
    first.exit(0)
    admin.wait_for_release()
    admin.exit(0)
    assert one.status() == 0


def test_configuration_that_does_not_go_with_what_runs_waits_for_a_restart(one: Running) -> None:
    """What counts is what the present process was started with."""
    (first,), admin = one.serving()
    old, new = one.config, replace(one.config, stats_interval_s=1.0)
    newer = replace(one.config, stats_interval_s=2.0)
    one.forbidden = (old, newer)
    for number, (written, refusal) in enumerate(
        [(newer, Refusal.CONFIGURATION_INVALID), (new, Refusal.NONE)]
    ):
        one.written = written
        admin.ask(number, Verb.RELOAD)
        assert admin.hear_answer().refusal is refusal
    first.exit(1)
    again = one.next_process()
    again.listen()
    one.written = newer
    admin.ask(2, Verb.RELOAD)
    assert admin.hear_answer().refusal is Refusal.NONE
    one.stop(again, admin)


def test_end_of_the_terminal_is_a_stop(one: Running) -> None:
    """SIGHUP because the terminal is gone stops everything, once."""
    (first,), admin = one.serving()
    one.terminal_gone = True
    one.signal(signal.SIGHUP)
    first.wait_for_release()
    one.signal(signal.SIGHUP)
    admin.ask(1, Verb.RELOAD)
    assert admin.hear_answer().refusal is Refusal.STOPPING
    assert first.signals.empty()
    first.exit(0)
    admin.wait_for_release()
    admin.exit(0)
    assert one.status() == 0


def test_reader_of_the_lines_may_go(tmp_path: Path) -> None:
    """When nobody reads stdout any more the servers go on, and the end is clean."""
    program = (
        "from chat_service.launcher.launcher import announce\n"
        "announce('one'); input(); announce('two'); announce('three')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"one\n"
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0
