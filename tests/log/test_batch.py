"""A batch: each order finds what those before it came to, and all is written in one transaction."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chat_service.core import commands as cmd
from chat_service.core import events as ev
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, Rejection
from chat_service.core.limits import Limits
from chat_service.log import tables
from chat_service.log.batch import Batch
from chat_service.log.datafile import open_data_file
from chat_service.log.history import History
from tests.core.scene import post, to

INSTANCE = "here"

Outcome = Answer | Rejection


class Writer:
    """What a log does around its batches: a transaction each, and the state that goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection, self.state = open_data_file(path)
        self.events: list[ev.Event] = []
        # Whether the disk is down to its reserve.
        self.is_short = False

    def ask_all(self, *orders: cmd.Command) -> tuple[Outcome, ...]:
        """Store orders as one batch; return what each came to."""
        self.connection.execute("BEGIN IMMEDIATE")
        batch = Batch(self.connection, self.state, 1_000_000, short=self.is_short)
        commit = batch.carry_out([(1, orders)])
        self.connection.execute("COMMIT")
        self.state.merge()
        self.events += commit.events
        ((_, outcomes),) = commit.answers
        return outcomes

    def begin(self) -> int:
        """Start the instance and sign in alice, in the lobby; return her session."""
        _, answer = self.ask_all(
            cmd.StartInstance(INSTANCE, "epoch-1", Limits(), "lobby"),
            cmd.OpenGuest("alice", b"alice's token", INSTANCE, "lobby"),
        )
        assert isinstance(answer, Answer)
        return answer.session_id


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Open a writer on empty data."""
    writer = Writer(tmp_path / "chat.sqlite3")
    yield writer
    writer.connection.close()


def test_read_of_a_first_answer_sees_its_own_batch(writer: Writer) -> None:
    """Stored before, or made earlier in the batch, also for a session that the batch opened."""
    alice = writer.begin()
    writer.ask_all(post(alice, "lobby", "one", message_id="m1"))
    outcomes = writer.ask_all(
        post(alice, "lobby", "one", message_id="m1"),
        post(alice, "lobby", "two", message_id="m2"),
        post(alice, "lobby", "two", message_id="m2"),
        cmd.OpenSession(alice, "", b"second", INSTANCE),
        post(2, "lobby", "one", message_id="m1"),
        post(2, "lobby", "two", message_id="m2"),
        post(2, "lobby", "three", message_id="m2"),
        post(2, "lobby", "three", message_id="m3"),
        post(alice, "lobby", "three", message_id="m3"),
    )
    told = [(o.seq, o.duplicate) if isinstance(o, Answer) else o.reason for o in outcomes]
    assert told == [
        (1, True),
        (2, False),
        (2, True),
        (0, False),
        (1, True),
        (2, True),
        Reason.ID_REUSED,
        (3, False),
        (3, True),
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (post(1, "lobby", "half \ud800"), Reason.TEXT_INVALID),
        (post(1, "lobby", message_id="half\ud800"), Reason.CLIENT_ID_INVALID),
        (post(1, "lobby", message_id="m\x00"), Reason.CLIENT_ID_INVALID),
        (post(1, "half\ud800"), Reason.ROOM_NOT_FOUND),
        (post(1, ("half\ud800",)), Reason.USER_NOT_FOUND),
        (post(1, 1 << 80), Reason.ROOM_NOT_FOUND),
        (cmd.SetTopic(1, to("lobby"), "half\ud800"), Reason.TOPIC_INVALID),
        (cmd.OpenGuest("half\ud800", b"x", INSTANCE), Reason.NAME_INVALID),
        (cmd.OpenGuest("bob", b"x", INSTANCE, "half\ud800"), Reason.ROOM_NAME_INVALID),
        (cmd.EndSession(1 << 80), Reason.SESSION_ENDED),
    ],
)
def test_what_cannot_be_stored_is_refused_and_not_tried(
    writer: Writer, bad: cmd.Command, reason: Reason
) -> None:
    """A text that no file takes, a number beyond its integers: refused, and the log goes on."""
    alice = writer.begin()
    first, refused, last = writer.ask_all(
        post(alice, "lobby", message_id="a"), bad, post(alice, "lobby", message_id="b")
    )
    assert isinstance(refused, Rejection)
    assert refused.reason is reason
    assert isinstance(first, Answer)
    assert isinstance(last, Answer)


def test_reserve_is_for_people_and_not_for_talk(writer: Writer) -> None:
    """Posts and topics are refused, in a batch with orders that pass; a retry gets its answer."""
    alice = writer.begin()
    writer.ask_all(post(alice, "lobby", "before", message_id="m0"))
    writer.is_short = True
    outcomes = writer.ask_all(
        cmd.OpenGuest("bob", b"bob", INSTANCE, "den"),
        post(alice, "lobby", "now", message_id="m1"),
        cmd.SetTopic(alice, to("lobby"), "cats"),
        post(alice, ("bob",), "psst", message_id="m2"),
        post(alice, "lobby", "before", message_id="m0"),
        post(alice, "lobby", "other", message_id="m0"),
        post(alice, "lobby", " ", message_id="m3"),
        cmd.JoinRoom(alice, to("den")),
        cmd.LeaveRoom(alice, to("den")),
        cmd.UpdateRoom(2, to("den"), description="full"),
        cmd.KickMember(cmd.OPERATOR, to("den"), cmd.UserByName("bob"), ""),
        cmd.BanMember(cmd.OPERATOR, to("lobby"), cmd.UserByName("bob"), 0, ""),
        cmd.EndSession(2),
    )
    told = [o.reason if isinstance(o, Rejection) else o.duplicate for o in outcomes]
    full = Reason.STORAGE_FULL
    refused = [Reason.ID_REUSED, Reason.TEXT_INVALID]
    passed = [False] * 3
    assert told == [False, full, full, full, True, *refused, False, False, full, *passed]
    assert all(o.retry_after_ms for o in outcomes if isinstance(o, Rejection) and o.reason is full)
    writer.ask_all(cmd.DeleteMessage(alice, to("lobby"), 1, ""))
    assert [e.text for e in writer.events if isinstance(e, ev.MessagePosted)] == ["before"]
    with closing(History(writer.path)) as history:
        stored = history.after(1, 0, count=1, max_bytes=1000)
    assert [type(event) for event in stored] == [ev.Tombstone]
    assert tables.load(writer.connection).snapshot() == writer.state.snapshot()
