"""Rates, by a clock that the test sets."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat_service.edge.limits import DEFAULT_CALLS, DEFAULT_RATES, Rates
from chat_service.edge.pace import (
    EARLY_S,
    TOLD_EACH,
    Buckets,
    Pace,
    Rate,
    Strikes,
    accounts_of,
    bot_sends_of,
    guests_of,
    joins_of,
    rooms_of,
    sends_of,
)

SENDS = sends_of(DEFAULT_RATES)
MAX_TOLD = TOLD_EACH * DEFAULT_CALLS.unacked_posts

NOW = 1000.0


def test_burst_then_rate() -> None:
    """A full bucket gives its burst at once; then the delay says when the next token is there."""
    buckets = Buckets(Rate(3, 2.0))
    assert [buckets.take("alice", NOW) for _ in range(4)] == [0, 0, 0, 500]
    assert buckets.take("alice", NOW + 0.25) == 250
    assert buckets.take("alice", NOW + 0.5) == 0
    assert buckets.take("alice", NOW + 0.5) == 500


def test_asking_in_vain_costs_nothing() -> None:
    """Who is refused is not refused for longer because of it."""
    buckets = Buckets(Rate(1, 1.0))
    buckets.take("alice", NOW)
    assert {buckets.take("alice", NOW + 0.25) for _ in range(100)} == {750}
    assert buckets.take("alice", NOW + 1.0) == 0


def test_bucket_never_holds_more_than_its_burst() -> None:
    """Patience is not saved up beyond the burst, nor is what is given back."""
    buckets = Buckets(Rate(2, 10.0))
    buckets.take("alice", NOW)
    buckets.give_back("alice", NOW)
    buckets.give_back("alice", NOW)
    assert [buckets.take("alice", NOW + 3600) == 0 for _ in range(3)] == [True, True, False]


def test_token_that_was_taken_for_nothing_is_given_back() -> None:
    """A retry that was stored already leaves the bucket as it was."""
    buckets = Buckets(Rate(1, 1.0))
    assert buckets.take("alice", NOW) == 0
    buckets.give_back("alice", NOW)
    assert buckets.take("alice", NOW) == 0


def test_buckets_are_apart() -> None:
    """One who is too fast does not slow down another."""
    buckets = Buckets(Rate(1, 1.0))
    buckets.take("alice", NOW)
    assert buckets.take("bob", NOW) == 0


def test_delay_is_never_zero_for_a_refusal() -> None:
    """However little is missing, a refusal names a delay above zero."""
    buckets = Buckets(Rate(1, 1.0))
    buckets.take("alice", NOW)
    assert buckets.take("alice", NOW + 1 - 1e-7) == 1


def test_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With too many callers the one who was longest away is forgotten."""
    monkeypatch.setattr("chat_service.edge.pace.MAX_BUCKETS", 2)
    buckets = Buckets(Rate(1, 1.0))
    for name in ("alice", "bob", "carol"):
        buckets.take(name, NOW)
    assert buckets.take("bob", NOW) > 0
    assert buckets.take("carol", NOW) > 0
    assert buckets.take("alice", NOW) == 0


@given(st.integers(1, 30), st.floats(0.1, 50), st.lists(st.floats(0, 3), max_size=200))
def test_no_more_pass_than_the_rate_allows(
    burst: int, per_second: float, pauses: list[float]
) -> None:
    """Whatever the pauses, at most the burst and the rate pass; a named delay is enough."""
    buckets = Buckets(Rate(burst, per_second))
    now, passed = NOW, 0
    for pause in pauses:
        now += pause
        wait_ms = buckets.take("alice", now)
        if wait_ms:
            now += wait_ms / 1000 + 1e-6
            assert buckets.take("alice", now) == 0
        passed += 1
    assert passed <= burst + (now - NOW) * per_second + 1e-3


# ------------------------------------------------------------------------- strikes


def struck_at(sends: Iterator[float], until: float = 120.0) -> float | None:
    """Return when a sender who sends at these times has had the last strike; None if never."""
    buckets, strikes = Buckets(SENDS), Strikes()
    for at in sends:
        if at > until:
            return None
        wait_ms = buckets.take("alice", NOW + at)
        if wait_ms and strikes.refused(NOW + at, wait_ms, f"at {at}"):
            return at
    return None


def every(seconds: float) -> Iterator[float]:
    """Send at a steady pace, whatever comes back."""
    number = 0
    while True:
        yield number * seconds
        number += 1


def test_flood_loses_its_stream() -> None:
    """A sender of 100 messages a second who ignores all refusals is out after three strikes."""
    at = struck_at(every(0.01))
    assert at is not None
    assert DEFAULT_RATES.strikes * DEFAULT_RATES.strike_after_s <= at < 10


def test_sender_within_the_rate_is_never_struck() -> None:
    """Whoever keeps to the rate, or is just above it and stops when refused, stays."""
    assert struck_at(every(0.2)) is None


def test_obedient_sender_is_never_struck() -> None:
    """Who waits as long as each refusal says may come back for ever."""
    buckets, strikes = Buckets(SENDS), Strikes()
    now, refusals = NOW, 0
    while now < NOW + 120:
        wait_ms = buckets.take("alice", now)
        if wait_ms:
            assert not strikes.refused(now, wait_ms, f"{refusals}")
            refusals += 1
            now += wait_ms / 1000
        now += 0.001
    assert refusals > 500


@pytest.mark.parametrize("flight_s", [0.0, 0.05, 0.3, 0.9])
def test_what_crosses_a_refusal_is_no_strike(flight_s: float) -> None:
    """Sends that were on their way when the refusal was written are not held against anyone.

    The sender sends 100 a second, hears of a refusal after its flight, is silent until
    its delay is over, and then sends on.
    """
    buckets, strikes = Buckets(SENDS), Strikes()
    now, silent_until = NOW, NOW
    heard: list[tuple[float, float]] = []
    while now < NOW + 120:
        while heard and heard[0][0] <= now:
            silent_until = max(silent_until, heard.pop(0)[1])
        if now >= silent_until:
            wait_ms = buckets.take("alice", now)
            if wait_ms:
                assert not strikes.refused(now, wait_ms, f"at {now}")
                # Longer than the delay, so that the next sends do not run into it again.
                heard.append((now + flight_s, now + flight_s + 2.0))
        now += 0.01


@given(
    st.integers(SENDS.burst + 1, MAX_TOLD),
    st.floats(0.0, 3.0),
    st.floats(0.0, EARLY_S),
)
@example(200, 0.0, 0.0)
def test_who_repeats_a_whole_batch_after_each_delay_is_never_struck(
    orders: int, flight_s: float, fast_s: float
) -> None:
    """Whoever waits for each order as long as was told for it obeys, however many there are."""
    buckets, strikes = Buckets(SENDS), Strikes()
    waiting = {f"{number}": NOW for number in range(orders)}
    now, refusals = NOW, 0
    while waiting and refusals < 5000:
        now = max(now, min(waiting.values()))
        for order, not_before in list(waiting.items()):
            if not_before > now:
                continue
            wait_ms = buckets.take("alice", now)
            if not wait_ms:
                del waiting[order]
                continue
            assert not strikes.refused(now, wait_ms, order)
            refusals += 1
            waiting[order] = now + wait_ms / 1000 + max(0.0, flight_s - fast_s)
        # A batch takes some time.
        now += 0.0001
    assert refusals


def test_who_repeats_before_the_delay_is_over_is_struck() -> None:
    """A known order that comes again too early is as bad as a new one."""
    strikes, now = Strikes(), NOW
    while now < NOW + 10:
        if strikes.refused(now, 400, "the same"):
            break
        now += 0.1
    assert DEFAULT_RATES.strikes * DEFAULT_RATES.strike_after_s <= now - NOW < 10


def test_orders_whose_delays_are_remembered_are_bounded() -> None:
    """A sender of ever new orders fills no memory, and is told apart all the same."""
    strikes = Strikes()
    out = [strikes.refused(NOW + number / 100, 200, f"{number}") for number in range(5000)]
    assert any(out)
    assert len(strikes._told) == MAX_TOLD


def strikes_at(times: list[float], wait_ms: int) -> list[bool]:
    """Return for each refused send whether it was the last that is borne."""
    strikes = Strikes()
    return [strikes.refused(NOW + at, wait_ms, "") for at in times]


def test_one_refusal_with_a_long_delay() -> None:
    """For a long delay there is at most one strike in each of its lengths."""
    at_each_second = [float(second) for second in range(31)]
    out = strikes_at(at_each_second, 10_000)
    assert not any(out[:20])
    assert any(out)


def test_old_strikes_are_forgotten() -> None:
    """Three strikes count only within a minute."""
    lapses = [start + at for start in (0, 40, 80, 120, 160) for at in (0.0, 0.5, 1.6)]
    assert not any(strikes_at(lapses, 1900))


# ---------------------------------------------------------------------------- pace


LIMITED: list[tuple[Callable[[Pace, float], int], Rate]] = [
    (lambda pace, now: pace.send(1, now), SENDS),
    (lambda pace, now: pace.mistake(1, now), SENDS),
    (lambda pace, now: pace.join(1, now), joins_of(DEFAULT_RATES)),
    (lambda pace, now: pace.guest("192.0.2.1", now), guests_of(DEFAULT_RATES)),
    (lambda pace, now: pace.room("192.0.2.1", now), rooms_of(DEFAULT_RATES)),
    (lambda pace, now: pace.account("192.0.2.1", now), accounts_of(DEFAULT_RATES)),
    (lambda pace, now: pace.password(1, "192.0.2.1", now), joins_of(DEFAULT_RATES)),
    (lambda pace, now: pace.send(1, now, granted=True), bot_sends_of(DEFAULT_RATES)),
]


@pytest.mark.parametrize(("act", "rate"), LIMITED)
def test_each_act_has_its_rate(act: Callable[[Pace, float], int], rate: Rate) -> None:
    """Each kind of act has a bucket of its own, with the burst and the rate that were promised."""
    pace = Pace(on=True)
    for other, _ in LIMITED:
        if other is not act:
            other(pace, NOW)
    assert [act(pace, NOW) for _ in range(rate.burst)] == [0] * rate.burst
    assert act(pace, NOW) == pytest.approx(1000 / rate.per_second, abs=1)


def test_promised_rates() -> None:
    """The figures are those of the service's guarantees."""
    assert Rate(20, 5.0) == SENDS
    assert Rate(15, 0.2) == joins_of(DEFAULT_RATES)
    assert Rate(20, 20 / 60) == guests_of(DEFAULT_RATES)
    assert Rate(10, 10 / 3600) == rooms_of(DEFAULT_RATES)
    assert Rate(5, 10 / 3600) == accounts_of(DEFAULT_RATES)
    assert Rate(100, 50.0) == bot_sends_of(DEFAULT_RATES)
    told = (DEFAULT_RATES.strikes, DEFAULT_RATES.strike_after_s, DEFAULT_RATES.strikes_within_s)
    assert told == (3, 1.0, 60.0)


def test_rates_change_while_they_count() -> None:
    """Other rates hold at once, for users that were counted before too; so does none at all."""
    pace = Pace(on=True)
    for _ in range(SENDS.burst):
        assert pace.send(1, NOW) == 0
    assert pace.send(1, NOW) == 200
    pace.change(on=True, rates=Rates(sends_burst=2, sends_per_second=0.5))
    assert pace.send(1, NOW) == 2000
    assert [pace.send(2, NOW) for _ in range(3)] == [0, 0, 2000]
    pace.change(on=False, rates=Rates())
    assert pace.send(1, NOW) == 0
    pace.change(on=True, rates=Rates())
    assert pace.rates == Rates()
    assert pace.send(1, NOW) == 200


def test_strikes_are_those_of_the_rates() -> None:
    """How many strikes end a stream, and how soon one counts, is as it was asked for."""
    strict = Strikes(lambda: Rates(strikes=1, strike_after_s=0.1))
    assert not strict.refused(NOW, 60_000, "")
    assert not any(strict.refused(NOW + at, 60_000, "") for at in (0.05, 0.1))
    assert strict.refused(NOW + 0.16, 60_000, "")


@pytest.mark.parametrize(("act", "rate"), LIMITED)
def test_nothing_is_too_fast_without_limits(act: Callable[[Pace, float], int], rate: Rate) -> None:
    """Turned off, no rate is left."""
    pace = Pace(on=False)
    assert {act(pace, NOW) for _ in range(10 * rate.burst)} == {0}
    pace.send_was_retry(1, NOW)


def test_exempt_callers_are_not_counted() -> None:
    """Callers without an address, those on the machine itself, have no limit by address."""
    pace = Pace(on=True)
    assert {pace.guest("", NOW) for _ in range(100)} == {0}
    assert {pace.room("", NOW) for _ in range(100)} == {0}
    assert {pace.account("", NOW) for _ in range(100)} == {0}
    assert {pace.password(1, "", NOW) for _ in range(100)} == {0}


def test_retry_gives_back_what_it_took() -> None:
    """A send that turned out to be a retry leaves the user's bucket as it was."""
    pace = Pace(on=True)
    for _ in range(3 * SENDS.burst):
        assert pace.send(1, NOW) == 0
        pace.send_was_retry(1, NOW)


def test_retry_of_a_bot_gives_back_what_it_took() -> None:
    """The same holds where a bot was granted to be faster, and touches no other bucket."""
    pace = Pace(on=True)
    for _ in range(3 * DEFAULT_RATES.bot_sends_burst):
        assert pace.send(1, NOW, granted=True) == 0
        pace.send_was_retry(1, NOW, granted=True)
