"""What every test may use: needs that are named when they are missing, and no silent skips.

`@pytest.mark.needs_program("go")` skips a test where that program is not installed.
With CHAT_TESTS_NO_SKIP=1 in the environment every skip, whatever its cause, is a
failure that names itself: a machine that is meant to have everything cannot pass by
leaving tests out.

Whatever is left to chance comes from the fixture `chance`. A failure shows its seed, and
CHAT_TESTS_SEED=… repeats it.
"""

import os
import random
import shutil
from collections.abc import Generator

import hypothesis
import pytest

# How long an example takes says how busy the machine is: times belong to the benchmark.
hypothesis.settings.register_profile("chat", deadline=None)
hypothesis.settings.load_profile("chat")

pytest_plugins = ["pytester"]

NO_SKIP = "CHAT_TESTS_NO_SKIP"
SEED = "CHAT_TESTS_SEED"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "needs_program(*names): skip the test where a program is not installed"
    )


@pytest.fixture
def seed() -> int:
    """Return the seed of this test, a new one in each run unless one is asked for; print it."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1 << 32))
    print(f"{SEED}={seed}")
    return seed


@pytest.fixture
def chance(seed: int) -> random.Random:
    """Return the source of all that is left to chance in a test."""
    return random.Random(seed)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose programs are missing, naming the test and the program."""
    for marker in item.iter_markers("needs_program"):
        for program in marker.args:
            if shutil.which(program) is None:
                pytest.skip(f"{item.name} needs the program {program}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test into its failure, where skips are not allowed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure, where skips are not allowed."""
    report = yield
    if report.skipped:
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(NO_SKIP) == "1":
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"{report.nodeid} was skipped, and {NO_SKIP}=1: {reason}"
