"""A large file is looked at while it is served, and damage is told, once, with its remedy."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chat_service.log import datafile
from chat_service.log.datafile import open_data_file
from chat_service.log.inspection import Inspection
from chat_service.log.schema import DataFileError
from tests.core.scene import post
from tests.log.damage import NAME, fill, overwrite, pages_of
from tests.log.subject import DEADLINE_S, Subject, open_sqlite


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every file count as too large to be looked at before it is opened."""
    monkeypatch.setattr(datafile, "PROMPT_CHECK_BYTES", 0)


def inspected(path: Path) -> list[str]:
    """Look at a file; return what was told."""
    told: list[str] = []
    inspection = Inspection(path, told.append)
    inspection._thread.join(DEADLINE_S)
    assert not inspection._thread.is_alive()
    inspection.close()
    return told


def test_whole_file_is_no_news(tmp_path: Path) -> None:
    """Nothing is told of a file without damage, and it is not marked."""
    fill(tmp_path)
    assert inspected(tmp_path / NAME) == []
    assert not list(tmp_path.glob("*.damaged"))


def test_damage_is_told_once_and_marked(tmp_path: Path) -> None:
    """The line names file and remedy; the next start looks first, and refuses the file."""
    fill(tmp_path)
    path = tmp_path / NAME
    overwrite(path, pages_of(path, "room_events")[-1], b"\xff" * 64)
    connection, _ = open_data_file(path)
    connection.close()
    (line,) = inspected(path)
    assert line.startswith(f"{path} cannot be read (")
    assert line.endswith("restore it from a backup, or move it away")
    before = path.read_bytes()
    with pytest.raises(DataFileError) as raised:
        open_data_file(path)
    assert str(raised.value) == line
    assert path.read_bytes() == before


def test_mark_goes_with_the_damage(tmp_path: Path) -> None:
    """A restored file is looked at once more, and then opens as every other."""
    fill(tmp_path)
    path = tmp_path / NAME
    datafile.mark_damaged(path)
    connection, _ = open_data_file(path)
    connection.close()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_look_can_be_ended(tmp_path: Path) -> None:
    """A server that stops does not wait for the end of a long look."""
    path = tmp_path / NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE long (text)")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO long VALUES (?)", (("x" * 3000,) for _ in range(20_000))
        )
        connection.execute("COMMIT")
    told: list[str] = []
    inspection = Inspection(path, told.append)
    inspection.close()
    assert not inspection._thread.is_alive()
    assert told == []


def test_damage_found_stops_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A running server with a damaged file says which, takes no more orders, and ends."""
    fill(tmp_path)
    path = tmp_path / NAME
    overwrite(path, pages_of(path, "first_answers")[-1], b"\xff" * 64)
    subject = Subject(open_sqlite, tmp_path)
    try:
        assert subject.failed.wait(DEADLINE_S)
        (failure,) = subject.failures
        assert isinstance(failure, DataFileError)
        assert [record.levelname for record in caplog.records] == ["CRITICAL"]
        assert caplog.records[0].getMessage() == str(failure)
    finally:
        subject.log.close()
    with pytest.raises(DataFileError):
        Subject(open_sqlite, tmp_path)


def test_chat_goes_on_beside_the_look(tmp_path: Path) -> None:
    """Posts are stored while a file is looked at, and a clean close leaves one file."""
    fill(tmp_path)
    subject = Subject(open_sqlite, tmp_path)
    for number in range(20):
        subject.ok(post(1, "lobby", message_id=f"new-{number}"))
    subject.log.close()
    assert not subject.failures
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
