"""`chat_cli.keeper`: posts leave when they are on disk, and what is over leaves the disk."""

import asyncio
from pathlib import Path

import pytest

from chat_cli import keeper as keeping
from chat_cli import records
from chat_cli.journal import Journal
from chat_cli.keeper import Keeper
from chat_cli.model import ByName
from chat_cli.outbox import Outbox
from chat_cli.pending import PendingPost
from chat_cli.storage import directory_for
from tests.cli.desk import DEADLINE, die, run

LOBBY = ByName("lobby")


class Person:
    """An outbox with its keeper. Waits for what the keeper says."""

    def __init__(self, root: Path, prefix: str = "p", kind: str = "window") -> None:
        self.directory = directory_for("outbox", "here:1", "anna", root)
        self.outbox = Outbox(prefix, window=1000)
        self.troubles: list[str] = []
        self.saves = asyncio.Event()
        self.keeper = Keeper(
            self.outbox, "here:1", kind, lambda: 1_000, self.saves.set, self.troubles.append, root
        )

    def starts(self) -> list[str]:
        """Begin, and take over what there is; give the texts of it."""
        found = self.keeper.open("anna")
        self.outbox.adopt(found.posts)
        self.keeper.changed()
        return [post.text for post in found.posts]

    def writes(self, *texts: str) -> None:
        """Enter messages."""
        for text in texts:
            self.outbox.post(LOBBY, text, False, "e1 u1", "#lobby")
            self.keeper.changed()

    async def sends(self) -> list[str]:
        """Wait until something may leave; give it."""
        async with asyncio.timeout(DEADLINE):
            while not (due := self.outbox.take_due(0.0)):
                self.saves.clear()
                await self.saves.wait()
        return [post.text for post in due if isinstance(post, PendingPost)]

    def acked(self, count: int = 1) -> None:
        """Settle the oldest."""
        for client_msg_id in list(self.outbox.posts)[:count]:
            self.outbox.settle_post(client_msg_id)
        self.keeper.changed()

    def files(self) -> list[Path]:
        """Give the outboxes on disk."""
        return sorted(self.directory.glob("*.jsonl"))

    def on_disk(self) -> records.Contents:
        """Read the one outbox on disk."""
        (path,) = self.files()
        return records.read(path.read_bytes())


async def turn() -> None:
    """Let the loop do what is due now."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def test_a_message_leaves_when_it_is_on_disk(tmp_path: Path) -> None:
    """Before, it is held; when it is answered its line says so; a clean end leaves nothing."""

    async def story() -> None:
        anna = Person(tmp_path)
        anna.starts()
        anna.writes("one")
        assert anna.outbox.take_due(0.0) == []
        assert await anna.sends() == ["one"]
        assert [post.text for post in anna.on_disk().posts.values()] == ["one"]
        anna.acked()
        await turn()
        assert anna.on_disk().posts == {}
        await anna.keeper.close()
        assert list(anna.directory.iterdir()) == []

    run(story())


def test_what_was_written_survives_at_once(tmp_path: Path) -> None:
    """With what was to be written soon, once, before the loop has a turn; it is synced as ever."""

    async def story() -> None:
        anna = Person(tmp_path)
        anna.starts()
        anna.writes("one", "two")
        assert anna.on_disk().posts == {}
        anna.keeper.write()
        (path,) = anna.files()
        written = path.read_bytes()
        assert [post.text for post in records.read(written).posts.values()] == ["one", "two"]
        assert await anna.sends() == ["one", "two"]
        assert path.read_bytes() == written
        die(anna.keeper)
        assert Person(tmp_path, "q").starts() == ["one", "two"]

    run(story())


def test_without_a_name_there_is_nothing_to_write_to(tmp_path: Path) -> None:
    """What was written before is in the file when there is one."""

    async def story() -> None:
        anna = Person(tmp_path)
        anna.writes("early")
        anna.keeper.write()
        assert anna.files() == []
        anna.starts()
        anna.keeper.write()
        assert [post.text for post in anna.on_disk().posts.values()] == ["early"]
        die(anna.keeper)

    run(story())


def test_changes_of_a_turn_are_written_together(tmp_path: Path) -> None:
    """One turn of the loop after them they survive the end of the process."""

    async def story() -> None:
        anna = Person(tmp_path)
        anna.starts()
        anna.writes("one", "two")
        await turn()
        die(anna.keeper)
        assert Person(tmp_path).starts() == ["one", "two"]

    run(story())


def test_many_messages_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written while the disk is busy is synced at once after that."""
    syncs = []
    sync = Journal.sync

    def counted(journal: Journal) -> None:
        syncs.append(journal.size)
        sync(journal)

    monkeypatch.setattr(Journal, "sync", counted)

    async def story() -> None:
        anna = Person(tmp_path)
        anna.starts()
        anna.writes(*map(str, range(500)))
        assert len(await anna.sends()) == 500
        assert len(syncs) == 1
        await anna.keeper.close()

    run(story())


def test_what_the_dead_left_moves_into_the_own_file(tmp_path: Path) -> None:
    """In the order of writing; the old file goes when the new one is on disk, not before."""

    async def story() -> None:
        windows = [Person(tmp_path, prefix) for prefix in "ba"]
        for time_ms, window in enumerate(windows, 1):
            window.starts()
            window.writes(f"of {time_ms}")
            for post in window.outbox.posts.values():
                post.typed_ms = time_ms
            await window.sends()
        for window in windows:
            die(window.keeper)
        anna = Person(tmp_path, "c")
        assert anna.starts() == ["of 1", "of 2"]
        assert len(anna.files()) == 3
        assert await anna.sends() == ["of 1", "of 2"]
        assert len(anna.files()) == 1
        # The next one finds what was not acknowledged, with the ids that it had.
        die(anna.keeper)
        ids = list(anna.outbox.posts)
        last = Person(tmp_path, "d")
        assert last.starts() == ["of 1", "of 2"]
        assert list(last.outbox.posts) == ids

    run(story())


def test_a_living_window_is_left_alone(tmp_path: Path) -> None:
    """Two windows of one name keep their own; each ends without the other's messages."""

    async def story() -> None:
        first, second = Person(tmp_path, "a"), Person(tmp_path, "b")
        first.starts()
        first.writes("of the first")
        await first.sends()
        assert second.starts() == []
        second.writes("of the second")
        await second.sends()
        second.acked()
        await second.keeper.close()
        assert [post.text for post in first.on_disk().posts.values()] == ["of the first"]
        await first.keeper.close()
        assert Person(tmp_path, "c").starts() == ["of the first"]

    run(story())


def test_what_failed_stays_until_it_was_seen(tmp_path: Path) -> None:
    """A crash before that shows it again, with its reason, and does not send it."""

    async def story() -> None:
        anna = Person(tmp_path)
        anna.starts()
        anna.writes("refused")
        await anna.sends()
        (post,) = anna.outbox.posts.values()
        anna.outbox.fail(post, "not like this")
        anna.keeper.changed()
        await turn()
        die(anna.keeper)
        again = Person(tmp_path, "q")
        found = again.keeper.open("anna")
        assert found.posts == ()
        assert [(one.post.text, one.reason) for one in found.failed] == [
            ("refused", "not like this")
        ]
        again.outbox.fail(found.failed[0].post, found.failed[0].reason)
        again.outbox.seen()
        again.keeper.changed()
        await again.keeper.close()
        assert list(again.directory.iterdir()) == []

    run(story())


def test_a_long_day_makes_no_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is mostly settled is written anew, with what still waits."""
    monkeypatch.setattr(keeping, "_LARGE", 20_000)

    async def story() -> None:
        anna = Person(tmp_path)
        anna.starts()
        anna.writes("the first waits")
        await anna.sends()
        for number in range(300):
            anna.writes(f"{number} {'x' * 200}")
            await anna.sends()
            anna.outbox.settle_post(list(anna.outbox.posts)[1])
            anna.keeper.changed()
            await turn()
            assert anna.files()[0].stat().st_size < 21_000
        assert [post.text for post in anna.on_disk().posts.values()] == ["the first waits"]
        await anna.keeper.close()

    run(story())


def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    """The messages leave all the same."""

    async def story() -> None:
        (tmp_path / "outbox").write_text("in the way")
        anna = Person(tmp_path)
        assert anna.starts() == []
        for text in ("one", "two"):
            anna.writes(text)
            assert await anna.sends() == [text]
        await anna.keeper.close()
        (trouble,) = anna.troubles
        assert trouble.startswith("What you write is not kept over a crash: ")

    run(story())


@pytest.mark.parametrize("operation", ["append", "sync"])
def test_a_disk_that_is_full_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """It is told once, nothing is held up, and when there is room the file is whole again."""
    works = getattr(Journal, operation)
    full = False

    def fails(journal: Journal, *arguments: bytes) -> None:
        if full:
            # Half of a line may have been taken.
            works(journal, *(data[:10] for data in arguments))
            raise OSError(28, "No space left on device")
        works(journal, *arguments)

    monkeypatch.setattr(Journal, operation, fails)
    if operation == "append":
        replace = Journal.replace

        def fails_too(journal: Journal, data: bytes) -> None:
            if full:
                raise OSError(28, "No space left on device")
            replace(journal, data)

        monkeypatch.setattr(Journal, "replace", fails_too)

    async def story() -> None:
        nonlocal full
        anna = Person(tmp_path)
        anna.starts()
        anna.writes("before")
        assert await anna.sends() == ["before"]
        full = True
        for text in ("one", "two"):
            anna.writes(text)
            assert await anna.sends() == [text]
            await turn()
        assert anna.troubles == [
            "What you write is not kept over a crash: no space left on device."
        ]
        full = False
        anna.writes("after")
        assert await anna.sends() == ["after"]
        await turn()
        contents = anna.on_disk()
        assert contents.damaged == 0
        assert [post.text for post in contents.posts.values()] == ["before", "one", "two", "after"]
        await anna.keeper.close()

    run(story())


def test_another_name_takes_the_messages_along(tmp_path: Path) -> None:
    """A name that was refused leaves no file behind."""

    async def story() -> None:
        anna = Person(tmp_path)
        anna.starts()
        anna.writes("early")
        await anna.sends()
        anna.keeper.open("annika")
        anna.keeper.changed()
        anna.writes("later")
        await anna.sends()
        assert anna.files() == []
        (path,) = directory_for("outbox", "here:1", "annika", tmp_path).glob("*.jsonl")
        contents = records.read(path.read_bytes())
        assert [post.text for post in contents.posts.values()] == ["early", "later"]
        await anna.keeper.close()

    run(story())


def test_damage_is_named_and_set_aside(tmp_path: Path) -> None:
    """What could be read is taken over; the file stays where its name says."""

    async def story() -> None:
        dead = Person(tmp_path)
        dead.starts()
        dead.writes("whole")
        await turn()
        die(dead.keeper)
        (path,) = dead.files()
        path.write_bytes(path.read_bytes() + b"\xff\n")
        anna = Person(tmp_path, "q")
        found = anna.keeper.open("anna")
        anna.outbox.adopt(found.posts)
        anna.keeper.changed()
        assert await anna.sends() == ["whole"]
        (aside,) = map(Path, found.damaged)
        assert aside.read_bytes().endswith(b"\xff\n")
        assert path not in anna.files()
        await anna.keeper.close()

    run(story())
