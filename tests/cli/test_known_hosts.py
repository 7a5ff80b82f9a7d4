"""`chat_cli.known_hosts`: the certificates that a person trusted."""

import stat
import threading
from pathlib import Path

import pytest

from chat_cli import known_hosts
from chat_cli.filelock import FileLock
from chat_cli.known_hosts import KnownHosts, KnownHostsError

ONE = ":".join(["A1"] * 32)
OTHER = ":".join(["0F"] * 32)
HOST = "chat.example:50051"


def test_what_is_added_is_found(tmp_path: Path) -> None:
    """Each server has its own line, and the next process finds it."""
    hosts = KnownHosts(tmp_path / "new" / "known_hosts")
    assert hosts.find(HOST) is None
    hosts.add(HOST, ONE)
    hosts.add("[::1]:50051", OTHER)
    again = KnownHosts(hosts.path)
    assert again.find(HOST) == ONE
    assert again.find("[::1]:50051") == OTHER
    assert again.find("chat.example:50052") is None
    assert hosts.path.read_text().splitlines() == [
        f"{HOST} sha256 {ONE}", f"[::1]:50051 sha256 {OTHER}"
    ]  # fmt: skip


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """File and directory belong to the person alone."""
    hosts = KnownHosts(tmp_path / "new" / "known_hosts")
    hosts.add(HOST, ONE)
    hosts.add("b:1", ONE)
    assert stat.S_IMODE(hosts.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(hosts.path.parent.stat().st_mode) == 0o700


def test_a_person_may_write_it(tmp_path: Path) -> None:
    """Remarks, blanks and small letters are theirs, a deleted line is forgotten."""
    path = tmp_path / "known_hosts"
    path.write_text(f"# mine\n\n  {HOST}   sha256 {ONE.lower()}\nb:1 sha256 {OTHER}")
    hosts = KnownHosts(path)
    assert hosts.find(HOST) == ONE
    hosts.add("c:1", ONE)
    assert (hosts.find("b:1"), hosts.find("c:1")) == (OTHER, ONE)
    assert path.read_text().startswith("# mine\n\n")
    path.write_text("".join(line for line in path.open() if HOST not in line))
    assert hosts.find(HOST) is None


@pytest.mark.parametrize("line", [HOST, f"{HOST} sha256", f"{HOST} md5 {ONE}", f"{HOST} sha256 A1"])
def test_a_broken_line_is_no_unknown_server(tmp_path: Path, line: str) -> None:
    """Who bound a server to something is not asked as if it were new."""
    path = tmp_path / "known_hosts"
    path.write_text(f"b:1 sha256 {ONE}\n{line}\n")
    with pytest.raises(KnownHostsError, match=r"known_hosts, line 2, makes no sense"):
        KnownHosts(path).find(HOST)
    assert KnownHosts(path).find("b:1") == ONE


def test_many_at_once(tmp_path: Path) -> None:
    """What several windows add at the same time is all there."""
    path = tmp_path / "known_hosts"
    names = [f"h{number}:1" for number in range(20)]
    threads = [threading.Thread(target=KnownHosts(path).add, args=(name, ONE)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: KnownHosts(path).find(name) for name in names} == dict.fromkeys(names, ONE)


def test_a_lock_that_stays_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that holds the lock for ever hangs nobody."""
    monkeypatch.setattr(known_hosts, "_LOOK_FOR", 0.05)
    held = FileLock.take(tmp_path / "known_hosts.lock")
    assert held
    with pytest.raises(KnownHostsError, match="another process is writing it"):
        KnownHosts(tmp_path / "known_hosts").add(HOST, ONE)
    held.release()


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A directory in the way of the file, or a file in the way of its directory."""
    (tmp_path / "known_hosts").mkdir()
    with pytest.raises(KnownHostsError, match="known_hosts: is a directory"):
        KnownHosts(tmp_path / "known_hosts").find(HOST)
    (tmp_path / "file").write_text("")
    with pytest.raises(KnownHostsError, match="known_hosts: "):
        KnownHosts(tmp_path / "file" / "known_hosts").add(HOST, ONE)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CHAT_STATE_DIR, otherwise in the platform's place for configuration."""
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    assert KnownHosts().path == tmp_path / "known_hosts"
    monkeypatch.delenv("CHAT_STATE_DIR")
    assert KnownHosts().path.parent.name == "durable-chat"
