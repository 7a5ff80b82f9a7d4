"""`chat_cli.commands`: what was typed is said, run, doubted or put right."""

from pathlib import Path

import pytest

from chat_cli.command_table import COMMANDS, TABLE
from chat_cli.commands import (
    Doubt,
    Invocation,
    Mistake,
    Nothing,
    Say,
    Typed,
    find,
    find_group,
    help_rows,
    needs_connection,
    needs_room,
    page,
    parse,
    split_names,
    split_names_and_text,
)
from chat_cli.dispatch import CALLS, STORIES


def invocation(name: str, argument: str = "") -> Invocation:
    """Make what running a command looks like."""
    command = find(name)
    assert command
    return Invocation(command, argument)


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("hello", Say("hello")),
        ("  hello  ", Say("  hello")),
        ("//etc is full", Say("/etc is full")),
        ("hello\n/quit\n/kick bob", Say("hello\n/quit\n/kick bob")),
        ("/quit\n/kick bob", Doubt("/quit\n/kick bob")),
        ("/kick bob\n", invocation("kick", "bob")),
        ("/kick bob\nor else", Doubt("/kick bob\nor else")),
        ("", Nothing()),
        (" \n ", Nothing()),
        ("/users", invocation("users")),
        ("/USERS all ", invocation("users", "all")),
        ("/q", invocation("quit")),
        ("/exit", invocation("quit")),
        ("/join   dev", invocation("join", "dev")),
        ("/me  waves ", invocation("me", "waves")),
        ("/me", Mistake("/me TEXT: say what you do: * alice waves")),
        ("/hlep", Mistake("There is no /hlep. Did you mean /help?")),
        ("/", Mistake("There is no /. /help lists the commands. "
                      "A text that starts with / is sent with two: //text")),
    ],
)  # fmt: skip
def test_lines_are_understood(line: str, typed: Typed) -> None:
    """Only a single line that starts with one slash is a command, and a wrong one sends nothing."""
    assert parse(line) == typed


def test_every_command_of_the_table_can_be_typed() -> None:
    """Names and aliases are found, and the help has a row for each."""
    for command in COMMANDS:
        for name in (command.name, *command.aliases):
            assert find(f"/{name.upper()}") is command
    rows = [row for group in TABLE for row in help_rows(group)]
    assert len(rows) == len(COMMANDS) == len({command.name for command in COMMANDS})


def test_every_command_is_done_by_somebody() -> None:
    """The client itself has these; all others ask the server, or the person too."""
    own = {"help", "users", "rooms", "join", "leave", "topic", "msg", "dm", "me", "history"}
    own |= {"numbers", "ignore", "unignore", "ignored", "quit"}
    names = {command.name for command in COMMANDS}
    assert set(CALLS) & set(STORIES) == set()
    assert names == own | set(CALLS) | set(STORIES)


def test_groups_are_found_by_name() -> None:
    """A slash before the word means the command of that name."""
    for group in TABLE:
        assert find_group(group.value.upper()) is group
    assert find_group("/rooms") is None
    assert find_group("join") is None


def test_the_page_of_commands_is_that_of_the_table() -> None:
    """`python -m chat_cli.commands > docs/commands.md` makes it."""
    path = Path(__file__).parents[2] / "docs" / "commands.md"
    assert path.read_text(encoding="utf-8") == page()
    assert page().count("| `/") == len(COMMANDS)


def test_names_are_split_at_commas() -> None:
    """Spaces and marks around them do not matter."""
    assert split_names("bob, @carol,,") == ("bob", "carol")
    assert split_names_and_text("bob,carol hi there") == (("bob", "carol"), "hi there")
    assert split_names_and_text("bob, carol  hi") == (("bob", "carol"), "hi")
    assert split_names_and_text("bob") == (("bob",), "")
    assert split_names_and_text("bob,") == (("bob",), "")


def test_a_space_before_a_command_is_asked_about() -> None:
    """It would tell everybody what was meant for one; what is no command is said."""
    assert parse(" /msg ann oops") == Doubt(" /msg ann oops")
    assert parse("  /usr/bin is a folder") == Say("  /usr/bin is a folder")


@pytest.mark.parametrize(
    ("line", "needs"),
    [("/create den", True), ("/join dev", True), ("/leave", True), ("/msg bob hi", False),
     ("/logout", False), ("/ignore bob", False), ("hello", False), ("/nonsense", False)],
)  # fmt: skip
def test_some_commands_need_a_server(line: str, needs: bool) -> None:
    """Texts do not: they wait until there is one."""
    assert needs_connection(parse(line)) is needs


@pytest.mark.parametrize(
    ("line", "needs"),
    [("hello", True), ("//etc", True), ("/me waves", True), ("/msg bob hi", False),
     ("/quit", False)],
)  # fmt: skip
def test_some_lines_are_said_in_a_room(line: str, needs: bool) -> None:
    """What is for people, and what is about the client, needs none."""
    assert needs_room(parse(line)) is needs
