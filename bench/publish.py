"""Writes figures into a document: `python -m bench.publish FIGURES.json DOCUMENT.md`.

What stands between the two marks of the document is replaced by tables of the figures, and
a plot is written beside it, under the document's name with `.svg`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.figures import number
from bench.plot import Bar, Panel, svg
from bench.series import OURS

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"

# What is plotted, of each workload that has peers and takes it.
PLOTTED = ("deliveries", "post to delivery p99", "server CPU a delivery")

# Any: what JSON can hold.
Json = dict[str, Any]


class DocumentError(Exception):
    """The document has not the two marks."""


def tables(told: Json) -> str:
    """Return the figures of `report.as_json` as Markdown."""
    machine = told["machine"]
    figures = [figure for workload in told["workloads"] for figure in workload["figures"]]
    rounds = max((len(figure["rounds"]) for figure in figures), default=0)
    lines = [
        f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}, fdatasync p50 "
        f"{number(machine['fdatasync_ms'])} ms; rounds: {rounds}.",
        "",
        "| workload | figure | median | least | greatest | target |",
        "|---|---|--:|--:|--:|---|",
    ]
    for workload in told["workloads"]:
        title = workload["title"]
        for figure in workload["figures"]:
            lines.append(f"| {title} | {' | '.join(_cells(figure))} |")
            title = ""
    for workload in told["workloads"]:
        lines += _side_by_side(workload)
    notes = [
        f"- {workload['name']}, {note}"
        for workload in told["workloads"]
        for note in workload["notes"]
    ]
    if notes:
        lines += ["", "What was in the way of single measurements:", "", *notes]
    return "\n".join(lines)


def _cells(figure: Json) -> Iterator[str]:
    yield _name(figure)
    yield number(figure["median"])
    yield number(figure["min"])
    yield number(figure["max"])
    verdict = figure["verdict"]
    bold = f"**{verdict}**" if verdict == "missed" else verdict
    yield f"{figure['target']}, {bold}" if verdict else ""


def _name(figure: Json) -> str:
    return f"{figure['name']}, {figure['unit']}" if figure["unit"] else str(figure["name"])


def _side_by_side(workload: Json) -> list[str]:
    """Return the medians of all servers of a workload; nothing if it has no peers."""
    servers = _servers(workload)
    if len(servers) < 2:
        return []
    lines = [
        "",
        f"{workload['title']}, side by side:",
        "",
        f"| median | {' | '.join(title for title, _ in servers)} |",
        "|---" + "|--:" * len(servers) + "|",
    ]
    for place, figure in enumerate(servers[1][1]):
        medians = " | ".join(number(figures[place]["median"]) for _, figures in servers)
        lines.append(f"| {_name(figure)} | {medians} |")
    return lines


def _servers(workload: Json) -> list[tuple[str, list[Json]]]:
    """Return title and figures of ours and of each peer, as far as they were measured."""
    every = [(OURS, workload["figures"])]
    every += [(peer["title"], peer["figures"]) for peer in workload["peers"]]
    return [(title, figures) for title, figures in every if figures]


def panels(told: Json) -> list[list[Panel]]:
    """Return what is to be plotted, a row for each workload."""
    rows = []
    for workload in told["workloads"]:
        servers = _servers(workload)
        row = [
            Panel(f"{workload['name']}: {_name(figure)}", _bars(servers, figure["name"]))
            for figure in (servers[0][1] if len(servers) > 1 else ())
            if figure["name"] in PLOTTED
        ]
        if row:
            rows.append(row)
    return rows


def _bars(servers: Sequence[tuple[str, list[Json]]], name: str) -> tuple[Bar, ...]:
    return tuple(
        Bar(title, figure["median"], figure["min"], figure["max"], title == OURS)
        for title, figures in servers
        for figure in figures
        if figure["name"] == name
    )


def placed(document: str, text: str) -> str:
    """Return the document with the text between its marks. Raises DocumentError."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DocumentError(f"there is no {BEGIN} … {END} to be replaced")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main(arguments: Sequence[str]) -> None:
    """Write tables and plot."""
    if len(arguments) != 2:
        sys.exit("usage: python -m bench.publish FIGURES.json DOCUMENT.md")
    figures, document = map(Path, arguments)
    told = json.loads(figures.read_text())
    plot = document.with_suffix(".svg")
    text = tables(told)
    rows = panels(told)
    if rows:
        plot.write_text(svg(rows))
        text += f"\n\n![{', '.join(PLOTTED)}]({plot.name})"
    document.write_text(placed(document.read_text(), text))


if __name__ == "__main__":
    main(sys.argv[1:])
