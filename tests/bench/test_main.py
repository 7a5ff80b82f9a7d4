"""The command: a whole small run against real servers, and its end by Ctrl+C."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.__main__ import peers_of, read_arguments, scale_of
from bench.peers import SOCKET_CHAT
from bench.scale import FULL, QUICK
from bench.worker import ROOT
from bench.workloads import ALL

COMMAND = [sys.executable, "-m", "bench", "--scale", "tiny"]
PATIENCE_S = 600.0
"""A run that hangs is ended: how long one takes says how busy the machine is."""

# The two sizes of fan-out and of delay are one code, as are the two of ingest to most of it.
CHOSEN = [
    "fan-out-100",
    "ingest-waiting",
    "delay-100",
    "delay-heavy-100",
    "delay-heavy-1000",
    "connections",
    "start-up",
    "history",
]


def test_small_run_measures_everything(tmp_path: Path) -> None:
    """Every figure is taken, in the table and in the JSON, and no data is left behind."""
    data = tmp_path / "data"
    data.mkdir()
    figures = tmp_path / "figures.json"
    only = [argument for name in CHOSEN for argument in ("--only", name)]
    done = subprocess.run(
        [*COMMAND, *only, "--peers=socket-chat", f"--directory={data}", f"--json={figures}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    workloads = json.loads(figures.read_text())["workloads"]
    assert [workload["name"] for workload in workloads] == CHOSEN
    for workload in workloads:
        assert workload["title"] in done.stdout
        for figure in workload["figures"]:
            assert figure["name"] in done.stdout
            assert len(figure["rounds"]) == 1
    assert [peer["name"] for peer in workloads[0]["peers"]] == ["socket-chat"]
    assert SOCKET_CHAT.title in done.stdout
    values = {
        (workload["name"], figure["name"]): figure["median"]
        for workload in workloads
        for figure in workload["figures"]
    }
    assert values["fan-out-100", "readers cut off"] == 0
    assert values["fan-out-100", "deliveries"] > 0
    assert values["ingest-waiting", "acked messages"] > 0
    assert values["delay-100", "post to delivery p50"] > 0
    assert values["fan-out-100", "deliveries / the socket chat's"] > 0
    assert values["delay-heavy-100", "greatest rate"] > 0
    assert values["delay-heavy-1000", "greatest rate"] > 0
    assert values["connections", "streams cut off"] == 0
    assert values["history", "resume"] > 0
    assert list(data.iterdir()) == []


def test_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl+C in the middle of a round ends every process, removes the data, and says so."""
    process = subprocess.Popen(
        [*COMMAND, "--rounds=500", "--only=fan-out-100", "--peers", f"--directory={tmp_path}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # As in a terminal: Ctrl+C reaches the whole group.
        process_group=0,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("round 1")
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=PATIENCE_S)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert rest.endswith("bench: interrupted\n")
    # An instance whose launcher is gone ends by itself, a moment later.
    left = psutil.wait_procs(started, timeout=PATIENCE_S)[1]
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]
    assert list(tmp_path.iterdir()) == []


def test_quick_is_smaller_and_once() -> None:
    """`--quick` is one round of its own size; single figures can be changed."""
    quick = read_arguments(["--quick"])
    assert (quick.rounds, scale_of(quick)) == (1, QUICK)
    full = read_arguments([])
    assert full.rounds > 1
    assert scale_of(full) == FULL
    changed = scale_of(read_arguments(["--streams=7", "--stored=20000"]))
    assert (changed.streams, changed.stored) == (7, 20_000)
    assert changed.small_room == FULL.small_room


@pytest.mark.parametrize(
    "bad", [["--rounds=0"], ["--only=nothing"], ["--stored=5"], ["--peers=x"], ["x"]]
)
def test_bad_option_is_refused(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option that makes no sense is answered with status 2."""
    with pytest.raises(SystemExit) as left:
        read_arguments(bad)
    assert left.value.code == 2
    assert bad[0].split("=")[0] in capsys.readouterr().err


def test_peers_are_chosen_and_missing_ones_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A peer takes part if it was chosen and is installed; one that is not is left out by name."""
    here = replace(SOCKET_CHAT, name="here")
    lost = replace(SOCKET_CHAT, name="lost", title="Lost", program="no-such-program", install="get")
    monkeypatch.setattr("bench.__main__.PEERS", (here, lost))
    assert peers_of(read_arguments([])) == [here]
    assert capsys.readouterr().out == "Lost is left out: not installed (get)\n"
    assert peers_of(read_arguments(["--peers", "here"])) == [here]
    assert peers_of(read_arguments(["--peers"])) == []
    assert capsys.readouterr().out == ""


def test_workloads_have_names_of_their_own() -> None:
    """Each workload and each measure of one can be chosen and found by its name."""
    assert len({workload.name for workload in ALL}) == len(ALL)
    for workload in ALL:
        names = [measure.name for measure in workload.measures]
        assert {ratio.of for ratio in workload.ratios} <= set(names)
        peers = {peer.name for peer in workload.peers}
        assert all(peers.issuperset(ratio.peers) for ratio in workload.ratios)
        names += [ratio.measure.name for ratio in workload.ratios]
        assert len(set(names)) == len(names)
