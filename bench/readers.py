"""A process of subscribers: `python -m bench.readers CONFIG`, told what to do on stdin.

A few of the subscribers, the witnesses, decode all that they get: they prove that the
events are complete and in order, and take the time from post to delivery. The others
count bytes. All subscribers of a room are sent the same bytes, so one that has as many as
the witness, ending in the same way, has every event.
"""

import selectors
import time
from collections import deque

from bench.posix import allow_many_files
from bench.rpc import RECEIVE_BYTES
from bench.wires import WIRES
from bench.wires.wire import Connection, ReadersConfig, Subscriber
from bench.worker import Line, Lines, answer, run

# Presence is told every 0.25 s: after that long without a byte nothing more comes. If it
# does, it comes to all alike.
QUIET_S = 0.3
# A wait ends early when this long nothing has come: something is missing then.
STALLED_S = 5.0


class Readers:
    """The subscribers of this process, and their loop."""

    def __init__(self, config: ReadersConfig, lines: Lines) -> None:
        self._config = config
        self._selector = selectors.DefaultSelector()
        self._lines = lines
        self._selector.register(self._lines, selectors.EVENT_READ)
        self._connections: list[Connection] = []
        self._readers: list[Subscriber] = []
        self._last_data_s = time.monotonic()
        self._orders: deque[Line] = deque()
        self._wanted = True

    def run(self) -> None:
        """Sign in, then do what the lines say until they end."""
        self._sign_in()
        while self._wanted:
            while not self._orders and self._wanted:
                self._step()
            if self._orders:
                order = self._orders.popleft()
                if order["do"] == "settle":
                    answer(self._settle(order["present"], order["timeout_s"]))
                elif order["do"] == "wait":
                    answer(self._wait(order["events"], order["timeout_s"]))
        for connection in self._connections:
            connection.close()

    def _sign_in(self) -> None:
        config = self._config
        buffer = memoryview(bytearray(RECEIVE_BYTES))
        subscribers = WIRES[config.wire].subscribers(config, buffer, self._watch)
        signing_in: deque[Subscriber] = deque()
        while len(self._readers) < config.count and self._wanted:
            while signing_in and (signing_in[0].live or signing_in[0].tally.cut):
                signing_in.popleft()
            if len(signing_in) >= config.at_once:
                self._step()
                continue
            index = len(self._readers)
            reader = subscribers.open(index, is_witness=index % config.witness_every == 0)
            self._readers.append(reader)
            signing_in.append(reader)

    def _watch(self, connection: Connection) -> None:
        self._connections.append(connection)
        self._selector.register(connection, selectors.EVENT_READ, connection)

    def _step(self, timeout_s: float | None = None) -> None:
        """Read whatever has arrived; wait for it if need be."""
        for key, _ in self._selector.select(timeout_s):
            connection = key.data
            if connection is None:
                lines = self._lines.read()
                self._wanted = lines is not None
                self._orders += lines or ()
                continue
            connection.read()
            self._last_data_s = time.monotonic()
            if not connection.is_open:
                self._selector.unregister(connection)

    def _settle(self, present: int, timeout_s: float) -> Line:
        """Wait until all is told of who is there; then all begin to count."""
        deadline = time.monotonic() + timeout_s
        settled = False
        while (
            not settled
            and self._wanted
            and time.monotonic() < deadline
            and not any(reader.tally.cut for reader in self._readers)
        ):
            self._step(QUIET_S / 10)
            settled = (
                time.monotonic() - self._last_data_s >= QUIET_S
                and all(
                    reader.live and reader.present in (present, None) for reader in self._readers
                )
                and all(reader.count() for reader in self._readers)
            )
        return self._report() | {"settled": settled}

    def _wait(self, events: int, timeout_s: float) -> Line:
        """Wait until all readers have so many events since they count."""
        began = time.monotonic()
        witness = self._readers[0].tally
        while self._wanted and (witness.events < events or self._behind()):
            now = time.monotonic()
            if now > began + timeout_s or now > max(began, self._last_data_s) + STALLED_S:
                break
            self._step(0.05)
        return self._report()

    def _behind(self) -> int:
        """Return how many readers do not have exactly what the witness has."""
        witness = self._readers[0].tally
        return sum(reader.tally.differs(witness) for reader in self._readers)

    def _report(self) -> Line:
        tallies = [reader.tally for reader in self._readers]
        cut = [tally.cut for tally in tallies if tally.cut]
        return {
            "live": sum(reader.live and not reader.tally.cut for reader in self._readers),
            "cut": len(cut),
            "why": cut[0] if cut else "",
            "behind": self._behind(),
            "events": min(tally.events for tally in tallies if tally.is_witness),
            "bytes": sum(tally.size for tally in tallies),
            "last_ns": int(self._last_data_s * 1e9),
            "delays_us": [
                delay for tally in tallies if tally.is_witness for delay in tally.delays_us
            ],
        }


def work(config: ReadersConfig, lines: Lines) -> None:
    """Sign all in, then do what the lines say until they end."""
    allow_many_files()
    Readers(config, lines).run()


if __name__ == "__main__":
    run(ReadersConfig, work)
