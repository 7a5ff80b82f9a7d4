"""The lock on a data directory, and the end that cannot be missed."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chat_service.config import StartError
from chat_service.posix import disk_space, lock_directory

LOCK_AND_WAIT = """
import sys
from pathlib import Path
from chat_service.posix import lock_directory
lock_directory(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def test_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """A missing directory is made, parents too, and others cannot look into it."""
    directory = tmp_path / "a" / "50051"
    os.close(lock_directory(directory))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "lock").stat().st_mode) == 0o600


def test_directory_in_use_is_refused(tmp_path: Path) -> None:
    """While one holds the directory another is told which one is in use."""
    held = lock_directory(tmp_path)
    with pytest.raises(StartError) as caught:
        lock_directory(tmp_path)
    assert str(caught.value) == f"data directory {tmp_path} is in use by another process"
    os.close(held)
    os.close(lock_directory(tmp_path))


def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A process that is killed leaves its directory free."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCK_AND_WAIT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(StartError, match="in use by another process"):
            lock_directory(tmp_path)
        process.kill()
    os.close(lock_directory(tmp_path))


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_directory_that_cannot_be_is_named(tmp_path: Path, name: str) -> None:
    """A path that cannot be a directory is named, with the system's reason."""
    (tmp_path / "file").touch()
    with pytest.raises(StartError) as caught:
        lock_directory(tmp_path / name)
    assert f"data directory {tmp_path / name} cannot be used: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hanging_process_is_ended() -> None:
    """A process that hangs after it armed its end is ended by the system, at the first time."""
    program = (
        "import threading; from chat_service.posix import die_within\n"
        "die_within(0.05); die_within(3600)\n"
        "lock = threading.Lock(); lock.acquire(); lock.acquire()"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)
    assert done.returncode == -signal.SIGALRM


def test_disk_space_is_that_of_the_directory(tmp_path: Path) -> None:
    """As the system's own figures tell it, in bytes."""
    free, total = disk_space(tmp_path)
    told = shutil.disk_usage(tmp_path)
    assert total == told.total
    # Others write on the same disk meanwhile.
    assert abs(free - told.free) < 1 << 30
    with pytest.raises(FileNotFoundError):
        disk_space(tmp_path / "missing")
