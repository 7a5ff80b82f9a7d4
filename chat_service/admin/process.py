"""The admin process: `python -m chat_service.admin.process LINK_FD CONFIG_JSON`.

Started by the launcher, never by a person, and ends with it: by the end of the file on the
link. What goes wrong in here ends this process, never an instance; the launcher starts
another one. SIGINT and SIGHUP are the launcher's to handle.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from chat_service.config import AdminConfig, ConfigError
from chat_service.logs import configure_logging

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Run as the launcher asks; return the exit status, 2 where it asked for nonsense."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        descriptor, text = arguments
        config = AdminConfig.from_json(text)
        connection = socket.socket(fileno=int(descriptor))
        connection.setblocking(False)
        connection.set_inheritable(False)
    except (ValueError, OSError, ConfigError) as error:
        print(f"chat_service.admin.process: started by hand? {error}", file=sys.stderr)
        return 2
    configure_logging(config.log_level, "admin", config.log_format)
    # The core of gRPC writes lines of its own to stderr.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        # What is made from here on is its owner's alone: above all the socket.
        os.umask(0o077)
        os.chdir(config.data_dir)
        # Late, because gRPC takes long to import and nothing before this needs it.
        from chat_service.admin.wiring import run

        asyncio.run(run(config, connection))
    except Exception:
        logger.exception("the admin process broke and ends")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
