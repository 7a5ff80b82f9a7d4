"""The figures as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.figures import Figure, number
from bench.scale import Scale
from bench.series import OURS, Series

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


def text(series: Series, scale: Scale) -> str:
    """Return what one workload came to: our figures, those of the peers, and the notes."""
    lines = [series.workload.headline(scale)]
    lines += aligned([HEADINGS, *map(_row, [*series.figures(), *series.ratios()])], left=2)
    if series.peers and series.figures():
        lines += aligned(_medians(series), left=2)
    lines += [f"  ! {note}" for note in series.notes]
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Return rows as lines with straight columns, the first `left` aligned to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:left], widths, strict=False)]
        cells += [cell.rjust(width) for cell, width in zip(row[left:], widths[left:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.measure.name,
        figure.measure.unit,
        number(figure.median),
        number(min(figure.values)),
        number(max(figure.values)),
        figure.measure.target,
        figure.verdict,
    )


def _medians(series: Series) -> list[tuple[str, ...]]:
    """Return the medians of all side by side, a row for each measure."""
    columns = [
        (title, figures)
        for name, title in [(OURS, OURS), *((peer.name, peer.title) for peer in series.peers)]
        if (figures := series.figures(name))
    ]
    rows = zip(*(figures for _, figures in columns), strict=True)
    return [
        ("side by side", "unit", *(title for title, _ in columns)),
        *(
            (row[0].measure.name, row[0].measure.unit, *(number(figure.median) for figure in row))
            for row in rows
        ),
    ]


# Any: what JSON can hold.
def as_json(machine: Machine, scale: Scale, all_series: Iterable[Series]) -> dict[str, Any]:
    """Return everything that was measured, each round by itself."""
    return {
        "machine": asdict(machine),
        "scale": asdict(scale),
        "workloads": [
            {
                "name": series.workload.name,
                "title": series.workload.headline(scale),
                "notes": series.notes,
                "figures": _figures([*series.figures(), *series.ratios()]),
                "peers": [
                    {
                        "name": peer.name,
                        "title": peer.title,
                        "figures": _figures(series.figures(peer.name)),
                    }
                    for peer in series.peers
                ],
            }
            for series in all_series
        ],
    }


def _figures(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    return [
        {
            "name": figure.measure.name,
            "unit": figure.measure.unit,
            "rounds": list(figure.values),
            "median": figure.median,
            "min": min(figure.values),
            "max": max(figure.values),
            "target": figure.measure.target,
            "verdict": figure.verdict,
        }
        for figure in figures
    ]
