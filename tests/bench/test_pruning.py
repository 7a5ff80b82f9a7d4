"""The workload of pruning, on real servers and a small room."""

from pathlib import Path

from bench.scale import TINY
from bench.workload import Round
from bench.workloads import pruning


def test_every_figure_is_taken(tmp_path: Path) -> None:
    """Acks are timed beside a room at rest and beside one that goes."""
    result = pruning.run(Round(tmp_path, TINY))
    assert {*result.values} == {measure.name for measure in pruning.WORKLOAD.measures}
    assert result.values["ack p99 at rest"] >= result.values["ack p50 at rest"] > 0
    assert result.values["ack p99 meanwhile"] >= result.values["ack p50 meanwhile"] > 0
    assert {*result.notes} <= {"all was let go of before the measurement was over"}
