"""What the client needs from the two shells at its sides: a screen and a connection."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

from chat_cli.account import Account, AccountCalls
from chat_cli.membership import RoomCalls
from chat_cli.model import RoomEvent, RoomInfo, Target, User
from chat_cli.moderation import ModerationCalls
from chat_cli.pending import Found
from chat_cli.render import Line
from chat_cli.scrollback import Change


class Secret(Enum):
    """What a hidden answer is: whoever cannot be asked may have put it into a file."""

    PASSWORD = "the password"
    NEW_PASSWORD = "the new password"
    CODE = "the code"
    ROOM_PASSWORD = "the password of the room"
    TOKEN = "the token"


class Questions(Protocol):
    """Questions to the person, one after the other, until they are closed.

    What is typed meanwhile answers them and is nothing else, also between an answer and the
    next question.
    """

    async def answer(self, question: str, secret: Secret | None = None) -> str:
        """Ask; a `secret` is not shown while it is typed, and kept nowhere.

        Raises UnansweredError.
        """
        ...

    def close(self) -> None:
        """Ask no more."""
        ...


class Screen(Protocol):
    """Where lines appear and where one is typed."""

    @property
    def tells_pastes(self) -> bool:
        """Whether a line that comes was entered, and not pasted with its end."""
        ...

    def show(self, lines: Sequence[Line]) -> None:
        """Add lines to the scroll-back."""
        ...

    def amend(self, change: Change) -> None:
        """Change messages that were shown, as far as they can still be changed."""
        ...

    def give_back(self, text: str) -> None:
        """Put a text into the input, or where it can be fetched from if something is there."""
        ...

    def refresh(self) -> None:
        """Draw again what stands around the input: the state has changed."""
        ...

    def questions(self, unasked: bool = False) -> Questions:
        """Take the input line for questions, at once and until they are closed.

        `unasked` ones come from no command of the person: they wait until the line is empty.
        """
        ...

    def close(self) -> None:
        """End."""
        ...


class Keeper(Protocol):
    """What keeps the outbox on disk."""

    def open(self, name: str) -> Found:
        """Begin to keep it under a name; give what dead processes of that name left."""
        ...

    def changed(self) -> None:
        """Write soon what is new."""
        ...

    def write(self) -> None:
        """Write what is new before this returns."""
        ...


class IgnoredNames(Protocol):
    """What keeps the names of those who are ignored."""

    def read(self) -> list[str]:
        """Give the names that are kept."""
        ...

    def write(self, names: Iterable[str]) -> None:
        """Keep these names. Raises OSError."""
        ...


class Connection(Protocol):
    """What the client asks of the session. The lists and accounts raise ChatError."""

    def wake(self) -> None:
        """Send what is new in the outbox."""
        ...

    def read_again(self) -> None:
        """Open the stream again."""
        ...

    def use_name(self, name: str) -> None:
        """Sign in with this name."""
        ...

    def go_on(self) -> None:
        """Connect now."""
        ...

    async def register(self, password: str, invite_code: str, owner_code: str) -> Account:
        """Make an account of the guest."""
        ...

    def accounts(self) -> AccountCalls:
        """Give the calls about the own account."""
        ...

    def rooms(self) -> RoomCalls:
        """Give the calls about rooms."""
        ...

    def moderation(self) -> ModerationCalls:
        """Give the calls that keep order."""
        ...

    def forget(self) -> None:
        """Sign out at the end, also from an account."""
        ...

    async def list_users(self, room: Target | None) -> list[User]:
        """List users."""
        ...

    async def list_rooms(self) -> list[RoomInfo]:
        """List rooms."""
        ...

    async def newest_events(self, room: Target, count: int) -> list[RoomEvent]:
        """List the newest events, oldest first."""
        ...
