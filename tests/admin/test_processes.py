"""What a process uses, looked at in this one."""

import os
import socket
import subprocess
import sys

import psutil

from chat_service.admin.processes import usage_of


def test_own_process_is_seen() -> None:
    """Processor and memory are those that the system tells of it by other ways."""
    before = sum(os.times()[:2])
    usage = usage_of(os.getpid(), 1)
    assert usage is not None
    # The system counts in hundredths.
    assert before - 0.03 <= usage.cpu_s <= sum(os.times()[:2]) + 0.03
    resident = psutil.Process().memory_info().rss
    assert resident / 2 < usage.memory_bytes < resident * 2


def test_established_connections_to_the_port_are_counted() -> None:
    """Those that were accepted or wait for it count; the listener and others do not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def seen() -> int:
            usage = usage_of(os.getpid(), port)
            assert usage is not None
            return usage.connections

        assert seen() == 0
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            with accepted:
                assert seen() == 1


def test_process_that_is_gone_is_none() -> None:
    """A process that has ended is not there, and nothing is raised."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait(30)
    assert usage_of(done.pid, 1) is None
