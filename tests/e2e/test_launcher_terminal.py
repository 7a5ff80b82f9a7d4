"""The real launcher in a pseudo-terminal: who has it, how it is left, and when it is gone."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from chat_service.posix import lock_directory
from tests.e2e.launched import COMMAND, PATIENCE
from tests.e2e.window import Window
from tests.held_ports import held_ports
from tests.launcher.fakes import wait_until

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"


def window(data_dir: Path, *arguments: str, **variables: str) -> Window:
    """Run `chat-server` with one instance in a window."""
    return Window(
        COMMAND,
        "--port=0",
        f"--data-dir={data_dir}",
        *arguments,
        environment=os.environ | {"TERM": "xterm-256color"} | variables,
        columns=100,
    )


def children(server: Window) -> list[psutil.Process]:
    """Return the processes of a server: the instance and the admin process."""
    return psutil.Process(server.process.pid).children()


def instances(server: Window) -> list[psutil.Process]:
    """Return the process of the instance, if it is there."""
    found = []
    for child in children(server):
        with suppress(psutil.NoSuchProcess):
            if "chat_service.instance" in child.cmdline():
                found.append(child)
    return found


def admin_process(server: Window) -> psutil.Process | None:
    """Return the admin process, if it is there."""
    for child in children(server):
        with suppress(psutil.NoSuchProcess):
            if "chat_service.admin.process" in child.cmdline():
                return child
    return None


def kill_instance(server: Window) -> None:
    """Kill the instance and wait for the next one."""
    (killed,) = instances(server)
    killed.kill()
    wait_until(lambda: [child for child in instances(server) if child != killed])


def wait_gone(processes: list[psutil.Process]) -> None:
    """Wait until none of the processes is left."""
    assert psutil.wait_procs(processes, PATIENCE)[1] == []


def test_terminal_is_as_before(tmp_path: Path) -> None:
    """After the stop of a server that had the console, keys are read as before, and all is told."""
    with window(tmp_path) as server:
        before = server.modes()
        server.shows("serving")
        assert server.modes() != before
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.ends() == 0
        assert server.modes() == before
        assert LEAVE_ALTERNATE_SCREEN in server.raw
    log = (tmp_path / "chat-server.log").read_text(encoding="utf-8")
    assert "INFO launcher stopping" in log
    assert "drained" in log


def test_console_that_is_killed_comes_back(tmp_path: Path) -> None:
    """The terminal is put in order, the loss is told there, and the console shows again."""
    with window(tmp_path) as server:
        before = server.modes()
        server.shows("serving")
        killed = admin_process(server)
        assert killed is not None
        killed.kill()
        server.until(lambda: LEAVE_ALTERNATE_SCREEN in server.raw)
        wait_until(lambda: admin_process(server) not in (None, killed))
        server.until(lambda: server.raw.count(b"\x1b[?1049h") == 2)
        server.shows("serving")
        again = admin_process(server)
        assert again is not None
        # Nobody is there to put the terminal in order but the launcher.
        again.suspend()
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.ends() == 0
        assert server.modes() == before
        # Long lines wrap again.
        assert 0 < server.raw.rfind(b"\x1b[?7l") < server.raw.rfind(b"\x1b[?7h")
    assert "the admin process was ended by SIGKILL" in (tmp_path / "chat-server.log").read_text(
        encoding="utf-8"
    )


def test_end_of_the_terminal_is_a_stop(tmp_path: Path) -> None:
    """When the window is closed everything ends as if it had been stopped."""
    with window(tmp_path) as server:
        server.shows("serving")
        processes = children(server)
        assert len(processes) == 2
        server.close()
        assert server.ends() == 0
        wait_gone(processes)
    os.close(lock_directory(tmp_path))
    assert "INFO launcher stopping" in (tmp_path / "chat-server.log").read_text(encoding="utf-8")


def test_without_a_console_the_end_of_the_terminal_is_a_stop(tmp_path: Path) -> None:
    """So it is also where lines are shown and no console."""
    with window(tmp_path, "--no-console") as server:
        server.shows("listening on ")
        processes = children(server)
        server.close()
        assert server.ends() == 0
        wait_gone(processes)


def test_sighup_on_a_terminal_that_is_there_is_no_stop(tmp_path: Path) -> None:
    """It reads the configuration again."""
    with window(tmp_path, "--no-console") as server:
        server.shows("listening on ")
        os.kill(server.process.pid, signal.SIGHUP)
        server.shows("read the configuration again")
        server.types("\x03")
        assert server.ends() == 0


def test_with_nohup_the_end_of_the_terminal_is_none_of_its_business(tmp_path: Path) -> None:
    """Who ignores SIGHUP at its start serves on, and is still stopped by SIGTERM."""
    with held_ports() as port:
        command = (COMMAND, f"--port={port}", f"--data-dir={tmp_path}", "--no-console")
        ignoring = ("/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"')
        with Window(*ignoring, *command, environment=os.environ) as server:
            server.shows("listening on ")
            wait_until(lambda: admin_process(server))
            server.close()
            wait_until(lambda: psutil.Process(server.process.pid).terminal() is None)
            # That it comes back, and is told of, shows that the launcher lives.
            kill_instance(server)
            processes = children(server)
            server.signals(signal.SIGTERM)
            assert server.ends() == 0
            wait_gone(processes)


def test_ctrl_c_before_the_console_shows_is_a_stop(tmp_path: Path) -> None:
    """It reaches all processes of the terminal, of which only the launcher may act on it."""
    with window(tmp_path) as server:
        server.until(lambda: b"listening on " in server.raw)
        wait_until(lambda: admin_process(server))
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.ends() == 0
        assert b"Traceback" not in server.raw
    log = (tmp_path / "chat-server.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "SIGINT" not in log


def test_dumb_terminal_has_no_console(tmp_path: Path) -> None:
    """What cannot show a console shows lines, as with --no-console."""
    with window(tmp_path, TERM="dumb") as server:
        server.shows("listening on ")
        wait_until(lambda: admin_process(server))
        server.types("\x03")
        assert server.ends() == 0
        assert b"\x1b" not in server.raw
    assert not (tmp_path / "chat-server.log").exists()


def test_failed_start_on_a_terminal_is_told_there(tmp_path: Path) -> None:
    """Why nothing starts stands on the screen, though a console was to come."""
    held = lock_directory(tmp_path / "ephemeral-1")
    with window(tmp_path) as server:
        assert server.ends() == 1
        server.sees("is in use by another process")
        assert b"\x1b" not in server.raw
    os.close(held)
