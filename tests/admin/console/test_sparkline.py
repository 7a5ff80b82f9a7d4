"""`chat_service.admin.console.sparkline`: the last minutes as little bars."""

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.console.lines import Line
from chat_service.admin.console.sparkline import sparkline, statistics_lines, summed
from tests.admin.console.fleet import NOON, sample

FIVE = 5_000


def at(seconds: int, users: int) -> pb.Sample:
    """Make a sample so many seconds after noon."""
    return sample(users, messages_in=users / 2, time_ms=NOON + seconds * 1000)


def texts(lines: list[Line]) -> list[str]:
    """Give what lines say."""
    return [line.text for line in lines]


def test_bars_are_as_high_as_the_values() -> None:
    """From nothing to the highest."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 5], 8) == "██"
    assert sparkline([0, 0], 8) == "▁▁"


def test_bars_may_begin_at_the_smallest() -> None:
    """Where only the change tells."""
    assert sparkline([100, 107], 8, from_zero=False) == "▁█"
    assert sparkline([100, 100], 8, from_zero=False) == "▁▁"


def test_a_missing_value_is_a_blank() -> None:
    """It is not taken for nothing."""
    assert sparkline([7, None, 0], 8) == "█ ▁"
    assert sparkline([None], 8) == " "


def test_a_peak_survives_where_there_are_fewer_bars() -> None:
    """A bar is the highest of its share."""
    values = [0.0] * 100
    values[37] = 9
    assert sparkline(values, 10) == "▁▁▁█▁▁▁▁▁▁"
    assert sparkline(values, 0) == ""
    assert sparkline([], 10) == ""


def test_samples_of_a_moment_are_added() -> None:
    """Those of different instances that are close in time, each instance once."""
    one = [at(0, 1), at(5, 2), at(10, 3)]
    other = [at(6, 20), at(9, 99), at(11, 30)]
    assert [(s.time_ms, s.users, s.messages_in) for s in summed([one, other], FIVE)] == [
        (NOON, 1, 0.5),
        (NOON + 6_000, 22, 11),
        (NOON + 11_000, 33, 16.5),
    ]
    assert summed([], FIVE) == []


def test_statistics_show_smallest_last_and_largest() -> None:
    """A row for each measure, in its unit."""
    lines = statistics_lines("50051", [at(0, 8), at(5, 0), at(10, 4)], FIVE, 60)
    assert texts(lines) == [
        "50051, the last 10s                min     now     max",
        "users     █▁▅                        0       4       8",
        "in msg/s  █▁▅                        0       2       4",
        "out msg/s █▁▃                        0       8      32",
        "cpu       █▁▅                       0%    0.2%    0.4%",
        "memory    ▁▁▁                   48 MiB  48 MiB  48 MiB",
    ]


def test_a_time_without_service_is_a_gap() -> None:
    """Bars stand where they belong in time."""
    lines = statistics_lines("50051", [at(0, 2), at(5, 2), at(25, 2)], FIVE, 60)
    assert "users     ██   █" in texts(lines)[1]


def test_statistics_fit_the_width() -> None:
    """With many samples, and with a gap of years."""
    samples = [at(5 * n, n) for n in range(300)]
    for width in (40, 60, 80, 200):
        rows = statistics_lines("50051", samples, FIVE, width)
        assert all(line.width <= width for line in rows)
    years = [at(0, 1), at(10**9, 1)]
    assert all(line.width <= 80 for line in statistics_lines("50051", years, FIVE, 80))


def test_without_samples_that_is_said() -> None:
    """One line is enough."""
    assert texts(statistics_lines("50051", [], FIVE, 80)) == ["50051: nothing was measured yet"]
