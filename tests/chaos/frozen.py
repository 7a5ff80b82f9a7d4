"""Readers that do not read: a program that is stopped, and connections that nobody reads."""

import asyncio
import json
import random
import struct
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.http2 import FIRST_WINDOW, PREFACE, SETTINGS_INITIAL_WINDOW, Kind, frame
from bench.rpc import RECEIVE_BYTES, Caller, Link, WholeMessages, framed
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.chaos.client import Client
from tests.chaos.load import PATIENCE
from tests.chaos.record import Record

ROOT = Path(__file__).parents[2]

NARROW, WIDE = FIRST_WINDOW, 4 << 20
"""Windows: what HTTP/2 begins with, and as much as clients of gRPC go up to."""

FLOOD_BYTES = 1 << 26
"""As wide are the windows of a reader that reads again."""

_SERVICE = "/chat.v1.ChatService/"


class Unread:
    """A Subscribe to one room, on a connection that nobody reads once it is live."""

    def __init__(self, address: str, name: str, room: str, window: int) -> None:
        self.events: list[int] = []
        # How the stream ended, in the words of its trailers.
        self.ended = ""
        self.window = window
        self._room = room
        with Caller(address) as caller:
            request = pb.JoinRequest(name=name, room=room).SerializeToString()
            joined = caller.call(f"{_SERVICE}Join", "", request)
        self._token = pb.JoinResponse.FromString(joined).token
        self._address = address
        self._is_live = False
        self._link = self._open(window)
        while not self._is_live:
            self._link.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._link.close()

    def catch_up(self) -> str:
        """Read what had been sent; come back and resume; return how the first stream ended."""
        for number in (0, self._number):
            self._link.connection.outgoing += _window_update(number, FLOOD_BYTES)
        self._link.flush()
        while not self.ended and self._link.is_open:
            self._link.read()
        how, self.ended = self.ended, ""
        self._link.close()
        self._is_live = False
        self._link = self._open(FLOOD_BYTES)
        while not self._is_live:
            self._link.read()
        return how

    def _open(self, window: int) -> Link:
        link = Link(self._address, memoryview(bytearray(RECEIVE_BYTES)), timeout_s=PATIENCE)
        wider = struct.pack(">HI", SETTINGS_INITIAL_WINDOW, window)
        link.connection.outgoing[:] = PREFACE + frame(Kind.SETTINGS, 0, 0, wider)
        if window > FIRST_WINDOW:
            link.connection.outgoing += _window_update(0, window - FIRST_WINDOW)
        position = pb.RoomPosition(room=pb.RoomTarget(room_name=self._room))
        if self.events:
            position.after_seq = self.events[-1]
        request = pb.SubscribeRequest(rooms=[position]).SerializeToString()
        sink = WholeMessages(self._take, self._end)
        self._number = link.call(f"{_SERVICE}Subscribe", self._token, sink)
        link.connection.send(self._number, framed(request), end=True)
        link.flush()
        return link

    def _take(self, message: bytes) -> None:
        for item in pb.SubscribeResponse.FromString(message).items:
            if item.HasField("event"):
                self.events.append(item.event.seq)
            self._is_live = self._is_live or item.HasField("live")

    def _end(self, how: str) -> None:
        self.ended = how or "without trailers"


def _window_update(number: int, more: int) -> bytes:
    return frame(Kind.WINDOW_UPDATE, 0, number, struct.pack(">I", more))


class Stopped:
    """A client in a process of its own, which can be stopped where it is, and go on."""

    def __init__(self, address: str, name: str, room: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.frozen", address, name, room],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.process = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def told(self, *, position: int) -> dict[str, object]:
        """Wait until it is live at a position or beyond; return what it saw."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"%d\n" % position)
        self._process.stdin.flush()
        told: dict[str, object] = json.loads(self._process.stdout.readline())
        return told


async def _read(address: str, name: str, room: str) -> None:
    """Read a room; for each line, a position, wait for it and tell what was seen."""
    record = Record()
    loop = asyncio.get_running_loop()
    async with Client(address, name, room, record=record, chance=random.Random(1)) as client:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            while not (client.is_live and client.position >= int(line)):  # noqa: ASYNC110  # a client has no event for it
                await asyncio.sleep(0.01)
            print(
                json.dumps(
                    {
                        "position": client.position,
                        "ends": dict(client.ends),
                        "breaches": dict(record.breaches),
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    asyncio.run(_read(*sys.argv[1:]))
