"""The table for people and the JSON for programs."""

import json

from bench.figures import Figure, Measure
from bench.report import Machine, as_json, table
from bench.scale import TINY
from bench.workload import Result, Workload

WORK = Workload(
    "work",
    "Work: {small_room:,} people",
    (Measure("speed", "1/s", at_least=5.0),),
    lambda _: Result({}),
)
FIGURE = Figure("work", WORK.measures[0], (3.0, 9.0, 4.0))


def test_table_shows_the_middle_and_the_bounds() -> None:
    """Each figure is a line with median, least, greatest, target and verdict."""
    headline, headings, line, note = table(WORK.headline(TINY), [FIGURE], ["disturbed"]).split("\n")
    assert headline == "Work: 4 people"
    assert headings.split() == ["unit", "median", "min", "max", "target"]
    assert line.split() == ["speed", "1/s", "4.00", "3.00", "9.00", "≥", "5.00", "missed"]
    assert "disturbed" in note
    assert headings.index("median") + len("median") == line.index("4.00") + len("4.00")


def test_json_holds_every_round() -> None:
    """A program gets each value, the target, the size of the run and the machine."""
    machine = Machine(2, "Linux", "3.11", 0.2)
    told = json.loads(json.dumps(as_json(machine, TINY, [(WORK, [FIGURE], ["disturbed"])])))
    assert told["machine"]["fdatasync_ms"] == 0.2
    assert told["scale"]["small_room"] == TINY.small_room
    (work,) = told["workloads"]
    assert work["notes"] == ["disturbed"]
    (figure,) = work["figures"]
    assert figure["rounds"] == [3.0, 9.0, 4.0]
    assert (figure["median"], figure["at_least"], figure["at_most"]) == (4.0, 5.0, None)
