"""Interrupts of the benchmark."""

import os
import signal
from collections.abc import Iterator

import pytest

from bench import interrupts


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    interrupts.install()
    yield
    for number, former in before:
        signal.signal(number, former)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_interrupts(number: signal.Signals) -> None:
    """Both signals raise KeyboardInterrupt at once."""
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


def test_held_interrupt_comes_at_the_end_of_the_outermost_block() -> None:
    """What is started in the block is known when the interrupt comes, and it comes once."""
    started = []

    def start() -> None:
        with interrupts.held():
            with interrupts.held():
                os.kill(os.getpid(), signal.SIGINT)
                started.append("inner")
            started.append("outer")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert started == ["inner", "outer"]
    with interrupts.held():
        pass
