"""Figures in a document."""

import json
from pathlib import Path

import pytest

from bench.publish import BEGIN, END, DocumentError, main, panels, placed, tables
from bench.report import Machine, as_json
from bench.scale import TINY
from bench.series import Series
from tests.bench.test_report import series


def told(*all_series: Series) -> dict[str, object]:
    """Return what a run wrote."""
    text = json.dumps(as_json(Machine(2, "Linux", "3.11", 0.2), TINY, all_series))
    made: dict[str, object] = json.loads(text)
    return made


def test_tables_show_targets_and_peers() -> None:
    """Each figure has its row, a missed target is bold, and peers stand side by side."""
    lines = tables(told(series(6.0, 3.0, 1.0))).split("\n")
    assert "| Work: 4 people | speed, 1/s | 4.00 | 3.00 | 9.00 | ≥ 5.00, **missed** |" in lines
    assert "|  | speed / A, times | 3.00 | 0.500 | 4.00 |  |" in lines
    assert "| median | ours | A Peer (C) |" in lines
    assert "| speed, 1/s | 4.00 | 3.00 |" in lines
    assert "- work, disturbed" in lines
    assert "rounds: 3" in lines[0]


def test_without_peers_nothing_is_side_by_side() -> None:
    """A workload of ours alone has its rows and no second table."""
    text = tables(told(series()))
    assert "speed" in text
    assert "side by side" not in text
    assert panels(told(series())) == []


def test_document_keeps_what_is_outside_the_marks() -> None:
    """Only what stands between the marks is replaced, as often as one likes."""
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert placed(placed(document, "one"), "two") == f"before\n{BEGIN}\ntwo\n{END}\nafter\n"


@pytest.mark.parametrize("document", ["", BEGIN, END])
def test_document_without_marks_is_refused(document: str) -> None:
    """Where there is no place for the figures, nothing is written."""
    with pytest.raises(DocumentError):
        placed(document, "text")


def test_command_writes_tables_and_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document gets the tables and shows the plot, which is written beside it."""
    monkeypatch.setattr("bench.publish.PLOTTED", ("speed",))
    figures, document = tmp_path / "figures.json", tmp_path / "speed.md"
    figures.write_text(json.dumps(told(series(6.0, 3.0, 1.0))))
    document.write_text(f"# Speed\n{BEGIN}\n{END}\n")
    main([str(figures), str(document)])
    assert "| A Peer (C) |" in document.read_text()
    assert "(speed.svg)" in document.read_text()
    assert "A Peer (C)" in (tmp_path / "speed.svg").read_text()
