"""`chat_cli.question`: whether to trust a server that is not known."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chat_cli import question
from chat_cli.known_hosts import KnownHosts
from chat_cli.question import asking, meet
from chat_cli.trust import Trust
from tests.authority import Issued, issue
from tests.cli.listeners import Listener


@contextmanager
def listening(issued: Issued) -> Iterator[str]:
    """Show a certificate from a thread of its own; give where."""
    loop = asyncio.new_event_loop()
    place: list[str] = []
    ready, over = threading.Event(), asyncio.Event()

    async def listen() -> None:
        async with Listener(issued).listening() as listener:
            place.append(listener.target)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(listen()))
    thread.start()
    try:
        assert ready.wait(15)
        yield place[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sit at a terminal, without authorities; give what is asked. It ends with an end of input."""
    told: list[str] = []

    def end(prompt: str) -> str:
        told.append(prompt)
        raise EOFError

    monkeypatch.setattr(question, "at_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", end)
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    monkeypatch.setenv("SSL_CERT_DIR", "/dev/null")
    return told


def answers(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[str]:
    """Type lines, one for each question; give what is asked."""
    told: list[str] = []
    left = list(lines)

    def answer(prompt: str) -> str:
        told.append(prompt)
        return left.pop(0)

    monkeypatch.setattr("builtins.input", answer)
    return told


@pytest.mark.usefixtures("asked")
def test_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fingerprint is shown; a yes is kept, and nobody is asked again."""
    issued = issue("any.example")
    known = KnownHosts(tmp_path / "known_hosts")
    told = answers(monkeypatch, "", "what?", " Yes ")
    with listening(issued) as target:
        assert meet(Trust(target, True, known=known))
        assert issued.sha256.replace(":", "") in "".join(told[0].split()).replace(":", "")
        assert target in told[0]
        assert len(told) == 3
        assert known.find(target) == issued.sha256
        assert meet(Trust(target, True, known=known))
        assert len(told) == 3


@pytest.mark.usefixtures("asked")
def test_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A no ends it and keeps nothing."""
    known = KnownHosts(tmp_path / "known_hosts")
    answers(monkeypatch, "n")
    with listening(issue("any.example")) as target:
        assert not meet(Trust(target, True, known=known))
    assert not known.path.exists()


def test_end_of_input_is_a_no(tmp_path: Path, asked: list[str]) -> None:
    """Ctrl-D trusts nobody."""
    with listening(issue("any.example")) as target:
        assert not meet(Trust(target, True, known=KnownHosts(tmp_path / "known_hosts")))
    assert len(asked) == 1


@pytest.mark.usefixtures("asked")
def test_what_cannot_be_kept_holds_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A yes counts for this run, and a line says that it is for this run only."""
    # In the way of what is written.
    (tmp_path / "known_hosts.new").mkdir()
    answers(monkeypatch, "y")
    with listening(issue("any.example")) as target:
        trust = Trust(target, True, known=KnownHosts(tmp_path / "known_hosts"))
        assert meet(trust)
        assert "until the end only" in capsys.readouterr().out
        assert asyncio.run(trust.credentials()) is not None


def test_no_question_for_everybody_else(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain text, who is gone or hangs, and what is refused anyway: the client tells that."""
    known = KnownHosts(tmp_path / "known_hosts")
    monkeypatch.setattr(question, "_PATIENCE", 0.1)
    with listening(issue("any.example", days=-1, since_days=-9)) as target:
        assert meet(Trust(target, True, known=known))
        assert meet(Trust(target, False, known=known))
    assert meet(Trust(target, True, known=known))
    assert not asked


def test_no_question_without_a_terminal(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nobody to ask; what follows refuses."""
    monkeypatch.setattr(question, "at_terminal", lambda: False)
    with listening(issue("any.example")) as target:
        assert meet(Trust(target, True, known=KnownHosts(tmp_path / "known_hosts")))
    assert not asked


@pytest.mark.parametrize(("width", "rows"), [(100, 1), (99, 1), (80, 2), (60, 2), (40, 4), (20, 8)])
def test_the_question_breaks_no_word(width: int, rows: int) -> None:
    """The fingerprint stands in rows of the same length, with nothing else in them."""
    fingerprint = ":".join(f"{byte:02X}" for byte in range(32))
    lines = asking("h:1", fingerprint, width).splitlines()
    assert all(len(line) < width for line in lines)
    shown = [line for line in lines if line.startswith("  ")]
    assert len(shown) == rows
    assert len({len(line) for line in shown}) == 1
    assert ":".join(line.strip() for line in shown) == fingerprint
