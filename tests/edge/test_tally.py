"""What the edge counts."""

from chat_service.edge.tally import EdgeStatistics, Tally


def test_statistics_are_what_was_counted() -> None:
    """Each count arrives under its name, those with labels in a steady order."""
    tally = Tally()
    tally.messages, tally.acks, tally.duplicates, tally.kicks, tally.pruned_events = 5, 4, 3, 2, 1
    tally.rejections["TEXT_INVALID"] += 2
    tally.rejections["NAME_TAKEN"] += 1
    tally.calls["Join", "OK"] += 7
    tally.ends["Chat", "KICKED"] += 1
    assert tally.statistics() == EdgeStatistics(
        messages=5,
        acks=4,
        duplicates=3,
        kicks=2,
        pruned_events=1,
        rejections=(("NAME_TAKEN", 1), ("TEXT_INVALID", 2)),
        calls=((("Join", "OK"), 7),),
        ends=((("Chat", "KICKED"), 1),),
    )


def test_statistics_stay_as_they_were() -> None:
    """A snapshot does not change with what is counted later."""
    tally = Tally()
    before = tally.statistics()
    tally.acks += 1
    tally.calls["Join", "OK"] += 1
    assert before == Tally().statistics()
