"""What is SqliteLog's own: one durable writer, group commit, and what a failed commit leaves."""

import logging
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.evolve import evolve
from chat_service.core.state import State
from chat_service.log import batch
from chat_service.log.contract import Commit, OnCommit
from chat_service.log.schema import DataFileError
from chat_service.log.sqlite import MAX_BATCH, SqliteLog
from tests.core.scene import post, to
from tests.log.damage import overwrite, pages_of
from tests.log.subject import DEADLINE_S, INSTANCE, Outcome, Subject, open_sqlite

IDLE = cmd.ExpireSession(0)
# More than the free space of any page.
LARGE = "x" * 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the log under test has its data."""
    return tmp_path / "chat.sqlite3"


@pytest.fixture
def subject(tmp_path: Path) -> Iterator[Subject]:
    """Open a SqliteLog on empty data."""
    subject = Subject(open_sqlite, tmp_path)
    yield subject
    subject.log.close()


def writer(subject: Subject) -> sqlite3.Connection:
    """Return the writer's own connection, whose settings no other connection shows."""
    assert isinstance(subject.log, SqliteLog)
    return subject.log._connection


def reasons(outcomes: tuple[Outcome, ...]) -> set[Reason | None]:
    """Return why orders were refused; None for one that was not."""
    return {o.reason if isinstance(o, Rejection) else None for o in outcomes}


# ------------------------------------------------------------------- the writer


def test_writer_syncs_every_commit(subject: Subject) -> None:
    """The connection that writes has WAL and FULL, also after it has written."""
    subject.begin()
    pragmas = [
        writer(subject).execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    ]
    assert pragmas == ["wal", 2]


def test_commit_is_in_the_file_before_it_is_announced(subject: Subject, path: Path) -> None:
    """A connection of somebody else, opened in the announcement, finds events and position."""
    alice = subject.begin()
    found: list[bool] = []

    def look(commit: Commit) -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
            texts = {text for (text,) in other.execute("SELECT text FROM room_events")}
            (position,) = other.execute(
                "SELECT value FROM counters WHERE name = 'position'"
            ).fetchone()
        announced = {e.text for e in commit.events if isinstance(e, ev.MessagePosted)}
        heard = len(subject.events()) + len(commit.events)
        found.append(announced <= texts and position == heard)

    subject.look = look
    for n in range(10):
        subject.ok(post(alice, "lobby", f"text {n}", message_id=f"m{n}"))
    assert found == [True] * 10


def test_commits_come_on_one_thread_of_their_own(subject: Subject) -> None:
    """Every announcement is on the writer's thread, never on that of a submit."""
    threads: set[threading.Thread] = set()
    subject.look = lambda _: threads.add(threading.current_thread())
    subject.begin()
    subject.ask(IDLE)
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_batch_is_bounded(subject: Subject) -> None:
    """What gathers beyond the bound waits for the next commit; a ticket is never divided."""
    with subject.held():
        before = len(subject.commits)
        tickets = [subject.submit(*[IDLE] * (MAX_BATCH // 4)) for _ in range(6)]
        large = subject.submit(*[IDLE] * (2 * MAX_BATCH))
    subject.outcomes(large)
    batches = [[ticket for ticket, _ in c.answers] for c in subject.commits[before:]]
    assert batches == [tickets[:4], [*tickets[4:], large]]


# ------------------------------------------------------------------- a full disk


@contextmanager
def full(subject: Subject) -> Iterator[None]:
    """Let the file grow by no page while the block runs."""
    connection = writer(subject)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")


def test_full_disk_refuses_the_batch_and_leaves_no_trace(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    """All of the batch is refused, small orders too; nothing of it is known, stored or heard."""
    alice = subject.begin()
    subject.ok(post(alice, "lobby", "before", message_id="m0"))
    commits = subject.log.statistics().commits
    before, heard = subject.fold().snapshot(), len(subject.events())
    with full(subject):
        outcomes = subject.ask_all(
            cmd.OpenGuest("bob", b"bob", INSTANCE, "den"),
            *(post(alice, "lobby", LARGE, message_id=f"m{n}") for n in range(1, 9)),
            post(alice, "nowhere", message_id="m9"),
        )
        assert len(outcomes) == 10
        assert reasons(outcomes) == {Reason.STORAGE_FULL}
        assert all(o.retry_after_ms > 0 for o in outcomes if isinstance(o, Rejection))
        found = subject.log.statistics()
        assert (found.commits, found.failed_commits, found.disk_full) == (commits, 1, True)
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert len(subject.events()) == heard
    assert not subject.failures
    assert subject.reopen().snapshot() == before


def test_log_goes_on_once_there_is_room(subject: Subject) -> None:
    """Without a restart the same orders pass, with the numbers that they would have had."""
    alice = subject.begin()
    orders = [post(alice, "lobby", LARGE, message_id=f"m{n}") for n in range(8)]
    with full(subject):
        assert reasons(subject.ask_all(*orders)) == {Reason.STORAGE_FULL}
        assert reasons(subject.ask_all(*orders)) == {Reason.STORAGE_FULL}
        assert subject.log.read_after(1, 0, count=9, max_bytes=9) == []
    outcomes = subject.ask_all(cmd.OpenGuest("bob", b"bob", INSTANCE), *orders)
    assert [(o.seq, o.duplicate) for o in outcomes if isinstance(o, Answer)] == [
        (0, False),
        *((n, False) for n in range(1, 9)),
    ]
    assert subject.reopen().snapshot() == subject.fold().snapshot()


def test_small_orders_pass_while_large_ones_do_not(subject: Subject) -> None:
    """What needs no new page is stored though the disk is full: signing out makes no room."""
    alice = subject.begin()
    with full(subject):
        large = [post(alice, "lobby", LARGE, message_id=f"m{n}") for n in range(8)]
        assert reasons(subject.ask_all(*large)) == {Reason.STORAGE_FULL}
        subject.ok(cmd.EndSession(alice))
    assert subject.reopen().users.snapshot() == {}


# --------------------------------------------------------------- a disk down to its reserve


class Disk:
    """How much of a disk is free, as a test wants it."""

    def __init__(self) -> None:
        self.is_short = False
        self.asked = 0

    def short_of_space(self) -> bool:
        """Stand for DiskReserve.is_touched."""
        self.asked += 1
        return self.is_short


@pytest.fixture
def disk() -> Disk:
    """Make a disk with room."""
    return Disk()


@pytest.fixture
def careful(tmp_path: Path, disk: Disk) -> Iterator[Subject]:
    """Open a SqliteLog that asks how much is free."""

    def open_log(
        path: Path,
        *,
        clock: Callable[[], int],
        on_commit: OnCommit,
        on_failure: Callable[[BaseException], None],
    ) -> SqliteLog:
        return SqliteLog(
            path / "chat.sqlite3",
            clock=clock,
            on_commit=on_commit,
            on_failure=on_failure,
            short_of_space=disk.short_of_space,
        )

    subject = Subject(open_log, tmp_path)
    yield subject
    subject.log.close()


def test_room_on_the_disk_is_noticed_by_itself(
    careful: Subject, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """Once there is room the same post passes; each turn is told once, however many try."""
    caplog.set_level(logging.INFO)
    alice = careful.begin()
    disk.is_short = True
    for number in range(3):
        order = post(alice, "lobby", message_id=f"m{number}")
        assert careful.refused(order).reason is Reason.STORAGE_FULL
        assert careful.log.statistics().disk_full
    disk.is_short = False
    careful.ok(cmd.RenewSession(alice))
    for number in range(3):
        assert careful.ok(post(alice, "lobby", message_id=f"m{number}")).seq == number + 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.INFO]
    assert not careful.log.statistics().disk_full
    assert careful.log.statistics().failed_commits == 0
    assert not careful.failures


def test_disk_is_asked_once_a_batch(careful: Subject, disk: Disk) -> None:
    """However many orders share a commit, the system is asked once."""
    alice = careful.begin()
    before = disk.asked
    careful.ask_all(*(post(alice, "lobby", message_id=f"m{n}") for n in range(50)))
    assert disk.asked == before + 1


# ------------------------------------------------------------------------ damage


def test_writer_that_meets_damage_has_the_next_start_look(subject: Subject, path: Path) -> None:
    """The outcome is unknown, the log stops, and the next start refuses the file."""
    alice = subject.begin()
    subject.reopen()
    overwrite(path, pages_of(path, "first_answers")[0], b"\xff" * 8)
    assert subject.refused(post(alice, "lobby")).reason is Reason.STORAGE_FAILED
    assert path.with_name(f"{path.name}.damaged").exists()
    with pytest.raises(DataFileError, match="restore it from a backup"):
        subject.reopen()


# ------------------------------------------------------------- a commit that fails


@contextmanager
def failing_writes(path: Path) -> Iterator[None]:
    """Have the system refuse to let the write-ahead log grow, as a broken disk would."""
    log = path.with_name(f"{path.name}-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def begin_with_a_long_log(subject: Subject) -> int:
    """Sign in alice, and let the write-ahead log outgrow every other file of this process."""
    alice = subject.begin()
    posts = (post(alice, "lobby", LARGE, message_id=f"l{n}") for n in range(100))
    assert reasons(subject.ask_all(*posts)) == {None}
    return alice


def test_failed_write_refuses_the_batch_and_stops_the_log(
    subject: Subject, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The outcome is told as unknown, the failure once, and no more orders are taken."""
    alice = begin_with_a_long_log(subject)
    before, heard = subject.fold().snapshot(), len(subject.events())
    with failing_writes(path):
        orders = [post(alice, "lobby", LARGE, message_id=f"m{n}") for n in range(8)]
        assert reasons(subject.ask_all(*orders)) == {Reason.STORAGE_FAILED}
    (failure,) = subject.failures
    assert isinstance(failure, sqlite3.OperationalError)
    assert failure.sqlite_errorname.startswith("SQLITE_IOERR")
    assert [r.levelno for r in caplog.records] == [logging.CRITICAL]
    with pytest.raises(RefusedError) as raised:
        subject.submit(IDLE)
    assert raised.value.rejection.reason is Reason.STORAGE_FAILED
    subject.log.close()
    with pytest.raises(RefusedError) as raised:
        subject.submit(IDLE)
    assert raised.value.rejection.reason is Reason.STORAGE_FAILED
    assert len(subject.events()) == heard
    assert subject.reopen().snapshot() == before


def test_nothing_is_written_after_a_failed_commit(subject: Subject, path: Path) -> None:
    """What was queued behind it is refused too, though the disk is well again."""
    alice = begin_with_a_long_log(subject)
    before = subject.fold().snapshot()
    well_again = threading.Event()

    def look(_: Commit) -> None:
        if subject.failures:
            assert well_again.wait(DEADLINE_S)

    with failing_writes(path):
        with subject.held():
            subject.look = look
            # A whole batch, so that the next ticket is not part of it.
            large = post(alice, "lobby", LARGE, message_id="m1")
            failed = subject.submit(large, *[IDLE] * (MAX_BATCH - 1))
            behind = subject.submit(post(alice, "lobby", "small", message_id="m2"))
        assert subject.failed.wait(DEADLINE_S)
    well_again.set()
    assert reasons(subject.outcomes(failed)) == {Reason.STORAGE_FAILED}
    assert reasons(subject.outcomes(behind)) == {Reason.STORAGE_FAILED}
    assert len(subject.failures) == 1
    assert subject.reopen().snapshot() == before


def test_mistake_of_the_hearer_stops_the_log(subject: Subject) -> None:
    """A log that nobody hears any more says so and takes no orders, instead of hanging."""
    subject.begin()

    def look(_: Commit) -> None:
        raise LookupError("nobody is there")

    subject.look = look
    subject.submit(IDLE)
    assert subject.failed.wait(DEADLINE_S)
    (failure,) = subject.failures
    assert isinstance(failure, LookupError)
    with pytest.raises(RefusedError) as raised:
        subject.submit(IDLE)
    assert raised.value.rejection.reason is Reason.STORAGE_FAILED


def test_mistake_in_evolve_fails_the_batch(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that could not be applied whole leaves nothing in memory or in the file."""
    alice = subject.begin()
    before = subject.fold().snapshot()

    def broken(state: State, event: ev.Event) -> None:
        if isinstance(event, ev.TopicChanged):
            raise ArithmeticError("planted")
        evolve(state, event)

    monkeypatch.setattr(batch, "evolve", broken)
    outcomes = subject.ask_all(
        post(alice, "lobby", message_id="m1"), cmd.SetTopic(alice, to("lobby"), "cats")
    )
    assert reasons(outcomes) == {Reason.STORAGE_FAILED}
    assert subject.reopen().snapshot() == before


# -------------------------------------------------------------------- the file


def test_file_passes_its_own_check(subject: Subject, path: Path) -> None:
    """After a busy life the file is whole, and with the close of all readers it stands alone."""
    alice = subject.begin()
    for n in range(30):
        subject.ask_all(*(post(alice, "lobby", LARGE, message_id=f"{n}.{k}") for k in range(5)))
    assert len(subject.log.read_after(1, 0, count=5, max_bytes=1 << 20)) == 5
    subject.log.close()
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert other.execute("SELECT count(*) FROM room_events").fetchone() == (150,)


def test_tokens_are_stored_as_they_came(subject: Subject, path: Path) -> None:
    """The file has the hash that the order carried, and finds the session by it."""
    alice = subject.begin()
    assert subject.reopen().session_ids[b"alice's token"] == alice
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT token_hash FROM sessions").fetchall() == [(b"alice's token",)]
