"""`chat_service.admin.console.completion`: what Tab offers."""

import pytest

from chat_service.admin.console.commands import COMMANDS
from chat_service.admin.console.completion import common_beginning, offers
from chat_service.admin.console.syntax import place

PORTS = [50_051, 50_052]
NAMES = ["Anna", "andy", "bob"]


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("st", ["start", "stop", "stats"]),
        ("SH", ["shutdown"]),
        ("stop ", ["50051", "50052", "all"]),
        ("stop a", ["all"]),
        ("users 50052", ["50052"]),
        ("kick 50051 an", ["Anna", "andy"]),
        ("kick 50051 anna b", []),
        ("say b", []),
        ("help re", ["restart", "reload"]),
        ("xyzzy ", []),
    ],
)
def test_offers(before: str, words: list[str]) -> None:
    """What begins like the word at the cursor and may stand there."""
    assert offers(COMMANDS, place(COMMANDS, before, PORTS), PORTS, NAMES) == words


def test_common_beginning() -> None:
    """In any case, written as in the first word."""
    assert common_beginning(["Anna", "andy"]) == "An"
    assert common_beginning(["anna", "bob"]) == ""
    assert common_beginning(["anna"]) == "anna"
