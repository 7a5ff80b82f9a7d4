"""`chat_cli.admin.tables`: aligned lines, and figures for people."""

import pytest

from chat_cli.admin.tables import Table, rate, share, size, span


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """Figures stand to the right, and no line ends with blanks."""
    table = Table(("NAME", ">COUNT", "REST"))
    assert table.lines([("alice", "1", ""), ("bo", "1000000", "x")]) == [
        "NAME     COUNT  REST",
        "alice        1",
        "bo     1000000  x",
    ]


def test_later_pages_have_no_titles_and_keep_the_widths() -> None:
    """A page is at least as wide as those before; an empty list is its titles."""
    table = Table(("NAME", "REST"))
    assert table.lines([]) == ["NAME  REST"]
    assert table.lines([("alexander", "x")]) == ["alexander  x"]
    assert table.lines([("bo", "y")]) == ["bo         y"]


def test_cells_are_sanitized_before_they_are_measured() -> None:
    """What nobody would see is a symbol, and takes its place."""
    assert Table(("A", "B")).lines([("\n", "x"), ("ab", "\x1b")]) == ["A   B", "␊   x", "ab  ␛"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0s"),
        (59.9, "59s"),
        (60, "1m 0s"),
        (3599, "59m 59s"),
        (3600, "1h 0m"),
        (86_399, "23h 59m"),
        (90_000, "1d 1h"),
        (1e9, "11574d 1h"),
    ],
)
def test_span(seconds: float, words: str) -> None:
    """A length of time is told in its two largest units."""
    assert span(seconds) == words


def test_figures() -> None:
    """Sizes are MiB, the processor is a share of a core, rates are short."""
    assert (size(0), size(50 << 20), size(3 << 30)) == ("0.0 MiB", "50.0 MiB", "3,072.0 MiB")
    assert (share(0), share(0.126), share(1.5)) == ("0%", "13%", "150%")
    assert (rate(0), rate(0.25), rate(12.5), rate(12345.6)) == ("0.0", "0.2", "12.5", "12,346")
