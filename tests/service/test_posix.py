"""The lock on a data directory, the end that cannot be missed, and the terminal."""

import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import termios
import tty
from contextlib import suppress
from pathlib import Path

import pytest

from chat_service.config import StartError
from chat_service.posix import Terminal, disk_space, lock_directory
from tests.e2e.window import Window

LOCK_AND_WAIT = """
import sys
from pathlib import Path
from chat_service.posix import lock_directory
lock_directory(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""

MANY_FILES = """
import resource
from chat_service.posix import allow_many_files
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1000))
allow_many_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
allow_many_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_process_may_open_as_many_files_as_the_system_allows() -> None:
    """The soft limit is raised to the hard one, and no limit is ever lowered."""
    done = subprocess.run(
        [sys.executable, "-c", MANY_FILES], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "(1000, 1000)\n(300, 300)\n"


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


def test_terminal_is_put_back() -> None:
    """Keys are read as before and lines wrap; the rest is only touched if that is wanted."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    terminal = Terminal.at(os.ttyname(slave))
    tty.setraw(slave)
    assert termios.tcgetattr(slave) != before
    terminal.restore(screen=False)
    assert termios.tcgetattr(slave) == before
    os.set_blocking(master, False)
    assert os.read(master, 100) == b"\x1b[?7h"
    terminal.restore(screen=True)
    told = os.read(master, 1000)
    for mode in (b"?7h", b"?1049l", b"?25h", b"?2004l", b"?1000l", b"?1006l"):
        assert b"\x1b[" + mode in told
    os.close(slave)
    os.close(master)


def test_terminal_that_is_gone_is_let_be() -> None:
    """Nothing is raised where there is nothing to put back."""
    master, slave = pty.openpty()
    terminal = Terminal.at(os.ttyname(slave))
    os.close(slave)
    os.close(master)
    terminal.restore(screen=True)


def test_terminal_that_takes_nothing_holds_nobody_up() -> None:
    """What is shown is left out where it would wait; keys are put back all the same."""
    master, slave = pty.openpty()
    terminal = Terminal.at(os.ttyname(slave))
    before = termios.tcgetattr(slave)
    tty.setraw(slave)
    os.set_blocking(slave, False)
    with suppress(BlockingIOError):
        while os.write(slave, b"x" * 1000):
            pass
    terminal.restore(screen=True)
    assert termios.tcgetattr(slave) == before
    os.close(slave)
    os.close(master)


def test_what_is_no_terminal_is_told(tmp_path: Path) -> None:
    """Only a terminal has a state to note."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="ioctl"):
        Terminal.at(str(tmp_path / "file"))


LOOK = (
    "import os; from chat_service.posix import can_show_console, has_terminal\n"
    "print('console', can_show_console(os.environ), 'terminal', has_terminal())"
)


@pytest.mark.parametrize(
    ("script", "term", "console", "terminal"),
    [
        ('exec "$0" -c "$1"', "xterm", True, True),
        ('exec "$0" -c "$1"', "dumb", False, True),
        ('exec "$0" -c "$1"', "", False, True),
        ('"$0" -c "$1" </dev/null', "xterm", False, True),
        ('"$0" -c "$1" | cat', "xterm", False, True),
        # In the background, where reading a key would stop it.
        ('set -m; "$0" -c "$1" & wait', "xterm", False, True),
    ],
)
def test_console_needs_the_terminal_in_front(
    script: str, term: str, console: bool, terminal: bool
) -> None:
    """Who has no keys, no screen, or one that cannot show it has no console."""
    with Window(
        "/bin/sh", "-c", script, sys.executable, LOOK, environment=os.environ | {"TERM": term}
    ) as window:
        window.sees(f"console {console} terminal {terminal}")


def test_session_without_a_terminal_has_none() -> None:
    """A service has neither."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "console False terminal False\n"
