"""`chat_cli.standing`: out of a room, muted, invited: what is told, and where one is then."""

from dataclasses import replace

import pytest

from chat_cli import items as it
from chat_cli.model import (
    FOREVER_MS,
    ById,
    ByName,
    Invitation,
)
from chat_cli.orders import enter, say
from tests.cli.person import (
    ANNA,
    BOB,
    DEV,
    EIGHT,
    PLAN,
    connected,
    live,
    opened,
)


def test_a_room_that_was_left_leads_back() -> None:
    """The room before becomes the current one; leaving another room does not move one."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV))
    enter(anna.state, ByName("dev"))
    assert anna.told(it.RoomClosed("r2")) == ["08:00 · you left #dev, now in #lobby"]
    anna.told(opened(DEV), live(0, DEV))
    assert anna.told(it.RoomClosed("r2")) == ["08:00 · you left #dev"]
    assert anna.told(it.RoomClosed("r1")) == ["08:00 · you left #lobby, now in no room"]


def test_what_waits_for_a_private_room_is_given_back_when_it_is_left() -> None:
    """Whoever is out of it cannot speak there; to a public room it is still sent."""
    anna = connected()
    anna.told(opened(PLAN), live(0, PLAN))
    say(anna.state, "for the lobby")
    say(anna.state, "for the plan", target=ById("r5"))
    assert anna.told(it.RoomClosed("r5")) == [
        "08:00 plan (private) ✗ not sent: for the plan",
        "        you left plan (private)",
        "08:00 · you left plan (private)",
    ]
    anna.told(it.RoomClosed("r1"))
    assert anna.texts_written() == ["for the lobby"]


@pytest.mark.parametrize(
    ("reason", "until_ms", "words"),
    [
        (it.CloseReason.REMOVED, 0, "bob removed you from #lobby: spam"),
        (it.CloseReason.BANNED, EIGHT + 3_600_000, "bob banned you from #lobby until 09:00 today: "
                                                   "spam"),
    ],
)  # fmt: skip
def test_who_is_put_out_is_told_and_goes_to_another_room(
    reason: it.CloseReason, until_ms: int, words: str
) -> None:
    """What waited is not sent after all."""
    anna = connected()
    anna.told(opened(DEV), live(0, DEV))
    anna.state.rooms["r2"].unread = 3
    say(anna.state, "one more thing")
    lines = anna.told(it.RoomClosed("r1", reason, "spam", BOB, until_ms))
    assert lines == [
        f"08:00 · {words}",
        "08:00 ✗ not sent: one more thing",
        "        you are not in #lobby any more",
        "08:00 · You are in #dev now.",
    ]
    assert anna.state.current_label() == "#dev"
    assert anna.state.rooms["r2"].unread == 0
    assert list(anna.state.rooms) == ["r2"]
    assert anna.writes() == []
    # The next connection does not ask for that room.
    assert [where.target for where in anna.state.resume_point().rooms] == [ById("r2")]


def test_who_is_put_out_of_the_only_room_is_nowhere() -> None:
    """The client says how to go on."""
    anna = connected()
    lines = anna.told(it.RoomClosed("r1", it.CloseReason.REMOVED, "", BOB))
    assert lines[-1] == "08:00 · You are in no room now. /join NAME enters one."
    assert anna.sees(say(anna.state, "still typing")) == [
        "08:00 · You are in no room. /join lobby enters one."
    ]
    assert anna.writes() == []


def test_who_is_put_out_of_another_room_stays() -> None:
    """The current room is the same."""
    anna = connected()
    anna.told(opened(PLAN), live(0, PLAN))
    (line,) = anna.told(it.RoomClosed("r5", it.CloseReason.REMOVED))
    assert line == "08:00 · the operator removed you from plan (private)"
    assert anna.state.current_label() == "#lobby"


def test_a_mute_is_told_and_kept() -> None:
    """Until when and why; that it is over is told too."""
    anna = connected()
    words = "you may not speak in lobby: enough"
    assert anna.told(it.Muted("r1", EIGHT + 60_000, words)) == [
        "08:00 · You are muted in #lobby until 08:01 today: enough"
    ]
    assert anna.state.rooms["r1"].info.muted_until_ms == EIGHT + 60_000
    (line,) = anna.told(it.Muted("r1", FOREVER_MS, "you may not speak in lobby"))
    assert line == "08:00 · You are muted in #lobby for ever"
    assert anna.told(it.Unmuted("r1")) == ["08:00 · You may speak in #lobby again"]
    assert anna.state.rooms["r1"].info.muted_until_ms == 0
    assert anna.told(it.Muted("r9", 1), it.Unmuted("r9")) == []


def test_an_invitation_is_shown_once() -> None:
    """It comes again with each connection; one that is made anew is shown anew."""
    anna = connected()
    invitation = Invitation("r5", "plan", BOB, EIGHT)
    (line,) = anna.told(it.Invited(invitation))
    assert line == (
        "08:00 · bob invites you to plan (private). "
        "/accept plan goes there, /decline plan does not."
    )
    anna.told(it.Welcome("e1", ANNA))
    assert anna.state.invitations == {}
    assert anna.told(it.Invited(invitation)) == []
    assert anna.state.invitations == {"r5": invitation}
    assert anna.told(it.Invited(replace(invitation, time_ms=EIGHT + 1))) != []
