"""What any log promises, whatever it is made of. A further log joins by a line in LOGS."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import RoomKind
from chat_service.core.state import State
from chat_service.log.contract import Commit
from chat_service.log.limits import MAX_BACKLOG
from tests.core.scene import post, to
from tests.log.subject import DEADLINE_S, INSTANCE, START_MS, OpenLog, Subject, open_sqlite

LOGS = [pytest.param(open_sqlite, id="sqlite")]

# An order that is always accepted and changes nothing.
IDLE = cmd.ExpireSession(0)
PLENTY = {"count": 1000, "max_bytes": 1 << 20}


@pytest.fixture(params=LOGS)
def open_log(request: pytest.FixtureRequest) -> OpenLog:
    """Return what opens a log, for each kind."""
    opener: OpenLog = request.param
    return opener


@pytest.fixture
def subject(open_log: OpenLog, tmp_path: Path) -> Iterator[Subject]:
    """Open each kind of log on empty data."""
    subject = Subject(open_log, tmp_path)
    yield subject
    subject.log.close()
    assert not subject.failures


def said(number: int, text: str = "hello") -> Callable[[int], cmd.PostMessage]:
    """Make a post of a session to the lobby with a numbered id."""
    return lambda session_id: post(session_id, "lobby", text, message_id=f"m{number}")


# -------------------------------------------------------------- orders, answers


def test_new_log_is_empty(subject: Subject) -> None:
    """Before the first order nothing is known."""
    assert subject.log.load().snapshot() == State().snapshot()


def test_each_ticket_gets_one_outcome_for_each_order(subject: Subject) -> None:
    """Outcomes come under the ticket, in the order of its orders, refusals among them."""
    alice = subject.begin()
    outcomes = subject.ask_all(
        said(1)(alice), post(alice, "nowhere", message_id="m2"), said(3)(alice), said(1)(alice)
    )
    assert [o.reason if isinstance(o, Rejection) else (o.seq, o.duplicate) for o in outcomes] == [
        (1, False),
        Reason.ROOM_NOT_FOUND,
        (2, False),
        (1, True),
    ]


def test_ticket_without_orders_is_answered(subject: Subject) -> None:
    """An empty tuple of orders has an empty tuple of outcomes."""
    assert subject.ask_all() == ()


def test_commits_come_in_the_order_of_submits(subject: Subject) -> None:
    """Tickets, and the events that they made, are announced in the order of the calls."""
    alice = subject.begin()
    first = subject.submit(IDLE)
    tickets = [subject.submit(said(n, str(n))(alice)) for n in range(500)]
    subject.outcomes(tickets[-1])
    answered = [ticket for commit in subject.commits for ticket, _ in commit.answers]
    assert answered == sorted(answered)
    assert answered[-501:] == [first, *tickets]
    assert subject.texts() == [str(n) for n in range(500)]
    outcomes = [outcome for ticket in tickets for outcome in subject.outcomes(ticket)]
    assert [o.seq for o in outcomes if isinstance(o, Answer)] == list(range(1, 501))


def test_orders_of_a_ticket_see_each_other(subject: Subject) -> None:
    """An order is decided with everything before it, also what is not yet durable."""
    outcomes = subject.ask_all(
        cmd.StartInstance(INSTANCE, "epoch-1", Limits(), "lobby"),
        cmd.OpenGuest("alice", b"a", INSTANCE, "den"),
        cmd.OpenGuest("ALICE", b"b", INSTANCE),
        post(1, "den", "one", message_id="m1"),
        post(1, "den", "one", message_id="m1"),
        post(1, "den", "two", message_id="m1"),
        cmd.EndSession(1),
        post(1, "den", "one", message_id="m1"),
    )
    assert [o.reason if isinstance(o, Rejection) else "ok" for o in outcomes] == [
        "ok",
        "ok",
        Reason.NAME_TAKEN,
        "ok",
        "ok",
        Reason.ID_REUSED,
        "ok",
        Reason.SESSION_ENDED,
    ]
    (retry,) = outcomes[4:5]
    assert isinstance(retry, Answer)
    assert retry.duplicate
    assert subject.texts() == ["one"]


def test_same_orders_give_the_same_whatever_the_batches(
    subject: Subject, open_log: OpenLog, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Ten orders together and ten alone come to the same events and outcomes."""
    other = Subject(open_log, tmp_path_factory.mktemp("other"))
    try:
        alice = subject.begin()
        assert other.begin() == alice
        orders = [said(n % 4)(alice) for n in range(10)]
        assert subject.ask_all(*orders) == tuple(other.ask(order) for order in orders)
        assert subject.events() == other.events()
    finally:
        other.log.close()


def test_time_comes_from_the_clock_and_never_goes_back(subject: Subject) -> None:
    """An event has the time of the clock, but never less than the event before it."""
    alice = subject.begin()
    subject.now_ms = START_MS + 9
    assert subject.ok(said(1)(alice)).time_ms == START_MS + 9
    subject.now_ms = 0
    assert subject.ok(said(2)(alice)).time_ms == START_MS + 9
    subject.reopen()
    assert subject.ok(said(3)(alice)).time_ms == START_MS + 9


def test_refused_orders_leave_nothing(subject: Subject) -> None:
    """Orders that are all refused have no events, and a restart finds nothing new."""
    alice = subject.begin()
    before = subject.reopen().snapshot()
    heard = len(subject.events())
    outcomes = subject.ask_all(
        cmd.OpenGuest("alice", b"x", INSTANCE), cmd.OpenGuest("no name", b"y", INSTANCE),
        post(alice, "nowhere"), post(alice, "lobby", ""), cmd.EndSession(999),
    )  # fmt: skip
    assert all(isinstance(outcome, Rejection) for outcome in outcomes)
    assert len(subject.events()) == heard
    assert subject.reopen().snapshot() == before


@pytest.mark.parametrize(
    "broken",
    [
        cmd.OpenGuest(None, b"x", INSTANCE),  # type: ignore[arg-type] # what breaks it
        cmd.EndSession([]),  # type: ignore[arg-type] # what breaks it
        cmd.PostMessage([], to("lobby"), 0, "x", "m", b"h"),  # type: ignore[arg-type] # and the read before it
        "no order at all",
    ],
)
def test_mistake_in_a_decision_loses_only_its_order(
    subject: Subject, broken: cmd.Command, caplog: pytest.LogCaptureFixture
) -> None:
    """The orders beside it are stored; it is answered with INTERNAL, and the log has the trace."""
    alice = subject.begin()
    first, lost, last = subject.ask_all(said(1)(alice), broken, said(2)(alice))
    assert isinstance(lost, Rejection)
    assert lost == Rejection(Reason.INTERNAL, "internal error")
    assert isinstance(first, Answer)
    assert isinstance(last, Answer)
    assert (first.seq, last.seq) == (1, 2)
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert subject.reopen().snapshot() == subject.fold().snapshot()


# ------------------------------------------------------------------ durability


def test_nothing_is_announced_before_it_is_durable(subject: Subject) -> None:
    """While a commit is announced, a reader already finds all of it."""
    alice = subject.begin()
    found: list[tuple[list[str], list[str]]] = []

    def look(commit: Commit) -> None:
        announced = [e.text for e in commit.events if isinstance(e, ev.MessagePosted)]
        if announced:
            stored = subject.log.read_before(1, 1 << 60, count=len(announced), max_bytes=1 << 20)
            texts = [e.text for e in reversed(stored) if isinstance(e, ev.MessagePosted)]
            found.append((announced, texts))

    subject.look = look
    for n in range(20):
        subject.ask_all(*(said(10 * n + k, f"{n}.{k}")(alice) for k in range(n % 3 + 1)))
    assert len(found) == 20
    assert all(announced == stored for announced, stored in found)


def test_orders_that_gather_are_committed_together(subject: Subject) -> None:
    """What is submitted while a commit runs comes in one commit after it."""
    alice = subject.begin()
    with subject.held():
        before = len(subject.commits)
        tickets = [subject.submit(said(n)(alice), IDLE) for n in range(30)]
    subject.outcomes(tickets[-1])
    (together,) = subject.commits[before:]
    assert [ticket for ticket, _ in together.answers] == tickets
    assert len(together.events) == 30


def test_submit_does_not_wait_for_a_commit(subject: Subject) -> None:
    """While the writer is busy submits return, unanswered."""
    alice = subject.begin()
    with subject.held():
        ticket = subject.submit(said(1)(alice))
        assert not subject.is_answered(ticket)
    assert subject.outcomes(ticket)


def test_reads_go_on_while_a_commit_is_announced(subject: Subject) -> None:
    """A reader never waits for the writer."""
    alice = subject.begin()
    subject.ok(said(1)(alice))
    with subject.held():
        assert len(subject.log.read_after(1, 0, **PLENTY)) == 1


def test_backlog_is_bounded(subject: Subject) -> None:
    """Exactly the bound may wait; one order more is refused, unheard, until some are answered."""
    alice = subject.begin()
    with subject.held():
        full = subject.submit(*[IDLE] * (MAX_BACKLOG - 1))
        last = subject.submit(said(1)(alice))
        for commands in ((said(2)(alice),), (IDLE,) * MAX_BACKLOG):
            with pytest.raises(RefusedError) as raised:
                subject.log.submit(-1, commands)
            assert raised.value.rejection.reason is Reason.OVERLOADED
            assert raised.value.rejection.retry_after_ms > 0
    assert len(subject.outcomes(full)) == MAX_BACKLOG - 1
    subject.outcomes(last)
    assert subject.ok(said(3)(alice)).seq == 2
    assert not subject.is_answered(-1)


def test_more_than_the_whole_backlog_is_refused(subject: Subject) -> None:
    """A ticket that could never fit is refused at once, also by an idle log."""
    with pytest.raises(RefusedError) as raised:
        subject.log.submit(-1, (IDLE,) * (MAX_BACKLOG + 1))
    assert raised.value.rejection.reason is Reason.OVERLOADED


# --------------------------------------------------------------------- restarts


def test_statistics_tell_what_was_committed(subject: Subject) -> None:
    """Each batch counts once, with its time and its orders; the snapshot stays as it was."""
    before = subject.log.statistics()
    assert (before.commits, before.failed_commits, before.backlog) == (0, 0, 0)
    subject.ask_all(IDLE, IDLE, IDLE)
    subject.ask_all(IDLE)
    after = subject.log.statistics()
    assert (after.commits, after.failed_commits, after.backlog) == (2, 0, 0)
    assert after.batch_orders.count == after.commit_seconds.count == 2
    assert after.batch_orders.total == 4
    assert 0 < after.commit_seconds.total < DEADLINE_S
    assert not after.disk_full
    assert before.batch_orders.count == 0


def test_statistics_tell_what_waits(subject: Subject) -> None:
    """Orders that are not decided yet are the backlog, also while a commit hangs."""
    subject.begin()
    with subject.held():
        subject.submit(IDLE, IDLE, IDLE)
        assert subject.log.statistics().backlog == 3
        last = subject.submit(IDLE)
        assert subject.log.statistics().backlog == 4
    subject.outcomes(last)
    assert subject.log.statistics().backlog == 0


def test_restart_finds_the_fold_of_all_events(subject: Subject) -> None:
    """The state that is loaded is what the announced events come to."""
    alice = subject.begin(Limits(text_bytes=77, reserved_names=("zeus", "hera")))
    bob = subject.ok(cmd.OpenGuest("Bob", b"b", INSTANCE, "den")).session_id
    subject.ok(cmd.AttachSession(bob, 4))
    subject.ok(post(bob, ("alice",), "psst", message_id="d"))
    subject.ok(cmd.SetTopic(alice, to("lobby"), "cats 🐈"))
    subject.ok(cmd.OpenSession(alice, "", b"a2", INSTANCE))
    subject.ok(cmd.OpenGuest("carol", b"c", INSTANCE))
    subject.ok(cmd.EndSession(5 - 1))
    loaded = subject.reopen()
    assert loaded.snapshot() == subject.fold().snapshot()
    assert loaded.limits == Limits(text_bytes=77, reserved_names=("zeus", "hera"))
    assert loaded.epoch == "epoch-1"


def test_rooms_of_a_user_keep_their_order(subject: Subject) -> None:
    """Who leaves and comes back is last, whether or not it all was one commit."""
    alice = subject.begin()
    subject.ask_all(
        cmd.JoinRoom(alice, to("one")),
        cmd.JoinRoom(alice, to("two")),
        cmd.LeaveRoom(alice, to("one")),
        cmd.LeaveRoom(alice, to("lobby")),
        cmd.JoinRoom(alice, to("three")),
        cmd.JoinRoom(alice, to("lobby")),
        cmd.JoinRoom(alice, to("one")),
    )
    loaded = subject.reopen()
    joined = sorted(loaded.rooms_of[1], key=lambda room_id: loaded.members[room_id, 1].number)
    assert [loaded.rooms[n].name for n in joined] == ["two", "three", "lobby", "one"]
    assert loaded.snapshot() == subject.fold().snapshot()


def test_ids_and_seqs_go_on_after_a_restart(subject: Subject) -> None:
    """No number is given twice, also where what had it is gone."""
    alice = subject.begin()
    subject.ok(said(1)(alice))
    gone = subject.ok(cmd.OpenGuest("bob", b"b", INSTANCE))
    subject.ok(cmd.EndSession(gone.session_id))
    subject.reopen()
    assert subject.ok(said(2)(alice)).seq == 2
    later = subject.ok(cmd.OpenGuest("bob", b"b2", INSTANCE, "den"))
    assert (later.user_id, later.session_id) == (gone.user_id + 1, gone.session_id + 1)


def test_retry_after_a_restart_gets_the_first_answer(subject: Subject) -> None:
    """What an id was used for outlives the process, its hash included."""
    alice = subject.begin()
    first = subject.ok(said(1)(alice))
    subject.reopen()
    again = subject.ok(said(1)(alice))
    assert (again.room_id, again.seq, again.time_ms) == (first.room_id, first.seq, first.time_ms)
    assert again.duplicate
    assert subject.refused(said(1, "other")(alice)).reason is Reason.ID_REUSED


def test_loaded_state_is_a_copy(subject: Subject) -> None:
    """What a caller does to its state does not reach the log's."""
    alice = subject.begin()
    subject.reopen()
    mine = subject.log.load()
    mine.sessions.drop(alice)
    mine.merge()
    assert subject.log.load().snapshot() == subject.fold().snapshot()
    assert subject.ok(said(1)(alice)).seq == 1


# ---------------------------------------------------------------------- reading


@pytest.fixture
def talk(subject: Subject) -> Subject:
    """Say six things in the lobby, of 3 bytes each, one of them a topic, and one in the den."""
    alice = subject.begin()
    subject.ask_all(
        *(said(n, f"n°{n}"[:3].replace("°", "-"))(alice) for n in range(1, 4)),
        cmd.SetTopic(alice, to("lobby"), "t-4"),
        said(5, "n-5")(alice),
        said(6, "é6")(alice),
        cmd.JoinRoom(alice, to("den")),
        post(alice, "den", "elsewhere", message_id="d1"),
    )
    return subject


def seqs(events: list[ev.RoomEvent]) -> list[int]:
    """Return the places of events."""
    return [event.seq for event in events]


@pytest.mark.parametrize(
    ("after", "count", "max_bytes", "expected"),
    [
        (0, 100, 1000, [1, 2, 3, 4, 5, 6]),
        (2, 100, 1000, [3, 4, 5, 6]),
        (5, 100, 1000, [6]),
        (6, 100, 1000, []),
        (99, 100, 1000, []),
        (0, 2, 1000, [1, 2]),
        (3, 1, 1000, [4]),
        (0, 0, 1000, []),
        (0, 100, 1, [1]),
        (0, 100, 3, [1]),
        (0, 100, 4, [1, 2]),
        (0, 100, 6, [1, 2]),
        (2, 100, 7, [3, 4, 5]),
        (4, 100, 4, [5, 6]),
        (5, 100, 3, [6]),
    ],
)
def test_reading_forward(
    talk: Subject, after: int, count: int, max_bytes: int, expected: list[int]
) -> None:
    """Oldest first, after a place, at most so many, up to the first that fills the bytes."""
    assert seqs(talk.log.read_after(1, after, count=count, max_bytes=max_bytes)) == expected


@pytest.mark.parametrize(
    ("before", "count", "max_bytes", "expected"),
    [
        (7, 100, 1000, [6, 5, 4, 3, 2, 1]),
        (99, 100, 1000, [6, 5, 4, 3, 2, 1]),
        (3, 100, 1000, [2, 1]),
        (1, 100, 1000, []),
        (0, 100, 1000, []),
        (7, 2, 1000, [6, 5]),
        (7, 0, 1000, []),
        (7, 100, 1, [6]),
        (7, 100, 3, [6]),
        (7, 100, 4, [6, 5]),
        (6, 100, 7, [5, 4, 3]),
    ],
)
def test_reading_backward(
    talk: Subject, before: int, count: int, max_bytes: int, expected: list[int]
) -> None:
    """Newest first, before a place, with the same bounds."""
    assert seqs(talk.log.read_before(1, before, count=count, max_bytes=max_bytes)) == expected


def test_bytes_are_of_utf_8(subject: Subject) -> None:
    """The bound counts bytes and not characters."""
    alice = subject.begin()
    subject.ask_all(*(said(n, "👋")(alice) for n in range(4)))
    assert len(subject.log.read_after(1, 0, count=9, max_bytes=8)) == 2
    assert len(subject.log.read_before(1, 9, count=9, max_bytes=9)) == 3


def test_what_is_read_is_what_was_announced(talk: Subject) -> None:
    """Every field comes back as it was, but for the hash, which serves retries alone."""
    announced = [e for e in talk.events() if isinstance(e, (ev.MessagePosted, ev.TopicChanged))]
    read = talk.log.read_after(1, 0, **PLENTY) + talk.log.read_after(2, 0, **PLENTY)
    assert len(read) == 7
    for stored, event in zip(read, announced, strict=True):
        if isinstance(event, ev.MessagePosted):
            event = event._replace(request_hash=b"")
        assert type(stored) is type(event)
        assert stored == event


@pytest.mark.parametrize(
    "text",
    [
        "\x01\x1b[2J",
        "a\r\nb",
        "👩‍👩‍👧 \u202e",
        "'; DROP TABLE room_events; --",
        "\ufffe",
        "x" * 4096,
    ],
)
def test_text_comes_back_as_it_was(subject: Subject, text: str) -> None:
    """Nothing is cleaned, folded or cut on the way through the log."""
    alice = subject.begin()
    subject.ok(said(1, text)(alice))
    subject.reopen()
    (event,) = subject.log.read_after(1, 0, **PLENTY)
    assert isinstance(event, ev.MessagePosted)
    assert event.text == text


@pytest.mark.parametrize("room_id", [0, -1, 99, 1 << 40])
def test_unknown_room_has_no_events(talk: Subject, room_id: int) -> None:
    """Reading what is not there finds nothing and breaks nothing."""
    assert talk.log.read_after(room_id, 0, **PLENTY) == []
    assert talk.log.read_before(room_id, 9, **PLENTY) == []


def test_many_threads_read_while_the_log_writes(subject: Subject) -> None:
    """Each read is a contiguous piece of the log, whatever is written meanwhile."""
    alice = subject.begin()
    subject.ok(said(0)(alice))
    start = threading.Barrier(5)

    def read() -> list[int]:
        start.wait(DEADLINE_S)
        last = 0
        while last < 300:
            page = seqs(subject.log.read_after(1, last, count=7, max_bytes=1 << 20))
            assert page == list(range(last + 1, last + 1 + len(page)))
            newest = seqs(subject.log.read_before(1, 1 << 60, count=3, max_bytes=1 << 20))
            assert newest[0] >= max(page, default=last)
            last = max(page, default=last)
        return [last]

    with ThreadPoolExecutor(4) as threads:
        reading = [threads.submit(read) for _ in range(4)]
        start.wait(DEADLINE_S)
        tickets = [subject.submit(said(n)(alice)) for n in range(1, 300)]
        subject.outcomes(tickets[-1])
        for future in reading:
            assert future.result(DEADLINE_S)[0] >= 300


# -------------------------------------------------------------------- retention

LIFE_MS = Limits().first_answer_ms


def begin_to_stay(subject: Subject) -> int:
    """Begin with alice on a stream, so that her session outlives her first answers."""
    alice = subject.begin()
    subject.ok(cmd.AttachSession(alice, 1))
    return alice


def test_pruned_events_are_gone_and_the_others_stay(talk: Subject) -> None:
    """What is before the first kept seq is read no more, whichever way; numbering goes on."""
    talk.ok(cmd.Prune(1, 4))
    for _ in range(2):
        assert seqs(talk.log.read_after(1, 0, **PLENTY)) == [5, 6]
        assert seqs(talk.log.read_after(1, 5, **PLENTY)) == [6]
        assert seqs(talk.log.read_before(1, 99, **PLENTY)) == [6, 5]
        assert [talk.log.read_first(room_id) for room_id in (1, 2, 99)] == [5, 1, 1]
        assert seqs(talk.log.read_after(2, 0, **PLENTY)) == [1]
        assert talk.reopen().snapshot() == talk.fold().snapshot()
    talk.ok(cmd.Prune(1, 6))
    assert talk.log.read_after(1, 0, **PLENTY) == []
    assert talk.log.read_first(1) == 7
    assert talk.ok(said(7)(1)).seq == 7
    assert seqs(talk.log.read_after(1, 0, **PLENTY)) == [7]


def test_prune_finds_what_its_own_batch_added(subject: Subject) -> None:
    """An event that came and went in one commit is announced, and not stored."""
    alice = subject.begin()
    subject.ask_all(said(1)(alice), said(2)(alice), cmd.Prune(1, 2), said(3)(alice))
    assert subject.texts() == ["hello"] * 3
    assert seqs(subject.log.read_after(1, 0, **PLENTY)) == [3]
    assert subject.ok(said(2)(alice)).duplicate


def test_refused_prune_leaves_everything(talk: Subject) -> None:
    """A prune beyond the head, or of no room, is refused; one of what is gone changes nothing."""
    assert talk.refused(cmd.Prune(1, 7)).reason is Reason.SEQ_OUT_OF_RANGE
    assert talk.refused(cmd.Prune(9, 1)).reason is Reason.ROOM_NOT_FOUND
    talk.ok(cmd.Prune(1, 0))
    assert seqs(talk.log.read_after(1, 0, **PLENTY)) == [1, 2, 3, 4, 5, 6]
    heard = len(talk.events())
    talk.ok(cmd.Prune(1, 3))
    talk.ok(cmd.Prune(1, 2))
    assert len(talk.events()) == heard + 1
    assert talk.log.read_first(1) == 4


def test_first_answer_outlives_its_message(subject: Subject) -> None:
    """A retry of what was pruned gets its first answer until its time is over, then no more."""
    alice = begin_to_stay(subject)
    first = subject.ok(said(1)(alice))
    subject.ok(said(2)(alice))
    assert subject.log.read_oldest_orphan_ms() is None
    subject.ok(cmd.Prune(1, 1))
    assert subject.log.read_oldest_orphan_ms() == first.time_ms
    subject.now_ms += LIFE_MS
    subject.ok(cmd.PruneAnswers(100))
    again = subject.ok(said(1)(alice))
    assert (again.duplicate, again.seq, again.time_ms) == (True, 1, first.time_ms)
    assert subject.refused(said(1, "other")(alice)).reason is Reason.ID_REUSED
    subject.now_ms += 1
    subject.ok(cmd.PruneAnswers(100))
    assert subject.log.read_oldest_orphan_ms() is None
    anew = subject.ok(said(1)(alice))
    assert (anew.duplicate, anew.seq) == (False, 3)
    # The other message is kept, and with it its answer, however old it is.
    assert subject.ok(said(2)(alice)).seq == 2


def test_first_answers_go_oldest_first_and_bounded(subject: Subject) -> None:
    """One order lets go of no more than it says, and of the oldest."""
    alice = begin_to_stay(subject)
    times = []
    for n in range(5):
        subject.now_ms += 1
        times.append(subject.ok(said(n)(alice)).time_ms)
    subject.ok(cmd.Prune(1, 4))
    subject.now_ms += LIFE_MS + 10
    left = []
    for _ in range(3):
        left.append(subject.log.read_oldest_orphan_ms())
        subject.ok(cmd.PruneAnswers(2))
    assert left == [times[0], times[2], None]
    assert [subject.ok(said(n)(alice)).duplicate for n in range(5)] == [False] * 4 + [True]


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_orders_see_what_a_prune_before_them_removed(subject: Subject, *, together: bool) -> None:
    """Whether or not it all is one commit, a retry behind the removal is a new message."""
    alice = begin_to_stay(subject)
    subject.ask_all(said(1)(alice), said(2)(alice))
    subject.now_ms += LIFE_MS + 1
    orders: tuple[cmd.Command, ...] = (
        said(1)(alice),
        cmd.Prune(1, 2),
        cmd.PruneAnswers(1),
        said(1)(alice),
        said(2)(alice),
        cmd.PruneAnswers(1),
        said(2)(alice),
        said(1)(alice),
    )
    outcomes: Sequence[Answer | Rejection]
    outcomes = subject.ask_all(*orders) if together else [subject.ask(order) for order in orders]
    answers = [o for o in outcomes if isinstance(o, Answer) and o.seq]
    assert [(o.seq, o.duplicate) for o in answers] == [
        (1, True), (3, False), (2, True), (4, False), (3, True),
    ]  # fmt: skip
    assert seqs(subject.log.read_after(1, 0, **PLENTY)) == [3, 4]
    assert subject.reopen().snapshot() == subject.fold().snapshot()


def test_forgotten_room_is_pruned_too(subject: Subject) -> None:
    """What nobody can reach any more is known over a restart until the last of it is gone."""
    alice = subject.begin()
    bob = subject.ok(cmd.OpenGuest("bob", b"b", INSTANCE)).session_id
    room_id = subject.ok(post(alice, ("bob",), message_id="d1")).room_id
    subject.ask_all(*(post(bob, ("alice",), message_id=f"d{n}") for n in (2, 3)))
    subject.ask_all(cmd.EndSession(alice), cmd.EndSession(bob))
    assert subject.reopen().leftovers.snapshot() == {room_id: 3}
    assert seqs(subject.log.read_after(room_id, 0, **PLENTY)) == [1, 2, 3]
    subject.ok(cmd.Prune(room_id, 2))
    assert subject.reopen().firsts.snapshot() == {room_id: 3}
    subject.ok(cmd.Prune(room_id, 3))
    state = subject.reopen()
    assert (state.leftovers.snapshot(), state.firsts.snapshot()) == ({}, {})
    assert subject.log.read_after(room_id, 0, **PLENTY) == []
    assert subject.refused(cmd.Prune(room_id, 3)).reason is Reason.ROOM_NOT_FOUND


# ------------------------------------------------------------------------ order


def test_order_is_the_same_whatever_the_batches(
    subject: Subject, open_log: OpenLog, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Kicks, bans, mutes, deletions and all that admins do: together, alone, over a restart."""
    lobby, bob, robot = to("lobby"), cmd.UserByName("bob"), cmd.UserByName("robot")
    by, alice, ada, carol = cmd.OPERATOR, 1, 3, 4
    story: list[cmd.Command] = [
        cmd.OpenGuest("bob", b"b", INSTANCE, "lobby"),
        cmd.Register(0, "ada", "#", b"a", INSTANCE, by_operator=True, admin=True),
        cmd.SignIn(3, "#", "", b"ada", INSTANCE),
        cmd.Register(0, "carol", "#", b"c", INSTANCE),
        cmd.CreateBot(carol, "robot"),
        said(1, "one")(alice),
        said(2, "two")(alice),
        cmd.DeleteMessage(alice, lobby, 2, "own"),
        cmd.DeleteMessage(ada, lobby, 1, "spam"),
        cmd.DeleteMessage(ada, lobby, 1, "again"),
        said(2, "two")(alice),
        cmd.MuteMember(ada, lobby, bob, 0, "noise"),
        cmd.BanMember(ada, lobby, bob, 60_000, "spam"),
        cmd.UnmuteMember(by, lobby, bob),
        cmd.KickMember(ada, lobby, cmd.UserByName("alice"), "out"),
        cmd.BanUser(ada, cmd.UserByName("carol"), 60_000, "spam"),
        cmd.BanNetwork(ada, "192.0.2.9/24", 0, "flood"),
        cmd.BanNetwork(ada, "2001:db8::1", 0, "flood"),
        cmd.UnbanNetwork(by, "2001:db8::1"),
        cmd.SetFast(ada, robot, fast=True),
        cmd.SetLockdown(ada, registrations=True, guests=True, reason="flood"),
        cmd.SetDeactivated(ada, cmd.UserByName("carol"), deactivated=True, reason=""),
        cmd.SetDeactivated(by, robot, deactivated=False, reason=""),
        cmd.KickUser(ada, bob, "bye"),
        cmd.UnbanUser(by, "carol"),
        cmd.SetAdmin(by, cmd.UserByName("ada"), admin=False),
    ]
    other = Subject(open_log, tmp_path_factory.mktemp("other"))
    try:
        assert subject.begin() == other.begin() == alice
        together = subject.ask_all(*story)
        assert not [one for one in together if isinstance(one, Rejection)]
        for command, outcome in zip(story, together, strict=True):
            assert other.ask(command) == outcome
            assert other.reopen().snapshot() == other.fold().snapshot()
        assert subject.events() == other.events()
        assert subject.reopen().snapshot() == subject.fold().snapshot()
        bodies = [type(event) for event in subject.log.read_after(1, 0, **PLENTY)]
        assert bodies == [
            ev.Tombstone,
            ev.Tombstone,
            ev.MessageDeleted,
            ev.MessageDeleted,
            ev.MemberRemoved,
            ev.MemberRemoved,
        ]
        audit = subject.log.read_audit(None, 2**62, count=100)
        assert other.log.read_audit(None, 2**62, count=100) == audit
        assert len(audit) == len([e for e in subject.events() if isinstance(e, ev.Audited)])
    finally:
        other.log.close()


# ---------------------------------------------------------------- the audit log


def test_audit_log_is_read_by_page(subject: Subject) -> None:
    """The newest first, before the one that is named; fields are those of the events."""
    subject.begin()
    mute, unmute = (
        cmd.MuteMember(cmd.OPERATOR, to("lobby"), cmd.UserByName("alice"), 60_000, "noise"),
        cmd.UnmuteMember(cmd.OPERATOR, to("lobby"), cmd.UserByName("alice")),
    )
    for _ in range(3):
        subject.ask_all(mute, unmute)
    told = [event for event in subject.events() if isinstance(event, ev.Audited)]
    assert [entry.audit_id for entry in told] == [1, 2, 3, 4, 5, 6]
    assert subject.log.read_audit(1, 2**63 - 1, count=100) == told[::-1]
    assert subject.log.read_audit(None, 5, count=3) == told[3:0:-1]
    assert subject.log.read_audit(1, 1, count=3) == []
    assert subject.log.read_audit(1, 7, count=0) == []
    subject.reopen()
    assert subject.log.read_audit(1, 7, count=100) == told[::-1]


def test_audit_log_of_the_server_has_nothing_of_private_rooms(subject: Subject) -> None:
    """Each room has its own; that of the server has its own and those of public rooms alone."""
    alice = subject.begin()
    bob = subject.ok(cmd.OpenGuest("bob", b"b", INSTANCE, "lobby")).session_id
    dens = [
        subject.ok(cmd.CreateRoom(alice, name, RoomKind.PRIVATE)).room_id for name in ("a", "b")
    ]
    whom = cmd.UserByName("bob")
    for room_id in (1, *dens):
        subject.ok(cmd.MuteMember(cmd.OPERATOR, cmd.RoomById(room_id), whom, 0, str(room_id)))
    subject.ok(cmd.LeaveRoom(alice, cmd.RoomById(dens[1])))
    subject.ok(cmd.KickUser(cmd.OPERATOR, whom, "server"))

    def reasons(room_id: int | None) -> list[str]:
        return [entry.reason for entry in subject.log.read_audit(room_id, 2**62, count=9)]

    assert reasons(None) == ["server", "1"]
    assert [reasons(room_id) for room_id in (1, *dens, 99)] == [["1"], ["2"], ["3"], []]
    assert bob


# ---------------------------------------------------------------------- closing


def test_closing_commits_what_is_queued(subject: Subject) -> None:
    """What was submitted before the end is stored and announced."""
    alice = subject.begin()
    with subject.held():
        tickets = [subject.submit(said(n)(alice)) for n in range(50)]
        closing = threading.Thread(target=subject.log.close)
        closing.start()
    closing.join(DEADLINE_S)
    assert not closing.is_alive()
    assert all(subject.is_answered(ticket) for ticket in tickets)
    assert subject.reopen().heads[1] == 50


def test_closed_log_takes_no_orders(subject: Subject) -> None:
    """After the end a submit is refused with DRAINING."""
    subject.begin()
    subject.log.close()
    with pytest.raises(RefusedError) as raised:
        subject.submit(IDLE)
    assert raised.value.rejection.reason is Reason.DRAINING


def test_closing_twice_or_unused_is_no_error(subject: Subject) -> None:
    """A log may be closed before its first order, and again."""
    subject.log.close()
    subject.log.close()
