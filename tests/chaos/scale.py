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
    # Kills: how many, seconds between two at most, posts a second in between at a calm time
    # and in a flood, posts acknowledged in all at least.
    kills: int
    kill_calm_s: float
    kill_rate: int
    kill_flood: int
    kill_acked: int
    # One order: who posts, how much each, who reads.
    senders: int
    posts_of_sender: int
    subscribers: int
    # Duplicates: messages that are each sent three times, and parallel copies of one id.
    repeated: int
    copies: int
    # Frozen server: who posts and reads, for how long it stands still each time, in seconds,
    # and posts a second.
    frozen_clients: int
    freezes_s: tuple[float, ...]
    freeze_rate: int
    # All at once after a crash.
    returning: int
    # A stop: clients, posts a second of all.
    drain_clients: int
    drain_rate: int
    # With rate limits: who posts, how much each.
    obedient: int
    posts_of_obedient: int
    # Abuse: seconds of an attack, bombs of each kind, silent connections of each kind, guests
    # and rooms that somebody tries to make.
    attack_s: float
    bombs: int
    silent: int
    guests: int
    rooms: int
    # Pairs of calls about a private room and about none, for each call that is timed.
    pairs: int
    # Requests made by chance, for each call of the contract.
    fuzzed: int
    # Power: posts that are recorded, cuts of each kind.
    power_posts: int
    power_cuts: int
    # Disk: how often it is filled, and how often each kind of call fails; the stress of
    # several instances, in seconds.
    disk_rounds: int
    stress_s: float


BOUNDED = Scale(
    full=False,
    storm_clients=12,
    storm_drops=5,
    storm_calm_s=0.4,
    storm_rate=200,
    kills=3,
    kill_calm_s=1.5,
    kill_rate=500,
    kill_flood=2000,
    kill_acked=100,
    senders=8,
    posts_of_sender=100,
    subscribers=5,
    repeated=100,
    copies=50,
    frozen_clients=5,
    freezes_s=(1.2,),
    freeze_rate=200,
    returning=40,
    drain_clients=20,
    drain_rate=300,
    obedient=4,
    posts_of_obedient=8,
    attack_s=0.5,
    bombs=1,
    silent=30,
    guests=60,
    rooms=150,
    pairs=100,
    fuzzed=60,
    power_posts=1000,
    power_cuts=15,
    disk_rounds=1,
    stress_s=1.0,
)

FULL = Scale(
    full=True,
    storm_clients=100,
    storm_drops=50,
    storm_calm_s=2.0,
    storm_rate=500,
    kills=200,
    kill_calm_s=1.5,
    kill_rate=500,
    kill_flood=3000,
    kill_acked=100_000,
    senders=50,
    posts_of_sender=2000,
    subscribers=20,
    repeated=5000,
    copies=50,
    frozen_clients=50,
    freezes_s=(5.0, 15.0, 10.0),
    freeze_rate=500,
    returning=1000,
    drain_clients=100,
    drain_rate=500,
    obedient=20,
    posts_of_obedient=120,
    attack_s=10.0,
    bombs=100,
    silent=300,
    guests=1000,
    rooms=10_000,
    pairs=1000,
    fuzzed=10_000,
    power_posts=20_000,
    power_cuts=100,
    disk_rounds=10,
    stress_s=600.0,
)


def chosen() -> Scale:
    """Return the scale of this run: CHAT_CHAOS=full asks for the full one."""
    return FULL if os.environ.get("CHAT_CHAOS") == "full" else BOUNDED
