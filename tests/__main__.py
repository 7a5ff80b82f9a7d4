"""Runs every test: `python -m tests`. With arguments it is pytest.

Tests of whole programs wait more than they work, so they run beside the others, in a process
of their own. What they print is shown behind what the others print.
"""

import subprocess
import sys
import tempfile

PROGRAMS = ("tests/e2e", "tests/bench", "tests/edge")
"""Together they take as long as all others."""

PYTEST = (sys.executable, "-m", "pytest")


def run(arguments: list[str]) -> int:
    """Return the exit status: that of pytest, the first that is not 0 of the two."""
    if arguments:
        return subprocess.call([*PYTEST, *arguments])
    with tempfile.TemporaryFile() as printed:
        beside = subprocess.Popen(
            [*PYTEST, *PROGRAMS], stdin=subprocess.DEVNULL, stdout=printed, stderr=printed
        )
        try:
            status = subprocess.call([*PYTEST, *(f"--ignore={part}" for part in PROGRAMS)])
        finally:
            # Ctrl+C reaches both: each ends what it has started before it goes.
            status_beside = beside.wait()
            printed.seek(0)
            sys.stdout.flush()
            sys.stdout.buffer.write(printed.read())
    return status or status_beside


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
