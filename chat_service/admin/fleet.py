"""All instances of one launcher: does what `operations` promises.

What it knows comes from the launcher. What it is told to do goes to the launcher where it is
about processes, and to the instance itself where it is about those who are connected.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Protocol

from google.protobuf.message import Message

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_service import link
from chat_service.admin import listing
from chat_service.admin.listing import Page
from chat_service.admin.operations import AdminError, Logged, Reloaded
from chat_service.admin.places import Place, Places, unanswered
from chat_service.admin.recent import RecentLog
from chat_service.admin.remote import UNAVAILABLE
from chat_service.config import AdminConfig


class Asking(Protocol):
    """What the fleet needs of the launcher."""

    async def ask(self, verb: link.Verb, port: int = 0) -> link.Answer:
        """Return the answer, which comes when it is done. Raises AdminError if refused."""
        ...


class Fleet:
    """Implements Operations. `hear` is to get whatever the launcher tells."""

    def __init__(self, launcher: Asking, config: AdminConfig) -> None:
        self._launcher = launcher
        self.config = config
        self.places = Places(Path.cwd())
        self._stopping = False
        self._log = RecentLog()
        self._watchers: list[Callable[[], None]] = []
        self._log_watchers: list[Callable[[Logged], None]] = []
        self._shown: list[str] = []
        self._line_watchers: list[Callable[[str, str], None]] = []
        self._config_watchers: list[Callable[[AdminConfig], None]] = []

    def hear(self, message: link.Message) -> None:
        """Learn what the launcher tells."""
        match message:
            case link.InstanceNews():
                self.places.learn(message)
            case link.InstanceGone(number):
                self.places.forget(number)
            case link.LogLine(number, line):
                self._logged(number, line)
                return
            case link.Shown(line, instead):
                link.replace_line(self._shown, line, instead)
                for watcher in self._line_watchers:
                    watcher(line, instead)
                return
            case link.Configured(text):
                self.config = AdminConfig.from_json(text)
                for configured in self._config_watchers:
                    configured(self.config)
            case link.Stopping():
                self._stopping = True
        self.changed()

    def changed(self) -> None:
        """Tell those who watch that instances or samples have changed."""
        for watcher in self._watchers:
            watcher()

    @property
    def stopping(self) -> bool:
        """Whether everything is being stopped."""
        return self._stopping

    @property
    def sample_interval_s(self) -> float:
        """Seconds between two samples."""
        return self.config.stats_interval_s

    @property
    def fingerprint(self) -> str:
        """Of the certificate that clients are shown; empty: nothing is encrypted."""
        return self.config.fingerprint

    def instances(self) -> list[pb.Instance]:
        """Return the instances by number, each with its last sample if it serves."""
        return [place.shown() for place in self.places]

    def samples(self, port: int) -> Sequence[pb.Sample]:
        """Return the samples of the last minutes, oldest first."""
        return self.places.at(port).history.samples()

    def statistics(self, port: int) -> list[pb.InstanceSamples]:
        """Return the samples of an instance, or (0) of all by number."""
        places = [self.places.at(port)] if port else self.places
        return [
            pb.InstanceSamples(instance=place.shown(), samples=place.history.samples())
            for place in places
        ]

    async def start(self, port: int) -> pb.Instance:
        """Start an instance (0: on the next port); return it when it serves."""
        return self._one(await self._launcher.ask(link.Verb.START, port))

    async def stop(self, port: int) -> list[pb.Instance]:
        """Stop an instance (0: all that run); return those that are gone."""
        return self._named(await self._launcher.ask(link.Verb.STOP, port))

    async def restart(self, port: int) -> pb.Instance:
        """Stop an instance and start it again; return it when it serves."""
        # The launcher would take 0 for something else.
        self.places.at(port)
        return self._one(await self._launcher.ask(link.Verb.RESTART, port))

    def users(self, port: int) -> AsyncIterator[pb.InstanceUser]:
        """Yield the users of an instance (0: all), by port and name."""
        return listing.walk(self.places, port, _users)

    def rooms(self, port: int) -> AsyncIterator[pb.InstanceRoom]:
        """Yield the public rooms of an instance (0: all), by port and name."""
        return listing.walk(self.places, port, _rooms)

    async def users_page(self, port: int, size: int, token: str) -> Page[pb.InstanceUser]:
        """Return a page of the same list, of `size` users; "" is the first one's token."""
        return await listing.page(self.places, port, size, token, _users)

    async def rooms_page(self, port: int, size: int, token: str) -> Page[pb.InstanceRoom]:
        """Return a page of the same list, of `size` rooms; "" is the first one's token."""
        return await listing.page(self.places, port, size, token, _rooms)

    async def say(self, port: int, text: str) -> int:
        """Say something to everybody on an instance (0: all); return to how many clients.

        Whoever can be reached hears it, also where an instance does not answer; then
        AdminError says which one.
        """
        places = self.places.serving(port)
        answers = await asyncio.gather(
            *(place.serving().say(place.news.port, text, place.patience_s) for place in places),
            return_exceptions=True,
        )
        heard = 0
        silent = []
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, AdminError) and answer.reason == UNAVAILABLE:
                silent.append(place.news.port)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                heard += answer
        if not silent:
            return heard
        said = f"said to {heard} {'client' if heard == 1 else 'clients'}; "
        nobody = len(silent) == len(places)
        raise AdminError(UNAVAILABLE, ("" if nobody else said) + unanswered(silent))

    async def kick(self, port: int, name: str, reason: str) -> pb.KickUserResponse:
        """End all sessions of a user."""
        return await self.places.at(port).serving().kick(port, name, reason)

    async def owner_code(self, port: int) -> str:
        """Make a code by which an admin of an instance registers."""
        request = pb.CreateOwnerCodeRequest(port=port)
        answer = await self.pass_on("CreateOwnerCode", port, request)
        assert isinstance(answer, pb.CreateOwnerCodeResponse)
        return answer.code

    async def pass_on(self, method: str, port: int, request: Message) -> Message:
        """Return what the instance of a port answers to a unary call."""
        return await self.places.at(port).serving().pass_on(method, request)

    def export(self, port: int, room_name: str) -> AsyncGenerator[pb.ExportRoomResponse, None]:
        """Yield the history of a public room."""
        return self.places.at(port).serving().export(port, room_name)

    async def figures(self, port: int) -> list[pb.Figure]:
        """Return what an instance has measured of itself."""
        return await self.places.at(port).serving().figures(port)

    async def reload(self) -> Reloaded:
        """Read the configuration again."""
        answer = await self._launcher.ask(link.Verb.RELOAD)
        return Reloaded(answer.applied, answer.after_restart)

    async def shutdown(self) -> None:
        """Begin to stop everything; a second call makes it quick."""
        await self._launcher.ask(link.Verb.SHUTDOWN)

    def recent_log(self, port: int) -> list[Logged]:
        """Return the last lines of the log, of one instance or (0) of all; needs a console."""
        return self._log.lines(port)

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called after each change of instances or samples."""
        self._watchers.append(changed)

    def watch_log(self, logged: Callable[[Logged], None]) -> None:
        """Have `logged` called with each line of the log from now on."""
        self._log_watchers.append(logged)

    def watch_lines(self, shown: Callable[[str, str], None]) -> None:
        """Have `shown` called with each line for the operator, and the one that it replaces."""
        for line in self._shown:
            shown(line, "")
        self._line_watchers.append(shown)

    def watch_config(self, configured: Callable[[AdminConfig], None]) -> None:
        """Have `configured` called with each new configuration of this process."""
        self._config_watchers.append(configured)

    def _logged(self, number: int, line: str) -> None:
        place = self.places.numbered(number)
        logged = Logged(place.news.port if place else 0, line)
        self._log.add(logged)
        for watcher in self._log_watchers:
            watcher(logged)

    def _named(self, answer: link.Answer) -> list[pb.Instance]:
        places = map(self.places.numbered, answer.instances)
        return [place.shown() for place in places if place]

    def _one(self, answer: link.Answer) -> pb.Instance:
        for instance in self._named(answer):
            return instance
        raise AdminError(UNAVAILABLE, "the instance is gone again")


def unready(fleet: Fleet) -> list[str]:
    """Return a line for each instance that should serve and does not; none: all serve.

    One whose disk is full serves: people read, and whoever sends them elsewhere helps nobody.
    """
    if fleet.stopping:
        return ["the server is stopping"]
    lines = []
    for place in fleet.places:
        stopped_as_asked = place.news.state is link.InstanceState.STOPPED and not place.problem
        if not stopped_as_asked and (not place.answers or place.news.problem):
            lines.append(f"{place.news.address} {place.news.state}: {place.problem}".rstrip(": "))
    if not lines and not any(place.remote for place in fleet.places):
        return ["no instance serves"]
    return lines


async def _users(place: Place, size: int, token: str) -> Page[pb.InstanceUser]:
    port = place.news.port
    request = pb.ListInstanceUsersRequest(port=port, page_size=size, page_token=token)
    response = await place.serving().users(request, place.patience_s)
    return Page(list(response.users), response.next_page_token)


async def _rooms(place: Place, size: int, token: str) -> Page[pb.InstanceRoom]:
    port = place.news.port
    request = pb.ListInstanceRoomsRequest(port=port, page_size=size, page_token=token)
    response = await place.serving().rooms(request, place.patience_s)
    return Page(list(response.rooms), response.next_page_token)
