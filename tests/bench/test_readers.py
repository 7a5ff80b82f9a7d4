"""The process of readers: who is there, who is cut off, and how the processes agree."""

import pytest

from bench import load
from bench.load import LoadError, Readers, Senders
from bench.workloads.fan_out import complete
from tests.bench.fakes import Client, FakeIrc


class FullIrc(FakeIrc):
    """Refuses the second client."""

    def line(self, client: Client, line: bytes) -> None:
        if line.startswith(b"USER r0-1 "):
            client.send(b":here 433 * r0-1 :Nickname is already in use\r\n")
        else:
            super().line(client, line)


def test_readers_of_several_processes_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process goes on only when it was told of the readers of the others too."""
    monkeypatch.setattr(load, "READERS_OF_A_PROCESS", 2)
    with (
        FakeIrc() as server,
        Readers(server, "busy", 3, streams=1) as readers,
        Senders(server, "busy", 1) as senders,
    ):
        assert len(readers.workers) == 2
        sent = senders.send(seconds=5.0, count=10, window=4)
        complete(readers.wait_events(10, 10.0), sent)


def test_refused_reader_voids_the_measurement() -> None:
    """A reader that is not let in ends the wait at once, with the server's words."""
    with FullIrc() as server, pytest.raises(LoadError, match="433"):
        Readers(server, "busy", 3, streams=1).__enter__()


def test_reader_that_is_cut_off_is_counted() -> None:
    """A connection that the server closes counts as cut, and voids the measurement."""
    with (
        FakeIrc() as server,
        Readers(server, "busy", 2, streams=1) as readers,
        Senders(server, "busy", 1) as senders,
    ):
        server.close(1)
        sent = senders.send(seconds=5.0, count=1, window=1)
        crowd = readers.wait_events(1, 1.0)
        assert crowd.cut == 1
        with pytest.raises(LoadError, match="1 are cut off"):
            complete(crowd, sent)
