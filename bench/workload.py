"""What a workload is: something that is run once a round and takes the same figures."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.figures import Measure
from bench.peers import Peer
from bench.scale import Scale
from bench.server import ChatServer, Server


@dataclass(frozen=True, slots=True)
class Round:
    """Where one round of a workload takes place."""

    # Empty, and of this round alone.
    directory: Path
    scale: Scale
    # Makes the server that carries the load: ours, or a peer.
    make_server: Callable[[Path], Server] = ChatServer

    def server(self, name: str = "server") -> Server:
        """Return a server that has its data in this round; the same name, the same data."""
        return self.make_server(self.directory / name)


@dataclass(frozen=True, slots=True)
class Result:
    """What one round came to."""

    # For each measure of the workload, by name.
    values: dict[str, float]
    # What a reader of the figures should know: who was the bottleneck, who disturbed.
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of ours as a multiple of the best of some peers, round by round."""

    # What it is called, and what it should be.
    measure: Measure
    # The measure of the workload that is compared.
    of: str
    # Names of the peers; those that did not run do not count.
    peers: Sequence[str]
    more_is_better: bool


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of the table of workloads."""

    name: str
    # Names of the scale's fields may stand in it, in braces.
    title: str
    measures: tuple[Measure, ...]
    run: Callable[[Round], Result]
    # Who carries the same load in each round, and how we are to compare.
    peers: tuple[Peer, ...] = ()
    ratios: tuple[Ratio, ...] = ()

    def headline(self, scale: Scale) -> str:
        """Return what was done, with the figures of the scale."""
        return self.title.format(**asdict(scale))
