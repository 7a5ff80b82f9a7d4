"""The figures that decisions use are those that were promised."""

import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from chat_service.core.limits import RESERVED_NAMES, Limits
from chat_service.core.names import is_name, name_key

CONTRACT = Path(__file__).parents[2] / "protos" / "chat" / "v1" / "chat.proto"


@pytest.mark.parametrize(
    ("sentence", "figure"),
    [
        (r"What: 1 to ([\d,]+) bytes and at most", Limits().text_bytes),
        (r"bytes and at most ([\d,]+) lines", Limits().text_lines),
        (r"1 to ([\d,]+) of `A-Z [^,]+, not [^,]+ Unique among users", Limits().name_bytes),
        (r"1 to ([\d,]+) of `A-Z [^,]+, not [^,]+ Unique among public", Limits().room_name_bytes),
        (r"At most ([\d,]+) bytes, no control characters", Limits().topic_bytes),
        (r"different for each message of the user: 1 to ([\d,]+) bytes", Limits().client_id_bytes),
    ],
)
def test_figure_of_the_contract(sentence: str, figure: int) -> None:
    """Where the contract names a figure, the default is that figure."""
    prose = re.sub(r"\s+//\s+", " ", CONTRACT.read_text(encoding="utf-8"))
    found = re.findall(sentence, prose)
    assert [int(number.replace(",", "")) for number in found] == [figure]


def test_figures_that_decisions_alone_know() -> None:
    """Rooms of a user, the grace of a guest and its granularity are as promised."""
    limits = Limits()
    assert limits.rooms_per_user == 100
    assert limits.guest_grace_ms == 10 * 60 * 1000
    assert 0 < limits.renewal_ms < limits.guest_grace_ms


def test_no_figure_is_a_float() -> None:
    """No limit is a float or a set, which would decide differently on another machine."""
    others = {"reserved_names": tuple, "registration": str, "guests": bool}
    for field in fields(Limits):
        value = getattr(Limits(), field.name)
        assert type(value) is others.get(field.name, int), field.name


def test_limits_are_a_value() -> None:
    """Two equal sets of limits are one setting, and none can be changed in place."""
    assert Limits(text_bytes=7) == Limits(text_bytes=7) != Limits()
    with pytest.raises(FrozenInstanceError):
        Limits().text_bytes = 1  # type: ignore[misc] # that is what is tried


def test_reserved_names_are_in_the_form_that_they_are_compared_in() -> None:
    """A reserved name is its own key, could be a name otherwise, and stands once."""
    assert all(name_key(name) == name for name in RESERVED_NAMES)
    assert all(is_name(name, Limits().name_bytes) for name in RESERVED_NAMES)
    assert list(RESERVED_NAMES) == sorted(set(RESERVED_NAMES))
    assert {"admin", "root", "server", "system", "everyone", "here"} <= set(RESERVED_NAMES)
