"""`chat_cli.session.errors`: statuses become sentences, reasons and delays."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from chat_cli.durations import until
from chat_cli.model import FOREVER_MS
from chat_cli.session.errors import (
    CallError,
    UnauthenticatedError,
    UnreachableError,
    call_error,
)

Code = grpc.StatusCode


def failed(code: grpc.StatusCode, details: str = "", rich: bytes | None = None) -> CallError:
    """Make the transport's exception and turn it into ours."""
    pairs = [("grpc-status-details-bin", rich)] if rich is not None else []
    trailing = grpc.aio.Metadata(*pairs)
    return call_error(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details))


def rich_status(
    code: int, message: str, reason: str, retry_ms: int = 0, names: str = "", until_ms: str = ""
) -> bytes:
    """Make the details that a server sends."""
    status = status_pb2.Status(code=code, message=message)
    info = error_details_pb2.ErrorInfo(reason=reason, domain="chat.v1")
    if names:
        info.metadata["names"] = names
    if until_ms:
        info.metadata["until_ms"] = until_ms
    status.details.add().Pack(info)
    if retry_ms:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(retry_ms)
        status.details.add().Pack(retry)
    return bytes(status.SerializeToString())


def test_a_fault_inside_of_grpc_is_a_lost_connection() -> None:
    """A write that races the end of a stream has the status INTERNAL, and no reason."""
    error = failed(Code.INTERNAL, "Internal error from Core")
    assert isinstance(error, UnreachableError)
    assert str(error) == "no answer"
    ours = failed(Code.INTERNAL, "internal error, id=7", rich_status(13, "id=7", "INTERNAL"))
    assert not isinstance(ours, UnreachableError)


def test_rich_details_are_read() -> None:
    """Reason, delay in seconds, sentence and names."""
    rich = rich_status(8, "slow down", "RATE_LIMITED", 1500)
    error = failed(Code.RESOURCE_EXHAUSTED, "slow down", rich)
    assert (error.reason, error.retry_after, str(error)) == ("RATE_LIMITED", 1.5, "slow down")
    assert error.passes
    named = failed(Code.NOT_FOUND, "nobody", rich_status(5, "nobody", "X", names="dave"))
    assert str(named) == "nobody: dave"
    assert not named.passes


def test_what_ends_says_when() -> None:
    """A ban for ever does not, nor one that a server writes as nobody can read it."""
    noon_ms = 4_102_488_000_000

    def told(until_ms: str) -> str:
        rich = rich_status(7, "banned", "BANNED", until_ms=until_ms)
        return str(failed(Code.PERMISSION_DENIED, "banned", rich))

    words = until(noon_ms, 0, None)
    assert words.endswith("2100")
    assert told(str(noon_ms)) == f"banned ({words})"
    for other in ("", str(FOREVER_MS), "soon", "-5", "9" * 5000, "\u0663"):
        assert told(other) == "banned"


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.UNKNOWN])
def test_the_transports_words_are_not_shown(code: grpc.StatusCode) -> None:
    """`failed to connect to all addresses; last error: …` is no answer."""
    error = failed(code, "failed to connect to all addresses; last error: UNKNOWN: ipv4:…")
    assert isinstance(error, UnreachableError)
    assert str(error) == "no answer"


def test_a_server_that_says_unavailable_is_heard() -> None:
    """With a reason it is the server's own sentence."""
    error = failed(Code.UNAVAILABLE, "stopping", rich_status(14, "stopping", "DRAINING", 2000))
    assert not isinstance(error, UnreachableError)
    assert (str(error), error.retry_after) == ("stopping", 2.0)


def test_other_statuses() -> None:
    """A missing service, a bad token, a bare status and broken details each have their words."""
    assert str(failed(Code.UNIMPLEMENTED, "Method not found!")) == (
        "what listens there is no chat server"
    )
    assert isinstance(failed(Code.UNAUTHENTICATED, "who?"), UnauthenticatedError)
    assert str(failed(Code.PERMISSION_DENIED)) == "permission denied"
    broken = failed(Code.NOT_FOUND, "gone", b"\xff\xff\xff")
    assert (str(broken), broken.reason) == ("gone", "")
