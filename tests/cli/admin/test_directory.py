"""`chat_cli.admin.directory`: where no server answers, in words."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat_cli.admin.directory import SOCKET, NoServerError, enter


@pytest.fixture(autouse=True)
def back() -> Iterator[None]:
    """Return to the directory of before."""
    before = os.getcwd()
    yield
    os.chdir(before)


def test_deep_directory_is_entered(tmp_path: Path) -> None:
    """A path that is longer than that of a socket may be is no obstacle."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(deep)
        listener.bind(SOCKET)
        listener.listen()
        os.chdir("/")
        enter(deep)
        assert Path.cwd() == deep


def test_no_server_is_told(tmp_path: Path) -> None:
    """Whether the directory, the socket or the process behind it is missing."""
    file = tmp_path / "file"
    file.touch()
    stale = tmp_path / "stale"
    stale.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(stale)
        listener.bind(SOCKET)
    for directory in (tmp_path / "missing", file, tmp_path, stale):
        with pytest.raises(NoServerError) as told:
            enter(directory)
        assert str(told.value) == (
            f"no server answers with the data directory {directory} (--data-dir names another)"
        )


def test_directory_of_an_instance_is_told(tmp_path: Path) -> None:
    """The one above it is named, whether the instance runs or not, and nothing is waited for."""
    (tmp_path / "lock").touch()
    own = tmp_path / "50051"
    own.mkdir()
    (own / "chat.sqlite3").touch()
    with pytest.raises(NoServerError) as told:
        enter(own, wait_s=20)
    assert str(told.value) == (
        f"{own} is the directory of one instance; the server has the one above it: "
        f"--data-dir {tmp_path}"
    )


def test_server_that_is_being_started_is_waited_for(tmp_path: Path) -> None:
    """The directory and the socket may come later, also in a directory that is named relatively."""
    os.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        # By its name alone: the path may be longer than that of a socket may be.
        listener.bind(SOCKET)

        def begin() -> None:
            (tmp_path / "late").mkdir()
            (tmp_path / SOCKET).rename(tmp_path / "late" / SOCKET)
            listener.listen()

        starting = threading.Timer(0.2, begin)
        starting.start()
        enter(Path("late"), wait_s=20)
        starting.join()
        assert Path.cwd() == tmp_path / "late"


def test_socket_of_somebody_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not open it is told that it is the owner's."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Not by permissions: tests may run as root, which no permission stops.
    monkeypatch.setattr(os, "chdir", refuse)
    with pytest.raises(NoServerError, match="not permitted: the server of "):
        enter(tmp_path)


def test_something_else_by_that_name_is_told(tmp_path: Path) -> None:
    """A listener of another kind is named with the system's reason."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        os.chdir(tmp_path)
        other.bind(SOCKET)
        with pytest.raises(NoServerError, match="cannot be reached: "):
            enter(tmp_path)
