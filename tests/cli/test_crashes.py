"""Two windows of one person that die at any moment: nothing is lost in silence or doubled.

The outbox, its keeper and the files are real. The server is a model of what the contract
says about posts: one effect for each user and id, and the first answer again after that. A
window may be killed, which leaves what was written, or lose its power, which leaves what was
synced and any part of the rest. Answers get lost, identities expire, the server's data is
replaced, weeks go by.
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_cli import records
from chat_cli.journal import Journal
from chat_cli.keeper import Keeper
from chat_cli.model import ByName
from chat_cli.outbox import Outbox
from chat_cli.pending import PendingPost
from tests.cli.desk import die, run

LOBBY = ByName("lobby")
WEEK = 7 * 24 * 3600 * 1000


@dataclass
class Server:
    """Stores posts once for each user and id, for at least 14 days. `owner` is who is signed in."""

    epoch: int = 1
    user: int = 1
    keys: set[tuple[str, str]] = field(default_factory=set)
    stored: list[tuple[str, str]] = field(default_factory=list)
    somebody: bool = False

    @property
    def owner(self) -> str:
        """The user that the kept token means."""
        return f"{self.epoch} u{self.user}"

    def post(self, owner: str, post: PendingPost) -> None:
        """Take a post."""
        if (owner, post.client_msg_id) not in self.keys:
            self.keys.add((owner, post.client_msg_id))
            self.stored.append((owner, post.text))


class World:
    """Everything that the two windows share."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server = Server()
        self.now_ms = 1_000_000
        self.prefixes = count()
        self.pressed: dict[str, str | None] = {}
        self.shown: set[str] = set()
        self.doubtful: set[str] = set()
        self.disk = Disk()


class Window:
    """A window of the person."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outbox = Outbox(f"w{next(world.prefixes)}", window=2)
        self.changes = asyncio.Event()
        self.keeper = Keeper(
            self.outbox, "here:1", "window", lambda: world.now_ms, self.changes.set,
            lambda trouble: pytest.fail(trouble), world.root,
        )  # fmt: skip
        self.owner: str | None = None
        self.flying: list[PendingPost] = []
        self.answers: list[str] = []
        found = self.keeper.open("anna")
        self.outbox.adopt(found.posts)
        for one in found.failed:
            self.fail([one.post])
        self.fail(self.outbox.too_old(world.now_ms))
        self.keeper.changed()

    def fail(self, posts: list[PendingPost]) -> None:
        """Show what is not sent."""
        for post in posts:
            self.outbox.fail(post, "failed")
            self.world.shown.add(post.text)

    def presses_enter(self) -> None:
        """Write a message; what failed before was seen."""
        self.outbox.seen()
        post = self.outbox.post(LOBBY, "", False, self.owner, "#lobby")
        post.text = post.client_msg_id
        self.world.pressed[post.text] = self.owner
        self.keeper.write()

    def signs_in(self) -> None:
        """Begin a stream; whoever the token means, one is that."""
        server = self.world.server
        resumed, server.somebody = server.somebody, True
        self.drops()
        self.owner = server.owner
        self.fail(self.outbox.signed_in_as(server.owner, resumed))
        self.fail(self.outbox.too_old(self.world.now_ms))
        self.keeper.changed()

    def sends(self) -> None:
        """Write to the stream what may leave."""
        if self.owner == self.world.server.owner:
            due = [post for post in self.outbox.take_due(0.0) if isinstance(post, PendingPost)]
            self.flying += [replace(post) for post in due]
            safe = self.world.disk.safe(self.keeper)
            assert {post.client_msg_id for post in due} <= safe, "sent before it was safe"

    def is_served(self) -> None:
        """Let the server take the oldest post in flight."""
        if self.flying and self.owner:
            post = self.flying.pop(0)
            self.world.server.post(self.owner, post)
            self.answers.append(post.client_msg_id)

    def is_answered(self) -> None:
        """Let the oldest answer arrive."""
        if self.answers:
            self.outbox.settle_post(self.answers.pop(0))
            self.keeper.changed()

    def drops(self) -> None:
        """Lose the stream with all that is on its way."""
        self.flying.clear()
        self.answers.clear()
        self.owner = None
        self.outbox.disconnected()

    async def settles(self) -> None:
        """Let the disk catch up with all that was written."""
        await asyncio.sleep(0)
        self.world.disk.spins.set()
        while self.keeper._syncing:
            await asyncio.wait([self.keeper._syncing])
        self.world.disk.spins.clear()

    async def finishes(self) -> None:
        """Send all that waits, on a good day."""
        self.signs_in()
        while self.outbox.posts:
            await self.settles()
            self.sends()
            while self.flying:
                self.is_served()
            while self.answers:
                self.is_answered()


ACTIONS = [
    *["press"] * 4, *["settle"] * 2, *["sign in"] * 2, *["send"] * 3, *["serve"] * 3,
    *["answer"] * 2, "drop", *["kill"] * 2, "power", "expire", "replace", "week", "turn",
]  # fmt: skip
STEP = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1), st.integers(0, 2**16))


async def live(
    root: Path, steps: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Play a story to its good end, and compare what was pressed with what became of it."""
    world = World(root)
    monkeypatch.setattr(asyncio, "to_thread", world.disk.to_thread)
    monkeypatch.setattr(Journal, "sync", lambda journal: world.disk.sync(journal))
    windows = [Window(world), Window(world)]
    for action, which, chance in steps:
        window, server = windows[which], world.server
        match action:
            case "press":
                window.presses_enter()
            case "settle":
                await window.settles()
            case "turn":
                await asyncio.sleep(0)
            case "sign in":
                window.signs_in()
            case "send":
                window.sends()
            case "serve":
                window.is_served()
            case "answer":
                window.is_answered()
            case "drop":
                window.drops()
            case "kill" | "power":
                await dies(window, chance if action == "power" else None)
                windows[which] = Window(world)
            case "expire":
                server.user, server.somebody = server.user + 1, False
            case "replace":
                server.epoch, server.user, server.somebody = server.epoch + 1, 1, False
                server.keys.clear()
            case "week":
                world.now_ms += WEEK
    for window in windows:
        await window.finishes()
        window.outbox.seen()
        world.disk.spins.set()
        await window.keeper.close()
    texts = [text for _, text in world.server.stored]
    assert len(texts) == len(set(texts)), "a message was doubled"
    vanished = world.pressed.keys() - world.doubtful - {*texts, *world.shown}
    assert not vanished, "a message vanished"
    for owner, text in world.server.stored:
        assert world.pressed[text] in (None, owner), "a message was sent as somebody else"


async def dies(window: Window, chance: int | None) -> None:
    """Kill a window; with a `chance` by loss of power, which takes a part of what is not synced."""
    journal, syncing = window.keeper._journal, window.keeper._syncing
    assert journal
    die(window.keeper)
    if syncing:
        syncing.cancel()
        await asyncio.gather(syncing, return_exceptions=True)
    if chance is not None:
        synced = window.world.disk.synced.get(journal._path, 0)
        with journal._path.open("r+b") as file:
            file.truncate(synced + chance % (journal.size - synced + 1))
        # What was not synced was never sent, and is all that may be gone.
        window.world.doubtful |= window.outbox._unsaved


class Disk:
    """Syncs when it is told to, and knows how much of each file is safe."""

    def __init__(self) -> None:
        self.synced: dict[Path, int] = {}
        self.spins = asyncio.Event()

    async def to_thread(self, sync: Callable[[], None]) -> None:
        """Do what a thread does, when the disk is ready."""
        await self.spins.wait()
        sync()

    def safe(self, keeper: Keeper) -> set[str]:
        """Give the ids of the messages that would survive the loss of power."""
        journal = keeper._journal
        assert journal
        data = journal._path.read_bytes()[: self.synced.get(journal._path, 0)]
        return set(records.read(data).posts)

    def sync(self, journal: Journal) -> None:
        """Count all that was written as safe."""
        self.synced[journal._path] = journal.size


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=1, max_size=40))
def test_every_message_arrives_once_or_is_shown(
    steps: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly once on the server, or shown as failed; never as somebody else."""
    with tempfile.TemporaryDirectory() as root:
        run(live(Path(root), steps, monkeypatch))
        assert list(Path(root).rglob("*.jsonl")) == []
