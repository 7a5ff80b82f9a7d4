"""Ties typed lines and items to state, connection and screen. Knows none of them closely.

The connection calls `receive` with every item, the screen calls `enter_line` with what was
typed. Both happen on the event loop, one after the other.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from chat_cli import orders, own_posts
from chat_cli.call import Call
from chat_cli.command_table import ELSEWHERE
from chat_cli.commands import (
    Doubt,
    Invocation,
    Mistake,
    Nothing,
    Say,
    Typed,
    parse,
)
from chat_cli.completion import Choices, choices
from chat_cli.dispatch import AskPerson, AskServer, dispatch, put_off
from chat_cli.effects import (
    Effect,
    GiveBack,
    Hide,
    KeepIgnored,
    LookBack,
    Quit,
    ReadAgain,
    Strike,
)
from chat_cli.entries import Note, warning
from chat_cli.errands import Errands
from chat_cli.intake import apply
from chat_cli.items import Item, Welcome
from chat_cli.lookups import find_removal
from chat_cli.model import ResumePoint, key
from chat_cli.outbox import Outbox
from chat_cli.ports import Connection, IgnoredNames, Keeper, Screen
from chat_cli.render import Line, Renderer
from chat_cli.scrollback import Change
from chat_cli.state import ChatState, Link
from chat_text.sanitize import sanitize

# Candidates that one Tab lists.
_OFFERED = 60
# Where an empty line means: go on.
_WAITING = (Link.OFFLINE, Link.SIGNED_OUT, Link.REPLACED, Link.KICKED)


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
        self._ignored: IgnoredNames | None = None
        self._errands = Errands(self._follow)
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
        now = self._clock()
        self.state.clock_offset_ms = self._now_ms() - round(now * 1000)
        effects = apply(self.state, item, now)
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

    def ignore_as_in(self, ignored: IgnoredNames) -> None:
        """Ignore who is ignored there, and keep there who is ignored later."""
        self._ignored = ignored
        self.state.ignored = {key(name): name for name in ignored.read()}

    # ---------------------------------------------------------------- for the screen

    def enter_line(self, line: str) -> None:
        """Do what was typed; when this returns, a message survives the end of the process."""
        self._do(line)
        if self._keeper:
            # A drawing that is due already would come before a write that is scheduled here.
            self._keeper.write()

    def choices(self, before: str) -> Choices:
        """Tell what the word before the cursor may become."""
        rooms = self.state.room_names()
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
        return bool(waiting or self._errands.busy)

    async def wait_until(self, predicate: Callable[[], bool]) -> None:
        """Wait until something that was told or typed has made `predicate` true."""
        if not predicate():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append((predicate, future))
            await future

    # -------------------------------------------------------------------- commands

    def _do(self, line: str) -> None:
        doubted, self._doubt = self._doubt, ""
        # Whoever types has seen what stands above.
        self.state.outbox.seen()
        if self.state.link is Link.NAMELESS and not line.startswith("/"):
            self._use_name(line.strip())
            return
        typed = parse(line)
        if _means_this_room(typed) and (doubt := orders.confirm_here(self.state, line, doubted)):
            self._doubt = line
            self._follow(doubt)
            return
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

    def _run(self, typed: Invocation) -> list[Effect]:
        meaning = dispatch(self.state, typed, self._screen.tells_pastes)
        if isinstance(meaning, list):
            return meaning
        if self._connection is None:
            return put_off(typed)
        call = Call.typed(self.state, self._connection, typed, self._now_ms())
        match meaning:
            case AskServer(act):
                self._errands.start(act(call), typed)
            case AskPerson(story):
                self._errands.ask(story, call, self._screen.questions(), typed)
        return []

    # ---------------------------------------------------------------------- effects

    def _follow(self, effects: Iterable[Effect]) -> None:
        """Show what there is to show and do what there is to do."""
        lines: list[Line] = []
        given_back: list[str] = []
        leaving = False
        for effect in effects:
            match effect:
                case GiveBack(text):
                    given_back.append(text)
                case ReadAgain():
                    if self._connection:
                        self._connection.read_again()
                case Strike() | Hide():
                    self._screen.amend(self._changes(effect))
                case KeepIgnored():
                    self._keep_ignored()
                case LookBack():
                    if self._connection:
                        self._errands.start(find_removal(self.state, self._connection, effect))
                case Quit():
                    leaving = True
                case _:
                    lines += self._renderer.lines(effect, self._now_ms())
        if lines:
            self._screen.show(lines)
        if leaving:
            self._screen.close()
        for text in given_back:
            self._screen.give_back(text)
        self._save()
        if self._connection:
            self._connection.wake()
        self._screen.refresh()
        self._check_watchers()

    def _changes(self, effect: Strike | Hide) -> Change:
        """Tell what becomes of a message that is shown."""
        match effect:
            case Strike(room_id, seq):
                struck = self._renderer.struck
                return lambda entry: struck(entry) if entry.where == (room_id, seq) else None
            case Hide(name):
                return lambda entry: [] if key(entry.author) == key(name) else None

    def _keep_ignored(self) -> None:
        if self._ignored:
            try:
                self._ignored.write(self.state.ignored.values())
            except OSError as error:
                self._follow([warning(f"Who is ignored cannot be kept: {error.strerror}")])

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

    def _use_name(self, name: str) -> None:
        if not name:
            return
        self._name = name
        self.state.link = Link.CONNECTING
        self._keep_as(name)
        if self._connection:
            self._connection.use_name(name)
        self._screen.refresh()


def _means_this_room(typed: Typed) -> bool:
    """Tell whether what was typed would be something else in another room."""
    match typed:
        case Invocation(command):
            return command.name not in ELSEWHERE
        case Say() | Doubt():
            return True
    return False


def _typable(names: Iterable[str]) -> list[str]:
    """Leave out what could do harm in the input line; a proper server sends no such names."""
    return [name for name in names if sanitize(name) == name]
