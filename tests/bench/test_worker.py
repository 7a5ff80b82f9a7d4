"""Worker processes: told in lines, ended with their parent."""

import sys
from dataclasses import dataclass

import psutil
import pytest

from bench import worker
from bench.rpc import CallError
from bench.worker import Line, Lines, Worker, WorkerError, answer, run

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Config:
    """A configuration of a worker."""

    name: str


HERE = Config("here")


def echo(config: Config, lines: Lines) -> None:
    """Answer with what was told, or do what it says."""
    while (read := lines.read()) is not None:
        for line in read:
            if line.get("do") == "fail":
                raise CallError("it did not work")
            if line.get("do") == "leave":
                return
            if line.get("do") != "nothing":
                answer({"config": config.name, **line})


def pid_of(started: Worker) -> int:
    """Return the process of a worker."""
    return started._process.pid


def test_worker_is_told_and_answers() -> None:
    """A worker gets its configuration and answers line for line, in order."""
    with Worker(__name__, HERE) as started:
        assert started.ask(PATIENCE_S, number=1) == {"config": "here", "number": 1}
        started.tell(number=2)
        started.tell(number=3)
        assert [started.wait_answer(PATIENCE_S)["number"] for _ in range(2)] == [2, 3]
        assert started.cpu_seconds() > 0
        pid = pid_of(started)
    assert not psutil.pid_exists(pid)


def test_failure_is_told_in_a_line() -> None:
    """What goes wrong in a worker reaches the parent as one error."""
    with Worker(__name__, HERE) as started, pytest.raises(WorkerError, match="it did not work"):
        started.ask(PATIENCE_S, do="fail")


def test_worker_that_left_is_noticed() -> None:
    """A worker that ends instead of answering is an error, not a wait."""
    with Worker(__name__, HERE) as started, pytest.raises(WorkerError, match="has ended"):
        started.ask(PATIENCE_S, do="leave")


def test_silent_worker_is_not_waited_for() -> None:
    """A worker that does not answer in time is an error."""
    with Worker(__name__, HERE) as started, pytest.raises(WorkerError, match="did not answer"):
        started.ask(0.01, do="nothing")


def test_stuck_worker_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not end with its stdin is ended by force."""
    monkeypatch.setattr(worker, "END_S", 0.05)
    with Worker("tests.bench.stuck", HERE) as started:
        assert started.wait_answer(PATIENCE_S) == {"stuck": True}
        pid = pid_of(started)
    assert not psutil.pid_exists(pid)


def test_worker_ends_when_an_error_passes_through() -> None:
    """Whatever happens in the block, the process is gone after it."""
    pids: list[int] = []

    def broken() -> Line:
        with Worker(__name__, HERE) as started:
            pids.append(pid_of(started))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert not psutil.pid_exists(pids[0])


if __name__ == "__main__":
    run(Config, echo)
    sys.exit(0)
