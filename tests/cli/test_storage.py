"""`chat_cli.storage`: places for one name on one server, for nobody else."""

from pathlib import Path

import pytest

from chat_cli.storage import directory_for, make_private, state_directory


def test_the_directory_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CHAT_STATE_DIR counts, otherwise the platform's place."""
    monkeypatch.setenv("CHAT_STATE_DIR", str(tmp_path))
    assert state_directory() == tmp_path
    assert tmp_path in directory_for("outbox", "here:1", "anna").parents
    monkeypatch.delenv("CHAT_STATE_DIR")
    assert "durable-chat" in str(state_directory())


def test_kinds_servers_and_names_are_kept_apart(tmp_path: Path) -> None:
    """Names and hosts are the same in any case; all else is another place."""
    first = directory_for("outbox", "here:1", "anna", tmp_path)
    assert directory_for("outbox", "HERE:1", "Anna", tmp_path) == first
    others = [("sessions", "here:1", "anna"), ("outbox", "here:2", "anna"), ("outbox", "x", "bob")]
    assert len({first, *(directory_for(*one, tmp_path) for one in others)}) == 4
    make_private(first)
    assert first.is_dir()
    make_private(first)
