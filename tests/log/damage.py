"""A small data file, and where its pages are: what tests of damage need."""

import sqlite3
from contextlib import closing
from pathlib import Path

from chat_service.core import commands as cmd
from tests.core.scene import post, to
from tests.log.subject import INSTANCE, Subject, open_sqlite

NAME = "chat.sqlite3"
PAGE = 4096

# Kinds of pages that have children. Source: sqlite.org/fileformat2.html.
_INTERIOR = (2, 5)


def fill(directory: Path) -> None:
    """Write a small chat through the log, alice's session being 1, and close it."""
    subject = Subject(open_sqlite, directory)
    alice = subject.begin()
    subject.ok(cmd.OpenGuest("bob", b"bob", INSTANCE, "den"))
    subject.ask_all(*(post(alice, "lobby", "x" * 50, message_id=f"m{n}") for n in range(200)))
    subject.ok(post(alice, ("bob",), message_id="d"))
    subject.ok(cmd.SetTopic(alice, to("lobby"), "cats"))
    subject.log.close()


def tables(path: Path) -> dict[str, int]:
    """Return the first page of each table and index of a file."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0")
        return dict(found.fetchall())


def pages_of(path: Path, table: str) -> list[int]:
    """Return the numbers of all pages of a table, its leaves after what is above them."""
    data = path.read_bytes()
    found = [tables(path)[table]]
    for number in found:
        page = data[(number - 1) * PAGE : number * PAGE]
        if page[0] in _INTERIOR:
            count = int.from_bytes(page[3:5], "big")
            cells = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n], "big") for n in range(count)]
            found += [int.from_bytes(page[cell : cell + 4], "big") for cell in [*cells, 8]]
    return found


def overwrite(path: Path, page: int, data: bytes, at: int = 0) -> None:
    """Write over the bytes of a page, `at` bytes from its beginning."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE + at)
        file.write(data)
