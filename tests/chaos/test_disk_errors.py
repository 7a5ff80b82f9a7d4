"""A disk that fails: what could not be stored is never acknowledged, and the restart recovers.

The errors are those that a library in front of the system calls answers with, see journal.c.
"""

import asyncio
import errno
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.journal import Journal, Kind
from tests.chaos.load import PATIENCE, settle, talk, until
from tests.chaos.record import BrokenPromiseError, Record
from tests.chaos.scale import Scale
from tests.chaos.server import Server

pytestmark = pytest.mark.needs_program("cc")

CLIENTS = 4
RATE = 500
# Acks before the disk fails, and after it is well again.
SOME = 50

# What fails: the write of the log, its sync, and both in the way of a file system that the
# kernel has made read-only after an error.
FAILURES = {
    "write": (Kind.WRITE, errno.EIO),
    "sync": (Kind.SYNC, errno.EIO),
    "read-only": (Kind.WRITE, errno.EROFS),
}


async def breakdown(
    server: Server, journal: Journal, kind: Kind, number: int, chance: random.Random, *, ends: bool
) -> tuple[Record, Counter[str]]:
    """Let clients post while the disk breaks and is mended; return what they were told.

    `ends`: the process is to end, and to come back. The second result counts refusals of
    posts and ends of streams, by reason.
    """
    record = Record()

    async def goes_wrong() -> None:
        await until(lambda: len(record.acked) > SOME, "some are acked")
        instance = server.instance
        journal.breaks(kind, "-wal", number)
        if ends:
            await asyncio.to_thread(psutil.wait_procs, [instance], PATIENCE)
            assert not instance.is_running(), "it went on"
        else:
            heard = len(record.acked)
            await until(lambda: len(record.acked) > heard + SOME, "false acks")
        journal.mends()
        if ends:
            await asyncio.to_thread(server.wait_again)
        heard = len(record.acked)
        await until(lambda: len(record.acked) > heard + SOME, "more are acked")

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"e{number}", "errors", record=record, chance=chance)
            )
            for number in range(CLIENTS)
        ]
        await talk(clients, RATE, goes_wrong())
        await settle(clients)
    return record, sum((c.refusals + c.ends for c in clients), start=Counter[str]())


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param("write", marks=pytest.mark.full_only),
        "sync",
        pytest.param("read-only", marks=pytest.mark.full_only),
    ],
)
def test_failed_call_is_never_a_success(
    tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures, failure: str
) -> None:
    """Nothing is acked, the process ends and comes back, and each post has one effect."""
    kind, number = FAILURES[failure]
    acked = retried = 0
    told: Counter[str] = Counter()
    for turn in range(scale.disk_rounds):
        place = tmp_path / str(turn)
        place.mkdir()
        journal = Journal(place, place / "data")
        with Server(place / "data", environment=journal.environment) as server:
            record, reasons = asyncio.run(
                breakdown(server, journal, kind, number, chance, ends=True)
            )
            lines = server.launcher.stderr.seen
            assert server.terminate() == 0
            record.compare_stored(server.database)
        record.verdict()
        assert sum("CRITICAL" in line and "the log failed" in line for line in lines) == 1
        acked += len(record.acked)
        told += reasons
        retried += record.duplicates
    figures["failures"] = scale.disk_rounds
    figures["posts acked"] = acked
    figures["what clients were told"] = dict(told)
    figures["retries that had been stored"] = retried


@pytest.mark.parametrize("failure", [pytest.param("write", marks=pytest.mark.full_only), "sync"])
def test_success_in_spite_of_a_failed_call_is_noticed(
    tmp_path: Path, chance: random.Random, figures: Figures, failure: str
) -> None:
    """A server that acknowledges what the disk refused has lost it."""
    kind, number = FAILURES[failure]
    journal = Journal(tmp_path, tmp_path / "data")
    with Server(
        tmp_path / "data", fault="deaf-to-errors", environment=journal.environment
    ) as server:
        record, _ = asyncio.run(breakdown(server, journal, kind, number, chance, ends=False))
        server.terminate()
        record.compare_stored(server.database)
    figures["breaches found"] = dict(record.breaches)
    assert record.breaches["lost"]
    with pytest.raises(BrokenPromiseError):
        record.verdict()
