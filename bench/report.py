"""The figures as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.figures import Figure, number
from bench.scale import Scale
from bench.workload import Workload

HEADINGS = ("", "unit", "median", "min", "max", "target", "")


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures were taken on, in general words."""

    cores: int
    system: str
    python: str
    # p50 of making 4 KiB durable in the directory of the data, in ms.
    fdatasync_ms: float

    def describe(self) -> str:
        """Return one line for people."""
        return (
            f"{self.cores} cores, {self.system}, Python {self.python}, "
            f"fdatasync p50 {number(self.fdatasync_ms)} ms"
        )


def machine(fdatasync_ms: float) -> Machine:
    """Look at the machine."""
    return Machine(os.cpu_count() or 1, platform.system(), platform.python_version(), fdatasync_ms)


def table(headline: str, figures: Iterable[Figure], notes: Sequence[str]) -> str:
    """Return the figures of one workload as text, its notes below."""
    rows = [
        (
            figure.measure.name,
            figure.measure.unit,
            number(figure.median),
            number(min(figure.values)),
            number(max(figure.values)),
            figure.measure.target,
            figure.verdict,
        )
        for figure in figures
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [headline]
    for row in (HEADINGS, *rows):
        name, unit, *numbers, target, verdict = row
        cells = [name.ljust(widths[0]), unit.ljust(widths[1])]
        cells += [text.rjust(width) for text, width in zip(numbers, widths[2:5], strict=True)]
        cells += [target.ljust(widths[5]), verdict]
        lines.append("  " + "  ".join(cells).rstrip())
    lines += [f"  ! {note}" for note in notes]
    return "\n".join(lines)


# Any: what JSON can hold.
def as_json(
    machine: Machine,
    scale: Scale,
    results: Iterable[tuple[Workload, Sequence[Figure], Sequence[str]]],
) -> dict[str, Any]:
    """Return everything that was measured, each round by itself."""
    return {
        "machine": asdict(machine),
        "scale": asdict(scale),
        "workloads": [
            {
                "name": workload.name,
                "title": workload.headline(scale),
                "notes": list(notes),
                "figures": [
                    {
                        "name": figure.measure.name,
                        "unit": figure.measure.unit,
                        "rounds": list(figure.values),
                        "median": figure.median,
                        "min": min(figure.values),
                        "max": max(figure.values),
                        "at_most": figure.measure.at_most,
                        "at_least": figure.measure.at_least,
                    }
                    for figure in figures
                ],
            }
            for workload, figures, notes in results
        ],
    }
