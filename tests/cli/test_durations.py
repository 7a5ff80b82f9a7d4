"""`chat_cli.durations`: as typed, and as read."""

from datetime import UTC, timedelta, timezone

import pytest

from chat_cli.durations import in_words, parse, split, until
from chat_cli.model import FOREVER_MS
from tests.cli.person import EIGHT

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("word", "ms"),
    [
        ("30s", 30_000),
        ("10m", 600_000),
        ("2H", 2 * HOUR),
        ("7d", 7 * DAY),
        ("2w", 14 * DAY),
        ("forever", 0),
        ("0s", None),
        ("2", None),
        ("h", None),
        ("-1h", None),
        ("1h30m", None),
        ("٣h", None),
    ],
)
def test_durations_are_typed_with_a_unit(word: str, ms: int | None) -> None:
    """A number without a unit is none: nobody is banned for two of something."""
    assert parse(word) == ms


def test_a_duration_may_stand_before_a_reason() -> None:
    """What is no duration belongs to the reason, and then it is for ever."""
    assert split("2h spam again") == (2 * HOUR, "spam again")
    assert split("spam 2h") == (0, "spam 2h")
    assert split("forever spam") == (0, "spam")
    assert split("") == (0, "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (30, "30 s"), (90, "90 s"), (60, "1 min"), (150, "150 s"), (400, "7 min"),
     (3600, "1 hour"), (7200, "2 hours"), (9000, "150 min"), (86_400, "1 day"), (6e5, "7 days")],
)  # fmt: skip
def test_durations_are_read_in_one_unit(seconds: float, words: str) -> None:
    """Small ones exactly, large ones about."""
    assert in_words(seconds) == words


def test_an_end_is_told_the_way_people_say_it() -> None:
    """Today and tomorrow by name, then the date, in another year with it; in the local zone."""
    assert until(EIGHT + 2 * HOUR, EIGHT, UTC) == "until 10:00 today"
    assert until(EIGHT + DAY, EIGHT, UTC) == "until 08:00 tomorrow"
    assert until(EIGHT + 3 * DAY, EIGHT, UTC) == "until 08:00 on 23 November"
    assert until(EIGHT + 90 * DAY, EIGHT, UTC) == "until 08:00 on 18 February 2026"
    east = timezone(timedelta(hours=20))
    assert until(EIGHT + 2 * HOUR, EIGHT, east) == "until 06:00 today"


@pytest.mark.parametrize("end", [FOREVER_MS, 2**62, FOREVER_MS - 1])
def test_what_is_beyond_the_calendar_is_for_ever(end: int) -> None:
    """Neither what means it nor what a bug sends breaks a line."""
    assert until(end, EIGHT, UTC) == "for ever"
