"""`chat_cli.happenings`: events as sentences."""

from datetime import UTC, date

import pytest

from chat_cli.happenings import happening
from chat_cli.model import (
    FOREVER_MS,
    Body,
    Deleted,
    HistoryPolicy,
    Removed,
    Role,
    RoleChanged,
    RoomChanged,
    RoomEvent,
    Said,
    Tombstone,
    TopicChanged,
    User,
    Withheld,
)
from chat_cli.render import Renderer
from tests.cli.person import ANNA, BOB, CAROL, EIGHT

NOBODY = User("", "")
ROBOT = User("u9", "robot", bot=True)


def lines(body: Body | None, author: User = BOB) -> list[str]:
    """Give what anna sees of an event."""
    entry = happening(RoomEvent("r1", 7, EIGHT, author, body), ANNA)
    renderer = Renderer(UTC, date(2025, 11, 20), lambda _: "")
    return [line.text for line in renderer.lines(entry, EIGHT)] if entry else []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (Said("hi"), "bob: hi"),
        (TopicChanged("tea"), "· bob set the topic: tea"),
        (Tombstone(), "bob: (message deleted)"),
        (Deleted(3, BOB), "· bob deleted a message"),
        (Deleted(3, CAROL, "spam"), "· bob deleted a message of carol: spam"),
        (RoleChanged(CAROL, Role.MODERATOR), "· bob made carol a moderator"),
        (RoleChanged(BOB, Role.MEMBER), "· bob is a member now"),
        (Removed(CAROL), "· bob removed carol"),
        (Removed(CAROL, "spam"), "· bob removed carol: spam"),
        (Removed(CAROL, "", True, FOREVER_MS), "· bob banned carol for ever"),
        (
            Removed(CAROL, "spam", True, EIGHT + 3_600_000),
            "· bob banned carol until 09:00 today: spam",
        ),
        (RoomChanged("den"), "· bob renamed the room to den"),
        (RoomChanged(description="x"), "· bob changed the description"),
        (RoomChanged(description=""), "· bob removed the description"),
        (RoomChanged(archived=True), "· bob archived the room"),
        (RoomChanged(archived=False), "· bob opened the room again"),
        (
            RoomChanged(slow_mode_ms=30_000, topic_locked=True),
            "· bob set slow mode to 30 s, locked the topic",
        ),
        (
            RoomChanged(slow_mode_ms=0, topic_locked=False),
            "· bob ended slow mode, unlocked the topic",
        ),
        (RoomChanged(history=HistoryPolicy.ALL), "· bob lets newcomers read everything"),
        (RoomChanged(), "· bob changed the room"),
    ],
)
def test_each_event_is_a_sentence(body: Body, sentence: str) -> None:
    """Who did what to whom, until when and why."""
    assert lines(body) == [f"08:00 {sentence}"]


def test_who_becomes_an_owner_because_the_last_one_left_is_told() -> None:
    """Nobody gave that role."""
    assert lines(RoleChanged(CAROL, Role.OWNER), NOBODY) == ["08:00 · carol is an owner now"]


def test_bots_are_marked() -> None:
    """In what they say, do and said."""
    assert lines(Said("beep"), ROBOT) == ["08:00 robot (bot): beep"]
    assert lines(Said("beeps", action=True), ROBOT) == ["08:00 * robot (bot) beeps"]
    assert lines(Tombstone(), ROBOT) == ["08:00 robot (bot): (message deleted)"]


@pytest.mark.parametrize("body", [Withheld(), None])
def test_what_means_nothing_to_people_is_not_shown(body: Body | None) -> None:
    """An event of an unknown kind, and one that is kept from bots."""
    assert lines(body) == []


def test_names_and_reasons_are_clean() -> None:
    """Whatever a server sends, no terminal obeys it."""
    evil = User("u8", "e\x1b[2Jve")
    for body in (Deleted(1, evil, "\x9b"), Removed(evil, "\x07\x1b]0;x"), RoomChanged("\x08")):
        (line,) = lines(body, evil)
        assert line.isprintable()
