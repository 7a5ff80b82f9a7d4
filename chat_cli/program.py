"""What `chat-cli` and `chat-admin` share as programs: version, signals, mistakes of ours."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from chat_cli.exits import by_signal
from chat_text.sanitize import sanitize

_DISTRIBUTION = "durable-chat"
_TRACEBACK_VARIABLE = "CHAT_CLI_TRACEBACK"
# EX_SOFTWARE of sysexits.h: none of the codes that scripts wait for.
_BUG = 70


def version() -> str:
    """Give the version that is installed."""
    try:
        return version_of(_DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def run(name: str, work: Callable[[], Coroutine[None, None, int]]) -> int:
    """Run a program until its work is done; give the exit code.

    A mistake of ours is one line, unless CHAT_CLI_TRACEBACK is set.
    """
    # The C core of grpc writes to stderr by itself, into the screen; it reads this when imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        return asyncio.run(work())
    except KeyboardInterrupt:
        return by_signal(signal.SIGINT)
    except Exception as error:
        if os.environ.get(_TRACEBACK_VARIABLE):
            raise
        kind = f"{type(error).__name__}: {error}"
        print(f"{name}: this is a bug of {name}: {sanitize(kind)}", file=sys.stderr)
        print(f"{name}: {_TRACEBACK_VARIABLE}=1 shows where", file=sys.stderr)
        return _BUG
