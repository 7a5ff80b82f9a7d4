"""`chat_cli.ignored`: names on disk."""

import stat
from pathlib import Path

from chat_cli.ignored import IgnoredFile


def test_names_are_there_at_the_next_start(tmp_path: Path) -> None:
    """For the same server and no other; nobody else may read them."""
    assert IgnoredFile("here:1", tmp_path).read() == []
    IgnoredFile("here:1", tmp_path).write(["Bob", "carol"])
    assert IgnoredFile("HERE:1", tmp_path).read() == ["Bob", "carol"]
    assert IgnoredFile("here:2", tmp_path).read() == []
    (path,) = (path for path in tmp_path.rglob("names"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    IgnoredFile("here:1", tmp_path).write([])
    assert IgnoredFile("here:1", tmp_path).read() == []


def test_what_is_no_name_is_left_out(tmp_path: Path) -> None:
    """A file that somebody else wrote brings nothing to the screen."""
    file = IgnoredFile("here:1", tmp_path)
    file.write(["bob"])
    (path,) = tmp_path.rglob("names")
    path.write_bytes(b"bob\n\x1b[2J\n\n\xff\xfe\ncarol d\neve\n")
    assert file.read() == ["bob", "eve"]
    path.write_bytes(b"x\n" * 1_000_000)
    assert file.read() == []
