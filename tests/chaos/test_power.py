"""Power cuts: every acknowledged post was on the disk first, and is there after any cut.

`kill -9` proves nothing of this, because the system keeps what a dead process wrote. So a
real server is recorded, and its disk is made again as of random moments from what it had
synced by then, see journal.py for the model.
"""

import asyncio
import random
import re
import sqlite3
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from chat_service.log.sqlite import SqliteLog
from tests.chaos.client import Client
from tests.chaos.figures import Figures
from tests.chaos.journal import Call, Commits, Disk, Journal, Kind
from tests.chaos.load import settle, talk, until
from tests.chaos.record import Place, Record
from tests.chaos.scale import Scale
from tests.chaos.server import Server

pytestmark = pytest.mark.needs_program("cc")

NAME = "chat.sqlite3"
CLIENTS = 4
RATE = 1000
# The text of a post, in a page and in a frame; see Client.say.
POSTS = re.compile(rb"(p[0-9]+-[0-9]+)\.{8}")


class Heard(Record):
    """A record that notes when each ack was heard, by the clock of the journal."""

    def __init__(self) -> None:
        super().__init__()
        self.heard_ns: dict[str, int] = {}

    def ack(self, client_msg_id: str, place: Place, *, duplicate: bool) -> None:
        self.heard_ns.setdefault(client_msg_id, time.monotonic_ns())
        super().ack(client_msg_id, place, duplicate=duplicate)


class Recorded(NamedTuple):
    """One life of a server, from its first start to a kill -9 while it was idle."""

    calls: list[Call]
    record: Heard


Recordings = dict[str, Recorded]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, scale: Scale) -> Recordings:
    """Record the real server, and one that does not sync its commits."""
    found: Recordings = {}
    for fault in ("", "synchronous-normal"):
        workplace = tmp_path_factory.mktemp("power")
        journal = Journal(workplace, workplace / "data")
        environment = journal.environment
        with Server(workplace / "data", fault=fault, environment=environment) as server:
            record = asyncio.run(_posts(server, scale.power_posts))
            server.kill()
        record.verdict()
        found[fault] = Recorded(journal.calls(), record)
    return found


async def _posts(server: Server, count: int) -> Heard:
    """Have some clients post so much, read by all of them."""
    record = Heard()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(server.address, f"p{n}", "power", record=record, chance=random.Random(n))
            )
            for n in range(CLIENTS)
        ]
        await talk(clients, RATE, until(lambda: len(record.acked) >= count, "all is posted"))
        await settle(clients)
    return record


def too_early(recorded: Recorded) -> list[str]:
    """Return the posts that were acknowledged, or told, before the sync that keeps them."""
    commits = Commits(recorded.calls, POSTS)
    never = time.monotonic_ns()
    found = []
    for post_id, heard_ns in recorded.record.heard_ns.items():
        durable_ns = commits.durable_ns.get(post_id, never)
        if min(heard_ns, commits.left_ns.get(post_id, never)) < durable_ns:
            found.append(post_id)
    return found


def test_ack_follows_the_sync(recordings: Recordings, scale: Scale, figures: Figures) -> None:
    """No ack and no event leaves before the log with it was synced."""
    recorded = recordings[""]
    commits = Commits(recorded.calls, POSTS)
    acked = recorded.record.acked
    figures["acks"] = len(acked)
    figures["transactions"] = commits.count
    figures["syncs of the write-ahead log"] = commits.syncs
    figures["acks before their sync"] = len(too_early(recorded))
    assert too_early(recorded) == []
    assert len(acked) >= min(1000, scale.power_posts)
    # The journal saw them: nothing is proved of what it did not see. An id that is cut in
    # two by a frame of HTTP/2 is not recognised on its way out.
    assert commits.durable_ns.keys() >= acked.keys()
    assert len(commits.left_ns) > 0.9 * len(acked)


def test_missing_syncs_are_noticed(recordings: Recordings, figures: Figures) -> None:
    """Of a server with `synchronous=NORMAL` nearly every ack came too early."""
    recorded = recordings["synchronous-normal"]
    figures["acks"] = len(recorded.record.acked)
    figures["acks before their sync"] = len(too_early(recorded))
    assert len(too_early(recorded)) > len(recorded.record.acked) // 2


class Cut(NamedTuple):
    """What the disk holds after a power cut, and which posts were acknowledged by then."""

    files: dict[str, bytes]
    acked: dict[str, Place]


def cuts(recorded: Recorded, count: int, chance: random.Random, *, torn: bool) -> Iterator[Cut]:
    """Cut the power while random calls are under way, and at last when all are done.

    Half of the calls are those that follow a random ack, which may come many at once.
    """
    calls = [call for call in recorded.calls if call.kind is not Kind.SEND]
    ends_ns = [call.end_ns for call in calls]
    heard = recorded.record.heard_ns
    moments = [chance.randrange(len(calls)) for _ in range(count // 2)]
    moments += [bisect_right(ends_ns, ns) for ns in chance.sample(sorted(heard.values()), count)]
    disk = Disk()
    done = 0
    for moment in [*sorted(moments[: count - 1]), len(calls)]:
        for call in calls[done:moment]:
            disk.apply(call)
        done = moment
        under_way = calls[moment] if moment < len(calls) else None
        files = disk.torn(under_way, chance) if torn else disk.survivors()
        acked = {
            post_id: recorded.record.acked[post_id]
            for post_id, ns in heard.items()
            if under_way is None or ns < under_way.end_ns
        }
        yield Cut(files, acked)


def lost(cut: Cut, directory: Path) -> int:
    """Start the real log on what the cut left; return how many acknowledged posts are gone."""
    directory.mkdir()
    for name, content in cut.files.items():
        (directory / name).write_bytes(content)
    log = SqliteLog(
        directory / NAME,
        clock=lambda: 0,
        on_commit=lambda _: None,
        on_failure=lambda _: None,
    )
    log.close()
    with closing(sqlite3.connect(directory / NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT room_id, seq, client_msg_id FROM room_events").fetchall()
        heads = dict(connection.execute("SELECT room_id, seq FROM heads WHERE seq > 0"))
    stored = {(f"r{room_id}", seq): post_id for room_id, seq, post_id in rows}
    for room_id, head in heads.items():
        assert sorted(seq for room, seq, _ in rows if room == room_id) == list(range(1, head + 1))
    return sum(stored.get(place) != post_id for post_id, place in cut.acked.items())


@pytest.mark.parametrize("torn", [False, True], ids=["only-synced", "torn"])
def test_power_cut_loses_no_ack(
    recordings: Recordings,
    tmp_path: Path,
    scale: Scale,
    chance: random.Random,
    figures: Figures,
    *,
    torn: bool,
) -> None:
    """Whenever the power is cut, the next start has every post that was acknowledged by then."""
    acked, losses = [], 0
    for number, cut in enumerate(cuts(recordings[""], scale.power_cuts, chance, torn=torn)):
        acked.append(len(cut.acked))
        losses += lost(cut, tmp_path / str(number))
    figures["cuts"] = len(acked)
    figures["acks before the cut in the middle"] = acked[len(acked) // 2]
    figures["acks before the last cut"] = acked[-1]
    figures["acks lost"] = losses
    assert losses == 0
    assert acked[-1] == len(recordings[""].record.acked)


def test_power_cut_in_the_first_start(
    recordings: Recordings, tmp_path: Path, chance: random.Random, figures: Figures
) -> None:
    """Wherever it cuts the making of the file, the next start makes it again or goes on with it."""
    calls = [call for call in recordings[""].calls if call.kind is not Kind.SEND]
    first_commit = next(
        n for n, call in enumerate(calls) if call.kind is Kind.SYNC and call.name.endswith("-wal")
    )
    disk = Disk()
    for number, call in enumerate(calls[: first_commit + 1]):
        for way, files in (("synced", disk.survivors()), ("torn", disk.torn(call, chance))):
            assert lost(Cut(files, {}), tmp_path / f"{number}-{way}") == 0
        disk.apply(call)
    figures["cuts"] = 2 * (first_commit + 1)


def test_lost_acks_are_noticed(
    recordings: Recordings, tmp_path: Path, scale: Scale, chance: random.Random, figures: Figures
) -> None:
    """The same cuts of a server with `synchronous=NORMAL` lose some."""
    found = cuts(recordings["synchronous-normal"], scale.power_cuts, chance, torn=False)
    losses = [lost(cut, tmp_path / str(number)) for number, cut in enumerate(found)]
    figures["cuts"] = len(losses)
    figures["cuts that lost acks"] = sum(map(bool, losses))
    figures["acks lost"] = sum(losses)
    assert sum(losses) > 0
