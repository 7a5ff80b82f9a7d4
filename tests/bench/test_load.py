"""Who used the CPU, and what is said of it."""

import time

import pytest

from bench.load import LoadError, Shares, Watch, _sent


class Used:
    """A server and a client at once, whose CPU time is set by the test."""

    def __init__(self) -> None:
        self.cpu = 0.0

    def cpu_seconds(self) -> float:
        return self.cpu


def shares(*, server: float, client: float, others: float = 0.0, cores: int = 2) -> Shares:
    """Return shares of a measurement with one client."""
    return Shares(1.0, server, client, client, others, cores)


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        (shares(server=0.95, client=0.5), []),
        (shares(server=0.5, client=0.95), ["the load client was the bottleneck"]),
        (shares(server=0.95, client=0.95), ["used all cores"]),
        (shares(server=0.95, client=0.95, cores=8), []),
        (shares(server=0.6, client=0.3, others=0.9), ["disturbed by other programs"]),
        (
            shares(server=0.6, client=0.95, others=0.9),
            ["the load client was the bottleneck", "disturbed by other programs"],
        ),
    ],
)
def test_what_was_in_the_way_is_said(taken: Shares, said: list[str]) -> None:
    """A saturated client is named unless the server was saturated too; so are others."""
    notes = taken.notes()
    assert len(notes) == len(said)
    assert all(part in note for part, note in zip(said, notes, strict=True))


def test_watch_tells_apart_who_used_the_cpu() -> None:
    """Each share is the CPU time since the watch began, as a part of the time that passed."""
    server, one, two = Used(), Used(), Used()
    server.cpu = one.cpu = 5.0
    began = time.monotonic()
    watch = Watch(server, [one, two])
    server.cpu += 4.0
    one.cpu += 1.0
    two.cpu += 2.0
    taken = watch.shares()
    longest = time.monotonic() - began
    assert taken.server_s == 4.0
    assert taken.server >= 4.0 / longest
    assert taken.busiest_client == pytest.approx(taken.server / 2)
    assert taken.clients == pytest.approx(taken.server * 3 / 4)
    # The machine was not busy for as long as these claim to have been.
    assert taken.others == 0.0


def test_refused_posts_void_a_measurement() -> None:
    """A load that was not taken as a whole gives no figures."""
    line = {"sent": 9, "acked": 7, "refused": 2, "began_ns": 1, "ended_ns": 2_000_000_001}
    with pytest.raises(LoadError, match="2 of 9"):
        _sent(line, [])
    assert _sent({**line, "refused": 0}, [3]).seconds == 2.0
