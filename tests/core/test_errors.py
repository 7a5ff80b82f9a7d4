"""Reasons are stable words for programs; a rejection carries one, with or without a call."""

import re

import pytest

from chat_service.core.errors import Reason, RefusedError, Rejection


def test_reasons_travel_as_upper_snake_case() -> None:
    """Every reason is its own name, in the form that ErrorInfo asks for, at most 63 long."""
    for reason in Reason:
        assert reason.value == reason.name
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+[A-Z0-9]", reason.value)
        assert len(reason.value) <= 63


def test_rejection_is_a_plain_value() -> None:
    """Two equal rejections are one; by default waiting does not help and no field is at fault."""
    first = Rejection(Reason.NAME_TAKEN, "this name is taken")
    assert first == Rejection(Reason.NAME_TAKEN, "this name is taken")
    assert (first.field, first.retry_after_ms, first.metadata) == ("", 0, ())


def test_refused_error_carries_its_rejection() -> None:
    """The exception says the reason and the sentence, and hands on the value itself."""
    rejection = Rejection(Reason.OVERLOADED, "too much", retry_after_ms=5)
    with pytest.raises(RefusedError, match=r"^OVERLOADED: too much$") as raised:
        raise RefusedError(rejection)
    assert raised.value.rejection is rejection
