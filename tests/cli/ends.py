"""How the calls of the fake services end with a status."""

from typing import Any, NoReturn

import grpc
from google.rpc import error_details_pb2, status_pb2

# Any: contexts of grpc.aio are generic in messages, and these functions serve all.
Context = grpc.aio.ServicerContext[Any, Any]
Code = grpc.StatusCode


class EndError(Exception):
    """Ends a call with a status."""

    def __init__(
        self, code: grpc.StatusCode, message: str, reason: str = "", retry_ms: int = 0
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.retry_ms = code, reason, retry_ms


def token_of(context: Context) -> str:
    """Give the token that a call came with."""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return str(value).removeprefix("Bearer ")
    return ""


async def abort(context: Context, end: EndError) -> NoReturn:
    """End a call."""
    status = status_pb2.Status(code=end.code.value[0], message=str(end))
    if end.reason:
        info = error_details_pb2.ErrorInfo(reason=end.reason, domain="chat.v1")
        status.details.add().Pack(info)
    if end.retry_ms:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(end.retry_ms)
        status.details.add().Pack(retry)
    details = (("grpc-status-details-bin", status.SerializeToString()),) if end.reason else ()
    await context.abort(end.code, str(end), details)
