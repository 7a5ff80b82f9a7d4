"""What counts as a client that shows itself."""

import pytest

from bench.workloads.start_up import is_visible


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (b"", False),
        (b"\x1b[?2004h\x1b[6n", False),
        (b"\x1b]0;a title\x07\x1b[0m\r\n ", False),
        (b"\x1b]0;a title\x1b\\\x1b7", False),
        (b"\x1b[0m>", True),
        (b"hello", True),
    ],
)
def test_only_what_a_person_sees_counts(sent: bytes, seen: bool) -> None:
    """Titles, modes, colours and blanks are nothing to see; a prompt is."""
    assert is_visible(sent) is seen
