"""A place for sockets, whose paths must be short."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def nest() -> Iterator[Path]:
    """Give a directory like tmp_path whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="chat-") as path:
        yield Path(path)
