"""What is asked of the system."""

import resource
from pathlib import Path

from bench.posix import allow_many_files, sync_seconds


def test_probe_measures_and_leaves_nothing(tmp_path: Path) -> None:
    """Each write takes some time, and the file is gone afterwards."""
    times = sync_seconds(tmp_path)
    assert len(times) >= 100
    assert all(seconds > 0 for seconds in times)
    assert list(tmp_path.iterdir()) == []


def test_more_files_are_allowed() -> None:
    """The limit of open files is not lowered."""
    before, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_many_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= before
