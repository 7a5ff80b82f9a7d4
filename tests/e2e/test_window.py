"""`tests.e2e.window`: what a test sees of a program does not depend on who is faster."""

import os
import signal
import sys

from tests.e2e.window import Window


def program(code: str) -> Window:
    """Run a program of Python in a window."""
    return Window(sys.executable, "-c", f"import os\n{code}", environment=os.environ)


def test_each_drawing_is_judged_before_the_next() -> None:
    """What is shown for a moment is seen by whoever waits for it."""
    draws = r"os.write(1, b'one moment\x1b[?25h\r\x1b[Kgone\x1b[?25h')"
    with program(f"os.write(1, b'ready')\ninput()\n{draws}\ninput()") as window:
        window.shows("ready")
        looks = 0

        def look() -> bool:
            nonlocal looks
            looks += 1
            if looks == 1:
                window.enters("")
            return any("one moment" in row for row in window.rows())

        window.until(look)
        window.shows("gone")
        assert window.count("one moment") == 0


def test_what_is_written_last_is_there_at_the_end() -> None:
    """Whoever waits for the end has all that the program wrote."""
    with program("os.write(1, b'x' * 100_000 + b'the last')") as window:
        assert window.ends() == 0
        assert window.raw.endswith(b"the last")


def test_a_closed_window_hangs_up_a_silent_program() -> None:
    """At once, not at the program's next output."""
    with program("os.write(1, b'ready')\nimport time\ntime.sleep(1000)") as window:
        window.shows("ready")
        window.close()
        assert window.ends() == -signal.SIGHUP
