"""`chat_cli.credentials`: tokens are found by the next client, and by nobody else."""

import os
import sys
from pathlib import Path

import pytest

from chat_cli.credentials import CredentialError, CredentialStore

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


def store(root: Path, target: str = "here:1", name: str = "anna") -> CredentialStore:
    """Make the store of one name on one server."""
    return CredentialStore(target, name, root)


def files(root: Path, suffix: str) -> list[Path]:
    """Give all files with this suffix."""
    return sorted(root.rglob(f"*{suffix}"))


def test_a_living_owner_is_found_as_such(tmp_path: Path) -> None:
    """Its token can be used, its file must be left alone."""
    kept = store(tmp_path).keep("token-1")
    (found,) = store(tmp_path, name="ANNA").find()
    assert found.token == "token-1"
    assert found.orphan is None
    kept.forget()
    assert store(tmp_path).find() == []


def test_an_owner_that_died_leaves_an_orphan(tmp_path: Path) -> None:
    """Orphans come first; one that is used up is deleted with its lock."""
    living = store(tmp_path).keep("alive")
    store(tmp_path).keep("dead").leave()
    first, second = store(tmp_path).find()
    assert (first.token, second.token) == ("dead", "alive")
    assert first.orphan
    # Held by the finder now, nobody else takes it over at the same time.
    assert [one.orphan for one in store(tmp_path).find()] == [None, None]
    first.forget()
    second.leave()
    assert [one.token for one in store(tmp_path).find()] == ["alive"]
    living.forget()
    assert files(tmp_path, ".json") == files(tmp_path, "[!n].lock") == []


def test_an_orphan_that_is_left_is_found_again(tmp_path: Path) -> None:
    """A token that could not be tried stays for the next start."""
    store(tmp_path).keep("dead").leave()
    (found,) = store(tmp_path).find()
    found.leave()
    (again,) = store(tmp_path).find()
    assert again.orphan
    again.leave()


def test_servers_and_names_are_kept_apart(tmp_path: Path) -> None:
    """Another name, port or host has tokens of its own."""
    store(tmp_path).keep("token")
    for target, name in (("here:2", "anna"), ("there:1", "anna"), ("here:1", "bob")):
        assert store(tmp_path, target, name).find() == []
    assert store(tmp_path, "HERE:1", "Anna").find() != []


def test_a_name_is_no_path(tmp_path: Path) -> None:
    """Whatever is typed as a name stays inside the directory."""
    for name in ("../../etc/passwd", "/abs", "..", "a" * 500, "\0\x1b", "é"):
        store(tmp_path, name=name).keep("t").forget()
    inside = {path.parent for path in tmp_path.rglob("join.lock")} | set(tmp_path.iterdir())
    assert all(tmp_path in path.parents for path in inside)


@posix
def test_nobody_else_can_read(tmp_path: Path) -> None:
    """Directories are 0700 and files 0600, whatever the umask."""
    old = os.umask(0)
    try:
        kept = store(tmp_path / "state").keep("token")
    finally:
        os.umask(old)
    made = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
    modes = {path.name: path.stat().st_mode & 0o777 for path in made}
    assert {modes[path.name] for path in made if path.is_dir()} == {0o700}
    assert {modes[path.name] for path in made if path.is_file()} == {0o600}
    kept.forget()


def test_broken_files_are_cleared_away(tmp_path: Path) -> None:
    """What a crash left half written, or somebody put there, is no token and is not in the way."""
    store(tmp_path).keep("x").forget()
    (directory,) = {path for path in tmp_path.rglob("*") if "here" in path.name}
    for name, content in {
        "a.json": b"{",
        "b.json": b'{"token": 5}',
        "c.json": b'{"token": "line\\nbreak"}',
        "d.json": b"[]",
        "e.json": b"x" * 5000,
        "f.json": b"\xff",
        "g.lock": b"",
        "h.new": b'{"tok',
    }.items():
        (directory / name).write_bytes(content)
    assert store(tmp_path).find() == []
    assert list(directory.iterdir()) == []


def test_one_signs_in_at_a_time(tmp_path: Path) -> None:
    """The turn is taken by one and free when it is released."""
    turn = store(tmp_path).join_lock()
    assert turn
    assert store(tmp_path).join_lock() is None
    assert store(tmp_path, name="bob").join_lock() is not None
    turn.release()
    assert store(tmp_path).join_lock() is not None


def test_a_place_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    """A file where the directory should be."""
    (tmp_path / "sessions").write_text("")
    with pytest.raises(CredentialError, match="sessions"):
        store(tmp_path).keep("token")
    with pytest.raises(CredentialError):
        store(tmp_path).join_lock()
    assert store(tmp_path).find() == []


def test_a_token_that_is_over_is_not_found(tmp_path: Path) -> None:
    """Its file goes with it; one without an end, or with one to come, is found."""
    store(tmp_path).keep("over", expires_ms=1).leave()
    assert store(tmp_path).find() == []
    assert files(tmp_path, ".json") == []
    store(tmp_path).keep("good", expires_ms=2**52).leave()
    (found,) = store(tmp_path).find()
    assert found.token == "good"
    found.leave()


@posix
def test_nobody_else_may_look(tmp_path: Path) -> None:
    """Whatever the umask is, and although the directories were open to all before."""
    kept = store(tmp_path).keep("first")
    for path in tmp_path.rglob("*"):
        path.chmod(0o777)
    before = os.umask(0)
    try:
        store(tmp_path).keep("second")
    finally:
        os.umask(before)
    directories = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o077 for path in directories} == {0}
    (second,) = [path for path in files(tmp_path, ".json") if "second" in path.read_text()]
    assert second.stat().st_mode & 0o777 == 0o600
    kept.forget()
