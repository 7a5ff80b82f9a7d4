"""The table of figures, and what is left out of a bounded run."""

import pytest

from tests.chaos.figures import Figures, table


def test_table_has_each_test_with_its_figures() -> None:
    """Figures stand under their test in the order in which they were noted, readable."""
    first, empty = Figures(), Figures()
    first["posts acked"] = 100_000
    first["took, s"] = 1.23456
    first["how"] = {"UNAVAILABLE": 2}
    assert table({"test_a": first, "test_b": empty}) == [
        "test_a",
        "    posts acked  100,000",
        "    took, s      1.235",
        "    how          {'UNAVAILABLE': 2}",
    ]


def test_figures_are_a_mapping() -> None:
    """A figure that was noted can be read, replaced and taken back."""
    figures = Figures()
    figures["acked"] = 1
    figures["acked"] = 2
    assert dict(figures) == {"acked": 2}
    del figures["acked"]
    assert not figures


SUITE = """
    import pytest

    @pytest.mark.full_only
    def test_for_hours(): ...

    def test_for_seconds(figures): figures["acked"] = 7
"""


@pytest.mark.parametrize(("size", "passed"), [("", 1), ("full", 2)])
def test_size_chooses_the_scenarios(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, size: str, passed: int
) -> None:
    """A bounded run leaves the longest scenarios out, without a skip; both show the table."""
    monkeypatch.setenv("CHAT_CHAOS", size)
    monkeypatch.setenv("CHAT_TESTS_NO_SKIP", "1")
    monkeypatch.setenv("CHAT_TESTS_SEED", "5")
    pytester.makeconftest(
        "from tests.conftest import chance, seed\nfrom tests.chaos.conftest import *"
    )
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_inprocess("--strict-markers")
    result.assert_outcomes(passed=passed, deselected=2 - passed)
    result.stdout.fnmatch_lines(
        [
            f"*chaos, {size or 'bounded'} size*",
            "test_for_seconds",
            "    seed   5",
            "    acked  7",
        ]
    )
