"""`chat_service.admin.console.terminal`: a terminal that holds up nobody."""

import io
import os
import pty
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest
from prompt_toolkit.output.vt100 import Vt100_Output

from chat_service.admin.console.terminal import Writer, patient_output
from tests.cli.desk import DEADLINE


@pytest.fixture
def ends() -> Iterator[tuple[int, TextIO]]:
    """Give both ends of a pseudo-terminal: the person's, and the program's."""
    master, slave = pty.openpty()
    program = io.TextIOWrapper(io.FileIO(slave, "w"), "utf-8", write_through=True)
    try:
        yield master, program
    finally:
        # What nobody reads is thrown away with it, and a write that waits ends.
        os.close(master)
        program.close()


def read(master: int, size: int) -> bytes:
    """Read exactly so much."""
    octets = b""
    while len(octets) < size:
        octets += os.read(master, size - len(octets))
    return octets


def test_what_is_written_arrives_in_order(ends: tuple[int, TextIO]) -> None:
    """And is told when it has."""
    master, program = ends
    writer = Writer(program)
    drained = threading.Event()
    writer.drained = drained.set
    assert writer.idle
    assert writer.write("one ") == 4
    writer.write("zwölf")
    assert read(master, 10) == "one zwölf".encode()
    assert drained.wait(DEADLINE)
    writer.finish(DEADLINE)
    assert writer.idle


def test_a_terminal_that_takes_nothing_makes_nobody_wait(ends: tuple[int, TextIO]) -> None:
    """Neither while it is written to nor at the end; what it takes later is complete."""
    master, program = ends
    writer = Writer(program)
    # Ten times what the kernel keeps for a terminal.
    text = "x" * 1_000_000
    writer.write(text)
    writer.write("end")
    assert not writer.idle
    writer.finish(0.01)
    assert read(master, len(text) + 3) == (text + "end").encode()
    writer.finish(DEADLINE)
    assert writer.idle


def test_a_descriptor_that_does_not_block_is_no_obstacle(ends: tuple[int, TextIO]) -> None:
    """It belongs to other processes too, which may want it so."""
    master, program = ends
    os.set_blocking(program.fileno(), False)
    writer = Writer(program)
    text = "y" * 300_000
    writer.write(text)
    assert read(master, len(text)) == text.encode()
    writer.finish(DEADLINE)


def test_a_terminal_that_is_gone_is_written_to_in_vain() -> None:
    """Nothing is raised where nobody could do anything about it."""
    master, slave = pty.openpty()
    with io.TextIOWrapper(io.FileIO(slave, "w"), "utf-8", write_through=True) as program:
        os.close(master)
        writer = Writer(program)
        writer.write("to nobody")
        writer.write("and on")
        writer.finish(DEADLINE)
        assert writer.idle


def test_an_encoding_without_signs_gets_question_marks(ends: tuple[int, TextIO]) -> None:
    """As the terminal says that it reads."""
    master, program = ends
    writer = Writer(io.TextIOWrapper(io.FileIO(os.dup(program.fileno()), "w"), "ascii"))
    writer.write("● serving")
    assert read(master, 9) == b"? serving"
    writer.finish(DEADLINE)


def test_the_output_of_a_terminal_writes_so(ends: tuple[int, TextIO]) -> None:
    """With the terminal's own size."""
    _, program = ends
    output = patient_output(program)
    assert isinstance(output, Vt100_Output)
    assert isinstance(output.stdout, Writer)
    assert output.get_size().columns > 0
