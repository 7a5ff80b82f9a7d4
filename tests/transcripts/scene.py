"""A real log, people who talk, and the transcripts of it.

    with scene.writes():
        scene.says("alice", "hi")
    assert scene.lines("lobby") == [...]

Whoever leaves the block waits until all that was noted is written, or could not be.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chat_service.config import Transcripts
from chat_service.core import commands as cmd
from chat_service.core.events import MessagePosted
from chat_service.core.limits import Limits
from chat_service.core.model import Style
from chat_service.log.contract import Commit
from chat_service.transcripts import naming
from chat_service.transcripts.files import Calls
from chat_service.transcripts.writer import TranscriptWriter
from chat_text import transcript
from tests.core.scene import post, to
from tests.log.subject import DEADLINE_S, INSTANCE, Subject, open_sqlite

NOON = 1_795_182_648_000
"""2026-11-20, 13:50:48 UTC, in ms since 1970: when a scene begins."""
AT_NOON = "2026-11-20T13:50:48Z"


class Scene:
    """An instance's log in `path/data`, its transcripts in `path/text/50051`."""

    def __init__(self, path: Path, **settings: int) -> None:
        self.directory = path / "text" / "50051"
        self.settings = Transcripts(self.directory, **settings)
        self.calls = Calls()
        self._data = path / "data"
        self._numbers = 0
        self._sessions: dict[str, int] = {}
        self.log: Subject
        self.writer: TranscriptWriter
        self.begins("epoch-1")

    def begins(self, epoch: str) -> None:
        """Begin new data, in the place of what was there."""
        if self._data.exists():
            self.log.log.close()
            for file in self._data.iterdir():
                file.unlink()
        self._data.mkdir(parents=True, exist_ok=True)
        self._sessions.clear()
        self.epoch = epoch
        self.opens()

    @property
    def limits(self) -> Limits:
        """The limits of the data."""
        return self._state.limits

    def opens(self) -> None:
        """Open the data, with a clock that stands at noon."""
        self.log = Subject(open_sqlite, self._data)
        self.log.now_ms = NOON
        self._state = self.log.log.load()

    def reopens(self) -> None:
        """Close the data and open it again, as a restart does."""
        self.log.log.close()
        self.opens()

    @contextmanager
    def writes(self, *, for_s: float = DEADLINE_S) -> Iterator[None]:
        """Run a server's part: begin, note what is committed, and stop within `for_s`."""
        self.start()
        try:
            yield
        finally:
            self.writer.close(for_s)
            self.reopens()

    def start(self) -> None:
        """Begin to write; the state is that of the last time that the data was opened."""
        self.writer = TranscriptWriter(
            self.settings,
            self._state,
            log=self.log.log,
            clock_ms=lambda: self.log.now_ms,
            calls=self.calls,
            back_off_s=0.01,
        )
        self.log.look = self._note
        self.log.ok(cmd.StartInstance(INSTANCE, self.epoch, Limits(), "lobby"))
        self.writer.start()

    def ends(self) -> None:
        """Wait until the thread of a stop that came to its end has ended too."""
        until(lambda: "transcripts" not in {t.name for t in threading.enumerate()}, "it has ended")

    def _note(self, commit: Commit) -> None:
        self.writer.note(commit.events)

    # ---------------------------------------------------------------------- people

    def joins(self, name: str, room: str = "lobby") -> None:
        """Sign somebody in, or have them join another room."""
        if name not in self._sessions:
            token = f"{name} {self.epoch}".encode()
            answer = self.log.ok(cmd.OpenGuest(name, token, INSTANCE, room))
            self._sessions[name] = answer.session_id
        else:
            self.log.ok(cmd.JoinRoom(self._sessions[name], to(room)))

    def session(self, name: str) -> int:
        """Return the session of somebody."""
        return self._sessions[name]

    def leaves(self, name: str, room: str = "lobby") -> None:
        """Have somebody leave a room."""
        self.log.ok(cmd.LeaveRoom(self._sessions[name], to(room)))

    def goes(self, name: str) -> None:
        """Sign somebody out, for ever."""
        self.log.ok(cmd.EndSession(self._sessions.pop(name)))

    def says(self, name: str, *texts: str, room: str = "lobby", style: Style = Style.TEXT) -> None:
        """Post messages, in one commit."""
        orders = []
        for text in texts:
            self._numbers += 1
            order = post(self._sessions[name], room, text, message_id=f"m{self._numbers}")
            orders.append(order._replace(style=style))
        self.log.ask_all(*orders)

    def sets_topic(self, name: str, topic: str, room: str = "lobby") -> None:
        """Change a topic."""
        self.log.ok(cmd.SetTopic(self._sessions[name], to(room), topic))

    def prunes(self, room_id: int, up_to_seq: int) -> None:
        """Let go of a room's first events."""
        self.log.ok(cmd.Prune(room_id, up_to_seq))

    # ----------------------------------------------------------------- what is written

    def path(self, room: str = "lobby") -> Path:
        """Return the present file of a room."""
        return self.directory / f"{room}.log"

    def shows(self, line: str, room: str = "lobby") -> None:
        """Wait until a room's transcript has a line."""
        path = self.path(room)
        until(lambda: path.exists() and line in path.read_text().splitlines(), "it is written")

    def lines(self, room: str = "lobby") -> list[str]:
        """Return the present transcript of a room."""
        text = self.path(room).read_bytes().decode()
        assert not text or text.endswith("\n")
        return text.splitlines()

    def names(self) -> list[str]:
        """Return the names of all transcripts."""
        return sorted(path.name for path in self.directory.glob("*.log"))

    def whole(self, room: str = "lobby") -> list[str]:
        """Return all transcripts of a room, oldest first."""
        old = naming.set_aside(f"{room}.log", self.names())
        return [
            line
            for name in [*old, f"{room}.log"]
            for line in (self.directory / name).read_text().splitlines()
        ]

    def history(self, room_id: int = 1) -> list[str]:
        """Return the lines that the messages of a room should have."""
        events = self.log.log.read_after(room_id, 0, count=1 << 20, max_bytes=1 << 30)
        lines = []
        for event in events:
            assert isinstance(event, MessagePosted)
            lines += transcript.said(event.time_ms, event.author_name, event.text)
        return lines


def talk(lines: list[str]) -> list[str]:
    """Leave joins and leaves out."""
    return [line for line in lines if line[21:23] not in ("->", "<-")]


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that another thread brings about."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        threading.Event().wait(0.005)
