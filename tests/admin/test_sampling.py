"""Looks at every instance, with the processes told by the test."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chat_service.admin.fleet import unready
from chat_service.admin.places import DISK_FULL
from chat_service.admin.samples import Usage
from chat_service.admin.sampling import Sampler
from tests.admin.scene import Scene, a_fleet, run, until

LONG_S = 3600.0
"""An interval that never ends in a test."""


@dataclass
class Watch:
    """A sampler of a scene, and what it did."""

    scene: Scene
    interval_s: float
    usage_of: Callable[[int, int], Usage | None] = lambda _pid, _port: Usage(1.0, 1 << 20, 2)
    rounds: int = 0
    seconds: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def complete(self) -> None:
        """Count a round."""
        self.rounds += 1

    def samples(self, port: int) -> int:
        """Return how many samples an instance has."""
        return len(self.scene.fleet.samples(port))


@asynccontextmanager
async def watched(watch: Watch) -> AsyncIterator[Sampler]:
    """Run a sampler."""
    fleet = watch.scene.fleet
    sampler = Sampler(
        lambda: fleet.places,
        interval_s=lambda: watch.interval_s,
        sampled=fleet.changed,
        complete=watch.complete,
        usage_of=lambda pid, port: watch.usage_of(pid, port),
        clock_s=lambda: float(next(watch.seconds)),
        clock_ms=lambda: 1000,
    )
    fleet.watch(sampler.changed)
    task = asyncio.ensure_future(sampler.run())
    try:
        yield sampler
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), "the sampler ended by itself"


def test_new_process_is_looked_at_at_once() -> None:
    """Who begins to serve has its first sample long before the interval is over, and one only."""

    async def story() -> None:
        async with a_fleet() as scene:
            watch = Watch(scene, LONG_S)
            async with watched(watch):
                await scene.serving(50051)
                scene.launcher.instances[1].users = ["al"]
                await until(lambda: watch.samples(50051) == 1)
                scene.launcher.now(1, pid=4711)
                await until(lambda: watch.samples(50051) == 2)
                await scene.serving(50052)
                await until(lambda: watch.samples(50052) == 1)
                assert (watch.samples(50051), watch.rounds) == (2, 0)

    run(story())


def test_round_follows_round() -> None:
    """After each interval every instance that serves has one more sample, and no other."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            await scene.fleet.stop(50052)
            watch = Watch(scene, 0.02)
            async with watched(watch):
                # A look that takes longer than the interval is not begun twice.
                await until(lambda: watch.rounds >= 5 and watch.samples(50051) >= 5)
                assert watch.samples(50052) == 0

    run(story())


def test_new_interval_holds_at_once() -> None:
    """An interval that was long and is short now is not waited for."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            watch = Watch(scene, LONG_S)
            async with watched(watch) as sampler:
                await until(lambda: watch.samples(50051) == 1)
                watch.interval_s = 0.02
                sampler.changed()
                await until(lambda: watch.rounds >= 2)

    run(story())


def test_instance_that_hangs_delays_no_other() -> None:
    """It is called silent when its time is over; the others have theirs by then."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051, 50052)
            scene.launcher.instances[1].answers.clear()
            scene.launcher.instances[2].users = ["al"]
            watch = Watch(scene, 2.0)
            async with watched(watch):
                await until(lambda: watch.samples(50052) == 1)
                assert watch.samples(50051) == 0
                hung = scene.fleet.places.at(50051)
                await until(lambda: hung.problem)
                usage = hung.history.usage_of(hung.news.pid)
                assert usage
                assert (usage.memory_bytes, usage.connections) == (1 << 20, 2)
                assert watch.samples(50051) == 0
                assert scene.fleet.samples(50052)[0].users == 1
                scene.launcher.instances[1].answers.set()
                await until(lambda: not scene.fleet.places.at(50051).problem)

    run(story())


def test_full_disk_is_a_problem_of_one_that_serves() -> None:
    """While it holds the instance says so, has its figures, and is as ready as before."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            instance = scene.launcher.instances[1]
            instance.disk_full, instance.users = True, ["al"]
            async with watched(Watch(scene, 0.1)):
                await until(lambda: scene.fleet.places.at(50051).problem == DISK_FULL)
                (shown,) = scene.fleet.instances()
                assert (shown.problem, shown.sample.users) == (DISK_FULL, 1)
                assert unready(scene.fleet) == []
                instance.disk_full = False
                await until(lambda: not scene.fleet.places.at(50051).problem)

    run(story())


def test_process_that_is_gone_is_no_trouble() -> None:
    """A process that cannot be looked at leaves what the instance tells itself."""

    async def story() -> None:
        async with a_fleet() as scene:
            await scene.serving(50051)
            watch = Watch(scene, LONG_S, usage_of=lambda _pid, _port: None)
            async with watched(watch):
                await until(lambda: watch.samples(50051) == 1)
                assert scene.fleet.samples(50051)[0].memory_bytes == 0
                assert not scene.fleet.places.at(50051).problem

    run(story())
