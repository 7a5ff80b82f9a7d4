"""Signals as bytes."""

import signal

from chat_service.launcher.signals import NUMBERS, received
from tests.launcher.fakes import PATIENCE


def test_each_signal_is_one_byte() -> None:
    """Which signal came is told in the order of their coming; nothing else happens."""
    before = [signal.getsignal(number) for number in NUMBERS]
    with received() as numbers:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
        numbers.settimeout(PATIENCE)
        told = b""
        while len(told) < 4:
            told += numbers.recv(64)
    assert list(told) == [signal.SIGHUP, signal.SIGTERM, signal.SIGTERM, signal.SIGINT]
    assert [signal.getsignal(number) for number in NUMBERS] == before
