"""What a peer is, and how any of them is run: in the foreground, on loopback, for a while."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from bench import interrupts
from bench.server import Server, ServerError, Watched

START_S = 10.0
STOP_S = 5.0
# How often a connection is tried while the daemon starts.
TRY_S = 0.01

# Where a program is looked for: daemons are often not in the path of those who are not root.
PLACES = (sysconfig.get_path("scripts"), os.defpath, "/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, slots=True)
class Peer:
    """A server of others that carries the same load."""

    # For options.
    name: str
    # For tables.
    title: str
    # The name of the wire that it speaks.
    wire: str
    # How many sign-ins a process of readers should have under way at once.
    at_once: int
    # Its program, and what installs it.
    program: str
    install: str
    # Writes what it needs into its directory; returns its arguments, for a port.
    prepare: Callable[[Path, int], Sequence[str]]

    def path(self) -> str | None:
        """Return where the program is; None where it is not installed."""
        places = (os.environ.get("PATH", ""), *PLACES)
        return shutil.which(self.program, path=os.pathsep.join(places))

    def server(self, directory: Path) -> Server:
        """Return a server that has its data there."""
        return Daemon(self, directory)


class Daemon(Watched):
    """One running peer. Leaving the block stops it, by force if need be."""

    def __init__(self, peer: Peer, directory: Path) -> None:
        self.address = ""
        self.wire = peer.wire
        self.at_once = peer.at_once
        self.start_s = 0.0
        self._peer = peer
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        path = self._peer.path()
        if path is None:
            raise ServerError(f"{self._peer.name} is not installed: {self._peer.install}")
        self._directory.mkdir(parents=True, exist_ok=True)
        self._holder = held_port()
        try:
            port: int = self._holder.getsockname()[1]
            if sys.platform != "linux":
                # There it would be in the daemon's way.
                self._holder.close()
            self.address = f"127.0.0.1:{port}"
            arguments = self._peer.prepare(self._directory, port)
            began = time.perf_counter()
            process = self._start([path, *arguments])
            self._seen = psutil.Process(process.pid)
            self._wait_port(process, port, began + START_S)
            self.start_s = time.perf_counter() - began
        except BaseException:
            self._stop()
            raise
        return self

    def complaints(self) -> str:
        """Return the end of what it has written."""
        return (self._directory / "output.txt").read_text(errors="replace").strip()[-500:]

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._directory / "output.txt").open("ab") as output, interrupts.held():
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._directory,
                # Ctrl+C is for the benchmark, which stops the peer in its turn.
                process_group=0,
            )
        return self._process

    def _wait_port(self, process: subprocess.Popen[bytes], port: int, deadline: float) -> None:
        """Wait until it accepts. Raises ServerError where it does not."""
        while process.poll() is None and time.perf_counter() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=START_S).close()
            except ConnectionRefusedError:
                time.sleep(TRY_S)
            else:
                return
        raise ServerError(f"{self._peer.name} did not start: {self.complaints()}")

    def _stop(self) -> None:
        with self._holder:
            self._end()

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise


def held_port() -> socket.socket:
    """Return a socket that is bound to a free port of loopback, and does not listen there.

    As long as it is open, Linux gives the port to nobody who asks for just any. Whoever asks
    for it by number gets it, since daemons allow the reuse of addresses.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    # Only now: so it is no port that another one holds.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return holder
