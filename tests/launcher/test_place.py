"""When a place is filled again, and how the end of its process is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.launcher.place import (
    MAX_DELAY_SECONDS,
    STEADY_SECONDS,
    describe_exit,
    restart_delay,
)


@given(runs=st.lists(st.floats(0, 60), max_size=40))
def test_delay_grows_only_while_runs_are_short(runs: list[float]) -> None:
    """Each delay follows the rule from the one before it, whatever the runs were."""
    last: float | None = None
    for served in runs:
        delay = restart_delay(last, served)
        if last is None or served >= STEADY_SECONDS:
            assert delay == 0
        else:
            assert delay == min(MAX_DELAY_SECONDS, 1 if last == 0 else 2 * last)
        last = delay


@pytest.mark.parametrize(
    ("returncode", "told"),
    [
        (0, "ended with exit status 0"),
        (3, "ended with exit status 3"),
        (-9, "was ended by SIGKILL"),
        (-250, "was ended by signal 250"),
    ],
)
def test_end_is_told_by_name(returncode: int, told: str) -> None:
    """An exit status is told as a number, a signal by its name where it has one."""
    assert describe_exit(returncode) == told
