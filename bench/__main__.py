"""The command `python -m bench`."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from bench import interrupts
from bench.figures import Figure, percentile
from bench.load import LoadError
from bench.posix import allow_many_files, sync_seconds
from bench.report import as_json, machine, table
from bench.rpc import CallError
from bench.scale import FULL, QUICK, TINY, Scale
from bench.server import ServerError
from bench.worker import WorkerError
from bench.workload import Result, Round, Workload
from bench.workloads import ALL
from bench.workloads.start_up import PaintError

SCALES = {"full": FULL, "quick": QUICK, "tiny": TINY}
ROUNDS = 3

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


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; leave with status 2 where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the chat server.", allow_abbrev=False
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help=f"how often (default: {ROUNDS}; quick: 1)"
    )
    parser.add_argument(
        "--quick", dest="scale", action="store_const", const="quick", help="under a minute"
    )
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="full",
        help="how much of everything; tiny only shows that the benchmark works "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[workload.name for workload in ALL],
        metavar="NAME",
        help="run this workload alone; may be repeated: %(choices)s",
    )
    parser.add_argument("--streams", type=int, metavar="N", help="idle streams for the memory")
    parser.add_argument("--stored", type=int, metavar="N", help="messages for the history")
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="make the temporary data here, on the disk to be measured",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.set_defaults(scale="full")
    options = parser.parse_args(arguments)
    if options.rounds is None:
        options.rounds = ROUNDS if options.scale == "full" else 1
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if options.stored is not None and options.stored <= SCALES[options.scale].resumed:
        parser.error("--stored: more than are resumed")
    if options.streams is not None and options.streams < 1:
        parser.error("--streams: at least 1")
    return options


def scale_of(options: argparse.Namespace) -> Scale:
    """Return how much is to be done."""
    scale = SCALES[options.scale]
    if options.streams:
        scale = replace(scale, idle_streams=options.streams)
    if options.stored:
        scale = replace(scale, stored=options.stored)
    return scale


def measure(
    workloads: Sequence[Workload], scale: Scale, rounds: int, directory: Path
) -> list[tuple[Workload, list[Figure], list[str]]]:
    """Run the rounds; return each workload's figures and notes.

    A round that is void gives no figures, and a note that says why.
    """
    results: dict[str, list[Result]] = {workload.name: [] for workload in workloads}
    notes: dict[str, list[str]] = {workload.name: [] for workload in workloads}
    for number in range(1, rounds + 1):
        for workload in workloads:
            place = directory / f"{workload.name}-{number}"
            place.mkdir()
            began = time.monotonic()
            try:
                result = workload.run(Round(place, scale))
            except VOID as error:
                said = [f"{IS_VOID}: {error}"]
            else:
                results[workload.name].append(result)
                said = result.notes
            notes[workload.name] += [f"round {number}: {note}" for note in said]
            took = time.monotonic() - began
            print(
                "; ".join([f"round {number}: {workload.name}, {took:.1f} s", *said]),
                file=sys.stderr,
            )
    return [
        (workload, figures(workload, results[workload.name]), notes[workload.name])
        for workload in workloads
    ]


def figures(workload: Workload, results: Sequence[Result]) -> list[Figure]:
    """Return each measure with its values; none if there was no result."""
    if not results:
        return []
    return [
        Figure(workload.name, measure, tuple(result.values[measure.name] for result in results))
        for measure in workload.measures
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit status.

    0: measured. 1: some measurement is void, the report says why. 2: a bad option (by
    SystemExit). 130: interrupted.
    """
    options = read_arguments(sys.argv[1:] if arguments is None else arguments)
    interrupts.install()
    allow_many_files()
    scale = scale_of(options)
    workloads = [work for work in ALL if not options.only or work.name in options.only]
    try:
        with tempfile.TemporaryDirectory(prefix="chat-bench-", dir=options.directory) as made:
            directory = Path(made)
            about = machine(percentile(sync_seconds(directory), 50) * 1e3)
            print(about.describe(), end="\n\n")
            results = measure(workloads, scale, options.rounds, directory)
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    for workload, taken, said in results:
        print(table(workload.headline(scale), taken, said), end="\n\n")
    if options.json is not None:
        options.json.write_text(json.dumps(as_json(about, scale, results), indent=2) + "\n")
    return int(any(IS_VOID in note for _, _, said in results for note in said))


if __name__ == "__main__":
    sys.exit(main())
