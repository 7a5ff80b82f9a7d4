"""How long a person waits: for the server to accept, and for the client to show itself."""

import os
import pty
import re
import selectors
import subprocess
import sysconfig
import time
from pathlib import Path
from statistics import median

from bench.figures import Measure
from bench.workload import Result, Round, Workload

CLIENT = Path(sysconfig.get_path("scripts")) / "chat-cli"
PAINT_S = 20.0
END_S = 5.0

# What a terminal obeys and a person does not see.
_CONTROL = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|[\x00-\x20\x7f]"
)


class PaintError(Exception):
    """The client showed nothing."""


def run(round_: Round) -> Result:
    """Start server and client several times; the round counts the middle of each."""
    starts = []
    for number in range(round_.scale.starts):
        with round_.server(f"server-{number}") as server:
            starts.append(server.start_s)
    home = round_.directory / "home"
    home.mkdir()
    # The client keeps tokens where the platform says: here, that is in this round.
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
        "HOME": str(home),
        "TERM": "xterm-256color",
    }
    helps = []
    paints = []
    with round_.server() as server:
        for number in range(round_.scale.starts):
            helps.append(_help_seconds(environment))
            arguments = ["--target", server.address, "--name", f"painter-{number}"]
            paints.append(_paint_seconds(arguments, environment))
    return Result(
        {
            "chat-server listens": median(starts),
            "chat-cli --help": median(helps),
            "chat-cli paints": median(paints),
        }
    )


def _help_seconds(environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(
        [CLIENT, "--help"], env=environment, check=True, capture_output=True, timeout=PAINT_S
    )
    return time.perf_counter() - began


def _paint_seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """Return how long it takes from exec to the first thing that is seen in a terminal."""
    ours, theirs = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        [CLIENT, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        _wait_visible(ours, began + PAINT_S)
        return time.perf_counter() - began
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(ours)


def _wait_visible(terminal: int, deadline: float) -> None:
    shown = b""
    with selectors.DefaultSelector() as selector:
        selector.register(terminal, selectors.EVENT_READ)
        while not is_visible(shown):
            if not selector.select(max(0.0, deadline - time.perf_counter())):
                raise PaintError(f"the client showed nothing within {PAINT_S:.0f} s")
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                # How Linux says that nobody has the terminal open any more.
                raise PaintError("the client ended before it showed anything") from None


def is_visible(shown: bytes) -> bool:
    """Return whether a terminal that was sent this shows anything."""
    return bool(_CONTROL.sub(b"", shown))


WORKLOAD = Workload(
    "start-up",
    "Start-up, with an empty data directory",
    (
        Measure("chat-server listens", "s", at_most=0.7),
        Measure("chat-cli --help", "s"),
        Measure("chat-cli paints", "s", at_most=0.5),
    ),
    run,
)
