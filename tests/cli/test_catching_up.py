"""`chat_cli.catching_up`: the word that one is back, and how much came."""

from chat_cli import items as it
from tests.cli.person import ANNA, DEV, connected, live, opened, said


def test_back_and_nothing_missed() -> None:
    """A return without news says so."""
    anna = connected()
    anna.told(it.Offline("connection lost", 1.0))
    assert anna.told(it.Welcome("e1", ANNA), opened(), live(0)) == ["08:00 · back, nothing missed"]


def test_back_counts_over_broken_attempts() -> None:
    """What an attempt brought before it broke off is part of the sum."""
    anna = connected()
    anna.told(it.Offline("x", 1.0), it.Welcome("e1", ANNA), opened(), said(1, "bob", "one"))
    anna.told(it.Offline("x", 1.0), it.Welcome("e1", ANNA), opened(after_seq=1))
    assert anna.told(said(2, "bob", "two"), live(2))[-1] == "08:00 · back, 2 messages caught up"


def test_back_waits_for_every_room() -> None:
    """A room that was left meanwhile is not waited for."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV), it.Offline("x", 1.0), it.Welcome("e1", ANNA))
    assert anna.told(opened(), live(0), opened(DEV)) == []
    assert anna.told(it.RoomClosed("r2"))[-1] == "08:00 · back, nothing missed"
