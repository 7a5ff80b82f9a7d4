"""The exit codes, the same for all commands."""

from enum import IntEnum


class Exit(IntEnum):
    """How the program ended."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3


def by_signal(number: int) -> int:
    """Give the exit code of a program that a signal ended."""
    return 128 + number
