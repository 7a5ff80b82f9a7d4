"""`chat-admin`: runs a command, and gives the exit code."""

import argparse
import sys
from collections.abc import Sequence

from chat_cli import program
from chat_cli.admin.arguments import NAME, read_arguments
from chat_cli.exits import Exit
from chat_cli.stopping import mute
from chat_text.sanitize import sanitize


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `chat-admin`; give the exit code."""
    options = read_arguments(arguments)
    if sys.platform == "win32":
        return _fail(Exit.UNREACHABLE, "runs where the server does, on Linux and macOS")
    return program.run(NAME, lambda: run(options))


async def run(options: argparse.Namespace, target: str = "") -> int:
    """Run a command; give the exit code.

    `target` is where AdminService is; without it, this process goes into the data directory.
    """
    from chat_cli.admin.directory import TARGET, NoServerError, enter

    if options.command == "export" and options.output:
        options.output = options.output.absolute()
    try:
        if not target:
            enter(options.data_dir, options.wait)
    except NoServerError as error:
        return _fail(Exit.UNREACHABLE, str(error))

    # Here, because grpc takes long to import and is for nothing where nobody listens.
    from chat_cli.admin.api import AdminApi
    from chat_cli.admin.commands import COMMANDS
    from chat_cli.admin.ports import AmbiguousError
    from chat_cli.errors import ChatError
    from chat_cli.session.errors import UnreachableError

    try:
        async with AdminApi(target or TARGET) as api:
            await COMMANDS[options.command](api, options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough.
        mute(sys.stdout)
    except UnreachableError as error:
        return _fail(Exit.UNREACHABLE, f"the server of {options.data_dir}: {error}")
    except AmbiguousError as error:
        return _fail(Exit.USAGE, str(error))
    except ChatError as error:
        return _fail(Exit.REFUSED, str(error))
    except OSError as error:
        mute(sys.stdout)
        return _fail(Exit.REFUSED, f"the output cannot be written: {error.strerror or error}")
    return Exit.DONE


def _fail(code: Exit, text: str) -> int:
    print(f"{NAME}: {sanitize(text)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
