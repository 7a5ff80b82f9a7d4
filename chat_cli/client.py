"""Ties typed lines and items to state, connection and screen. Knows none of them closely.

The connection calls `receive` with every item, the screen calls `enter_line` with what was
typed. Both happen on the event loop, one after the other.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence

from chat_cli import orders, own_posts
from chat_cli.commands import (
    HINT,
    Doubt,
    Invocation,
    Mistake,
    Nothing,
    Say,
    find,
    help_rows,
    parse,
    split_names,
    split_names_and_text,
    usage_of,
)
from chat_cli.completion import Choices, choices
from chat_cli.effects import Effect, GiveBack, ReadAgain
from chat_cli.entries import Listing, Note, plain, warning
from chat_cli.errors import ChatError
from chat_cli.intake import apply
from chat_cli.items import Item, Welcome
from chat_cli.lookups import list_history, list_rooms, list_users
from chat_cli.model import (
    ByName,
    Direct,
    ResumePoint,
)
from chat_cli.outbox import Outbox
from chat_cli.ports import Connection, Keeper, Screen
from chat_cli.render import Line, Renderer
from chat_cli.state import ChatState, Link
from chat_text.sanitize import sanitize

_HISTORY = 50
_MOST_HISTORY = 10_000
# Candidates that one Tab lists.
_OFFERED = 60
# Where an empty line means: go on.
_WAITING = (Link.OFFLINE, Link.REPLACED, Link.KICKED)


class Client:
    """One person's client. `clock` gives seconds of the outbox, `now_ms` the time of day."""

    def __init__(
        self,
        state: ChatState,
        screen: Screen,
        renderer: Renderer,
        clock: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self.state = state
        self._screen = screen
        self._renderer = renderer
        self._clock = clock
        self._now_ms = now_ms
        self._connection: Connection | None = None
        self._keeper: Keeper | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._doubt = ""
        self._name = ""

    # ------------------------------------------------------------ for the connection

    @property
    def outbox(self) -> Outbox:
        """What is to be sent."""
        return self.state.outbox

    def resume_point(self) -> ResumePoint:
        """Tell where reading goes on."""
        return self.state.resume_point()

    def receive(self, item: Item) -> None:
        """Take in what was told."""
        effects = apply(self.state, item, self._clock())
        if isinstance(item, Welcome):
            effects += own_posts.age(self.state, self._now_ms())
        self._follow(effects)

    def connect(self, connection: Connection) -> None:
        """Use this connection from now on."""
        self._connection = connection
        if self._name:
            connection.use_name(self._name)

    def wake(self) -> None:
        """Send what may leave now."""
        if self._connection:
            self._connection.wake()

    def keep_with(self, keeper: Keeper, name: str) -> None:
        """Keep what is written on disk from now on, as soon as there is a name."""
        self._keeper = keeper
        if name or self._name:
            self._keep_as(name or self._name)

    # ---------------------------------------------------------------- for the screen

    def enter_line(self, line: str) -> None:
        """Do what was typed."""
        doubted, self._doubt = self._doubt, ""
        # Whoever types has seen what stands above.
        self.state.outbox.seen()
        self._save()
        if self.state.link is Link.NAMELESS and not line.startswith("/"):
            self._use_name(line.strip())
            return
        typed = parse(line)
        match typed:
            case Say(text):
                self._follow(orders.say(self.state, text))
            case Invocation():
                self._follow(self._run(typed))
            case Mistake(hint):
                self._follow([warning(hint), GiveBack(line)])
            case Doubt(text) if text == doubted:
                self._follow(orders.say(self.state, text))
            case Doubt(text):
                self._doubt = text
                note = "That begins like a command: Enter again sends it as text."
                self._follow([warning(note), GiveBack(text)])
            case Nothing():
                if self._connection and self.state.link in _WAITING:
                    self._connection.go_on()

    def choices(self, before: str) -> Choices:
        """Tell what the word before the cursor may become."""
        rooms = self.state.public_names()
        known = self.state.known_names()
        return choices(before, _typable(known), _typable(rooms))

    def offer(self, words: Sequence[str]) -> None:
        """Show the candidates of Tab."""
        more = f" … {len(words) - _OFFERED} more" if len(words) > _OFFERED else ""
        self._follow([Note("  ".join(words[:_OFFERED]) + more)])

    def hint(self, text: str) -> None:
        """Say something about the screen itself."""
        self._follow([Note(text)])

    def trouble(self, text: str) -> None:
        """Say that something went wrong."""
        self._follow([warning(text)])

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come to what was typed."""
        state = self.state
        waiting = state.outbox.posts or state.outbox.orders or state.echoes or state.heading
        return bool(waiting or self._tasks)

    async def wait_until(self, predicate: Callable[[], bool]) -> None:
        """Wait until something that was told or typed has made `predicate` true."""
        if not predicate():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append((predicate, future))
            await future

    # -------------------------------------------------------------------- commands

    def _run(self, typed: Invocation) -> list[Effect]:
        state, argument = self.state, typed.argument
        match typed.command.name:
            case "help":
                return _help(argument)
            case "join":
                return orders.enter(state, ByName(argument.removeprefix("#")))
            case "leave":
                target = ByName(argument.removeprefix("#")) if argument else None
                return orders.leave(state, target)
            case "topic" if not argument:
                return orders.show_topic(state)
            case "topic":
                return orders.set_topic(state, "" if argument == "-" else argument)
            case "dm":
                names = split_names(argument)
                return orders.enter(state, Direct(names)) if names else [_usage(typed)]
            case "msg":
                names, text = split_names_and_text(argument)
                if not names or not text:
                    return [_usage(typed), GiveBack(f"/msg {argument}")]
                return orders.say(state, text, target=Direct(names))
            case "me":
                return orders.say(state, argument, action=True)
            case "users":
                everybody = argument.lower() == "all"
                return self._start(lambda link: list_users(state, link, everybody))
            case "rooms":
                return self._start(lambda link: list_rooms(state, link))
            case "history":
                return self._history(argument)
            case _:
                self._screen.close()
                return []

    def _history(self, argument: str) -> list[Effect]:
        if argument and not (argument.isdecimal() and 0 < int(argument) <= _MOST_HISTORY):
            return [warning(f"/history takes a number from 1 to {_MOST_HISTORY}")]
        state, room = self.state, self.state.room
        if room is None:
            return [warning("You are in no room.")]
        count = int(argument or _HISTORY)
        return self._start(lambda link: list_history(state, link, room.room_id, count))

    # ---------------------------------------------------------------------- effects

    def _follow(self, effects: Iterable[Effect]) -> None:
        """Show what there is to show and do what there is to do."""
        lines: list[Line] = []
        given_back: list[str] = []
        for effect in effects:
            match effect:
                case GiveBack(text):
                    given_back.append(text)
                case ReadAgain():
                    if self._connection:
                        self._connection.read_again()
                case _:
                    lines += self._renderer.lines(effect, self._now_ms())
        if lines:
            self._screen.show(lines)
        for text in given_back:
            self._screen.give_back(text)
        self._save()
        if self._connection:
            self._connection.wake()
        self._screen.refresh()
        self._check_watchers()

    def _save(self) -> None:
        if self._keeper:
            self._keeper.changed()

    def _keep_as(self, name: str) -> None:
        """Keep the outbox under a name, with what dead windows of that name left."""
        if self._keeper:
            found = self._keeper.open(name)
            self._follow(own_posts.adopt(self.state, found, self._now_ms()))

    def _check_watchers(self) -> None:
        waiting = self._watchers
        self._watchers = []
        for predicate, future in waiting:
            if not predicate():
                self._watchers.append((predicate, future))
            elif not future.done():
                future.set_result(None)

    def _start(
        self, look_up: Callable[[Connection], Coroutine[None, None, list[Effect]]]
    ) -> list[Effect]:
        """Ask the server beside everything else, and show the answer when it comes."""
        if self._connection is None:
            return [warning("not connected")]
        lookup = look_up(self._connection)

        async def show() -> None:
            try:
                effects = await lookup
            except ChatError as error:
                effects = [warning(str(error))]
            self._tasks.discard(task)
            self._follow(effects)

        task = asyncio.create_task(show())
        self._tasks.add(task)
        return []

    def _use_name(self, name: str) -> None:
        if not name:
            return
        self._name = name
        self.state.link = Link.CONNECTING
        self._keep_as(name)
        if self._connection:
            self._connection.use_name(name)
        self._screen.refresh()


def _help(argument: str) -> list[Effect]:
    if not argument:
        return [Listing("commands", help_rows()), Note(HINT)]
    command = find(argument)
    if command is None:
        return [warning(f"There is no /{argument.removeprefix('/')}.")]
    return [plain(f"{usage_of(command)}: {command.summary}")]


def _usage(typed: Invocation) -> Note:
    return warning(f"{usage_of(typed.command)}: {typed.command.summary}")


def _typable(names: Iterable[str]) -> list[str]:
    """Leave out what could do harm in the input line; a proper server sends no such names."""
    return [name for name in names if sanitize(name) == name]
