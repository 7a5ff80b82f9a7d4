"""The launcher's end of the link, with instances in memory in the place of processes."""

import asyncio
import socket
from collections import deque
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from chat_service import link
from chat_service.link import Answer, InstanceNews, InstanceState, Refusal, Verb
from tests.admin.fake_instance import FakeInstance


class FakeLauncher:
    """Answers each Ask as the launcher would, with the news before the answer.

    `connection` is for the admin process. `refuse` holds refusals of the next asks; what is
    asked while `answers` is not set waits.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.instances: dict[int, FakeInstance] = {}
        self.news: dict[int, InstanceNews] = {}
        self.asks: list[link.Ask] = []
        self.refuse: deque[tuple[Refusal, str]] = deque()
        self.answers = asyncio.Event()
        self.answers.set()
        self._ours, self.connection = socket.socketpair()
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._ours.setblocking(False)
        self.connection.setblocking(False)
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._ours)
        self._begin(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        self.connection.close()

    def tell(self, message: link.Message) -> None:
        """Say something."""
        self._writer.write(link.encode(message))

    def say_raw(self, line: bytes) -> None:
        """Say what is no line of the link, perhaps."""
        self._writer.write(line)

    def end(self) -> None:
        """End the file, as a launcher that is gone."""
        self._writer.close()

    def now(self, number: int, **changes: object) -> InstanceNews:
        """Tell what has changed of an instance."""
        # Any field of the news: its own type is checked where it is made.
        news = replace(self.news[number], **changes)  # type: ignore[arg-type]
        self.news[number] = news
        self.tell(news)
        return news

    async def serve(self, port: int) -> FakeInstance:
        """Have one more instance, which serves."""
        number = max(self.news, default=0) + 1
        data_dir = self.directory / str(port)
        self.news[number] = InstanceNews(
            number, f"127.0.0.1:{port}", port, InstanceState.STARTING, 1, 0, 0, str(data_dir)
        )
        return await self._process(number)

    async def crash(self, number: int) -> None:
        """Have the process of an instance end by itself."""
        await self.instances.pop(number).__aexit__()
        self.now(number, state=InstanceState.WAITING, pid=0, problem="was killed")

    async def come_back(self, number: int) -> None:
        """Have the next process of an instance that crashed serve."""
        news = self.now(number, state=InstanceState.STARTING)
        self.news[number] = replace(news, restarts=news.restarts + 1)
        await self._process(number)

    async def _process(self, number: int) -> FakeInstance:
        news = self.news[number]
        instance = FakeInstance(news.port, Path(news.data_dir))
        await self._stack.enter_async_context(instance)
        self.instances[number] = instance
        self.now(number, state=InstanceState.SERVING, pid=instance.pid, problem="")
        return instance

    async def _end(self, number: int) -> None:
        await self.instances.pop(number).__aexit__()
        self.now(number, state=InstanceState.STOPPED, pid=0)

    def _begin(self, part: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(part)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear(self) -> None:
        while line := await self._reader.readline():
            ask = link.decode(line)
            assert isinstance(ask, link.Ask)
            self.asks.append(ask)
            self._begin(self._do(ask))

    async def _do(self, ask: link.Ask) -> None:
        await self.answers.wait()
        if self.refuse:
            refusal, words = self.refuse.popleft()
            self.tell(Answer(ask.number, refusal, words))
            return
        match ask.verb:
            case Verb.START:
                answer = await self._start(ask)
            case Verb.STOP:
                answer = await self._stop(ask)
            case Verb.RESTART:
                number = self._number(ask.port)
                await self._end(number)
                await self._process(number)
                answer = Answer(ask.number, instances=(number,))
            case Verb.RELOAD:
                answer = Answer(ask.number, applied=("log.level",), after_restart=("host",))
            case Verb.SHUTDOWN:
                self.tell(link.Stopping())
                answer = Answer(ask.number)
        self.tell(answer)

    async def _start(self, ask: link.Ask) -> Answer:
        ports = {news.port: news for news in self.news.values()}
        port = ask.port or max(ports) + 1
        if port not in ports:
            await self.serve(port)
        elif ports[port].state is InstanceState.STOPPED:
            await self._process(ports[port].number)
        else:
            words = f"port {port} has an instance"
            return Answer(ask.number, Refusal.INSTANCE_EXISTS, words)
        return Answer(ask.number, instances=(self._number(port),))

    async def _stop(self, ask: link.Ask) -> Answer:
        if ask.port and ask.port not in {news.port for news in self.news.values()}:
            words = f"no instance has port {ask.port}"
            return Answer(ask.number, Refusal.INSTANCE_NOT_FOUND, words)
        numbers = [self._number(ask.port)] if ask.port else sorted(self.instances)
        if ask.port and numbers[0] not in self.instances:
            return Answer(ask.number, Refusal.INSTANCE_NOT_RUNNING, f"{ask.port} does not run")
        for number in numbers:
            await self._end(number)
        return Answer(ask.number, instances=tuple(numbers))

    def _number(self, port: int) -> int:
        return next(news.number for news in self.news.values() if news.port == port)
