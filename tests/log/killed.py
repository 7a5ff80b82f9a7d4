"""The process that test_kill kills: it posts as fast as it can and tells what was acknowledged.

    python -m tests.log.killed DIRECTORY RUN [early | pruning]

Writes `ready` when the log is open, then a line `ROOM SEQ ID` for each acknowledged
post, until it is killed. With `early` it acknowledges each post once it is decided,
before the commit: the mistake that the test must be able to see. With `pruning` it also
has all but the newest posts of a room pruned, again and again.
"""

import os
import sys
import threading
import time
from pathlib import Path

from chat_service.core import commands as cmd
from chat_service.core.commands import Command
from chat_service.core.decision import Answer, FactKey
from chat_service.core.errors import RefusedError, Rejection
from chat_service.core.limits import Limits
from chat_service.log import sqlite
from chat_service.log.batch import Batch
from chat_service.log.contract import Commit
from tests.core.scene import post

ROOMS = ("lobby", "den", "pub")
# Tickets that wait for their commit: enough that several gather while one runs.
WINDOW = 32
# Posts of a ticket, in turn.
SIZES = (1, 1, 2, 7)
# More than a run ever has unacknowledged.
IN_FLIGHT = WINDOW * max(SIZES)
# Posts of a room that pruning leaves.
KEPT = 5
NAME = "chat.sqlite3"


def order(run: int, number: int) -> cmd.PostMessage:
    """Return a run's post of a number: always the same, so that it can be repeated."""
    message_id = f"{run}-{number}"
    return post(1, ROOMS[number % len(ROOMS)], message_id, message_id=message_id)


def beginning() -> tuple[Command, ...]:
    """Return what a server does first, and the sign-in of the only author, session 1."""
    return (
        cmd.StartInstance("here", "epoch-1", Limits(), ROOMS[0]),
        cmd.OpenGuest("alice", b"token", "here", ROOMS[0]),
        *(cmd.JoinRoom(1, cmd.RoomByName(room)) for room in ROOMS[1:]),
        cmd.AttachSession(1, time.time_ns()),
    )


def write(text: str) -> None:
    """Write all of a text to whoever reads us."""
    rest = text.encode()
    while rest:
        rest = rest[os.write(1, rest) :]


def acknowledgement(answer: Answer, message_id: str) -> str:
    """Return the line that tells of one stored post."""
    return f"{answer.room_id} {answer.seq} {message_id}\n"


class EarlyBatch(Batch):
    """A batch with the mistake: it acknowledges what it has only decided."""

    def _decide(self, command: Command, key: FactKey | None) -> Answer | Rejection:
        outcome = super()._decide(command, key)
        if isinstance(command, cmd.PostMessage) and isinstance(outcome, Answer):
            write(acknowledgement(outcome, command.client_msg_id))
        return outcome


def main(directory: str, run: int, *, early: bool, pruning: bool) -> None:
    """Post until killed."""
    window = threading.Semaphore(WINDOW)
    waiting: dict[int, tuple[cmd.PostMessage, ...]] = {}
    # The newest post of each room that is stored.
    heads: dict[int, int] = {}

    def on_commit(commit: Commit) -> None:
        lines = []
        for ticket, outcomes in commit.answers:
            commands = waiting.pop(ticket)
            for command, outcome in zip(commands, outcomes if commands else (), strict=True):
                assert isinstance(outcome, Answer), outcome
                lines.append(acknowledgement(outcome, command.client_msg_id))
                heads[outcome.room_id] = outcome.seq
            window.release()
        if not early:
            write("".join(lines))

    begun = threading.Event()
    if early:
        sqlite.Batch = EarlyBatch  # type: ignore[attr-defined]
    log = sqlite.SqliteLog(
        Path(directory) / NAME,
        clock=lambda: time.time_ns() // 1_000_000,
        on_commit=lambda commit: on_commit(commit) if begun.is_set() else begun.set(),
        on_failure=lambda _: os._exit(3),
    )
    log.submit(0, beginning())
    begun.wait()
    write("ready\n")
    ticket, number = 0, 0
    while True:
        ticket += 1
        size = SIZES[ticket % len(SIZES)]
        waiting[ticket] = tuple(order(run, n) for n in range(number, number + size))
        number += size
        window.acquire()
        log.submit(ticket, waiting[ticket])
        for room_id, head in list(heads.items()) if pruning and ticket % 20 == 0 else ():
            ticket += 1
            waiting[ticket] = ()
            window.acquire()
            log.submit(ticket, (cmd.Prune(room_id, head - KEPT),))


if __name__ == "__main__":
    try:
        how = sys.argv[3:]
        main(sys.argv[1], int(sys.argv[2]), early="early" in how, pruning="pruning" in how)
    except RefusedError as error:
        sys.exit(str(error))
