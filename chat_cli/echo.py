"""The terminal of this process, asked directly, whatever stdin and stdout are.

The other module with imports of one platform.
"""

import asyncio
import contextlib
import getpass
import os
import sys
import threading
from collections.abc import Callable, Iterator

from chat_cli.errors import NobodyError, UnansweredError

_NOBODY = "there is no terminal to ask on"
_LONGEST = 4096

if sys.platform == "win32":

    async def ask(question: str, hidden: bool) -> str:
        """Ask on the terminal and give the answer. Raises UnansweredError (NobodyError)."""
        if not sys.stdin.isatty():
            raise NobodyError(_NOBODY)
        read = getpass.getpass if hidden else input
        return await _beside(lambda: read(question))

else:
    import termios

    async def ask(question: str, hidden: bool) -> str:
        """Ask on the terminal and give the answer. Raises UnansweredError (NobodyError)."""
        try:
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            raise NobodyError(_NOBODY) from None
        # Closed by the thread that reads: a reading that was given up must not get another file.
        with _silence(terminal) if hidden else contextlib.nullcontext():
            if not hidden:
                # What was pasted behind a command is no answer to whether it was meant.
                termios.tcflush(terminal, termios.TCIFLUSH)
            os.write(terminal, question.encode("utf-8", "replace"))
            return await _beside(lambda: _read_line(terminal))

    @contextlib.contextmanager
    def _silence(terminal: int) -> Iterator[None]:
        """Show nothing of what is typed; the terminal is as before at the end, whatever happens."""
        keep = os.dup(terminal)
        before = termios.tcgetattr(keep)
        quiet = [*before]
        quiet[3] &= ~(termios.ECHO | termios.ECHONL)
        # What was typed before the question was shown is no answer to it.
        termios.tcsetattr(keep, termios.TCSAFLUSH, quiet)
        try:
            yield
        finally:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(keep, termios.TCSADRAIN, before)
                os.write(keep, b"\n")
            os.close(keep)

    def _read_line(terminal: int) -> str:
        try:
            line = os.read(terminal, _LONGEST)
        finally:
            os.close(terminal)
        if not line:
            raise EOFError
        return line.decode("utf-8", "replace").rstrip("\r\n")


async def _beside(read: Callable[[], str]) -> str:
    """Read in a thread that the end of the program does not wait for."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def settle(answer: str | None) -> None:
        if answered.done():
            return
        if answer is None:
            answered.set_exception(UnansweredError("no answer"))
        else:
            answered.set_result(answer)

    def wait() -> None:
        try:
            answer = read()
        except (EOFError, OSError, KeyboardInterrupt):
            answer = None
        # The loop may be closed by then.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, answer)

    threading.Thread(target=wait, name="answer", daemon=True).start()
    return await answered
