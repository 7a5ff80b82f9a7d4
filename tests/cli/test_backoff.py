"""`chat_cli.backoff`: the delays between attempts."""

from chat_cli.backoff import Backoff


def test_delays_double_up_to_the_longest() -> None:
    """0.5 s, 1, 2 … 30 s."""
    backoff = Backoff(random=lambda: 1.0)
    assert [backoff.delay() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_jitter_is_full() -> None:
    """Any part of the delay, down to none."""
    assert Backoff(random=lambda: 0.0).delay() == 0.0
    backoff = Backoff(random=lambda: 0.5)
    assert [backoff.delay() for _ in range(3)] == [0.25, 0.5, 1.0]


def test_a_connection_that_worked_starts_anew() -> None:
    """One that broke at once does not, so a server that crashes at once is not hammered."""
    backoff = Backoff(random=lambda: 1.0)
    for _ in range(4):
        backoff.delay()
    assert backoff.delay(lasted=4.9) == 8
    assert backoff.delay(lasted=5.0) == 0.5
    assert backoff.delay() == 1


def test_the_servers_hint_is_honoured() -> None:
    """Never less than that, up to five minutes; the jitter of the usual delay comes on top."""
    backoff = Backoff(random=lambda: 0.0)
    assert backoff.delay(hint=1.7) == 1.7
    assert backoff.delay(hint=86_400) == 300
    spread = Backoff(random=lambda: 1.0)
    assert [spread.delay(hint=3.0) for _ in range(3)] == [3.5, 4.0, 5.0]


def test_failures_so_far_can_be_forgotten() -> None:
    """The next delay is a first one again."""
    backoff = Backoff(random=lambda: 1.0)
    for _ in range(4):
        backoff.delay()
    backoff.begin_anew()
    assert [backoff.delay() for _ in range(2)] == [0.5, 1]
