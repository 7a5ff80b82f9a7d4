"""The command `chat-cli` in a pseudo-terminal, and what a person would see there."""

import os
import subprocess
import sysconfig
from pathlib import Path

from tests.e2e.launched import PATIENCE
from tests.e2e.window import Window

COMMAND = str(Path(sysconfig.get_path("scripts")) / "chat-cli")


def environment(state_dir: Path, **more: str) -> dict[str, str]:
    """Give the environment of a client that keeps its tokens in `state_dir`."""
    # Neither a person's taste nor what another test's import has set.
    unset = ("NO_COLOR", "GRPC_VERBOSITY")
    plain = {name: value for name, value in os.environ.items() if name not in unset}
    return {**plain, "CHAT_STATE_DIR": str(state_dir), "TERM": "xterm-256color", **more}


class Terminal(Window):
    """A running `chat-cli` in a window of its own; leaving the block ends it."""

    def __init__(
        self,
        state_dir: Path,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        **variables: str,
    ) -> None:
        super().__init__(
            COMMAND,
            *arguments,
            environment=environment(state_dir, **variables),
            columns=columns,
            rows=rows,
        )


def run_client(
    state_dir: Path, *arguments: str, lines: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run `chat-cli` in pipes to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        input=lines or "",
        capture_output=True,
        text=True,
        env=environment(state_dir),
        timeout=PATIENCE,
        check=False,
    )
