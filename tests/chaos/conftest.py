"""The fixtures of the scenarios: their scale, the figures that they note, a small disk."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disk import DISK, SmallDisk
from tests.chaos.figures import Figures, table
from tests.chaos.scale import Scale, chosen

_NOTED = pytest.StashKey[dict[str, Figures]]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and begin the table."""
    config.stash[_NOTED] = {}
    config.addinivalue_line("markers", "full_only: a scenario that only `make chaos` has time for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what there is no time for. It is no skip: nothing is missing here."""
    if chosen().full:
        return
    left_out = [item for item in items if item.get_closest_marker("full_only")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the table."""
    lines = table(config.stash[_NOTED])
    if lines:
        terminalreporter.section(f"chaos, {'full' if chosen().full else 'bounded'} size")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def scale() -> Scale:
    """Return the sizes of this run."""
    return chosen()


@pytest.fixture
def figures(request: pytest.FixtureRequest, seed: int) -> Figures:
    """Return where a test notes its figures; they are shown at the end, with its seed."""
    noted = request.config.stash[_NOTED].setdefault(request.node.name, Figures())
    noted["seed"] = str(seed)
    return noted


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Mount a small file system."""
    directory = tmp_path / "disk"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "chat-tests", str(directory)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("a full disk needs the program mount")
    if done.returncode:
        pytest.skip(f"a full disk needs the right to mount a tmpfs: {done.stderr.strip()}")
    try:
        yield SmallDisk(directory)
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True, timeout=30)
