"""Runs every test: `python -m tests`. With arguments it is pytest.

Tests of whole programs wait more than they work, so two parts of them run beside the others,
each in a process of its own. What they print is shown behind what the others print.
"""

import subprocess
import sys
import tempfile
from contextlib import ExitStack

BESIDE = (("tests/e2e",), ("tests/chaos", "tests/bench"))
"""What runs beside the others: each takes about as long as all of these."""

PYTEST = (sys.executable, "-m", "pytest")


def run(arguments: list[str]) -> int:
    """Return the exit status: that of pytest, the first of the parts that is not 0."""
    if arguments:
        return subprocess.call([*PYTEST, *arguments])
    with ExitStack() as files:
        beside = []
        for part in BESIDE:
            printed = files.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                [*PYTEST, *part], stdin=subprocess.DEVNULL, stdout=printed, stderr=printed
            )
            beside.append((process, printed))
        try:
            ignored = [f"--ignore={path}" for part in BESIDE for path in part]
            statuses = [subprocess.call([*PYTEST, *ignored])]
        finally:
            # Ctrl+C reaches all: each ends what it has started before it goes.
            for process, _ in beside:
                process.wait()
            for _, printed in beside:
                printed.seek(0)
                sys.stdout.flush()
                sys.stdout.buffer.write(printed.read())
        statuses += [process.returncode for process, _ in beside]
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
