"""A run of all rounds: who carries which load when, and what came of it."""

import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from bench.figures import Figure
from bench.load import LoadError
from bench.peers import Peer
from bench.rpc import CallError
from bench.scale import Scale
from bench.server import ChatServer, ServerError
from bench.worker import WorkerError
from bench.workload import Ratio, Result, Round, Workload
from bench.workloads.start_up import PaintError

# What makes a measurement void, rather than being a mistake of the benchmark.
VOID = (
    CallError,
    LoadError,
    PaintError,
    ServerError,
    WorkerError,
    TimeoutError,
    # A process that was watched, or a command that was run, ended on its own.
    psutil.Error,
    subprocess.SubprocessError,
)
IS_VOID = "void"

OURS = "ours"


@dataclass(frozen=True, slots=True)
class Series:
    """One workload in all rounds, on our server and on the peers that took part."""

    workload: Workload
    peers: tuple[Peer, ...]
    # For ours and each peer, by name: the result of each round, None where it was void.
    results: dict[str, list[Result | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def is_void(self) -> bool:
        """Whether some round of our own gave no figures."""
        return None in self.results.get(OURS, ())

    def figures(self, name: str = OURS) -> list[Figure]:
        """Return each measure with its values; none if there was no result."""
        results = [result for result in self.results.get(name, ()) if result is not None]
        if not results:
            return []
        return [
            Figure(measure, tuple(result.values[measure.name] for result in results))
            for measure in self.workload.measures
        ]

    def ratios(self) -> list[Figure]:
        """Return how we compare with the peers, for each ratio that can be taken."""
        figures = []
        for ratio in self.workload.ratios:
            values = self._values(ratio)
            if values:
                figures.append(Figure(ratio.measure, values))
        return figures

    def _values(self, ratio: Ratio) -> tuple[float, ...]:
        """Return ours as a multiple of the best peer's, in the rounds that have both."""
        ours = self._by_round(OURS, ratio.of)
        theirs = {
            name: values
            for name in ratio.peers
            if (values := self._by_round(name, ratio.of)).keys() & ours.keys()
            # In a run that is too short the system counts no CPU time.
            and all(values.values())
        }
        if not theirs:
            return ()
        middle = {name: median(values.values()) for name, values in theirs.items()}
        best = (max if ratio.more_is_better else min)(middle, key=middle.__getitem__)
        return tuple(
            ours[number] / theirs[best][number]
            for number in sorted(ours.keys() & theirs[best].keys())
        )

    def _by_round(self, name: str, measure: str) -> dict[int, float]:
        return {
            number: result.values[measure]
            for number, result in enumerate(self.results.get(name, ()))
            if result is not None
        }


def measure(
    workloads: Sequence[Workload],
    scale: Scale,
    rounds: int,
    directory: Path,
    peers: Collection[str] = (),
) -> list[Series]:
    """Run the rounds: in each every workload, on our server and then on each of the peers.

    A measurement that is void gives no figures, and a note that says why.
    """
    all_series = [
        Series(work, tuple(peer for peer in work.peers if peer.name in peers)) for work in workloads
    ]
    for number in range(1, rounds + 1):
        for series in all_series:
            for name, round_ in _rounds(series, scale, directory, number):
                _run(series, name, round_, number)
    return all_series


def _rounds(
    series: Series, scale: Scale, directory: Path, number: int
) -> Iterator[tuple[str, Round]]:
    place = directory / f"{series.workload.name}-{number}"
    for name, make in (
        (OURS, ChatServer),
        *((peer.name, peer.server) for peer in series.peers),
    ):
        own = place / name
        own.mkdir(parents=True)
        yield name, Round(own, scale, make)


def _run(series: Series, name: str, round_: Round, number: int) -> None:
    began = time.monotonic()
    result: Result | None = None
    try:
        result = series.workload.run(round_)
        said = result.notes
    except VOID as error:
        said = [f"{IS_VOID}: {error}"]
    series.results.setdefault(name, []).append(result)
    who = "" if name == OURS else f"{name}, "
    series.notes.extend(f"round {number}: {who}{note}" for note in said)
    told = f"round {number}: {series.workload.name}, {who}{time.monotonic() - began:.1f} s"
    print("; ".join([told, *said]), file=sys.stderr)
