"""`chat_service.admin.console.table`: the instances in columns."""

from datetime import UTC

import pytest
from prompt_toolkit.utils import get_cwidth

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.lines import Fragments, width_of
from chat_service.admin.console.table import Table, table
from chat_text.sanitize import sanitize
from tests.admin.console.fleet import NOON, instance, sample

FIVE = [
    instance(1, of=sample(12, 30, memory_mib=52, rooms=3)),
    instance(2, of=sample(1, 0.2)),
    instance(3, pb.INSTANCE_STATE_WAITING, "ended by signal 9, again in 4 s"),
    instance(4, pb.INSTANCE_STATE_STOPPED),
    instance(5, pb.INSTANCE_STATE_STARTING),
]


def text(row: Fragments) -> str:
    """Give a row without styles and without blanks at its end."""
    return "".join(piece for _, piece in row).rstrip()


def texts(laid: Table) -> list[str]:
    """Give all rows of a table."""
    body = [row for rows in laid.body for row in rows]
    return [text(row) for row in (laid.header, *body, laid.total)]


def test_eighty_columns_have_room_for_everything() -> None:
    """Nothing but the time of the start is left out."""
    assert texts(table(FIVE, 80, NOON, UTC)) == [
        "ADDRESS         STATE          UP USERS ROOMS  IN/S OUT/S   CPU  MEMORY RESTARTS",
        "127.0.0.1:50051 ● serving   2h05m    12     3    30   360  3.0%  52 MiB        0",
        "127.0.0.1:50052 ● serving   2h05m     1     1   0.2   0.2  0.0%  48 MiB        0",
        "127.0.0.1:50053 ▲ waiting   2h05m ended by signal 9, again in 4 s              0",
        "127.0.0.1:50054 ○ stopped   2h05m                                              0",
        "127.0.0.1:50055 ◐ starting  2h05m                                              0",
        "total           2 of 5               13     4    30   360  3.0% 100 MiB        0",
    ]


def test_sixty_columns_name_the_port_alone() -> None:
    """Rooms and restarts go too."""
    assert texts(table(FIVE, 60, NOON, UTC))[:4] == [
        "ADDRESS STATE          UP USERS  IN/S OUT/S   CPU  MEMORY",
        ":50051  ● serving   2h05m    12    30   360  3.0%  52 MiB",
        ":50052  ● serving   2h05m     1   0.2   0.2  0.0%  48 MiB",
        ":50053  ▲ waiting   2h05m ended by signal 9, again in 4 s",
    ]


def test_a_wide_table_says_since_when() -> None:
    """And stands more widely."""
    rows = texts(table(FIVE, 120, NOON, UTC))
    assert "SINCE" in rows[0]
    assert "Nov 20 09:55" in rows[1]
    assert "127.0.0.1:50051   ● serving" in rows[1]


def test_hosts_that_differ_are_shown() -> None:
    """Where only the port is named, nothing is ambiguous."""
    mixed = [instance(1), instance(2, host="[::1]")]
    rows = texts(table(mixed, 60, NOON, UTC))
    assert rows[1].startswith("127.0.0.1:50051 ")
    assert rows[2].startswith("[::1]:50052 ")


def test_a_long_address_keeps_its_port() -> None:
    """Its beginning is what goes."""
    far = instance(1, host="[2001:db8:1234:5678:9abc:def0:1234:5678]")
    assert texts(table([far], 120, NOON, UTC))[1].split()[0].startswith("…")
    assert texts(table([far], 120, NOON, UTC))[1].split()[0].endswith(":50051")


def test_a_long_problem_stands_below() -> None:
    """Or is cut, where rows are few."""
    problem = "the data file was written by a newer version of the server; upgrade it"
    broken = [instance(1, pb.INSTANCE_STATE_STOPPED, problem)]
    assert texts(table(broken, 80, NOON, UTC))[2] == f"  └ {problem}"
    (row,) = table(broken, 80, NOON, UTC, short=True).body[0]
    assert "the data file was written" in text(row)
    assert text(row).count("…") == 1


def test_one_that_does_not_answer_has_no_figures() -> None:
    """Though it serves: they are not known, are no part of the totals, and why stands below."""
    silent = instance(1, problem="its process runs, and does not answer")
    silent.ClearField("sample")
    assert texts(table([silent, instance(2, of=sample(7))], 80, NOON, UTC))[1:] == [
        "127.0.0.1:50051 ● serving   2h05m     -     -     -     -     -       -        0",
        "  └ its process runs, and does not answer",
        "127.0.0.1:50052 ● serving   2h05m     7     1     0     0    0%  48 MiB        0",
        "total           2 of 2                7     1     0     0    0%  48 MiB        0",
    ]
    (row,) = table([silent], 80, NOON, UTC, short=True).body[0]
    assert "its process runs, and does not answer" in text(row)


def test_what_is_wrong_with_one_that_has_figures_stands_below() -> None:
    """They are shown too, unless rows are few."""
    full = instance(1, problem="its disk is full: posts are refused", of=sample(7))
    _, row, below, total = texts(table([full], 80, NOON, UTC))
    assert row == text(table([instance(1, of=sample(7))], 80, NOON, UTC).body[0][0])
    assert below == "  └ its disk is full: posts are refused"
    (row_alone,) = table([full], 80, NOON, UTC, short=True).body[0]
    assert "its disk is full: posts are refused" in text(row_alone)
    assert " 7 " in total


def test_a_problem_is_made_harmless() -> None:
    """It may quote what an instance wrote."""
    broken = instance(1, pb.INSTANCE_STATE_WAITING, "\x1b[2J said\n\u202e")
    assert f" {sanitize(broken.problem)} " in texts(table([broken], 80, NOON, UTC))[1]
    assert sanitize(broken.problem).startswith("␛[2J said␊")


@pytest.mark.parametrize("width", range(20, 201))
def test_no_row_is_wider_than_asked(width: int) -> None:
    """At any width; the port and the state are there down to twenty columns."""
    laid = table(FIVE, width, NOON, UTC)
    rows = [laid.header, laid.total, *(row for rows in laid.body for row in rows)]
    assert all(width_of(row) <= width for row in rows)
    assert all(f"{50_050 + n}" in text(rows[0]) for n, rows in enumerate(laid.body, 1))
    assert "● serving" in text(laid.body[0][0])
    assert get_cwidth(text(laid.total)) <= width


def test_each_state_has_its_own_style_and_word() -> None:
    """No state is told by its colour alone."""
    states = [state for state in pb.InstanceState.values() if state]
    rows = [table([instance(1, state)], 80, NOON, UTC).body[0][0] for state in states]
    cells = [next(piece for piece in row if "class:state" in piece[0]) for row in rows]
    assert len({style for style, _ in cells}) == len(states)
    assert len({word for _, word in cells}) == len(states)


def test_a_state_of_a_newer_server_is_no_obstacle() -> None:
    """It is not known, and that is what is shown."""
    assert "? unknown" in texts(table([instance(1, pb.INSTANCE_STATE_UNSPECIFIED)], 80, NOON))[1]


def test_no_instances_are_a_header() -> None:
    """Nothing fails where there is nothing."""
    assert texts(table([], 80, NOON, UTC))[0].startswith("ADDRESS")
