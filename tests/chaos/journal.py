"""What a server did to its files and when: recorded by an interposed library, journal.c.

    Journal    compiles the library, gives a server the environment that loads it, and
               reads the record
    Disk       what the record leaves of the files when the power is cut
    Commits    the transactions in the writes of an SQLite write-ahead log

The model of a power cut: of a file, what was written before its last completed sync is
there; of what was written after it, nothing (`survivors`), or any part by sectors of 512
bytes (`torn`). A file that was made or removed is so only after a sync of its directory,
or perhaps. The index of the write-ahead log (-shm) is written through memory, which is not
recorded; each start makes it again. What is not modelled is a disk that says that it has
synced and has not.
"""

import random
import re
import struct
import subprocess
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

SECTOR = 512

_SOURCE = Path(__file__).with_name("journal.c")
# Kind, sizes of path and data, offset, begin and end in ns; as in journal.c.
_HEAD = struct.Struct("=IIQqqq")

_WAL_HEADER = 32
_FRAME_HEADER = 24


class Kind(Enum):
    """What was done."""

    WRITE = "w"
    TRUNCATE = "t"
    SYNC = "s"
    SYNC_DIRECTORY = "d"
    CREATE = "c"
    UNLINK = "u"
    SEND = "n"


class Call(NamedTuple):
    """One call that succeeded, in the order in which calls returned."""

    kind: Kind
    # The name of the file, without its directory; empty for a send.
    name: str
    # Of a write; the new size of a truncate.
    offset: int
    data: bytes
    # By the monotonic clock that all processes of a machine share, in ns.
    begin_ns: int
    end_ns: int


class Journal:
    """The record of the servers that are started with `environment`, under `directory`."""

    def __init__(self, workplace: Path, directory: Path) -> None:
        """Compile the library into `workplace`; the data of the servers is in `directory`."""
        self._library = workplace / "journal.so"
        self._record = workplace / "journal"
        self._fault = workplace / "fault"
        self._directory = directory.resolve()
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SOURCE), "-ldl"],
            check=True,
            timeout=60,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to be recorded."""
        return {
            "LD_PRELOAD": str(self._library),
            "CHAT_JOURNAL": str(self._record),
            "CHAT_JOURNAL_DIR": str(self._directory),
            "CHAT_JOURNAL_FAULT": str(self._fault),
        }

    def breaks(self, kind: Kind, suffix: str, error_number: int) -> None:
        """Have calls on files whose names end so fail from now on."""
        made = self._fault.with_suffix(".new")
        made.write_text(f"{kind.value} {suffix} {error_number}")
        made.rename(self._fault)

    def mends(self) -> None:
        """Have no call fail any more."""
        self._fault.unlink()

    def calls(self) -> list[Call]:
        """Return all that was recorded."""
        return list(parse(self._record.read_bytes()))


def parse(record: bytes) -> Iterator[Call]:
    """Give the calls of a record; one that was cut off at its end is left out."""
    place = 0
    while place + _HEAD.size <= len(record):
        kind, path_size, data_size, offset, begin_ns, end_ns = _HEAD.unpack_from(record, place)
        place += _HEAD.size
        path = record[place : place + path_size].decode()
        place += path_size
        data = record[place : place + data_size]
        place += data_size
        if place <= len(record):
            yield Call(Kind(chr(kind)), Path(path).name, offset, data, begin_ns, end_ns)


class _File:
    """What is on the disk for certain, and what was done since the last sync."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.pending: list[Call] = []

    def sync(self) -> None:
        for call in self.pending:
            _apply(self.synced, call)
        self.pending.clear()

    def torn(self, under_way: list[Call], chance: random.Random) -> bytes:
        """Return it with some of the sectors that were written since."""
        content = bytearray(self.synced)
        share = chance.choice((0.1, 0.5, 0.9, 1.0))
        for call in [*self.pending, *under_way]:
            for part in _sectors(call):
                if chance.random() < share:
                    _apply(content, part)
        return bytes(content)


class Disk:
    """The files of one directory, as a power cut would leave them after the calls so far."""

    def __init__(self) -> None:
        # By name: what programs see, and what is in the directory for certain.
        self._seen: dict[str, _File] = {}
        self._kept: dict[str, _File] = {}

    def apply(self, call: Call) -> None:
        """Take in the next call."""
        match call.kind:
            case Kind.CREATE:
                self._seen[call.name] = _File()
            case Kind.UNLINK:
                self._seen.pop(call.name, None)
            case Kind.WRITE | Kind.TRUNCATE:
                self._seen[call.name].pending.append(call)
            case Kind.SYNC:
                self._seen[call.name].sync()
            case Kind.SYNC_DIRECTORY:
                self._kept = dict(self._seen)
            case Kind.SEND:
                pass

    def survivors(self) -> dict[str, bytes]:
        """Return only what was synced, by name."""
        return {name: bytes(file.synced) for name, file in self._kept.items()}

    def torn(self, under_way: Call | None, chance: random.Random) -> dict[str, bytes]:
        """Return what was synced, and by chance some of what was not, the call under way too."""
        found = {}
        for name in sorted(self._seen.keys() | self._kept.keys()):
            file = chance.choice((self._seen, self._kept)).get(name)
            if file is None:
                continue
            part = []
            # Of two files of one name, programs write into the newer.
            if under_way is not None and under_way.name == name and file is self._seen.get(name):
                part = [under_way] if under_way.kind in (Kind.WRITE, Kind.TRUNCATE) else []
            found[name] = file.torn(part, chance)
        return found


def _sectors(call: Call) -> Iterator[Call]:
    """Give the parts of a write that a disk writes whole or not at all."""
    begin, end = call.offset, call.offset + len(call.data)
    if call.kind is Kind.TRUNCATE:
        yield call
    while begin < end:
        cut = min(end, (begin // SECTOR + 1) * SECTOR)
        yield call._replace(offset=begin, data=call.data[begin - call.offset : cut - call.offset])
        begin = cut


def _apply(content: bytearray, call: Call) -> None:
    if call.kind is Kind.TRUNCATE:
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
        return
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data


class Commits:
    """In which transaction of the write-ahead log each post was written, and what followed.

    `posts` matches the ids of posts as they stand in a page and in a frame of gRPC.
    """

    def __init__(self, calls: list[Call], posts: re.Pattern[bytes]) -> None:
        # When the sync that made a post durable had ended; no sync followed: not there.
        self.durable_ns: dict[str, int] = {}
        # When the first bytes that name a post began to leave for a client.
        self.left_ns: dict[str, int] = {}
        # How many transactions were written, and how many syncs the log had.
        self.count = 0
        self.syncs = 0
        written: dict[str, None] = {}
        committed: dict[str, None] = {}
        is_last = False
        for call in calls:
            if call.kind is Kind.SEND:
                for post_id in _named(posts, call.data):
                    self.left_ns.setdefault(post_id, call.begin_ns)
            elif not call.name.endswith("-wal"):
                continue
            elif call.kind is Kind.SYNC:
                self.syncs += 1
                for post_id in committed:
                    self.durable_ns.setdefault(post_id, call.end_ns)
                committed.clear()
            elif call.kind is Kind.WRITE and call.offset >= _WAL_HEADER:
                if len(call.data) == _FRAME_HEADER:
                    # The size of the file after the transaction: in its last frame alone.
                    is_last = call.data[4:8] != bytes(4)
                    continue
                written |= dict.fromkeys(_named(posts, call.data))
                if is_last:
                    self.count += 1
                    committed |= written
                    written.clear()


def _named(posts: re.Pattern[bytes], data: bytes) -> list[str]:
    return [found.decode() for found in posts.findall(data)]
