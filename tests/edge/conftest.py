"""What every test of the edge has: a log in which nothing went wrong."""

from collections.abc import Iterator

import pytest

from tests.edge.quiet import errors_in


@pytest.fixture
def loud_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Give the log to a test that has errors logged, and checks them itself."""
    return caplog


@pytest.fixture(autouse=True)
def quiet_log(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which anything was logged as an error, by whoever it was."""
    yield
    if "loud_log" not in request.fixturenames:
        assert errors_in(caplog) == []
