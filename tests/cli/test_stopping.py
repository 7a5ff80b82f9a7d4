"""`chat_cli.stopping`: being asked to end, and letting go."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from chat_cli.stopping import stop_signals
from tests.cli.desk import DEADLINE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_become_calls(number: signal.Signals) -> None:
    """Each that asks to end calls back on the loop; afterwards it is as before."""

    async def story() -> int:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[int] = loop.create_future()
        with stop_signals(called.set_result, interrupt=True, loop=loop):
            os.kill(os.getpid(), number)
            async with asyncio.timeout(DEADLINE):
                return await called

    before = signal.getsignal(signal.SIGTERM)
    assert asyncio.run(story()) == number
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_muted_stream_does_not_fail_at_the_end() -> None:
    """The interpreter's last flush of a closed pipe changes neither exit code nor stderr."""
    script = (
        "import sys\nfrom chat_cli.stopping import mute\n"
        "try:\n    print('x' * 100_000, flush=True)\n"
        "except BrokenPipeError:\n    mute(sys.stdout)\nprint('more')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
