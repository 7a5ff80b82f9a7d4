"""Who is in which room, and what is told of it."""

from dataclasses import replace

from chat_service.core.model import User
from chat_service.hub.limits import HubLimits
from chat_service.hub.presence import MAX_TOLD, Presence

GRACE_S = HubLimits().presence_grace_s

ALICE, BOB, CAROL = (User(n, name, 0) for n, name in enumerate(("alice", "bob", "carol"), 1))
ROOM = 7
NOW = 1000.0
LATER = NOW + GRACE_S


def told(presence: Presence) -> tuple[list[str], list[str], int] | None:
    """Return what is told of the room now: who came, who went, how many there are."""
    change = presence.take_change(ROOM)
    if change is None:
        return None
    return [u.name for u in change.joined], [u.name for u in change.left], change.total


def settled(*users: User) -> Presence:
    """Return a room whose users are known to all."""
    presence = Presence()
    for user in users:
        presence.enter(ROOM, user)
    told(presence)
    return presence


def test_first_stream_is_news_and_a_second_is_not() -> None:
    """A user comes once, however many windows read the room."""
    presence = Presence()
    assert presence.enter(ROOM, ALICE)
    assert not presence.enter(ROOM, ALICE)
    assert told(presence) == (["alice"], [], 1)
    assert told(presence) is None


def test_last_stream_begins_the_grace() -> None:
    """While one stream is left nothing begins; after the last the user is still there."""
    presence = settled(ALICE)
    presence.enter(ROOM, ALICE)
    presence.drop(ROOM, ALICE, NOW)
    assert not presence.is_expected(ROOM, ALICE.user_id)
    presence.drop(ROOM, ALICE, NOW)
    assert presence.is_expected(ROOM, ALICE.user_id)
    assert presence.present(ROOM) == [(ALICE, False)]
    assert presence.expire(LATER - 0.001) == []
    assert presence.count(ROOM) == 1
    assert told(presence) is None


def test_end_of_the_grace_is_news() -> None:
    """A user who does not come back in time is told to have gone, once."""
    presence = settled(ALICE, BOB)
    presence.drop(ROOM, ALICE, NOW)
    assert presence.expire(LATER) == [ROOM]
    assert told(presence) == ([], ["alice"], 1)
    assert presence.expire(LATER + 100) == []
    assert presence.present(ROOM) == [(BOB, True)]


def test_return_within_the_grace_is_no_news() -> None:
    """A reconnect makes no notice, also not when the grace would have been over."""
    presence = settled(ALICE)
    presence.drop(ROOM, ALICE, NOW)
    assert not presence.enter(ROOM, ALICE)
    assert presence.expire(LATER + 1) == []
    assert told(presence) is None
    assert presence.present(ROOM) == [(ALICE, True)]


def test_graces_end_in_their_own_order() -> None:
    """A second absence has a grace of its own, behind those that began before it."""
    presence = settled(ALICE, BOB)
    presence.drop(ROOM, ALICE, NOW)
    presence.drop(ROOM, BOB, NOW + 1)
    presence.enter(ROOM, ALICE)
    presence.drop(ROOM, ALICE, NOW + 2)
    assert presence.expire(LATER + 1.5) == [ROOM]
    assert told(presence) == ([], ["bob"], 1)
    assert presence.expire(LATER + 2) == [ROOM]
    assert told(presence) == ([], ["alice"], 0)


def test_coming_and_going_between_two_tellings_cancels_out() -> None:
    """Who came and went, or went and came, before it was told, was never away or there."""
    presence = settled(ALICE)
    presence.enter(ROOM, BOB)
    presence.remove(ROOM, BOB.user_id)
    presence.remove(ROOM, ALICE.user_id)
    presence.enter(ROOM, ALICE)
    presence.enter(ROOM, CAROL)
    assert told(presence) == (["carol"], [], 2)


def test_what_a_picture_shows_is_told_to_have_changed() -> None:
    """Who came, was seen in a picture and went is told to have gone, and the other way round."""
    presence = settled(ALICE)
    presence.enter(ROOM, BOB)
    presence.remove(ROOM, ALICE.user_id)
    assert presence.picture(ROOM) == presence.present(ROOM) == [(BOB, True)]
    presence.remove(ROOM, BOB.user_id)
    presence.enter(ROOM, ALICE)
    assert told(presence) == (["alice"], ["bob"], 1)
    # It was told: the next telling is as if there had been no picture.
    presence.remove(ROOM, ALICE.user_id)
    presence.enter(ROOM, ALICE)
    assert told(presence) is None


def test_picture_of_what_goes_to_and_fro() -> None:
    """Whatever happens behind a picture, the last of it is told."""
    presence = settled(ALICE)
    presence.enter(ROOM, BOB)
    presence.picture(ROOM)
    for _ in range(3):
        presence.remove(ROOM, BOB.user_id)
        presence.enter(ROOM, BOB)
    assert told(presence) == (["bob"], [], 2)
    assert presence.picture(8) == []


def test_many_changes_are_told_together() -> None:
    """What gathered is told as one change, in the order in which it happened."""
    presence = settled(ALICE)
    presence.enter(ROOM, CAROL)
    presence.enter(ROOM, BOB)
    presence.remove(ROOM, ALICE.user_id)
    assert told(presence) == (["carol", "bob"], ["alice"], 2)


def test_removal_is_at_once_whatever_streams_there_are() -> None:
    """Leaving needs no grace, and streams that end afterwards change nothing."""
    presence = settled(ALICE, BOB)
    presence.enter(ROOM, ALICE)
    assert presence.remove(ROOM, ALICE.user_id)
    assert not presence.remove(ROOM, ALICE.user_id)
    presence.drop(ROOM, ALICE, NOW)
    assert told(presence) == ([], ["alice"], 1)
    assert presence.expire(LATER + 1) == []


def test_removal_ends_the_grace() -> None:
    """Who leaves for good while absent is not told to have gone a second time."""
    presence = settled(ALICE)
    presence.drop(ROOM, ALICE, NOW)
    assert presence.remove(ROOM, ALICE.user_id)
    assert not presence.is_expected(ROOM, ALICE.user_id)
    assert told(presence) == ([], ["alice"], 0)
    assert presence.expire(LATER) == []


def test_restart_expects_those_who_were_there() -> None:
    """After a restart a user is present for the grace, so that coming back is no news."""
    presence = Presence()
    for user in (ALICE, BOB):
        presence.expect(ROOM, user, NOW)
    assert presence.count(ROOM) == 2
    assert not presence.enter(ROOM, ALICE)
    assert told(presence) is None
    assert presence.expire(LATER) == [ROOM]
    assert told(presence) == ([], ["bob"], 1)


def test_expecting_who_is_there_changes_nothing() -> None:
    """A user with a stream is not put into the grace."""
    presence = settled(ALICE)
    presence.expect(ROOM, ALICE, NOW)
    assert not presence.is_expected(ROOM, ALICE.user_id)
    assert presence.expire(LATER) == []


def test_rooms_are_apart() -> None:
    """What happens in one room says nothing of another."""
    presence = settled(ALICE)
    presence.enter(8, BOB)
    presence.drop(8, ALICE, NOW)
    presence.drop(9, ALICE, NOW)
    assert not presence.is_expected(ROOM, ALICE.user_id)
    assert presence.present(9) == []
    assert (presence.count(ROOM), presence.count(8), presence.count(9)) == (1, 1, 0)
    assert not presence.remove(9, ALICE.user_id)


def test_crowd_is_told_in_parts() -> None:
    """So many are told at a time; each is told once, and the total is that of the room."""
    presence = Presence()
    crowd = [User(10 + n, f"user{n}", 0) for n in range(2 * MAX_TOLD + 1)]
    for user in crowd:
        presence.enter(ROOM, user)
    # Who goes before the turn came is not told at all.
    presence.remove(ROOM, crowd[-1].user_id)
    parts = []
    while presence.has_change(ROOM):
        parts.append(told(presence))
    names = [user.name for user in crowd[:-1]]
    assert parts == [(names[:MAX_TOLD], [], 2 * MAX_TOLD), (names[MAX_TOLD:], [], 2 * MAX_TOLD)]
    for user in crowd[:-1]:
        presence.remove(ROOM, user.user_id)
    presence.enter(ROOM, ALICE)
    assert told(presence) == ([], names[:MAX_TOLD], 1)
    presence.remove(ROOM, ALICE.user_id)
    assert told(presence) == ([], names[MAX_TOLD:], 0)
    assert (told(presence), presence.has_change(ROOM)) == (None, False)


def test_room_that_all_left_is_kept_until_all_is_told() -> None:
    """The last telling lets go of the room, not one before it."""
    crowd = [User(n, f"user{n}", 0) for n in range(MAX_TOLD + 1)]
    presence = Presence()
    for user in crowd:
        presence.enter(ROOM, user)
    while presence.has_change(ROOM):
        told(presence)
    for user in crowd:
        presence.remove(ROOM, user.user_id)
    assert told(presence) == ([], [user.name for user in crowd[:MAX_TOLD]], 0)
    assert told(presence) == ([], [crowd[MAX_TOLD].name], 0)
    assert not presence._rooms


def test_user_who_has_an_account_now_is_shown_with_it() -> None:
    """In pictures from then on, which is no news; in other rooms and of others nothing changes."""
    presence = settled(ALICE, BOB)
    account = replace(ALICE, account=True)
    presence.know(ROOM, account)
    presence.know(ROOM, CAROL)
    presence.know(ROOM + 1, account)
    assert presence.picture(ROOM) == [(account, True), (BOB, True)]
    assert told(presence) is None
    assert presence.present(ROOM + 1) == []
