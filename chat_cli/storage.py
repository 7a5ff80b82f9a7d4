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
APP = "durable-chat"


def state_directory() -> Path:
    """Give the directory for the client's state."""
    return chosen_directory() or Path(user_state_dir(APP, appauthor=False))


def chosen_directory() -> Path | None:
    """Give the directory that is to hold everything of the client; None: each has its own."""
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    return Path(chosen) if chosen else None


def directory_for(kind: str, target: str, name: str, root: Path | None = None) -> Path:
    """Give the directory of one kind of thing for one name on one server; it may not exist."""
    return (root or state_directory()) / kind / _folder(target, name)


def make_private(directory: Path) -> None:
    """Make a directory that `directory_for` gave. Raises OSError."""
    for one in (*reversed(directory.parents[:2]), directory):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The state directory itself may be one that the person chose; what is in it is ours.
    for one in (directory.parent, directory):
        if one.stat().st_mode & 0o077:
            one.chmod(0o700)


def _folder(target: str, name: str) -> str:
    """Name a folder for people to read, and unlike that of any other server and name."""
    identity = f"{target.casefold()} {key(name)}"
    readable = re.sub(r"[^a-z0-9.-]+", "_", identity)[:60].strip("._")
    return f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
