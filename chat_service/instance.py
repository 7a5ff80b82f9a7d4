"""The process of one instance: `python -m chat_service.instance CONTROL_FD CONFIG_JSON`.

Started by the launcher, never by a person. Takes the data directory for itself, tells
the launcher on the control socket how the start went, and serves until it is told to
stop: by the end of the file on that socket, which comes when the launcher stops or dies,
or by SIGTERM. A SIGTERM while it drains means: now. SIGINT is the launcher's to handle.

Whatever hangs, a process that was told to stop is gone after the time that it was told.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from chat_service import posix
from chat_service.address import check_address
from chat_service.config import ConfigError, InstanceConfig, StartError
from chat_service.logs import configure_logging

log = logging.getLogger(__name__)

READ_BYTES = 64 * 1024

ADMIN_SOCKET = "admin.sock"
"""Where the operator's calls are answered, in the data directory."""


class Serve(Protocol):
    """What the server is to this process; see `chat_service.server.serve`."""

    async def __call__(
        self,
        config: InstanceConfig,
        *,
        stop: asyncio.Event,
        hurry: asyncio.Event,
        ready: Callable[[str, bool], None],
        owner_code_void: Callable[[], None],
        admin_socket: str | None,
        changes: asyncio.Queue[InstanceConfig],
    ) -> None:
        """Call `ready`, serve until `stop`, drain until `hurry`.

        `ready` gets the bound address, and whether the code for the first admin was taken;
        `owner_code_void` is called when that code is good no more.
        `changes` gives the configurations that come while it serves. Raises StartError where
        it cannot begin.
        """


class Control:
    """The instance's end of the socket between it and the launcher."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.set_inheritable(False)
        self._connection = connection
        self._unread = b""

    def report(self, **line: str | bool) -> None:
        """Tell the launcher; a launcher that is gone is noticed by `watch`."""
        with suppress(OSError):
            self._connection.sendall(json.dumps(line).encode() + b"\n")

    def watch(
        self,
        loop: asyncio.AbstractEventLoop,
        told: Callable[[InstanceConfig], None],
        ended: Callable[[], None],
    ) -> None:
        """Have `told` called with each configuration that the launcher tells from now on.

        `ended` is called when it ends the file or is gone.
        """
        loop.add_reader(self._connection, self._read, loop, told, ended)

    def _read(
        self,
        loop: asyncio.AbstractEventLoop,
        told: Callable[[InstanceConfig], None],
        ended: Callable[[], None],
    ) -> None:
        received = b""
        with suppress(ConnectionError):
            received = self._connection.recv(READ_BYTES)
        if not received:
            loop.remove_reader(self._connection)
            ended()
            return
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            try:
                told(InstanceConfig.from_json(json.dumps(json.loads(line)["config"])))
            except (ValueError, TypeError, KeyError, ConfigError) as error:
                log.error("the launcher told what is not understood: %s", error)


def run(
    config: InstanceConfig,
    control: Control,
    *,
    serve: Serve | None = None,
    die_within: Callable[[float], None] = posix.die_within,
) -> int:
    """Serve until told to stop; return the exit status.

    0: stopped as asked. 1: it could not start, which the launcher was told, or it broke,
    which the log tells. `serve` is the real server unless a test gives another. The data
    directory is the working directory from then on.
    """
    try:
        # First: whoever cannot listen leaves no directory behind that was not there.
        check_address(config.host, config.port)
        posix.lock_directory(config.data_dir)
        # The path of a socket has some hundred bytes only, wherever the data is: its name
        # alone always fits.
        os.chdir(config.data_dir)
        asyncio.run(_serve(config, control, serve or _real_serve(), die_within))
    except StartError as error:
        control.report(failed=str(error))
        return 1
    except Exception:
        log.exception("the instance broke and ends")
        return 1
    finally:
        # Nothing is served any more: nothing may keep the process.
        die_within(config.limits.drain_s)
    return 0


async def _serve(
    config: InstanceConfig,
    control: Control,
    serve: Serve,
    die_within: Callable[[float], None],
) -> None:
    stop, hurry = asyncio.Event(), asyncio.Event()
    changes: asyncio.Queue[InstanceConfig] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    # What the log calls this process, and what it was told last.
    source, now = config.address, config

    def begin_stop() -> None:
        if not stop.is_set():
            die_within(now.limits.drain_s)
            stop.set()

    def terminate() -> None:
        if stop.is_set():
            hurry.set()
        begin_stop()

    def configure_log() -> None:
        # The format is that of all processes, for as long as they last.
        configure_logging(now.log_level, source, config.log_format)

    def ready(address: str, owner_code: bool) -> None:
        nonlocal source
        source = address
        configure_log()
        control.report(ready=address, owner_code=owner_code)

    def told(changed: InstanceConfig) -> None:
        nonlocal now
        now = changed
        configure_log()
        changes.put_nowait(changed)

    loop.add_signal_handler(signal.SIGTERM, terminate)
    control.watch(loop, told, begin_stop)
    await serve(
        config,
        stop=stop,
        hurry=hurry,
        ready=ready,
        owner_code_void=lambda: control.report(owner_code=False),
        admin_socket=ADMIN_SOCKET,
        changes=changes,
    )


def _real_serve() -> Serve:
    # The core of gRPC writes lines of its own to stderr, also for a port that is busy.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Late, because gRPC takes long to import and nothing before this needs it.
    from chat_service.server import serve

    return serve


def main(arguments: Sequence[str]) -> int:
    """Run as the launcher asks; return the exit status, 2 where it asked for nonsense."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What people say is in these files: for the owner alone.
    os.umask(0o077)
    posix.allow_many_files()
    try:
        descriptor, text = arguments
        config = InstanceConfig.from_json(text)
        control = Control(socket.socket(fileno=int(descriptor)))
    except (ValueError, OSError, ConfigError) as error:
        print(f"chat_service.instance: started by hand? {error}", file=sys.stderr)
        return 2
    configure_logging(config.log_level, config.address, config.log_format)
    return run(config, control)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
