"""Where the client keeps things: a directory for each kind of thing, server and name.

    <state>/<kind>/<server and name>/

The state directory is CHAT_STATE_DIR, or the platform's. Nobody else may look into it.
"""

import hashlib
import os
import re
from pathlib import Path

from platformdirs import user_state_dir

from chat_cli.model import key

DIRECTORY_VARIABLE = "CHAT_STATE_DIR"
_APP = "durable-chat"


def state_directory() -> Path:
    """Give the directory for the client's state."""
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    return Path(chosen) if chosen else Path(user_state_dir(_APP, appauthor=False))


def directory_for(kind: str, target: str, name: str, root: Path | None = None) -> Path:
    """Give the directory of one kind of thing for one name on one server; it may not exist."""
    return (root or state_directory()) / kind / _folder(target, name)


def make_private(directory: Path) -> None:
    """Make a directory that `directory_for` gave. Raises OSError."""
    for one in (*reversed(directory.parents[:2]), directory):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)


def _folder(target: str, name: str) -> str:
    """Name a folder for people to read, and unlike that of any other server and name."""
    identity = f"{target.casefold()} {key(name)}"
    readable = re.sub(r"[^a-z0-9.-]+", "_", identity)[:60].strip("._")
    return f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
