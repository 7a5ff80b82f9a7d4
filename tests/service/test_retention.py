"""How much rooms keep, as a person asked for it."""

from typing import Any

import pytest

from chat_service.retention import KEEP_ALL, Keep, Retention

HOUR = Keep(max_age_ms=3_600_000)
FEW = Keep(max_messages=7)


def test_everything_is_kept_unless_somebody_asks() -> None:
    """Without settings no room, and no direct message, has a bound."""
    assert KEEP_ALL.is_all
    assert KEEP_ALL.of("lobby") == KEEP_ALL.of("") == Keep()


def test_room_of_its_own_replaces_the_default() -> None:
    """A room that is named, in whatever case, keeps what is said for it and nothing else."""
    retention = Retention(HOUR, rooms=(("builds", FEW), ("archive", Keep())))
    assert retention.of("lobby") == HOUR
    assert retention.of("builds") == retention.of("BUILDS") == FEW
    assert retention.of("archive") == Keep()


def test_direct_messages_have_the_default_or_their_own() -> None:
    """What has no name is a direct message."""
    assert Retention(HOUR).of("") == HOUR
    assert Retention(HOUR, direct=Keep()).of("") == Keep()
    assert Retention(direct=FEW).of("") == FEW


@pytest.mark.parametrize(
    "retention",
    [Retention(FEW), Retention(direct=HOUR), Retention(rooms=(("a", Keep()), ("b", FEW)))],
)
def test_any_bound_is_not_all(retention: Retention) -> None:
    """One bound anywhere is reason to look at rooms."""
    assert not retention.is_all
    assert Retention(direct=Keep(), rooms=(("a", Keep()),)).is_all


@pytest.mark.parametrize("bound", [0, -1, True, 1.5, "7"])
def test_bound_is_a_number_from_one(bound: Any) -> None:
    """A bound that makes no sense is refused, whoever gives it."""
    with pytest.raises(ValueError, match="no bound"):
        Keep(max_age_ms=bound)
    with pytest.raises(ValueError, match="no bound"):
        Keep(max_messages=bound)
