"""`chat_service.admin.console.view`: all rows of the screen but the typed line."""

from collections.abc import Sequence
from datetime import UTC

import pytest

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.lines import Fragments, Line, width_of
from chat_service.admin.console.state import ConsoleState, Running
from chat_service.admin.console.view import MIN_COLUMNS, MIN_ROWS, Scene, above, hint_row
from tests.admin.console.fleet import NOON, instance, sample

FIVE = [instance(n, of=sample(3)) for n in range(1, 6)]


def scene(
    state: ConsoleState | None = None,
    instances: Sequence[pb.Instance] = FIVE,
    stopping: bool = False,
) -> Scene:
    """Make a scene at noon."""
    return Scene(state or ConsoleState(), instances, stopping, NOON, UTC)


def texts(rows: list[Fragments]) -> list[str]:
    """Give rows without styles and without blanks at their ends."""
    return ["".join(text for _, text in row).rstrip() for row in rows]


def test_five_instances_and_four_rows_of_answers_fit_sixty_by_fifteen() -> None:
    """Title, table, totals, rule, answers."""
    state = ConsoleState()
    state.output.answer([Line(f"a{n}") for n in range(1, 10)])
    rows = texts(above(scene(state), 60, 15))
    assert rows[0] == f"{' chat-server  5 of 5 serving  up 2h05m':<50}/srv/chat"
    assert rows[1].startswith("ADDRESS STATE")
    assert [row[:6] for row in rows[2:7]] == [f":{50_050 + n}" for n in range(1, 6)]
    assert rows[7].startswith("total   5 of 5")
    assert rows[8].startswith("─ 5 below (PgUp PgDn) ─")
    assert rows[9:] == ["a1", "a2", "a3", "a4"]


def test_more_instances_than_rows_scroll() -> None:
    """Between their ends, and the rule says which they are."""
    many = [instance(n) for n in range(1, 41)]
    state = ConsoleState()
    first = texts(above(scene(state, many), 80, 24))
    assert first[2].startswith("127.0.0.1:50051")
    assert "─ instances 1 to 11 of 40 (Ctrl+↑↓) ─" in first[14]
    state.scroll_table(5)
    assert texts(above(scene(state, many), 80, 24))[2].startswith("127.0.0.1:50056")
    state.scroll_table(1000)
    assert texts(above(scene(state, many), 80, 24))[12].startswith("127.0.0.1:50090")
    state.scroll_table(-1)
    assert texts(above(scene(state, many), 80, 24))[12].startswith("127.0.0.1:50089")
    state.scroll_table(-1000)
    assert texts(above(scene(state, many), 80, 24)) == first


def test_the_only_instance_needs_no_totals() -> None:
    """They would say the same."""
    rows = texts(above(scene(instances=FIVE[:1]), 80, 24))
    assert not any(row.startswith("total") for row in rows)


def test_the_title_tells_of_the_stop() -> None:
    """Also where there is room for little."""
    assert "stopping; Ctrl+C again makes it quick" in texts(above(scene(stopping=True), 60, 15))[0]
    assert "5 of 5 serving" in texts(above(scene(stopping=True), 80, 24))[0]


def test_the_title_names_no_directory_where_there_are_several() -> None:
    """Nor fails where there is none."""
    far = instance(6)
    far.data_directory = "/elsewhere/50056"
    assert "/" not in texts(above(scene(instances=[*FIVE, far]), 80, 24))[0]
    assert texts(above(scene(instances=[]), 80, 24))[0] == " chat-server  0 of 0 serving"


def test_what_runs_and_what_is_asked_stands_above_the_line() -> None:
    """The table does not move for it."""
    state = ConsoleState()
    quiet = texts(above(scene(state), 80, 24))
    for number in range(4):
        state.running[number] = Running(f"stop 5005{number}", NOON - 3_000)
    state.question = "3 people are connected. Stop everything?"
    rows = texts(above(scene(state), 80, 24))
    assert rows[:8] == quiet[:8]
    assert rows[-3:] == [
        "… stop 50050: 3s",
        "… stop 50051: 3s, and 2 others",
        "3 people are connected. Stop everything?",
    ]


def test_the_rule_says_what_is_followed() -> None:
    """One instance, or all."""
    assert "─ following 50052 ─" in texts(above(scene(ConsoleState(following=50_052)), 60, 15))[8]
    assert "─ following all logs ─" in texts(above(scene(ConsoleState(following=0)), 60, 15))[8]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 10, 11, 12, 15, 24, 60])
@pytest.mark.parametrize("columns", [1, 2, 19, 20, 39, 40, 41, 59, 60, 80, 120, 200])
def test_every_size_is_filled_and_never_overflows(columns: int, rows: int) -> None:
    """With everything that may be shown at once."""
    many = [instance(n, of=sample(n)) for n in range(1, 31)]
    many[1] = instance(2, pb.INSTANCE_STATE_STOPPED, "the port is taken by another program " * 4)
    state = ConsoleState(following=0, question="2 people are connected. Stop everything?")
    state.running = {n: Running("restart 50051", NOON) for n in range(5)}
    state.output.answer([Line(f"line {n} 漢字 " * 9) for n in range(99)])
    shown = above(scene(state, many), columns, rows)
    assert len(shown) == max(0, rows - 2)
    assert all(width_of(row) <= columns for row in shown)
    assert width_of(hint_row(scene(state, many), "stop PORT", "stop it", columns)) == columns


def test_a_small_terminal_is_told_so() -> None:
    """And still asks what has to be answered."""
    rows = texts(above(scene(), MIN_COLUMNS - 1, MIN_ROWS))
    assert "too small: 39 by 11" in rows
    asked = ConsoleState(question="Stop everything?")
    assert "Stop everything?" in texts(above(scene(asked), 20, 5))


def test_the_hint_says_what_can_be_done_now() -> None:
    """A question first, then what Tab found, what is typed, what goes on."""

    def hints(state: ConsoleState, usage: str = "", stopping: bool = False) -> str:
        row = hint_row(scene(state, stopping=stopping), usage, "what it does", 60)
        return texts([row])[0].strip()

    assert hints(ConsoleState(question="?")).startswith("y and Enter: yes")
    assert hints(ConsoleState(offered=("start", "stop"))) == "start  stop"
    assert hints(ConsoleState(following=0), "list") == "list  what it does"
    empty = hint_row(scene(ConsoleState(following=0)), "", "", 60)
    assert texts([empty]) == [" Esc stops following the log"]
    assert "quick" in texts([hint_row(scene(stopping=True), "", "", 60)])[0]
    assert texts([hint_row(scene(), "", "", 60)])[0].startswith(" Type help")


def test_a_thousand_offers_are_counted() -> None:
    """As many as there is room for, and how many more."""
    state = ConsoleState(offered=tuple(f"guest-{n:04}" for n in range(1000)))
    row = texts([hint_row(scene(state), "", "", 60)])[0]
    assert row == " guest-0000  guest-0001  guest-0002  guest-0003  … 996 more"
