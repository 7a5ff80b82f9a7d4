"""How large the scenarios are: small for every run of the tests, full for `make chaos`."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes. Those of FULL are the figures of the promises, see docs/guarantees.md."""

    # Whether this is `make chaos`.
    full: bool
    # Recovery storm: clients, forced disconnects of each, seconds between two of a client
    # at most, posts a second of all.
    storm_clients: int
    storm_drops: int
    storm_calm_s: float
    storm_rate: int
    # Kills: how many, posts a second between them, posts acknowledged in all at least.
    kills: int
    kill_rate: int
    kill_acked: int
    # One order: who posts, how much each, who reads.
    senders: int
    posts_of_sender: int
    subscribers: int
    # Duplicates: messages that are each sent three times, and parallel copies of one id.
    repeated: int
    copies: int
    # Frozen server: for how long each time, in seconds, and posts a second.
    freezes_s: tuple[float, ...]
    freeze_rate: int
    # All at once after a restart.
    returning: int
    # With the default rate limits: who posts, how much each.
    obedient: int
    posts_of_obedient: int


BOUNDED = Scale(
    full=False,
    storm_clients=12,
    storm_drops=5,
    storm_calm_s=0.4,
    storm_rate=200,
    kills=3,
    kill_rate=500,
    kill_acked=300,
    senders=8,
    posts_of_sender=100,
    subscribers=5,
    repeated=100,
    copies=50,
    freezes_s=(1.5,),
    freeze_rate=200,
    returning=60,
    obedient=4,
    posts_of_obedient=30,
)

FULL = Scale(
    full=True,
    storm_clients=100,
    storm_drops=50,
    storm_calm_s=2.0,
    storm_rate=500,
    kills=200,
    kill_rate=500,
    kill_acked=100_000,
    senders=50,
    posts_of_sender=2000,
    subscribers=20,
    repeated=5000,
    copies=50,
    freezes_s=(5.0, 15.0, 10.0),
    freeze_rate=500,
    returning=1000,
    obedient=20,
    posts_of_obedient=120,
)


def chosen() -> Scale:
    """Return the scale of this run: CHAT_CHAOS=full asks for the full one."""
    return FULL if os.environ.get("CHAT_CHAOS") == "full" else BOUNDED
