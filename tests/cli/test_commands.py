"""`chat_cli.commands`: what was typed is said, run, doubted or put right."""

import pytest

from chat_cli.commands import (
    COMMANDS,
    Doubt,
    Invocation,
    Mistake,
    Nothing,
    Say,
    Typed,
    find,
    help_rows,
    parse,
    split_names,
    split_names_and_text,
)


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
        ("/kick bob\n", Mistake("There is no /kick. /help lists the commands. "
                                "A text that starts with / is sent with two: //text")),
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
    assert len(help_rows()) == len(COMMANDS)
    expected = {"help", "users", "rooms", "join", "leave", "topic", "msg", "dm", "me", "history"}
    assert {command.name for command in COMMANDS} == expected | {"quit"}


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
