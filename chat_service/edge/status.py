"""Reasons to gRPC statuses: the one table, and how a refusal leaves a call.

Every refused call carries one google.rpc.ErrorInfo, BadRequest when a field was
at fault, and RetryInfo when waiting helps.
"""

from typing import Any, NoReturn

import grpc
from google.rpc import error_details_pb2, status_pb2

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core.errors import Reason, Rejection

DOMAIN = "chat.v1"

STATUS: dict[Reason, grpc.StatusCode] = {
    Reason.MALFORMED: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.ORDER_MISSING: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.FIELD_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.NAME_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.ROOM_NAME_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TEXT_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TOPIC_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.CLIENT_ID_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TARGET_MISSING: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.PAGE_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.TOKEN_MISSING: grpc.StatusCode.UNAUTHENTICATED,
    Reason.TOKEN_INVALID: grpc.StatusCode.UNAUTHENTICATED,
    Reason.NAME_TAKEN: grpc.StatusCode.ALREADY_EXISTS,
    Reason.NAME_RESERVED: grpc.StatusCode.ALREADY_EXISTS,
    Reason.SESSION_REPLACED: grpc.StatusCode.ABORTED,
    Reason.SESSION_ENDED: grpc.StatusCode.UNAUTHENTICATED,
    Reason.KICKED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ROOM_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.USER_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.RECIPIENTS_GONE: grpc.StatusCode.NOT_FOUND,
    Reason.NOT_A_MEMBER: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ROOM_IS_DIRECT: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.SEQ_OUT_OF_RANGE: grpc.StatusCode.OUT_OF_RANGE,
    Reason.ID_REUSED: grpc.StatusCode.ALREADY_EXISTS,
    Reason.TOO_MANY_ROOMS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_SESSIONS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_CONNECTIONS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.RATE_IGNORED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.SLOW_READER: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.OVERLOADED: grpc.StatusCode.UNAVAILABLE,
    Reason.HELLO_MISSING: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.HELLO_REPEATED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.HELLO_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.DRAINING: grpc.StatusCode.UNAVAILABLE,
    Reason.STORAGE_FULL: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.STORAGE_FAILED: grpc.StatusCode.UNAVAILABLE,
    Reason.STORAGE_DAMAGED: grpc.StatusCode.DATA_LOSS,
    Reason.INTERNAL: grpc.StatusCode.INTERNAL,
    Reason.NOT_ANSWERED_HERE: grpc.StatusCode.UNIMPLEMENTED,
    Reason.PASSWORD_INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.NETWORK_IS_YOURS: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.PASSWORD_WRONG: grpc.StatusCode.UNAUTHENTICATED,
    Reason.NAME_REGISTERED: grpc.StatusCode.ALREADY_EXISTS,
    Reason.ACCOUNT_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.ROOM_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Reason.ACCOUNT_NEEDED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.REGISTRATION_CLOSED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.GUESTS_REFUSED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.INVITE_INVALID: grpc.StatusCode.PERMISSION_DENIED,
    Reason.OWNER_CODE_INVALID: grpc.StatusCode.PERMISSION_DENIED,
    Reason.SCOPE_MISSING: grpc.StatusCode.PERMISSION_DENIED,
    Reason.BANNED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ROLE_NEEDED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ROLE_TOO_HIGH: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ADMIN_NEEDED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.MUTED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.BANNED_FROM_ROOM: grpc.StatusCode.PERMISSION_DENIED,
    Reason.BLOCKED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.SESSION_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.INVITE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.MESSAGE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.NOT_A_BOT: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.NOT_AN_ACCOUNT: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LAST_ADMIN: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ROOM_ARCHIVED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ROOM_IS_PUBLIC: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ALREADY_MEMBER: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LAST_OWNER: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LOGIN_DELAYED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_BOTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_BLOCKS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_INVITES: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.TOO_MANY_BANS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.SLOW_MODE: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def code_number(reason: Reason) -> int:
    """Return the number of the status (google.rpc.Code) of a reason."""
    number: int = STATUS[reason].value[0]
    return number


def status_of(rejection: Rejection) -> status_pb2.Status:
    """Return the rich status of a refused call."""
    status = status_pb2.Status(code=code_number(rejection.reason), message=rejection.message)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(
            reason=rejection.reason.value, domain=DOMAIN, metadata=dict(rejection.metadata)
        )
    )
    if rejection.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=rejection.field, description=rejection.message
        )
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if rejection.retry_after_ms:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(rejection.retry_after_ms)
        status.details.add().Pack(retry)
    return status


# Any: a context of grpc.aio is generic in messages that this does not touch.
async def refuse(context: grpc.aio.ServicerContext[Any, Any], rejection: Rejection) -> NoReturn:
    """End the call with the status of the rejection."""
    status = status_of(rejection)
    await context.abort(
        STATUS[rejection.reason],
        rejection.message,
        (("grpc-status-details-bin", status.SerializeToString()),),
    )


def error_item(
    rejection: Rejection, *, order_id: str = "", client_msg_id: str = "", room_id: str = ""
) -> pb.StreamItem:
    """Return the rejection of one order as an item of its stream."""
    return pb.StreamItem(
        error=pb.Error(
            order_id=order_id,
            code=code_number(rejection.reason),
            reason=rejection.reason.value,
            message=rejection.message,
            metadata=dict(rejection.metadata),
            retry_after_ms=rejection.retry_after_ms,
            client_msg_id=client_msg_id,
            room_id=room_id,
        )
    )
