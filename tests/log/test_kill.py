"""kill -9 of a real process, again and again on one file: nothing acknowledged is lost.

The moments come from a seed that a failure prints; CHAT_TESTS_SEED=… repeats it. What
the scheduler does between a moment and the kill is not repeated, so it is no exact replay.
CHAT_TESTS_KILLS=… makes more rounds than the suite has time for.
"""

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from chat_service.core.decision import Answer
from tests.log.killed import IN_FLIGHT, NAME, order
from tests.log.subject import DEADLINE_S, Subject, open_sqlite

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("CHAT_TESTS_KILLS", "20"))

# How many acknowledgements are read before the kill; None: it may not even be ready.
Moments = tuple[int | None, ...]
MOMENTS: Moments = (None, 0, 1, 50, 500, 1000)
# The kill comes at most this much later, so that it meets any step of a commit.
JITTER_S = 0.02


class Acknowledged(NamedTuple):
    """What the killed process had told of one post."""

    room_id: int
    seq: int
    client_msg_id: str


@contextmanager
def killed(directory: Path, run: int, *how: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that posts; kill it with SIGKILL at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.log.killed", str(directory), str(run), *how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_S)
    assert process.returncode == -9, "it ended by itself"


def life(
    directory: Path, run: int, chance: random.Random, *how: str, moments: Moments = MOMENTS
) -> list[Acknowledged]:
    """Let one process post for a random while; return what it had acknowledged when it died."""
    count = chance.choice(moments)
    with killed(directory, run, *how) as process:
        assert process.stdout is not None
        lines = []
        if count is not None:
            lines = [process.stdout.readline() for _ in range(count + 1)]
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.random() * (JITTER_S if lines else 10 * JITTER_S))
    with process.stdout as rest:
        lines += rest.readlines()
    whole = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return [Acknowledged(int(room), int(seq), name) for room, seq, name in whole[1:]]


def stored(path: Path) -> list[Acknowledged]:
    """Return every post in the file, which must be whole and without holes.

    What was pruned is missing at the beginning of a room alone, and its first answers
    are there, noted as outliving it.
    """
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute(
            "SELECT room_id, seq, client_msg_id FROM room_events ORDER BY room_id, seq"
        ).fetchall()
        heads = dict(connection.execute("SELECT room_id, seq FROM heads WHERE seq > 0"))
        firsts = dict(connection.execute("SELECT room_id, seq FROM firsts"))
        (answers,) = connection.execute("SELECT count(*) FROM first_answers").fetchone()
        (orphans,) = connection.execute("SELECT count(*) FROM orphan_answers").fetchone()
    assert (answers, orphans) == (sum(heads.values()), sum(firsts.values()) - len(firsts))
    last = {room_id: first - 1 for room_id, first in firsts.items()}
    for room_id, seq, _ in rows:
        assert seq == last.get(room_id, 0) + 1, "a hole, or a seq twice"
        last[room_id] = seq
    assert last == heads
    return [Acknowledged(*row) for row in rows]


def lost(path: Path, told: list[Acknowledged]) -> set[Acknowledged]:
    """Return what was acknowledged and is not there as it was told."""
    return set(told) - set(stored(path))


def retry(
    subject: Subject, run: int, heard: list[Acknowledged], there: set[str]
) -> list[Acknowledged]:
    """Repeat, twice, the last posts that a process told of and all that it may have sent after."""
    number = max((int(a.client_msg_id.split("-")[1]) + 1 for a in heard), default=0)
    orders = [order(run, n) for n in range(max(0, number - 5), number + IN_FLIGHT)]
    once, again = subject.ask_all(*orders), subject.ask_all(*orders)
    answered = []
    for command, first, second in zip(orders, once, again, strict=True):
        assert isinstance(first, Answer)
        assert isinstance(second, Answer)
        assert first.duplicate == (command.client_msg_id in there)
        assert second.duplicate
        assert (first.room_id, first.seq) == (second.room_id, second.seq)
        answered.append(Acknowledged(first.room_id, first.seq, command.client_msg_id))
    return answered


def test_nothing_acknowledged_is_lost(tmp_path: Path, chance: random.Random) -> None:
    """After each kill all that was told is there, once, and what was in flight can be repeated."""
    path = tmp_path / NAME
    told: list[Acknowledged] = []
    run = before_a_kill = 0
    for _ in range(ROUNDS):
        runs: dict[int, list[Acknowledged]] = {}
        # Sometimes the next start is killed too, before or after it has recovered.
        for _ in range(chance.choice((1, 1, 2))):
            runs[run] = life(tmp_path, run, chance)
            told += runs[run]
            before_a_kill += len(runs[run])
            run += 1
        if not path.exists():
            continue
        subject = Subject(open_sqlite, tmp_path)
        try:
            if not subject.log.load().users.snapshot():
                continue
            subject.now_ms = subject.log.load().counter("time_ms")
            there = {a.client_msg_id for a in stored(path)}
            assert lost(path, told) == set()
            for number, heard in runs.items():
                told += retry(subject, number, heard, there)
            ids = [a.client_msg_id for a in stored(path)]
            assert len(ids) == len(set(ids)), "a retry was stored twice"
            subject.reopen()
            assert lost(path, told) == set()
        finally:
            subject.log.close()
    print(f"{run} kills, {before_a_kill} posts acknowledged before them")
    assert before_a_kill > 10 * ROUNDS


def test_prune_is_whole_or_not_at_all(tmp_path: Path, chance: random.Random) -> None:
    """Kills among prunes: each moved the first seq with its rows, and nothing else is lost."""
    path = tmp_path / NAME
    told: list[Acknowledged] = []
    pruned = 0
    for run in range(ROUNDS // 2):
        # The first one surely comes to prune something.
        told += life(tmp_path, run, chance, "pruning", moments=MOMENTS if run else (500,))
        subject = Subject(open_sqlite, tmp_path)
        state = subject.log.load()
        subject.log.close()
        there = {(a.room_id, a.seq): a for a in stored(path)}
        assert [there.get((a.room_id, a.seq)) for a in told if a.seq >= state.first(a.room_id)] == [
            a for a in told if a.seq >= state.first(a.room_id)
        ]
        pruned = sum(first - 1 for first in state.firsts.snapshot().values())
    print(f"{len(told)} posts acknowledged before the kills, {pruned} pruned")
    assert pruned > 100


def test_harness_sees_acknowledgements_that_came_too_early(
    tmp_path: Path, chance: random.Random
) -> None:
    """The same harness finds losses when a process acknowledges before its commit."""
    told: list[Acknowledged] = []
    for run in range(ROUNDS):
        told += life(tmp_path, run, chance, "early")
        if (tmp_path / NAME).exists() and told and lost(tmp_path / NAME, told):
            return
    pytest.fail(f"{ROUNDS} kills lost nothing of {len(told)} posts: the harness is blind")
