"""The text for people and the JSON for programs."""

import json
from dataclasses import replace

from bench.figures import Measure
from bench.peers import INSPIRCD
from bench.report import Machine, as_json, text
from bench.scale import TINY
from bench.series import OURS, Series
from bench.workload import Ratio, Result, Workload

PEER = replace(INSPIRCD, name="peer", title="A Peer (C)")
WORK = Workload(
    "work",
    "Work: {small_room:,} people",
    (Measure("speed", "1/s", at_least=5.0),),
    lambda _: Result({}),
    (PEER,),
    (Ratio(Measure("speed / A", "times"), "speed", ["peer"], more_is_better=True),),
)


def series(*peers: float) -> Series:
    """Return three rounds of ours, and some of the peer."""
    made = Series(WORK, (PEER,) if peers else (), notes=["disturbed"])
    made.results[OURS] = [Result({"speed": value}) for value in (3.0, 9.0, 4.0)]
    if peers:
        made.results["peer"] = [Result({"speed": value}) for value in peers]
    return made


def test_text_shows_the_middle_and_the_bounds() -> None:
    """Each figure is a line with median, least, greatest, target and verdict."""
    headline, headings, line, note = text(series(), TINY).split("\n")
    assert headline == "Work: 4 people"
    assert headings.split() == ["unit", "median", "min", "max", "target"]
    assert line.split() == ["speed", "1/s", "4.00", "3.00", "9.00", "≥", "5.00", "missed"]
    assert "disturbed" in note
    assert headings.index("median") + len("median") == line.index("4.00") + len("4.00")


def test_text_shows_peers_side_by_side() -> None:
    """The ratio is one more line of ours; the medians of all follow in columns."""
    lines = text(series(6.0, 3.0, 1.0), TINY).split("\n")
    assert lines[3].split() == ["speed", "/", "A", "times", "3.00", "0.500", "4.00"]
    assert lines[4].split() == ["side", "by", "side", "unit", "ours", "A", "Peer", "(C)"]
    assert lines[5].split() == ["speed", "1/s", "4.00", "3.00"]


def test_text_of_a_void_workload_has_the_notes() -> None:
    """Where nothing was measured the notes say why, and there are no figures."""
    void = Series(WORK, (PEER,), {OURS: [None], "peer": [None]}, ["round 1: void: nobody came"])
    assert text(void, TINY).split("\n")[-1] == "  ! round 1: void: nobody came"


def test_json_holds_every_round() -> None:
    """A program gets each value, the target, the size of the run, the machine, the peers."""
    machine = Machine(2, "Linux", "3.11", 0.2)
    told = json.loads(json.dumps(as_json(machine, TINY, [series(2.0, 2.0, 2.0)])))
    assert told["machine"]["fdatasync_ms"] == 0.2
    assert told["scale"]["small_room"] == TINY.small_room
    (work,) = told["workloads"]
    assert work["notes"] == ["disturbed"]
    speed, ratio = work["figures"]
    assert speed["rounds"] == [3.0, 9.0, 4.0]
    assert (speed["median"], speed["target"], speed["verdict"]) == (4.0, "≥ 5.00", "missed")
    assert ratio["rounds"] == [1.5, 4.5, 2.0]
    (peer,) = work["peers"]
    assert peer["title"] == PEER.title
    assert peer["figures"][0]["median"] == 2.0
