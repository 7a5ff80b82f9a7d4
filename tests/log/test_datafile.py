"""A file that cannot be used is named in one line with its remedy, and left as it was."""

import errno
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chat_service.log import datafile, schema
from chat_service.log.datafile import is_damage, open_data_file
from chat_service.log.schema import APPLICATION_ID, MIGRATIONS, DataFileError
from tests.log.damage import NAME, PAGE, fill, overwrite, pages_of, tables


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Make the data file of a small chat, closed cleanly."""
    directory = tmp_path_factory.mktemp("good")
    fill(directory)
    return (directory / NAME).read_bytes()


def crashed(directory: Path, change: Callable[[sqlite3.Connection], object]) -> Path:
    """Make a file as a crash leaves it: its last commits are in the write-ahead log alone."""
    whole = directory / "whole"
    whole.mkdir()
    path = directory / NAME
    with closing(sqlite3.connect(whole / NAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        change(connection)
        for name in (NAME, f"{NAME}-wal"):
            shutil.copy(whole / name, directory / name)
    assert path.with_name(f"{NAME}-wal").stat().st_size
    return path


def contents(path: Path) -> list[bytes]:
    """Return the bytes of a file and of its write-ahead log, where there is any."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return [file.read_bytes() for file in files if file.is_file() and file.stat().st_size]


def refusal(path: Path) -> str:
    """Open a file that must be refused, see that it is unchanged, return the line."""
    before = contents(path)
    with pytest.raises(DataFileError) as raised:
        open_data_file(path)
    assert contents(path) == before
    line = str(raised.value)
    assert line.isprintable(), "not one line of plain text"
    assert line.startswith(f"{path} ")
    return line


# ------------------------------------------------------------------ good files


def test_new_file_is_made(tmp_path: Path) -> None:
    """Where there is no file, or an empty one, a start makes it."""
    for path in (tmp_path / "new", tmp_path / "empty"):
        if path.name == "empty":
            path.touch()
        connection, state = open_data_file(path)
        connection.close()
        assert state.epoch == ""
        assert schema.APPLICATION_ID.to_bytes(4, "big") in path.read_bytes()[:100]


PRAGMAS = ("journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync", "secure_delete")


def test_connection_is_durable_and_commits_nothing_by_itself(tmp_path: Path) -> None:
    """The writer has WAL, a sync of each commit down to the platter, and its own BEGIN.

    What it deletes is overwritten.
    """
    connection, _ = open_data_file(tmp_path / NAME)
    with closing(connection):
        figures = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS]
        assert figures == ["wal", 2, 1, 1, 1]
        assert connection.isolation_level is None
        connection.execute("INSERT INTO names VALUES ('a', 'b')")
        assert not connection.in_transaction


def test_good_file_opens_again(tmp_path: Path, good: bytes) -> None:
    """What is refused below is refused for its damage: the same file as it was opens."""
    path = tmp_path / NAME
    path.write_bytes(good)
    connection, state = open_data_file(path)
    connection.close()
    assert state.heads.snapshot() == {1: 201, 2: 0, 3: 1}
    assert path.read_bytes() == good


def test_crash_is_no_damage(tmp_path: Path) -> None:
    """What a crash left in the write-ahead log is there after the next start, new pages too."""
    fill(tmp_path)
    path = tmp_path / NAME
    again = tmp_path / "again"
    again.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT OR REPLACE INTO heads VALUES (2, 77)")
        connection.execute("INSERT INTO names VALUES ('long', ?)", ("x" * 50_000,))
        for name in (NAME, f"{NAME}-wal"):
            shutil.copy(tmp_path / name, again / name)
    connection, state = open_data_file(again / NAME)
    connection.close()
    assert state.heads[2] == 77


def cut_short(directory: Path, *scripts: str) -> Path:
    """Make a file whose first transaction was written but not yet free of its rollback journal."""
    whole, path = directory / "whole", directory / NAME
    with closing(sqlite3.connect(whole, isolation_level=None)) as connection:
        # A tiny cache makes SQLite write pages, and so the journal, before the commit.
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE recipes (name)")
        connection.executemany("INSERT INTO recipes VALUES (?)", [("x" * 3000,)] * 40)
        for script in scripts:
            connection.execute(script)
        shutil.copy(f"{whole}-journal", f"{path}-journal")
        connection.execute("COMMIT")
        shutil.copy(whole, path)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        with pytest.raises(sqlite3.OperationalError) as raised:
            connection.execute("SELECT * FROM recipes")
        assert raised.value.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK
    return path


def test_older_file_is_brought_to_the_newest_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of an earlier version is not judged by tables that it does not have yet."""
    path = tmp_path / NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE early (a)")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    shapes = ("CREATE TABLE early (a);", *MIGRATIONS)
    for module in (schema, datafile):
        monkeypatch.setattr(module, "MIGRATIONS", shapes)
    connection, state = open_data_file(path)
    with closing(connection):
        assert connection.execute("PRAGMA user_version").fetchone() == (len(shapes),)
        assert state.epoch == ""


def test_first_start_that_was_cut_short_begins_again(tmp_path: Path) -> None:
    """A file of ours with a rollback journal beside it is taken back to where it was."""
    path = cut_short(tmp_path, f"PRAGMA application_id = {APPLICATION_ID}")
    connection, state = open_data_file(path)
    with closing(connection):
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert "recipes" not in tables
        assert "room_events" in tables
        assert state.epoch == ""


def test_first_start_that_lost_its_first_sector_begins_again(tmp_path: Path) -> None:
    """After a power cut the journal may be there and the beginning of the file not."""
    path = cut_short(tmp_path, f"PRAGMA application_id = {APPLICATION_ID}")
    overwrite(path, 1, bytes(512))
    connection, state = open_data_file(path)
    connection.close()
    assert state.epoch == ""


# ---------------------------------------------------------------- refused files


def test_directory_in_place_of_the_file(tmp_path: Path) -> None:
    """A directory of that name is no file."""
    path = tmp_path / NAME
    path.mkdir()
    assert "cannot be read" in refusal(path)
    assert list(path.iterdir()) == []


def test_missing_directory(tmp_path: Path) -> None:
    """A path that leads nowhere is named, and nothing is made of it."""
    assert "cannot be read" in refusal(tmp_path / "missing" / NAME)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"a shopping list\n",
        b"\x00" * 2,
        b"x" * 100_000,
        b"SQLite format 3\x00",
        b"SQLite format 3\x00" * 99,
    ],
)
def test_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    """A text, noise, or no more than the beginning of a data file."""
    path = tmp_path / NAME
    path.write_bytes(content)
    assert "cannot be read" in refusal(path)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_file_of_another_program(tmp_path: Path, mode: str) -> None:
    """Another program's database is left alone."""
    path = tmp_path / NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE recipes (name)")
    assert "belongs to another program" in refusal(path)


def test_file_of_another_program_that_crashed(tmp_path: Path) -> None:
    """Not even its write-ahead log is moved into its file."""
    path = crashed(tmp_path, lambda c: c.executescript("CREATE TABLE recipes (name);"))
    assert "belongs to another program" in refusal(path)


def test_file_of_another_program_in_the_middle_of_its_work(tmp_path: Path) -> None:
    """Its rollback journal is not played back."""
    path = cut_short(tmp_path)
    journal = Path(f"{path}-journal")
    before = journal.read_bytes()
    refusal(path)
    assert journal.read_bytes() == before


def test_file_without_its_first_sector(tmp_path: Path, good: bytes) -> None:
    """A journal of a later transaction does not make a damaged file a new one."""
    path = cut_short(tmp_path)
    path.write_bytes(bytes(512) + good[512:])
    journal = Path(f"{path}-journal")
    with journal.open("r+b") as file:
        file.seek(16)
        file.write((len(good) // PAGE).to_bytes(4, "big"))
    assert "cannot be read" in refusal(path)


def test_file_of_a_newer_version(tmp_path: Path, good: bytes) -> None:
    """A newer file is refused with the remedy, not read as if it were of today."""
    path = tmp_path / NAME
    path.write_bytes(good)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    assert "newer version of chat-server: install that version" in refusal(path)


def test_file_of_a_newer_version_that_crashed(tmp_path: Path) -> None:
    """The mark may be in the write-ahead log alone, and stays there."""
    path = crashed(
        tmp_path,
        lambda c: c.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 99;"
        ),
    )
    assert "newer version" in refusal(path)


def test_truncated_file(tmp_path: Path, good: bytes) -> None:
    """Wherever a file is cut, it is refused: within a page, at its end, within the last one."""
    size = len(good)
    page = 4096
    cuts = [2, 99, 100, 511, 1024, page, page + 1, size // 2, size - page, size - page + 1]
    for cut in [*cuts, size - 100, size - 1]:
        path = tmp_path / f"{cut}.sqlite3"
        path.write_bytes(good[:cut])
        assert "cannot be read" in refusal(path), cut


def test_truncated_file_beside_a_log_of_a_crash(tmp_path: Path) -> None:
    """A cut file is not completed with what the write-ahead log happens to have."""
    fill(tmp_path)
    path = tmp_path / NAME
    again = tmp_path / "again"
    again.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT OR REPLACE INTO heads VALUES (2, 77)")
        for name in (NAME, f"{NAME}-wal"):
            shutil.copy(tmp_path / name, again / name)
    with (again / NAME).open("r+b") as file:
        file.truncate(2 * 4096)
    assert "cannot be read" in refusal(again / NAME)


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "missing"])
def test_write_ahead_log_without_its_file(tmp_path: Path, *, empty: bool) -> None:
    """A log of commits beside an empty file, or none, is not thrown away for a new one."""
    path = crashed(tmp_path, lambda c: c.executescript("CREATE TABLE rooms (name);"))
    path.unlink()
    if empty:
        path.touch()
    assert "its write-ahead log is not" in refusal(path)


def test_file_without_its_tables(tmp_path: Path) -> None:
    """Marks alone do not make a data file."""
    path = tmp_path / NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    assert "no such table" in refusal(path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE settings SET value = 'no json'",
        "UPDATE settings SET value = '[]'",
        "UPDATE settings SET value = '{}'",
        """UPDATE settings SET value = '{"reserved_names": [], "figure": 1}'""",
        "UPDATE rooms SET kind = 9",
        "UPDATE rooms SET member_ids = '{'",
        "UPDATE rooms SET member_names = '7'",
        "UPDATE users SET name = CAST(x'ff' AS TEXT)",
        "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'no' || char(10) || 'sql'",
        "DROP TABLE members",
        "ALTER TABLE sessions RENAME COLUMN until_ms TO until",
    ],
)
def test_values_that_were_not_written_so(tmp_path: Path, good: bytes, damage: str) -> None:
    """A file whose tables hold what no commit writes is refused."""
    path = tmp_path / NAME
    path.write_bytes(good)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(damage)
    assert "cannot be read" in refusal(path)


def test_any_damage_is_named_or_harmless(tmp_path: Path, good: bytes) -> None:
    """Random bytes in random places never raise anything but the one error, nor change the file."""
    chance = random.Random(1)
    path = tmp_path / NAME
    refusals: list[str] = []
    for _ in range(400):
        damaged = bytearray(good)
        if chance.random() < 0.5:
            # A whole sector, as a disk loses it.
            place = chance.randrange(len(good) // 512) * 512
            damaged[place : place + 512] = chance.randbytes(512)
        else:
            # The first pages hold the schema: most single bytes that matter are there.
            for _ in range(chance.choice((1, 5, 50))):
                damaged[chance.randrange(2 * 4096)] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            connection, _ = open_data_file(path)
            connection.close()
            unchanged = True
        except DataFileError as error:
            refusals.append(str(error))
            unchanged = path.read_bytes() == damaged
        for litter in tmp_path.glob(f"{NAME}-*"):
            litter.unlink()
        assert unchanged
    assert len(refusals) > 100
    assert all(line.isprintable() for line in refusals)


def test_damaged_page_of_each_table(tmp_path: Path, good: bytes) -> None:
    """A page of any table or index that was lost or overwritten stops the start."""
    path = tmp_path / NAME
    path.write_bytes(good)
    for table in tables(path):
        for page in {pages_of(path, table)[0], pages_of(path, table)[-1]}:
            for damage in (b"\xff" * 8, bytes(8), b"\xff" * PAGE, bytes(PAGE)):
                overwrite(path, page, damage)
                assert "cannot be read" in refusal(path), (table, page, damage[:8])
                path.write_bytes(good)


def test_index_that_is_not_of_its_table(tmp_path: Path, good: bytes) -> None:
    """A page that is whole, but belongs elsewhere, is no index."""
    path = tmp_path / NAME
    path.write_bytes(good)
    first = tables(path)
    stray = (first["names"] - 1) * PAGE
    overwrite(path, first["sqlite_autoindex_members_1"], good[stray : stray + PAGE])
    assert "cannot be read" in refusal(path)


def test_flipped_bytes_of_the_history(tmp_path: Path, good: bytes) -> None:
    """Each byte of the head of a page of messages, and of its table of cells, is found."""
    path = tmp_path / NAME
    path.write_bytes(good)
    page = pages_of(path, "room_events")[-1]
    for at in range(40):
        path.write_bytes(good)
        overwrite(path, page, bytes([good[(page - 1) * PAGE + at] ^ 0xFF]), at)
        assert "cannot be read" in refusal(path), at


def test_full_disk_is_named(tmp_path: Path, good: bytes) -> None:
    """A disk without room is no damage: the remedy is room, not a backup."""
    path = tmp_path / NAME
    path.write_bytes(good)
    for error in (
        OSError(errno.ENOSPC, "No space left on device"),
        coded(sqlite3.SQLITE_FULL),
        coded(sqlite3.SQLITE_IOERR_SHMSIZE),
    ):
        assert datafile._refusal(path, error) == (
            f"{path} cannot be opened: its disk is full, make room on it"
        )
    assert "restore it" in datafile._refusal(path, coded(sqlite3.SQLITE_IOERR_READ))


def test_what_is_damage(tmp_path: Path) -> None:
    """Pages and values that cannot be read are; a mistake in the use of a connection is not."""
    for error in (
        coded(sqlite3.SQLITE_CORRUPT),
        coded(sqlite3.SQLITE_IOERR_READ),
        coded(sqlite3.SQLITE_NOTADB),
        sqlite3.OperationalError("Could not decode to UTF-8 column"),
        ValueError("a kind that there is not"),
    ):
        assert is_damage(error), error
    connection = sqlite3.connect(tmp_path / NAME)
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError) as raised:
        connection.execute("SELECT 1")
    for other in (raised.value, coded(sqlite3.SQLITE_BUSY), coded(sqlite3.SQLITE_ERROR)):
        assert not is_damage(other), other


def coded(code: int) -> sqlite3.OperationalError:
    """Make an error as SQLite raises it."""
    error = sqlite3.OperationalError("planted")
    error.sqlite_errorcode = code
    return error
