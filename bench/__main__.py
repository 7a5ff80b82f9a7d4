"""The command `python -m bench`."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import interrupts
from bench.figures import percentile
from bench.peers import PEERS, Peer
from bench.posix import allow_many_files, sync_seconds
from bench.report import as_json, machine, text
from bench.scale import FULL, QUICK, TINY, Scale
from bench.series import measure
from bench.workloads import ALL

SCALES = {"full": FULL, "quick": QUICK, "tiny": TINY}
ROUNDS = 3


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; leave with status 2 where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the chat server.", allow_abbrev=False
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help=f"how often (default: {ROUNDS}; quick: 1)"
    )
    parser.add_argument(
        "--quick", dest="scale", action="store_const", const="quick", help="about a minute"
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
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=[peer.name for peer in PEERS],
        metavar="NAME",
        help="compare with these alone, or with nobody: %(choices)s "
        "(default: all that are installed)",
    )
    parser.add_argument("--streams", type=int, metavar="N", help="streams that are open at once")
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
        scale = replace(scale, streams=options.streams)
    if options.stored:
        scale = replace(scale, stored=options.stored)
    return scale


def peers_of(options: argparse.Namespace) -> list[Peer]:
    """Return the peers that take part; say of each other one that was meant why it does not."""
    chosen = []
    for peer in PEERS:
        if options.peers is not None and peer.name not in options.peers:
            continue
        if peer.path() is None:
            print(f"{peer.title} is left out: not installed ({peer.install})")
        else:
            chosen.append(peer)
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit status.

    0: measured. 1: some measurement of our server is void, the report says why. 2: a bad option (by
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
            print(about.describe())
            peers = [peer.name for peer in peers_of(options)]
            all_series = measure(workloads, scale, options.rounds, directory, peers)
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    for series in all_series:
        print(f"\n{text(series, scale)}")
    if options.json is not None:
        options.json.write_text(json.dumps(as_json(about, scale, all_series), indent=2) + "\n")
    return int(any(series.is_void for series in all_series))


if __name__ == "__main__":
    sys.exit(main())
