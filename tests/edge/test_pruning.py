"""What rooms do not keep goes, piece by piece, and nothing else."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.core import commands as cmd
from chat_service.core.commands import RoomById, RoomByName
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.model import Session
from chat_service.edge.pruning import PRUNE_ANSWERS, PRUNE_EVENTS, Pruning
from chat_service.retention import KEEP_ALL, Keep, Retention
from tests.edge.clients import PATIENCE, story
from tests.edge.scene import LOBBY, Scene, post

MINUTE_S = 60
DAY_S = 86_400
PLENTY = {"count": 10_000, "max_bytes": 1 << 30}


@dataclass
class Sweeper:
    """A scene with retention; orders are committed as they come, one at a time."""

    retention: Retention = KEEP_ALL
    scene: Scene = field(default_factory=Scene)
    # The orders that were given, one after the other.
    orders: list[cmd.Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with threads of its own."""
        self.threads = ThreadPoolExecutor(1)
        self.log = self.scene.log
        self.pruning = Pruning(
            self.retention,
            log=self.log,
            journal=self.scene.journal,
            directory=self.scene.directory,
            hub=self.scene.hub,
            readers=self.threads,
            clock_ms=self.scene.clock.ms,
        )

    async def sweeps(self, look_s: float = PATIENCE) -> None:
        """Sweep once; whatever is ordered is committed."""
        async with asyncio.timeout(PATIENCE):
            task = asyncio.create_task(self.pruning.sweep(look_s))
            while not task.done():
                await asyncio.sleep(0)
                if self.log.waiting:
                    # The next one is not ordered before this one is answered.
                    ((_, commands),) = self.log.waiting
                    self.orders += commands
                    self.scene.commits()
            await task

    def talks(self, session: Session, count: int, *, every_s: float = 0) -> None:
        """Have somebody say so much in the lobby, in one commit or by the clock."""
        number = self.scene.hub.rooms.head(LOBBY)
        orders = [post(session, f"{n}") for n in range(number, number + count)]
        if every_s:
            for order in orders:
                self.scene.does(order)
                self.scene.clock.now += every_s
        else:
            self.scene.asks(*orders)

    def stored(self, room_id: int = LOBBY) -> list[int]:
        """Return the seqs that are stored of a room."""
        return [event.seq for event in self.log.read_after(room_id, 0, **PLENTY)]


def staying(scene: Scene, name: str = "alice") -> Session:
    """Sign somebody in who stays however long it takes."""
    session = scene.joins(name, "lobby")
    scene.does(cmd.AttachSession(session.session_id, 1))
    return session


@pytest.fixture
def sweepers() -> Iterator[list[Sweeper]]:
    """Close the threads of those that a test puts in."""
    made: list[Sweeper] = []
    yield made
    for sweeper in made:
        sweeper.threads.shutdown()


@story
async def test_everything_is_kept_by_default(sweepers: list[Sweeper]) -> None:
    """Without settings nothing is ordered, however much and however old it is."""
    sweepers.append(sweeper := Sweeper())
    sweeper.talks(staying(sweeper.scene), 300)
    sweeper.scene.clock.now += 10_000 * DAY_S
    await sweeper.sweeps()
    assert sweeper.orders == []


@story
async def test_room_keeps_so_many(sweepers: list[Sweeper]) -> None:
    """The newest are kept, in as many small orders as it takes, and a sweep behind it is idle."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_messages=100))))
    sweeper.talks(staying(sweeper.scene), 100 + 2 * PRUNE_EVENTS + 1)
    await sweeper.sweeps()
    last = 2 * PRUNE_EVENTS + 1
    assert sweeper.orders == [cmd.Prune(LOBBY, n) for n in (PRUNE_EVENTS, 2 * PRUNE_EVENTS, last)]
    assert sweeper.stored() == list(range(last + 1, last + 101))
    await sweeper.sweeps()
    assert len(sweeper.orders) == 3


@story
async def test_room_keeps_so_long(sweepers: list[Sweeper]) -> None:
    """What is older than the age goes, to the millisecond; what is as old stays."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_age_ms=10 * MINUTE_S * 1000))))
    alice = staying(sweeper.scene)
    sweeper.talks(alice, 15, every_s=MINUTE_S)
    await sweeper.sweeps()
    assert sweeper.stored() == list(range(6, 16))
    sweeper.scene.clock.now += 0.001
    await sweeper.sweeps()
    assert sweeper.stored() == list(range(7, 16))
    sweeper.scene.clock.now += 1000 * MINUTE_S
    await sweeper.sweeps()
    assert sweeper.stored() == []
    assert sweeper.scene.says(alice, "again").seq == 16
    await sweeper.sweeps()
    assert sweeper.stored() == [16]


@story
async def test_room_that_holds_nothing_old_is_not_read(sweepers: list[Sweeper]) -> None:
    """Once looked at, a room is left alone until its first event is due."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_age_ms=10 * MINUTE_S * 1000))))
    sweeper.talks(staying(sweeper.scene), 5, every_s=MINUTE_S)
    await sweeper.sweeps()
    # From here on a read fails.
    sweeper.log.damaged.add(LOBBY)
    await sweeper.sweeps()
    sweeper.scene.clock.now += 5 * MINUTE_S
    await sweeper.sweeps()
    sweeper.scene.clock.now += 0.001
    with pytest.raises(RefusedError):
        await sweeper.sweeps()
    assert sweeper.orders == []


@story
async def test_both_bounds_hold(sweepers: list[Sweeper]) -> None:
    """With an age and a number, what is over either goes."""
    both = Keep(max_age_ms=10 * MINUTE_S * 1000, max_messages=5)
    sweepers.append(sweeper := Sweeper(Retention(both)))
    sweeper.talks(staying(sweeper.scene), 8, every_s=MINUTE_S)
    await sweeper.sweeps()
    assert sweeper.stored() == [4, 5, 6, 7, 8]
    sweeper.scene.clock.now += 5 * MINUTE_S + 1
    await sweeper.sweeps()
    assert sweeper.stored() == [5, 6, 7, 8]
    sweeper.scene.clock.now += 2 * MINUTE_S
    await sweeper.sweeps()
    assert sweeper.stored() == [7, 8]


@story
async def test_each_room_keeps_its_own(sweepers: list[Sweeper]) -> None:
    """A named room, direct messages and the rest each have their bounds."""
    rooms = (("builds", Keep(max_messages=1)), ("archive", Keep()))
    retention = Retention(Keep(max_messages=2), Keep(max_messages=3), rooms)
    sweepers.append(sweeper := Sweeper(retention))
    scene = sweeper.scene
    alice, _ = staying(scene), staying(scene, "bob")
    targets: list[cmd.Target] = [RoomByName(n) for n in ("lobby", "Builds", "ARCHIVE")]
    for target in targets[1:]:
        scene.does(cmd.JoinRoom(alice.session_id, target))
    targets.append(cmd.Direct(("bob",)))
    for number in range(5):
        for target in targets:
            answer = scene.says(alice, f"{number} {target}", target)
    await sweeper.sweeps()
    ids = scene.directory.state.room_ids
    kept = [len(sweeper.stored(n)) for n in (LOBBY, ids["builds"], ids["archive"], answer.room_id)]
    assert kept == [2, 1, 5, 3]


@story
async def test_what_a_forgotten_room_left_goes_whatever_is_kept(sweepers: list[Sweeper]) -> None:
    """Nobody can reach it: it goes also where everything is kept."""
    sweepers.append(sweeper := Sweeper())
    scene = sweeper.scene
    alice, bob = scene.joins("alice"), scene.joins("bob")
    room_id = scene.opens_direct(alice, "bob")
    for number in range(3):
        scene.says(alice, f"{number}", RoomById(room_id))
    await sweeper.sweeps()
    for session in (alice, bob):
        scene.does(cmd.EndSession(session.session_id))
    assert sweeper.stored(room_id) == [1, 2, 3]
    await sweeper.sweeps()
    assert sweeper.stored(room_id) == []
    assert not scene.directory.state.leftovers.snapshot()
    await sweeper.sweeps()
    assert len(sweeper.orders) == 1


@story
async def test_first_answers_go_after_fourteen_days(sweepers: list[Sweeper]) -> None:
    """Not with their messages, but when their time is over, a hundred in one order."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_messages=1))))
    sweeper.talks(staying(sweeper.scene), 2 * PRUNE_ANSWERS + 2)
    await sweeper.sweeps()
    sweeper.scene.clock.now += 14 * DAY_S
    await sweeper.sweeps()
    assert len(sweeper.log.first_answers) == 2 * PRUNE_ANSWERS + 2
    sweeper.orders.clear()
    sweeper.scene.clock.now += 0.001
    await sweeper.sweeps()
    assert sweeper.orders == [cmd.PruneAnswers(PRUNE_ANSWERS)] * 3
    # That of the message which is kept.
    assert len(sweeper.log.first_answers) == 1


@story
async def test_everything_that_waits_has_its_turn(sweepers: list[Sweeper]) -> None:
    """Neither a large room nor many first answers hold up another room."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_messages=1))))
    alice = staying(sweeper.scene)
    sweeper.talks(alice, 3 * PRUNE_ANSWERS)
    await sweeper.sweeps()
    sweeper.orders.clear()
    sweeper.scene.clock.now += 15 * DAY_S
    sweeper.talks(alice, 2 * PRUNE_EVENTS)
    den = sweeper.scene.does(cmd.JoinRoom(alice.session_id, RoomByName("den"))).room_id
    for number in range(3):
        sweeper.scene.says(alice, f"in the den {number}", RoomById(den))
    await sweeper.sweeps()
    head = 3 * PRUNE_ANSWERS + 2 * PRUNE_EVENTS
    assert sweeper.orders == [
        cmd.Prune(LOBBY, 3 * PRUNE_ANSWERS - 1 + PRUNE_EVENTS),
        cmd.PruneAnswers(PRUNE_ANSWERS),
        cmd.Prune(den, 2),
        cmd.PruneAnswers(PRUNE_ANSWERS),
        cmd.Prune(LOBBY, head - 1),
        cmd.PruneAnswers(PRUNE_ANSWERS),
    ]


@story
async def test_first_answers_do_not_put_off_the_next_look(sweepers: list[Sweeper]) -> None:
    """However many there are, a sweep ends after its time; the next one goes on with them."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_messages=1))))
    sweeper.talks(staying(sweeper.scene), 3 * PRUNE_ANSWERS + 1)
    await sweeper.sweeps()
    sweeper.orders.clear()
    sweeper.scene.clock.now += 15 * DAY_S
    for orders in (0, 0, 3):
        await sweeper.sweeps(PATIENCE if orders else 0)
        assert len(sweeper.orders) == orders


@story
async def test_log_that_takes_no_more_is_left_alone(sweepers: list[Sweeper]) -> None:
    """A refusal ends the sweep: people come first, and the next sweep goes on."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_messages=1))))
    sweeper.talks(staying(sweeper.scene), 3 * PRUNE_EVENTS)
    full = Rejection(Reason.STORAGE_FULL, "full", retry_after_ms=5000)
    task = asyncio.create_task(sweeper.pruning.sweep())
    await asyncio.sleep(0)
    sweeper.scene.journal.apply(sweeper.log.fail(full))
    with pytest.raises(RefusedError, match="full"):
        await task
    assert sweeper.log.waiting == []
    await sweeper.sweeps()
    assert len(sweeper.stored()) == 1


@story
async def test_running_goes_on_after_a_failure(
    sweepers: list[Sweeper], loud_log: pytest.LogCaptureFixture
) -> None:
    """Neither a refusal nor a fault ends it; the latter is in the log of the process."""
    sweepers.append(sweeper := Sweeper(Retention(Keep(max_messages=1))))
    scene = sweeper.scene
    sweeper.talks(staying(scene), 5)
    running = asyncio.create_task(sweeper.pruning.run(0))
    scene.log.refusal = Rejection(Reason.OVERLOADED, "too much")
    await _steps()
    assert loud_log.records == []
    state = scene.directory.state
    del scene.directory.state
    await _steps()
    assert {record.getMessage() for record in loud_log.records} == {
        "retention failed and will be tried again"
    }
    scene.directory.state, scene.log.refusal = state, None
    await _steps()
    scene.commits()
    assert sweeper.stored() == [5]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _steps() -> None:
    """Let a few sweeps happen that need no thread."""
    for _ in range(20):
        await asyncio.sleep(0)


@given(
    steps_ms=st.lists(st.integers(0, 5), max_size=60),
    first=st.integers(1, 60),
    before_ms=st.integers(-1, 320),
)
def test_last_event_from_before_a_time(steps_ms: list[int], first: int, before_ms: int) -> None:
    """The search by halves finds what a look at every event finds."""
    sweeper = Sweeper()
    sweeper.threads.shutdown()
    scene = sweeper.scene
    alice = staying(scene)
    began = scene.clock.ms()
    times: list[int] = []
    for number, step in enumerate(steps_ms):
        scene.clock.now += step / 1000
        times.append(scene.does(post(alice, f"{number}")).time_ms)
    first = min(first, len(times) + 1)
    expected = [n for n, t in enumerate(times, start=1) if n >= first and t < began + before_ms]
    # A private method: the sweeps above show that it is used.
    found = sweeper.pruning._last_before(LOBBY, first, len(times), began + before_ms)
    assert found == max(expected, default=first - 1)
