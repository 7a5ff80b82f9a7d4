"""`chat_cli.filelock`: a lock is held by one, and ends with its process."""

import subprocess
import sys
from pathlib import Path

import pytest

from chat_cli.filelock import FileLock

HOLDER = """
import sys
from pathlib import Path
from chat_cli.filelock import FileLock
lock = FileLock.take(Path(sys.argv[1]))
print("held" if lock else "taken", flush=True)
sys.stdin.read()
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    """Start a process that takes the lock and holds it until it is killed."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    """The second comer gets none, and does not wait; after the release it gets it."""
    path = tmp_path / "x.lock"
    first = FileLock.take(path)
    assert first
    assert FileLock.take(path) is None
    first.release()
    second = FileLock.take(path)
    assert second
    second.release()


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    """A free lock proves that its owner is gone."""
    path = tmp_path / "x.lock"
    with holder(path) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        assert FileLock.take(path) is None
        process.kill()
        process.wait()
    lock = FileLock.take(path)
    assert lock
    lock.remove()
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_file_is_private(tmp_path: Path) -> None:
    """Nobody else may open it, whatever the umask."""
    lock = FileLock.take(tmp_path / "x.lock")
    assert lock
    assert (tmp_path / "x.lock").stat().st_mode & 0o777 == 0o600
    lock.release()


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    """It is told apart from a lock that is held."""
    with pytest.raises(OSError, match="No such file"):
        FileLock.take(tmp_path / "nowhere" / "x.lock")
