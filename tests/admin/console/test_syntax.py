"""`chat_service.admin.console.syntax`: what may be typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.admin.console.commands import COMMANDS
from chat_service.admin.console.syntax import Mistake, Order, hint, parse, place, ports_in_words

FIVE = [50_051, 50_052, 50_053, 50_054, 50_055]
ONE = [50_051]


@pytest.mark.parametrize(
    ("line", "command", "order"),
    [
        ("start", "start", Order()),
        ("  START 50060 ", "start", Order(50_060)),
        ("stop 50052", "stop", Order(50_052)),
        ("stop ALL", "stop", Order()),
        ("restart 50055", "restart", Order(50_055)),
        ("list", "list", Order()),
        ("users", "users", Order()),
        ("users 0", "users", Order()),
        ("rooms 50051", "rooms", Order(50_051)),
        ("say hello  all", "say", Order(text="hello  all")),
        ("say 50051 hello", "say", Order(50_051, text="hello")),
        ("say 5 minutes left", "say", Order(text="5 minutes left")),
        ("say 0 50051 is closing", "say", Order(text="50051 is closing")),
        ("kick 50051 anna", "kick", Order(50_051, "anna")),
        ("kick 50051  anna  too  loud", "kick", Order(50_051, "anna", "too  loud")),
        ("logs", "logs", Order()),
        ("stats 50053", "stats", Order(50_053)),
        ("open 50053", "open", Order(50_053)),
        ("help stop", "help", Order(name="stop")),
        ("shutdown", "shutdown", Order()),
    ],
)
def test_what_is_meant(line: str, command: str, order: Order) -> None:
    """A line in any case, with blanks anywhere."""
    assert parse(COMMANDS, line, FIVE) == (COMMANDS[command], order)


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("stop", Order(50_051)),
        ("restart", Order(50_051)),
        ("open", Order(50_051)),
        ("kick anna", Order(50_051, "anna")),
        ("kick anna too loud", Order(50_051, "anna", "too loud")),
        ("kick 50051 anna", Order(50_051, "anna")),
        ("start", Order()),
    ],
)
def test_the_only_instance_need_not_be_named(line: str, order: Order) -> None:
    """Only `start` means another one."""
    meant = parse(COMMANDS, line, ONE)
    assert meant == (COMMANDS[line.split()[0]], order)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("stpo 50051", "There is no “stpo”. Did you mean “stop”?"),
        ("quit", "There is no “quit”. “shutdown” stops everything."),
        ("Exit", "There is no “Exit”. “shutdown” stops everything."),
        ("xyzzy", "There is no “xyzzy”. “help” lists the commands."),
        ("stop", "Which one? stop PORT|all, where PORT is 50051 to 50055"),
        ("stop x", "“x” is not a port: stop PORT|all, where PORT is 50051 to 50055"),
        ("stop 50059", "No instance has port 50059; there are 50051 to 50055."),
        ("stop 0", "No instance has port 0; there are 50051 to 50055."),
        ("stop 50051 50052", "“50052” is too much: stop PORT|all"),
        ("stop ²", "“²” is not a port: stop PORT|all, where PORT is 50051 to 50055"),
        ("start x", "“x” is not a port: start [PORT], where PORT is a number from 1 to 65535"),
        ("start 0", "0 is not a port: those are the numbers from 1 to 65535"),
        ("start 70000", "70000 is not a port: those are the numbers from 1 to 65535"),
        ("list all", "“all” is too much: list"),
        ("say", "TEXT is missing: say [PORT] TEXT"),
        ("say 50051", "TEXT is missing: say [PORT] TEXT"),
        (
            "say 50059 hello",
            "No instance has port 50059; there are 50051 to 50055. "
            "To say it everywhere: say 0 50059 …",
        ),
        ("kick", "Which one? kick PORT NAME [REASON], where PORT is 50051 to 50055"),
        ("kick anna", "Which one? kick PORT NAME [REASON], where PORT is 50051 to 50055"),
        ("kick 50051", "NAME is missing: kick PORT NAME [REASON]"),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(line: str, told: str) -> None:
    """In one line."""
    assert parse(COMMANDS, line, FIVE) == Mistake(told)


def test_without_instances_there_is_nothing_to_stop() -> None:
    """That is said too."""
    assert parse(COMMANDS, "stop", []) == Mistake("There is no instance that has a port.")


@given(st.text(max_size=40), st.lists(st.integers(1, 65_535), max_size=3, unique=True))
def test_every_line_means_something_or_is_a_mistake(text: str, ports: list[int]) -> None:
    """Nothing that can be typed fails, after a command either."""
    for line in (text, *(f"{name} {text}" for name in COMMANDS)):
        parse(COMMANDS, line, ports)
        place(COMMANDS, line, ports)
        hint(COMMANDS, line)


@pytest.mark.parametrize(
    ("before", "word", "usage", "port"),
    [
        ("", "", "COMMAND", 0),
        ("sto", "sto", "COMMAND", 0),
        ("stop ", "", "PORT|all", 0),
        ("stop 500", "500", "PORT|all", 0),
        ("kick 50051 an", "an", "NAME", 50_051),
        ("kick  50051  ", "", "NAME", 50_051),
        ("kick 50051 anna too", "too", "[REASON]", 50_051),
        ("help s", "s", "[COMMAND]", 0),
    ],
)
def test_where_the_cursor_is(before: str, word: str, usage: str, port: int) -> None:
    """Which argument is being typed, and of which instance."""
    here = place(COMMANDS, before, FIVE)
    assert here.argument
    assert (here.word, here.argument.usage, here.port) == (word, usage, port)


def test_thousands_of_digits_are_no_port() -> None:
    """What was pasted by mistake is told like any other number."""
    digits = "9" * 5000
    assert isinstance(parse(COMMANDS, f"stop {digits}", FIVE), Mistake)
    assert parse(COMMANDS, f"say {digits}", FIVE) == (COMMANDS["say"], Order(text=digits))
    assert place(COMMANDS, f"kick {digits} a", FIVE).word == "a"


def test_where_nothing_more_is_taken() -> None:
    """After the last argument, and after what is no command."""
    assert place(COMMANDS, "stop all 5", FIVE).argument is None
    assert place(COMMANDS, "xyzzy 5", FIVE).argument is None


def test_users_of_the_only_instance_are_at_hand() -> None:
    """Its port may be left out there too."""
    here = place(COMMANDS, "kick an", ONE)
    assert here.argument
    assert (here.argument.usage, here.port) == ("NAME", 50_051)


def test_the_hint_follows_the_line() -> None:
    """The commands that begin so, then how one is typed, or that there is none."""
    assert hint(COMMANDS, "") == ("", "")
    assert hint(COMMANDS, "st") == ("", "start  stop  stats")
    assert hint(COMMANDS, "kick 50051") == (
        "kick PORT NAME [REASON]",
        "end all sessions of a user",
    )
    assert hint(COMMANDS, "kik 50051")[1] == "There is no “kik”. Did you mean “kick”?"


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ([], "none"),
        ([50_051], "50051"),
        ([50_052, 50_051], "50051, 50052"),
        ([1, 2, 3, 7, 9, 10], "1 to 3, 7, 9, 10"),
        ([1, 3, 5, 7, 9, 11], "1, 3, 5, 7, …"),
    ],
)
def test_ports_in_words(ports: list[int], words: str) -> None:
    """Rows of them are short."""
    assert ports_in_words(ports) == words
