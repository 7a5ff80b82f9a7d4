"""The launcher, as the admin process sees it: what it tells, and what it is asked."""

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable

from chat_service import link
from chat_service.admin.operations import AdminError

logger = logging.getLogger(__name__)

READ_BYTES = 1 << 16

GONE = "the server is stopping"


class Launcher:
    """One end of the link, the other being the launcher's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[link.Answer]] = {}
        self._ended = False

    @classmethod
    async def connect(cls, connection: socket.socket) -> "Launcher":
        """Take over one of a pair of connected sockets."""
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        return cls(reader, writer)

    async def listen(self, told: Callable[[link.Message], None]) -> None:
        """Hear what is told until the end of the file; then refuse all that was asked.

        `told` is called with everything that is no answer, in the order in which it was said.
        """
        unread = b""
        try:
            while received := await self._receive():
                *lines, unread = (unread + received).split(b"\n")
                for line in lines:
                    self._hear(line, told)
        finally:
            self._ended = True
            self._writer.close()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(AdminError(link.Refusal.STOPPING, GONE))

    async def ask(self, verb: link.Verb, port: int = 0) -> link.Answer:
        """Return the answer, which comes when it is done. Raises AdminError if refused."""
        if self._ended:
            raise AdminError(link.Refusal.STOPPING, GONE)
        number = next(self._numbers)
        future: asyncio.Future[link.Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self._writer.write(link.encode(link.Ask(number, verb, port)))
            answer = await future
        finally:
            del self._asked[number]
        if answer.refusal is not link.Refusal.NONE:
            raise AdminError(answer.refusal, answer.line)
        return answer

    async def _receive(self) -> bytes:
        try:
            return await self._reader.read(READ_BYTES)
        except ConnectionError:
            return b""

    def _hear(self, line: bytes, told: Callable[[link.Message], None]) -> None:
        try:
            message = link.decode(line)
        except link.LinkError as error:
            logger.error("the launcher said what is not understood: %s", error)
            return
        if isinstance(message, link.Answer):
            answer = self._asked.get(message.number)
            if answer is not None and not answer.done():
                answer.set_result(message)
        else:
            told(message)
