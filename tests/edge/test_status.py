"""Reasons to gRPC statuses."""

import re
from pathlib import Path

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2

from chat_service.core.errors import Reason, Rejection
from chat_service.edge.status import DOMAIN, STATUS, code_number, error_item, status_of

ROOT = Path(__file__).parents[2]
CODES = "|".join(code.name for code in grpc.StatusCode)
# `CODE (what, reason ONE: words; TWO or THREE)`, or `CODE, reason ONE`.
TOLD = re.compile(rf"\b({CODES})(?: \(([^()]*)\)|, reason (\w+))")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_status(reason: Reason) -> None:
    """No reason can leave without a status, and none of them says that all is well."""
    assert STATUS[reason] is not grpc.StatusCode.OK
    assert code_pb2.Code.Name(code_number(reason)) == STATUS[reason].name


def test_table_has_nothing_else() -> None:
    """The table holds the reasons of the core, each once."""
    assert set(STATUS) == set(Reason)


@pytest.mark.parametrize("proto", sorted((ROOT / "protos").rglob("*.proto")), ids=lambda p: p.name)
def test_contract_tells_the_status_of_a_reason_as_it_is(proto: Path) -> None:
    """Wherever a comment of the contract names a reason beside a status, it is the reason's."""
    comments = re.findall(r"^ *//(.*)$", proto.read_text(), re.MULTILINE)
    told = TOLD.findall(re.sub(r"\s+", " ", " ".join(comments)))
    pairs = {
        (word, code)
        for code, *words in told
        for word in re.findall(r"[A-Z_]{4,}", " ".join(words))
        if word in Reason.__members__
    }
    assert pairs
    assert {pair for pair in pairs if STATUS[Reason(pair[0])].name != pair[1]} == set()


def test_documented_table_is_the_table() -> None:
    """The protocol's page lists each reason once, with its status."""
    rows = re.findall(
        rf"^\| ([A-Z_]+) \| ({CODES}) \|",
        (ROOT / "docs/protocol.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == len(Reason)
    assert dict(rows) == {reason.value: status.name for reason, status in STATUS.items()}


def test_plain_refusal_has_one_error_info() -> None:
    """A refusal is told with its domain, its reason and its facts."""
    rejection = Rejection(Reason.ROOM_NOT_FOUND, "no such room", metadata=(("room", "r1"),))
    status = status_of(rejection)
    assert (status.code, status.message) == (code_pb2.NOT_FOUND, "no such room")
    (packed,) = status.details
    info = error_details_pb2.ErrorInfo.FromString(packed.value)
    assert packed.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)
    assert (info.domain, info.reason, dict(info.metadata)) == (
        DOMAIN,
        "ROOM_NOT_FOUND",
        {"room": "r1"},
    )


def test_field_at_fault_is_named() -> None:
    """A refusal about a field carries a BadRequest that names it."""
    status = status_of(Rejection(Reason.NAME_INVALID, "too long", field="name"))
    _, packed = status.details
    bad = error_details_pb2.BadRequest.FromString(packed.value)
    assert packed.Is(error_details_pb2.BadRequest.DESCRIPTOR)
    assert [(one.field, one.description) for one in bad.field_violations] == [("name", "too long")]


def test_delay_is_named_when_waiting_helps() -> None:
    """A refusal that time heals carries a RetryInfo with the delay."""
    status = status_of(Rejection(Reason.OVERLOADED, "busy", retry_after_ms=1500))
    _, packed = status.details
    retry = error_details_pb2.RetryInfo.FromString(packed.value)
    assert packed.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    assert retry.retry_delay.ToMilliseconds() == 1500


def test_refused_order_tells_the_same_in_the_stream() -> None:
    """An error item has code, reason, facts and delay of the status, and the order's ids."""
    rejection = Rejection(
        Reason.RATE_LIMITED, "too fast", retry_after_ms=200, metadata=(("limit", "5"),)
    )
    error = error_item(rejection, order_id="o1", client_msg_id="m1", room_id="r1").error
    assert (error.code, error.reason) == (code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert (error.message, error.retry_after_ms) == ("too fast", 200)
    assert dict(error.metadata) == {"limit": "5"}
    assert (error.order_id, error.client_msg_id, error.room_id) == ("o1", "m1", "r1")
