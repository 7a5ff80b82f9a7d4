"""One use of a command that asks the server: what was typed, where, and whom to ask."""

from dataclasses import dataclass

from chat_cli import durations
from chat_cli.command_table import Command
from chat_cli.commands import Invocation, split_names, usage_of
from chat_cli.errors import ChatError
from chat_cli.model import ById, RoomKind
from chat_cli.ports import Connection
from chat_cli.rooms import Room
from chat_cli.state import ChatState


@dataclass(frozen=True, slots=True)
class Call:
    """What a command has to work with. `now_ms` is the time of day, since 1970-01-01 UTC."""

    state: ChatState
    connection: Connection
    command: Command
    argument: str
    now_ms: int
    # The room in which it was typed, if one was open: what follows may lead elsewhere.
    place: Room | None

    @classmethod
    def typed(
        cls, state: ChatState, connection: Connection, typed: Invocation, now_ms: int
    ) -> "Call":
        """Begin with what is typed now."""
        # A room that is not open yet must not be mistaken for the one before it.
        place = None if state.heading else state.room
        return cls(state, connection, typed.command, typed.argument, now_ms, place)

    @property
    def words(self) -> list[str]:
        """The argument, cut at its spaces."""
        return self.argument.split()

    @property
    def usage(self) -> str:
        """How the command is typed, and what it does."""
        return f"{usage_of(self.command)}: {self.command.summary}"

    @property
    def here(self) -> ById:
        """The current room. Raises ChatError where there is none, or a direct message."""
        return ById(self._room.room_id)

    @property
    def label(self) -> str:
        """What people call the current room. Raises ChatError as `here`."""
        return self._room.label(self.state.own_id)

    @property
    def _room(self) -> Room:
        room = self.place
        if room is None or room.kind is RoomKind.DIRECT:
            raise ChatError("That is for rooms, and you are in none. /join goes to one.")
        return room

    @property
    def name(self) -> str:
        """The argument as the name of somebody."""
        return self.argument.removeprefix("@")

    @property
    def names(self) -> tuple[str, ...]:
        """The argument as names. Raises ChatError if there is none."""
        names = split_names(self.argument)
        if not names:
            raise ChatError(self.usage)
        return names

    def name_and_reason(self) -> tuple[str, str]:
        """Read `NAME [REASON]`. Raises ChatError if the reason is too long."""
        name, _, reason = self.argument.partition(" ")
        most = self.state.limits.reason_bytes
        if len(reason.encode("utf-8", "replace")) > most:
            raise ChatError(f"A reason has at most {most} bytes.")
        return name.removeprefix("@"), reason.strip()

    def until(self, until_ms: int) -> str:
        """Say until when something holds, on the clock of this machine."""
        return durations.until(until_ms, self.now_ms, None)
