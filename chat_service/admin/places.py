"""The instances that there are: what the launcher says of each, its samples, a channel to it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service.admin.operations import AdminError
from chat_service.admin.remote import CALL_S, UNAVAILABLE, Remote, target_of
from chat_service.admin.samples import History
from chat_service.link import InstanceNews, InstanceState, Refusal

STATES = {
    InstanceState.STARTING: pb.INSTANCE_STATE_STARTING,
    InstanceState.SERVING: pb.INSTANCE_STATE_SERVING,
    InstanceState.WAITING: pb.INSTANCE_STATE_WAITING,
    InstanceState.STOPPING: pb.INSTANCE_STATE_STOPPING,
    InstanceState.STOPPED: pb.INSTANCE_STATE_STOPPED,
}

SILENT = "its process runs, and does not answer"
"""The problem of an instance that serves as far as the launcher can tell, and is frozen."""


DISK_FULL = "its disk is full: posts are refused"
"""The problem of an instance that serves and cannot store what is said."""

SILENT_CALL_S = 2.0
"""How long to wait for one that did not answer: it may have come back since."""


class Place:
    """One instance, whichever process it has."""

    def __init__(self, news: InstanceNews) -> None:
        self.news = news
        self.history = History()
        # While it serves.
        self.remote: Remote | None = None

    @property
    def problem(self) -> str:
        """Why it does not serve as it should, in one line; empty if it does, or was stopped."""
        if self.news.problem or self.remote is None:
            return self.news.problem
        if not self.answers:
            return SILENT
        return DISK_FULL if self.history.disk_full(self.news.pid) else ""

    @property
    def answers(self) -> bool:
        """Whether it serves, and answered when it was looked at last, if it was."""
        return self.remote is not None and not self.history.silent(self.news.pid)

    @property
    def patience_s(self) -> float:
        """Seconds to wait for its answer."""
        return SILENT_CALL_S if self.history.silent(self.news.pid) else CALL_S

    def serving(self) -> Remote:
        """Return the channel to it. Raises AdminError where it does not serve."""
        if self.remote is None:
            raise AdminError(UNAVAILABLE, f"{self.news.address} is {self.news.state}")
        return self.remote

    def shown(self) -> pb.Instance:
        """Return how it is."""
        news = self.news
        return pb.Instance(
            number=news.number,
            address=news.address,
            port=news.port,
            state=STATES[news.state],
            since_ms=news.since_ms,
            restarts=news.restarts,
            pid=news.pid,
            data_directory=news.data_dir,
            problem=self.problem,
            sample=self.history.last_of(news.pid) if self.answers else None,
        )


class Places:
    """All of them. `base` is the working directory of this process."""

    def __init__(self, base: Path, connect: Callable[[str, str], Remote] = Remote) -> None:
        self._base = base
        self._connect = connect
        self._places: dict[int, Place] = {}
        # Channels that are being closed.
        self._closing: set[asyncio.Task[None]] = set()

    def learn(self, news: InstanceNews) -> None:
        """Take what the launcher says of an instance in the place of what it said before."""
        place = self._places.get(news.number)
        if place is None:
            place = self._places[news.number] = Place(news)
        serves = news.state is InstanceState.SERVING
        if place.remote is not None and (not serves or news.pid != place.news.pid):
            self._disconnect(place)
        place.news = news
        if serves and place.remote is None:
            target = target_of(Path(news.data_dir), self._base)
            place.remote = self._connect(news.address, target)

    def forget(self, number: int) -> None:
        """Let go of an instance that is no more."""
        place = self._places.pop(number, None)
        if place is not None and place.remote is not None:
            self._disconnect(place)

    def __iter__(self) -> Iterator[Place]:
        """Give all by number."""
        return iter([self._places[number] for number in sorted(self._places)])

    def at(self, port: int) -> Place:
        """Return the instance that has a port. Raises AdminError."""
        for place in self:
            if port and place.news.port == port:
                return place
        raise AdminError(Refusal.INSTANCE_NOT_FOUND, f"no instance has port {port}")

    def numbered(self, number: int) -> Place | None:
        """Return the instance of a number, if it is there."""
        return self._places.get(number)

    def serving(self, port: int) -> list[Place]:
        """Return the instance of a port, or (0) all that serve, by port. Raises AdminError."""
        if not port:
            found = [place for place in self if place.remote is not None]
            return sorted(found, key=lambda place: place.news.port)
        place = self.at(port)
        place.serving()
        return [place]

    async def close(self) -> None:
        """Close all channels."""
        for place in self:
            if place.remote is not None:
                self._disconnect(place)
        await asyncio.gather(*self._closing)

    def _disconnect(self, place: Place) -> None:
        assert place.remote is not None
        task = asyncio.ensure_future(place.remote.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        place.remote = None


def unanswered(ports: Sequence[int]) -> str:
    """Tell in one line which instances did not answer."""
    return f"{', '.join(map(str, ports))} {'does' if len(ports) == 1 else 'do'} not answer"
