"""What a process uses, looked at in this one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from chat_service.admin.processes import BELIEVED_S, Processes, established_by_port

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode\n"


def test_own_process_is_seen() -> None:
    """Processor and memory are those that the system tells of it by other ways."""
    before = sum(os.times()[:2])
    usage = Processes().usage_of(os.getpid(), 1)
    assert usage is not None
    # The system counts in hundredths.
    assert before - 0.03 <= usage.cpu_s <= sum(os.times()[:2]) + 0.03
    resident = psutil.Process().memory_info().rss
    assert resident / 2 < usage.memory_bytes < resident * 2


@pytest.mark.parametrize("on_linux", [True, False])
def test_established_connections_to_the_port_are_counted(
    on_linux: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The accepted end counts, once; listener and other end do not, by either way of counting."""
    monkeypatch.setattr(psutil, "LINUX", on_linux and psutil.LINUX)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def seen() -> int:
            usage = Processes().usage_of(os.getpid(), port)
            assert usage is not None
            return usage.connections

        assert seen() == 0
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            with accepted:
                assert seen() == 1


def test_one_look_at_connections_serves_all() -> None:
    """The machine's connections are counted anew only after a while."""
    now = 0.0
    processes = Processes(lambda: now)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def seen() -> int:
            usage = processes.usage_of(os.getpid(), port)
            assert usage is not None
            return usage.connections

        seen()
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            with accepted:
                if psutil.LINUX:
                    assert seen() == 0
                now += BELIEVED_S + 0.01
                assert seen() == 1


def test_tables_of_the_kernel_are_read(tmp_path: Path) -> None:
    """Established ones are counted by local port; a table that is missing has none."""
    rest = "00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
    four, six = tmp_path / "tcp", tmp_path / "tcp6"
    four.write_text(
        HEAD
        + f"   0: 0100007F:C383 00000000:0000 0A {rest}"
        + f"   1: 0100007F:C383 0100007F:9999 01 {rest}"
        + f"   2: 0100007F:9999 0100007F:C383 01 {rest}"
        + f"   3: 0100007F:C383 0100007F:9998 06 {rest}"
    )
    local = "00000000000000000000000001000000"
    six.write_text(HEAD + f"   0: {local}:C383 {local}:9997 01 {rest}")
    found = established_by_port((four, six, tmp_path / "none"))
    assert found == {0xC383: 2, 0x9999: 1}


def test_process_that_is_gone_is_none() -> None:
    """A process that has ended is not there, and nothing is raised."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait(30)
    assert Processes().usage_of(done.pid, 1) is None
