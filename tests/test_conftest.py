"""The suite's own rules: a missing program is named, and a skip can be made a failure."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
TESTS = """
    import pytest

    @pytest.mark.needs_program("no-such-program")
    def test_of_another_language(): ...

    @pytest.mark.needs_program("sh")
    def test_of_the_shell(): ...

    @pytest.mark.xfail(strict=True)
    def test_of_a_known_defect(): assert False
"""
MODULE = """
    import pytest
    pytest.importorskip("no_such_module")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """Make a small suite that obeys the same conftest as this one."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(test_programs=TESTS, test_module=MODULE)
    return pytester


def test_missing_program_is_named(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable a test that lacks its program is skipped, with both names told."""
    monkeypatch.delenv("CHAT_TESTS_NO_SKIP", raising=False)
    result = suite.runpytest_subprocess("-rs")
    result.assert_outcomes(passed=1, skipped=2, xfailed=1)
    result.stdout.fnmatch_lines(["*test_of_another_language needs the program no-such-program*"])


def test_skips_fail_where_they_are_not_allowed(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable each skip, of a test or a module, fails and tells its reason."""
    monkeypatch.setenv("CHAT_TESTS_NO_SKIP", "1")
    result = suite.runpytest_subprocess("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=2, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_module.py was skipped*no_such_module*",
            "*test_of_another_language was skipped*needs the program no-such-program*",
        ]
    )
