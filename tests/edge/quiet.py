"""What counts as an error in the log of a test."""

import logging

import pytest


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as an error, or with a traceback, while the test ran."""
    return [
        record.getMessage()
        for record in caplog.get_records("call")
        if (record.levelno >= logging.ERROR or record.exc_info) and not _is_the_poller(record)
    ]


def _is_the_poller(record: logging.LogRecord) -> bool:
    # grpc.aio wakes all event loops that a process has had by one socket, and stumbles
    # when another has read from it already, or over what is left of a loop that is closed.
    # A server has one loop; a test run has many.
    error = record.exc_info[1] if record.exc_info else None
    return "PollerCompletionQueue._handle_events" in record.getMessage() and (
        isinstance(error, BlockingIOError)
        or (isinstance(error, RuntimeError) and str(error) == "Event loop is closed")
    )
