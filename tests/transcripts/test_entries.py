"""Events, joins and leaves as lines, in their order."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from chat_service.core.events import MessagePosted, RoomEvent, TopicChanged
from chat_service.core.model import Style
from chat_service.transcripts import entries
from chat_service.transcripts.notes import Coming

T = 1_795_182_648_000


def message(seq: int, text: str = "", style: Style = Style.TEXT) -> MessagePosted:
    """Post something."""
    return MessagePosted(T, 1, seq, 2, "bob", style, text or str(seq), f"m{seq}", b"h")


def coming(after_seq: int, name: str = "al", *, joined: bool = True) -> Coming:
    """Join or leave."""
    return Coming(1, after_seq, T, name, joined)


def told(lines: list[str]) -> list[str]:
    """Leave the times out."""
    return [line[21:] for line in lines]


def test_each_event_is_told_as_what_it_is() -> None:
    """A text, an action and a topic."""
    events: list[RoomEvent] = [
        message(1, "hi"),
        message(2, "waves", Style.ACTION),
        TopicChanged(T, 1, 3, 2, "bob", "tea"),
    ]
    assert told(entries.page(0, events, deque())) == [
        "<bob> hi",
        "* bob waves",
        "-- bob set the topic: tea",
    ]


def test_holes_are_told_as_missing() -> None:
    """Before the first event, and between two."""
    assert told(entries.page(3, [message(5), message(8)], deque())) == [
        "event 4 is no longer kept",
        "<bob> 5",
        "events 6 to 7 are no longer kept",
        "<bob> 8",
    ]


def test_joins_and_leaves_stand_where_they_happened() -> None:
    """Those behind the last event are left for `until`."""
    comings = deque([coming(0), coming(1, joined=False), coming(2)])
    assert told(entries.page(0, [message(1), message(2)], comings)) == [
        "-> al joined",
        "<bob> 1",
        "<- al left",
        "<bob> 2",
    ]
    assert told(entries.until(1, comings)) == []
    assert told(entries.until(2, comings)) == ["-> al joined"]
    assert not comings


@given(
    st.integers(0, 30),
    st.lists(st.integers(0, 30)).map(sorted),
    st.lists(st.integers(1, 30), max_size=6),
)
def test_pages_make_no_difference(head: int, places: list[int], counts: list[int]) -> None:
    """However a history is parted, the lines are the same, and each join is told once."""
    events = [message(seq) for seq in range(1, head + 1)]
    given_comings = [coming(min(place, head), f"n{n}") for n, place in enumerate(places)]
    at_once = deque(given_comings)
    whole = entries.page(0, events, at_once) + entries.until(head, at_once)
    comings = deque(given_comings)
    parted: list[str] = []
    seq = 0
    for count in [*counts, head]:
        page = events[seq : seq + count]
        parted += entries.page(seq, page, comings)
        seq += len(page)
        parted += entries.until(seq, comings)
    assert parted == whole
    assert len(whole) == head + len(places)
