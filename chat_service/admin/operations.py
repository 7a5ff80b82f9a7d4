"""What an operator may do and see: the contract between `fleet` and its two faces.

All methods are called on the event loop. Each raises AdminError with one line for the person
where it cannot be done. Ports are those of instances; 0 is all that serve, where that is
allowed. Messages are those of the contract (`protos/chat/v1/admin.proto`).
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chat_protos.chat.v1 import admin_pb2 as pb


class AdminError(Exception):
    """It cannot be done. The text is one line; `reason` is the word of ErrorInfo."""

    def __init__(self, reason: str, line: str) -> None:
        super().__init__(line)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Keys of the configuration whose new values hold now, and those that wait for a restart."""

    applied: tuple[str, ...]
    after_restart: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the log; `port` is that of the instance, 0: the launcher's own."""

    port: int
    line: str


class Operations(Protocol):
    """All instances of one launcher."""

    @property
    def stopping(self) -> bool:
        """Whether everything is being stopped."""
        ...

    @property
    def sample_interval_s(self) -> float:
        """Seconds between two samples."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of the certificate that clients are shown; empty: nothing is encrypted."""
        ...

    def instances(self) -> list[pb.Instance]:
        """Return the instances by number, each with its last sample if it serves."""
        ...

    def samples(self, port: int) -> Sequence[pb.Sample]:
        """Return the samples of the last minutes, oldest first."""
        ...

    async def start(self, port: int) -> pb.Instance:
        """Start an instance (0: on the next port); return it when it serves."""
        ...

    async def stop(self, port: int) -> list[pb.Instance]:
        """Stop an instance (0: all that run); return those that are gone."""
        ...

    async def restart(self, port: int) -> pb.Instance:
        """Stop an instance and start it again; return it when it serves."""
        ...

    def users(self, port: int) -> AsyncIterator[pb.InstanceUser]:
        """Yield the users of an instance (0: all), by port and name.

        Of all: which ones did not answer is raised at the end, after the users of the others.
        """
        ...

    def rooms(self, port: int) -> AsyncIterator[pb.InstanceRoom]:
        """Yield the public rooms of an instance (0: all), by port and name; as `users`."""
        ...

    async def say(self, port: int, text: str) -> int:
        """Say something to everybody on an instance (0: all); return to how many clients.

        Of all: AdminError says which ones did not answer, and how many clients heard it.
        """
        ...

    async def kick(self, port: int, name: str, reason: str) -> pb.KickUserResponse:
        """End all sessions of a user."""
        ...

    async def owner_code(self, port: int) -> str:
        """Make a code by which an admin of an instance registers."""
        ...

    def export(self, port: int, room_name: str) -> AsyncIterator[pb.ExportRoomResponse]:
        """Yield the history of a public room."""
        ...

    async def figures(self, port: int) -> list[pb.Figure]:
        """Return what an instance has measured of itself."""
        ...

    async def reload(self) -> Reloaded:
        """Read the configuration again."""
        ...

    async def shutdown(self) -> None:
        """Begin to stop everything; a second call makes it quick."""
        ...

    def recent_log(self, port: int) -> list[Logged]:
        """Return the last lines of the log, of one instance or (0) of all; needs a console."""
        ...

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called after each change of instances or samples."""
        ...

    def watch_log(self, logged: Callable[[Logged], None]) -> None:
        """Have `logged` called with each line of the log from now on."""
        ...

    def watch_lines(self, shown: Callable[[str, str], None]) -> None:
        """Have `shown` called with each line that the operator is to see, those so far first.

        And with the line whose place it takes; "" for none.
        """
        ...
