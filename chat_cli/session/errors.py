"""Why a call failed, read from its status and its rich details."""

import re
import time
from collections.abc import Mapping

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from chat_cli import durations
from chat_cli.errors import ChatError, UnknownOutcomeError
from chat_cli.model import FOREVER_MS
from chat_cli.refusals import explain

_DETAILS = "grpc-status-details-bin"
_NO_ANSWER = "no answer"


class CallError(ChatError):
    """A failed call.

    `code` is the gRPC status, `reason` the stable word of ErrorInfo (empty if the transport
    failed) and `retry_after` the seconds that the server asks to wait, 0 if it does not.
    """

    def __init__(
        self, code: grpc.StatusCode, message: str, reason: str = "", retry_after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after

    @property
    def passes(self) -> bool:
        """Tell whether the same call may succeed later."""
        return self.retry_after > 0 or self.code in _PASSING


class UnreachableError(CallError):
    """Nobody answered."""


class UnansweredCallError(UnreachableError, UnknownOutcomeError):
    """A call that changes something left, and nobody told what became of it."""


class UnauthenticatedError(CallError):
    """The token is not valid here."""


_PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}


def call_error(error: grpc.aio.AioRpcError, *, explained: bool = True) -> CallError:
    """Turn the transport's exception into ours, in words for people who chat if `explained`."""
    code = error.code()
    reason, retry_after, message = _details(error)
    if not reason and code is grpc.StatusCode.UNIMPLEMENTED:
        return CallError(code, "what listens there is no chat server")
    if not reason and code in _PASSING:
        # The transport's own words are for its developers.
        return UnreachableError(code, _NO_ANSWER, retry_after=retry_after)
    message = message or error.details() or code.name.lower().replace("_", " ")
    if explained:
        message = explain(reason, message, retry_after)
    kind = UnauthenticatedError if code is grpc.StatusCode.UNAUTHENTICATED else CallError
    return kind(code, message, reason, retry_after)


def _details(error: grpc.aio.AioRpcError) -> tuple[str, float, str]:
    """Give reason, delay in seconds and sentence; nothing of what cannot be read."""
    reason, retry_after, message = "", 0.0, ""
    for key, value in error.trailing_metadata() or ():
        if key != _DETAILS or not isinstance(value, bytes):
            continue
        try:
            status = status_pb2.Status.FromString(value)
            message = status.message
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            for detail in status.details:
                if detail.Unpack(info):
                    reason = info.reason
                elif detail.Unpack(retry):
                    retry_after = retry.retry_delay.ToMilliseconds() / 1000
            message = with_facts(message, info.metadata)
        except DecodeError:
            continue
    return reason, retry_after, message


def with_facts(message: str, facts: Mapping[str, str]) -> str:
    """Add the names that an error is about, and until when it holds if that has an end."""
    if names := facts.get("names"):
        message = f"{message}: {names}"
    until_ms = facts.get("until_ms", "")
    # Longer ones are no times.
    if not re.fullmatch(r"[0-9]{1,16}", until_ms) or int(until_ms) >= FOREVER_MS:
        return message
    return f"{message} ({durations.until(int(until_ms), time.time_ns() // 1_000_000, None)})"
