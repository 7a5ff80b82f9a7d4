"""`chat_cli.printing`: what goes above the prompt, and what of it is drawn anew."""

import pytest

from chat_cli import items as it
from chat_cli.model import Deleted, RoomEvent
from tests.cli.desk import run
from tests.cli.person import ANNA, BOB, EIGHT, said
from tests.cli.test_prompt import window


def test_a_flood_is_gathered() -> None:
    """Many messages at once are few prints, all of them seen, in order."""

    async def story() -> None:
        async with window() as anna:
            anna.types("draft")
            await anna.glass.shows("draft")
            before = anna.glass.raw.count("draft")
            for seq in range(1, 1001):
                anna.told(said(seq, "bob", f"n{seq}."))
            await anna.glass.shows("bob: n1000.", "#lobby> draft")
            seen = [row for row in anna.glass.everything() if "bob: n" in row]
            assert seen == [f"08:00 bob: n{seq}." for seq in range(1, 1001)]
            assert anna.glass.raw.count("draft") - before <= 3

    run(story())


def test_what_comes_at_the_end_is_still_printed() -> None:
    """Lines shown after the application has ended follow it."""

    async def story() -> None:
        async with window() as anna:
            anna.types("/quit\r")
            await anna.ended()
            anna.told(said(1, "bob", "bye"))
        assert "08:00 bob: bye" in anna.glass.rows()

    run(story())


def deleted(seq: int) -> it.EventArrived:
    """Make the item of bob's second message being deleted."""
    return it.EventArrived(RoomEvent("r1", seq, EIGHT, ANNA, Deleted(2, BOB, "spam")))


@pytest.mark.parametrize("before", [0, 3, 18, 40])
def test_a_deleted_message_is_gone_from_the_window(before: int) -> None:
    """Its lines become one mark, in a window that is half empty, full or scrolled; the rest stays.

    What is being typed stays too, and nothing is drawn twice.
    """

    async def story() -> None:
        async with window() as anna:
            anna.types("half a sen")
            # Rows that were there before the client.
            notes = [f"note {number}." for number in range(before)]
            for note in notes:
                anna.client.hint(note)
            anna.told(said(1, "bob", "one"), said(2, "bob", "evil\nwords"), said(3, "bob", "three"))
            await anna.glass.shows("evil", "words", "three", "> half a sen")
            anna.told(deleted(4))
            await anna.glass.shows("anna deleted a message of bob: spam", "> half a sen")
            rows = anna.glass.everything()
            assert not any("evil" in row or "words" in row for row in rows)
            told = [row[6:] for row in rows if row.startswith("08:00")]
            assert told == [
                *(f"· {note}" for note in notes),
                "bob: one", "bob: (message deleted)", "bob: three",
                "· anna deleted a message of bob: spam",
            ]  # fmt: skip

    run(story())


def test_what_has_left_the_window_is_not_drawn_again() -> None:
    """A deletion of it is told; the scroll-back is the terminal's."""

    async def story() -> None:
        async with window(rows=10) as anna:
            anna.told(said(1, "bob", "one"), said(2, "bob", "evil"))
            await anna.glass.shows("bob: evil")
            for seq in range(3, 20):
                anna.told(said(seq, "bob", f"n{seq}."))
            await anna.glass.shows("n19.")
            anna.told(deleted(20))
            await anna.glass.shows("anna deleted a message of bob: spam")
            rows = anna.glass.everything()
            assert [sum(f"n{seq}." in row for row in rows) for seq in range(3, 20)] == [1] * 17

    run(story())


def test_what_waits_to_be_printed_is_struck_too() -> None:
    """A message and its deletion that come at once never show the text."""

    async def story() -> None:
        async with window() as anna:
            anna.told(said(1, "bob", "one"), said(2, "bob", "evil"), deleted(3))
            await anna.glass.shows("anna deleted a message of bob: spam")
            assert "evil" not in anna.glass.raw

    run(story())
