"""A run of all rounds: interleaved, void rounds told, ours compared with the best peer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.figures import Measure
from bench.load import LoadError
from bench.peers import INSPIRCD, NGIRCD
from bench.scale import TINY
from bench.series import OURS, Series, measure
from bench.workload import Ratio, Result, Round, Workload

SPEED = Measure("speed", "1/s")
RATIO = Ratio(
    Measure("speed / best", "times", at_least=1.0), "speed", ["a", "b"], more_is_better=True
)
A = replace(INSPIRCD, name="a", title="A")
B = replace(NGIRCD, name="b", title="B")


def workload(name: str, values: Iterator[float | None]) -> Workload:
    """Return a workload whose measurements come to these; None is void."""

    def run(_: Round) -> Result:
        value = next(values)
        if value is None:
            raise LoadError("3 are cut off")
        return Result({"speed": value}, ["disturbed"] if value == 5 else [])

    return Workload(name, "", (SPEED,), run, (A, B), (RATIO,))


def test_servers_take_turns_in_every_round(tmp_path: Path) -> None:
    """Each round measures ours and then each peer, every one in a directory of its own."""
    places = []

    def run(round_: Round) -> Result:
        assert list(round_.directory.iterdir()) == []
        places.append((round_.directory.parent.name, round_.directory.name))
        return Result({"speed": 1.0})

    works = [Workload(name, "", (SPEED,), run, (A, B)) for name in ("x", "y")]
    measure(works, TINY, 2, tmp_path, ["a", "b"])
    names = (OURS, "a", "b")
    expected = [f"{work}-{number}" for number in (1, 2) for work in "xy"]
    assert places == [(place, name) for place in expected for name in names]


def test_only_chosen_peers_take_part(tmp_path: Path) -> None:
    """A peer that was not chosen has no figures; the ratio is taken with the others."""
    (series,) = measure([workload("x", iter([4.0, 2.0]))], TINY, 1, tmp_path, ["b"])
    assert series.figures("a") == []
    assert [figure.values for figure in series.ratios()] == [(2.0,)]


def test_void_round_is_told_and_the_others_count(tmp_path: Path) -> None:
    """A round that failed gives a note instead of figures, and the run goes on."""
    values = iter([5.0, None, 5.0])
    (series,) = measure([workload("x", values)], TINY, 3, tmp_path)
    assert [figure.values for figure in series.figures()] == [(5.0, 5.0)]
    assert series.notes == [
        "round 1: disturbed",
        "round 2: void: 3 are cut off",
        "round 3: disturbed",
    ]
    assert series.is_void


def test_void_peer_does_not_void_ours(tmp_path: Path) -> None:
    """A peer that fails leaves our figures as they are, and is named in the note."""
    (series,) = measure([workload("x", iter([1.0, None, 2.0]))], TINY, 1, tmp_path, ["a", "b"])
    assert not series.is_void
    assert series.notes == ["round 1: a, void: 3 are cut off"]
    assert [figure.values for figure in series.ratios()] == [(0.5,)]


@pytest.mark.parametrize(("more_is_better", "expected"), [(True, (0.5, 1.0)), (False, (1.5, 3.0))])
def test_ratio_is_to_the_best_round_by_round(
    more_is_better: bool, expected: tuple[float, ...]
) -> None:
    """The best peer is that of the medians; each round is compared with its own round."""
    ratio = replace(RATIO, more_is_better=more_is_better)
    series = Series(replace(workload("x", iter([])), ratios=(ratio,)), (A, B))
    for name, values in {OURS: (3.0, 6.0), "a": (6.0, 6.0), "b": (2.0, 2.0)}.items():
        series.results[name] = [Result({"speed": value}) for value in values]
    (figure,) = series.ratios()
    assert figure.values == expected


def test_ratio_leaves_out_rounds_that_one_of_both_lacks() -> None:
    """A void round of either side is not compared; with no round left there is no ratio."""
    series = Series(workload("x", iter([])), (A,))
    series.results[OURS] = [Result({"speed": 3.0}), None, Result({"speed": 8.0})]
    series.results["a"] = [None, Result({"speed": 1.0}), Result({"speed": 2.0})]
    assert [figure.values for figure in series.ratios()] == [(4.0,)]
    series.results["a"][2] = None
    assert series.ratios() == []
