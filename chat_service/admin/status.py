"""Why something cannot be done, as the status of a call.

What an instance refused itself goes on as it came; the rest is in one table.
"""

import logging
import secrets
from typing import Any, NoReturn

import grpc
from google.rpc import error_details_pb2, status_pb2

from chat_service.admin.operations import AdminError
from chat_service.admin.remote import UNAVAILABLE, PassedOnError
from chat_service.link import Refusal

logger = logging.getLogger(__name__)

DOMAIN = "chat.v1"

Code = grpc.StatusCode

STATUS: dict[str, grpc.StatusCode] = {
    Refusal.PORT_INVALID: Code.INVALID_ARGUMENT,
    Refusal.INSTANCE_EXISTS: Code.ALREADY_EXISTS,
    Refusal.INSTANCE_NOT_FOUND: Code.NOT_FOUND,
    Refusal.INSTANCE_NOT_RUNNING: Code.FAILED_PRECONDITION,
    Refusal.INSTANCE_FAILED: Code.FAILED_PRECONDITION,
    Refusal.TOO_MANY_INSTANCES: Code.RESOURCE_EXHAUSTED,
    Refusal.CONFIGURATION_INVALID: Code.FAILED_PRECONDITION,
    Refusal.STOPPING: Code.UNAVAILABLE,
    UNAVAILABLE: Code.UNAVAILABLE,
    "MALFORMED": Code.INVALID_ARGUMENT,
    "PAGE_INVALID": Code.INVALID_ARGUMENT,
}

# The field at fault, where it is always the same one.
FIELD = {Refusal.PORT_INVALID: "port", "PAGE_INVALID": "page_token"}


# Any: a context of grpc.aio is generic in messages that this does not touch.
async def refuse(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    """End the call with the status of an error; a mistake of ours says only its id."""
    if not isinstance(error, AdminError):
        incident = secrets.token_hex(4)
        logger.error("a call failed", extra={"fields": {"id": incident}}, exc_info=error)
        error = PassedOnError("INTERNAL", f"internal error, id={incident}", Code.INTERNAL, None)
    code = (
        error.code if isinstance(error, PassedOnError) else STATUS.get(error.reason, Code.INTERNAL)
    )
    details = error.details if isinstance(error, PassedOnError) else None
    await context.abort(
        code,
        str(error),
        (("grpc-status-details-bin", details or _details(code, error)),),
    )


def _details(code: grpc.StatusCode, error: AdminError) -> bytes:
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=str(error))
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))
    if field := FIELD.get(error.reason):
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=str(error))
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    encoded: bytes = status.SerializeToString()
    return encoded
